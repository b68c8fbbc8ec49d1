//===- ProgramTest.cpp - Broken data-flow tables --------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Samples.h"
#include "spillway/Verify/Verify.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <functional>

using namespace spillway;
using namespace spillway::test;

namespace {

struct Fault {
  const char *name;
  std::function<void(Sample &)> inject;
  const char *code;
};
void PrintTo(const Fault &fault, std::ostream *os) { *os << fault.name; }

class ProgramFaults : public testing::TestWithParam<Fault> {};

TEST_P(ProgramFaults, IsRejectedWithItsCode) {
  Sample sample = residentStep();
  GetParam().inject(sample);
  auto error = verify::verifyPlan(sample.file());
  ASSERT_TRUE(error);
  EXPECT_STREQ(verify::codeName(error->code), GetParam().code)
      << error->message;
}

plan::ViewT &in(Sample &s, uint32_t op, uint32_t i) {
  return *s.opAt(op).inputs[i];
}
plan::ViewT &out(Sample &s, uint32_t op, uint32_t i) {
  return *s.opAt(op).outputs[i];
}
constexpr int64_t big = int64_t(1) << 62;

#define FAULT(name, code, ...)                                                 \
  Fault {                                                                      \
    #name, [](Sample &s) { __VA_ARGS__; }, #code                               \
  }

const Fault faults[] = {
    FAULT(ValueTooLarge, Overflow, s.program.values[0]->bytes = ~0ull),
    FAULT(TensorsOfOneName, DuplicateName, s.tensorAt(s.lr).name = "x"),
    FAULT(TensorWithoutName, MissingField, s.tensorAt(s.lr).name = ""),
    FAULT(TensorOfAHugeName, LimitExceeded,
          s.tensorAt(s.lr).name = std::string(5000, 'x')),
    FAULT(NoSuchRole, UnknownEnumValue, s.tensorAt(s.lr).role = plan::Role(99)),
    FAULT(NoSuchTensorType, UnknownEnumValue,
          s.tensorAt(s.lr).dtype = plan::DType(99)),
    FAULT(NoSuchValueIn, IndexOutOfRange, s.tensorAt(s.lr).value_in = 99),
    FAULT(NoSuchValueOut, IndexOutOfRange, s.tensorAt(s.w).value_out = 99),
    FAULT(NegativeTensorSize, BadShape, s.tensorAt(s.lr).sizes = {-1}),
    FAULT(HugeTensorSize, BadShape, s.tensorAt(s.lr).sizes = {big, big}),
    FAULT(TensorOfManyDimensions, BadShape,
          s.tensorAt(s.lr).sizes.assign(17, 1)),
    FAULT(TensorLargerThanValue, TensorSizeMismatch,
          s.tensorAt(s.lr).sizes = {2}),
    FAULT(UpdateOfAnotherSize, TensorSizeMismatch,
          s.tensorAt(s.w).value_out = s.loss),
    FAULT(InlineDataOfAnotherSize, TensorSizeMismatch,
          s.tensorAt(s.lr).data = {1, 2, 3}),
    FAULT(FileRangeWraps, Overflow, s.tensorAt(s.w).file_offset = ~0ull;
          s.tensorAt(s.w).file_bytes = 256),
    FAULT(InputIsUpdated, BadTensor, s.tensorAt(s.x).value_out = s.w1),
    FAULT(TwoTensorsOfOneValue, BadTensor,
          s.tensorAt(s.x).value_in = s.valueOf(s.w);
          s.tensorAt(s.x).value_out = s.valueOf(s.w)),
    FAULT(OpsOfOneId, DuplicateName, s.opAt(3).id = 2),
    FAULT(OpWithoutKernel, MissingField, s.opAt(3).kernel = ""),
    FAULT(HugeWorkspace, Overflow, s.opAt(3).workspace_bytes = ~0ull),
    FAULT(NoSuchValueOfView, IndexOutOfRange, in(s, 1, 0).value = 99),
    FAULT(NoSuchViewType, UnknownEnumValue,
          in(s, 1, 0).dtype = plan::DType(99)),
    FAULT(NegativeSize, BadShape, in(s, 1, 0).sizes = {-8, 8}),
    FAULT(NegativeStride, BadShape, in(s, 1, 0).strides = {8, -1}),
    FAULT(MissingStride, BadShape, in(s, 1, 0).strides = {8}),
    FAULT(TooManyDimensions, LimitExceeded, in(s, 1, 0).sizes.assign(17, 1);
          in(s, 1, 0).strides.assign(17, 1)),
    FAULT(ViewBeyondValue, ViewOutOfValue, in(s, 1, 0).sizes = {9, 8}),
    FAULT(ViewAtTheEndOfValue, ViewOutOfValue, in(s, 1, 0).offset = 4),
    FAULT(ViewBehindValue, ViewOutOfValue, in(s, 1, 0).offset = 4096;
          in(s, 1, 0).sizes = {0, 8}),
    FAULT(ViewFarBeyondValue, ViewOutOfValue, in(s, 1, 0).strides = {big, big}),
    FAULT(ViewWraps, ViewOutOfValue, in(s, 1, 0).sizes = {5, 8};
          in(s, 1, 0).strides = {big, 1}),
    FAULT(CrookedView, Misaligned, in(s, 1, 0).offset = 2),
    FAULT(BroadcastOutput, OutputOverlapsItself, out(s, 1, 0).strides = {0, 1}),
    FAULT(OutputWindows, OutputOverlapsItself, out(s, 1, 0).strides = {4, 1}),
    FAULT(OutputWeaves, OutputOverlapsItself, out(s, 1, 0).sizes = {2, 2, 3};
          out(s, 1, 0).strides = {5, 7, 2}),
    FAULT(InPlaceOfNoInput, IndexOutOfRange, s.inPlace(1, 1, 0)),
    FAULT(InPlaceOfNoOutput, IndexOutOfRange, s.inPlace(1, 0, 1)),
    FAULT(InPlaceOfOtherOrder, BadInPlace, s.inPlace(1, 0, 0);
          in(s, 1, 0).strides = {1, 8}),
    FAULT(InPlaceOfOtherSize, BadInPlace, s.inPlace(2, 0, 0)),
    FAULT(InPlaceOfOtherType, BadInPlace, s.inPlace(1, 0, 0);
          in(s, 1, 0).dtype = plan::DType::F16),
    FAULT(InPlaceWithoutEnd, LimitExceeded,
          s.opAt(1).in_place.assign(100, plan::InPlace(0, 0))),
    FAULT(NoSuchAttributeKind, UnknownEnumValue, s.attr(1, "a", int64_t(1));
          s.opAt(1).attrs[0]->kind = plan::AttrKind(99)),
    FAULT(OutputsOfOneName, DuplicateName, s.output("loss", s.loss)),
    FAULT(NoSuchOutputValue, IndexOutOfRange, s.program.outputs[0]->value = 99),
    FAULT(NoSuchOutputType, UnknownEnumValue,
          s.program.outputs[0]->dtype = plan::DType(99)),
    FAULT(OutputOfOtherSize, TensorSizeMismatch,
          s.program.outputs[0]->sizes = {2}),
    FAULT(NobodyProduces, NotProduced, s.value(4, "orphan")),
    FAULT(ProducedInPart, NotProduced, out(s, 1, 0).sizes = {7, 8}),
    FAULT(ProducedWithGap, NotProduced, out(s, 1, 0).sizes = {8, 4}),
    FAULT(ProducedTwice, ProducedTwice, out(s, 3, 0).value = s.y),
    FAULT(ProducedTwiceInPart, ProducedTwice,
          s.op("fill", {}, {s.view(s.y, {4})})),
    FAULT(ParameterIsProduced, ProducedTwice,
          s.op("fill", {}, {s.all(s.valueOf(s.w))})),
    FAULT(UsedBeforeProduced, UsedBeforeProduced, in(s, 1, 0).value = s.dw),
    FAULT(ReadsItsOwnResult, UsedBeforeProduced, in(s, 1, 0).value = s.y),
};

std::string nameOf(const testing::TestParamInfo<Fault> &info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Table, ProgramFaults, testing::ValuesIn(faults),
                         nameOf);

std::string verdict(Sample sample) {
  auto error = verify::verifyPlan(sample.file());
  return error ? verify::codeName(error->code) : "accepted";
}

// An op that reads the new parameter must not find the old one.
TEST(Program, ReadsOfTheUpdatedParameter) {
  auto withNorm = [](bool early) {
    Sample s = residentStep();
    uint32_t norm = s.value(4, "norm");
    s.op("reduce", {s.all(s.w1)}, {s.scalar(norm)});
    s.launch(7, {s.dev(256), s.dev(2048)});
    if (early) {
      std::rotate(s.plan.body.begin() + 8, s.plan.body.begin() + 10,
                  s.plan.body.end());
      s.instructionAt(1).wait = {9};
    }
    return s;
  };
  EXPECT_EQ(verdict(withNorm(false)), "accepted");
  EXPECT_EQ(verdict(withNorm(true)), "ReadsStale");
}

TEST(Program, AnInputThatNobodyReadsNeedsNoFeed) {
  Sample s = residentStep();
  s.tensor("unused", plan::Role::INPUT, plan::DType::F32, {8});
  EXPECT_EQ(verdict(std::move(s)), "accepted");
}

TEST(Program, ValuesWithoutBytesAreFine) {
  Sample s = residentStep();
  uint32_t empty = s.value(0, "empty");
  s.op("fill", {}, {s.view(empty, {0, 8})});
  s.launch(7, {s.dev(0)});
  EXPECT_EQ(verdict(std::move(s)), "accepted");
}

// An op of two 512-byte values: `offset` bytes apart, in place or not.
std::string verdictInPlace(uint64_t offset, bool isAllowed) {
  PlanBuilder b(512 + offset, 0);
  uint32_t x = b.tensor("x", plan::Role::PARAM, plan::DType::F32, {128});
  uint32_t y = b.value(512, "y");
  b.tensorAt(x).value_out = y;
  b.op("unary", {b.view(b.valueOf(x), {128})}, {b.view(y, {128})});
  if (isAllowed)
    b.opAt(0).in_place.emplace_back(0, 0);
  b.bind(x, b.at(0, 0));
  b.launch(0, {b.at(0, 0), b.at(0, offset)});
  auto error = verify::verifyPlan(b.file());
  return error ? verify::codeName(error->code) : "accepted";
}

TEST(Program, InPlaceIsExactOrNotAtAll) {
  EXPECT_EQ(verdictInPlace(0, true), "accepted");
  EXPECT_EQ(verdictInPlace(0, false), "OverlappingOperands");
  EXPECT_EQ(verdictInPlace(256, true), "OverlappingOperands");
  // Apart, but then the parameter is not where it is bound.
  EXPECT_EQ(verdictInPlace(512, true), "BindingNotRestored");
}

// x * x in place of x: the second operand is in the way unless it may go, too.
TEST(Program, InPlaceOfAnOperandThatIsThereTwice) {
  auto build = [](bool both) {
    PlanBuilder b(512, 0);
    uint32_t x = b.tensor("x", plan::Role::PARAM, plan::DType::F32, {128});
    uint32_t y = b.value(512, "y");
    b.tensorAt(x).value_out = y;
    plan::ViewT view = b.view(b.valueOf(x), {128});
    b.op("binary", {view, view}, {b.view(y, {128})});
    b.opAt(0).in_place.emplace_back(0, 0);
    if (both)
      b.opAt(0).in_place.emplace_back(1, 0);
    b.bind(x, b.at(0, 0));
    b.launch(0, {b.at(0, 0), b.at(0, 0), b.at(0, 0)});
    auto error = verify::verifyPlan(b.file());
    return std::string(error ? verify::codeName(error->code) : "accepted");
  };
  EXPECT_EQ(build(true), "accepted");
  EXPECT_EQ(build(false), "OverlappingOperands");
}

} // namespace
