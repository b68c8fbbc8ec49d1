//===- FaultsTest.cpp - One broken thing a plan ---------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Valid plans with one fault each: the schedule's. The program's are in
// ProgramTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "Samples.h"
#include "spillway/Plan/Seal.h"
#include "spillway/Verify/Verify.h"
#include "gtest/gtest.h"

#include <functional>

using namespace spillway;
using namespace spillway::test;

namespace {

plan::LaunchT &launchAt(Sample &s, uint32_t i) {
  return *s.instructionAt(i).action.AsLaunch();
}
plan::CopyT &copyAt(Sample &s, uint32_t i) {
  return *s.instructionAt(i).action.AsCopy();
}
void moveOperand(Sample &s, uint32_t i, uint32_t operand, uint64_t offset,
                 uint8_t tier = 0) {
  launchAt(s, i).operands[operand] = plan::Location(tier, offset);
}
void dropWaits(Sample &s, uint32_t i) { s.instructionAt(i).wait.clear(); }

// Takes an instruction out; those that waited for it wait for it no more.
void eraseInstruction(Sample &s, uint32_t index) {
  s.plan.body.erase(s.plan.body.begin() + index);
  for (auto &instruction : s.plan.body) {
    std::erase(instruction->wait, index);
    for (uint32_t &wait : instruction->wait)
      wait -= wait > index;
  }
}

struct Fault {
  const char *name;
  Sample (*sample)();
  std::function<void(Sample &)> inject;
  const char *code;
};
void PrintTo(const Fault &fault, std::ostream *os) { *os << fault.name; }

class Faults : public testing::TestWithParam<Fault> {};

TEST_P(Faults, IsRejectedWithItsCode) {
  Sample sample = GetParam().sample();
  GetParam().inject(sample);
  auto error = verify::verifyPlan(sample.file());
  ASSERT_TRUE(error);
  EXPECT_STREQ(verify::codeName(error->code), GetParam().code)
      << error->message;
}

// So the faults below that drop one are faults, and so is any other.
TEST(Faults, EveryWaitOfEverySampleIsNeeded) {
  for (auto sample : {residentStep, swapStep, recomputeStep, slicedStep,
                      streamedStep, assembledStep})
    for (uint32_t i = 0; i < sample().plan.body.size(); ++i)
      for (size_t k = 0; k < sample().instructionAt(i).wait.size(); ++k) {
        Sample broken = sample();
        auto &wait = broken.instructionAt(i).wait;
        wait.erase(wait.begin() + k);
        EXPECT_TRUE(verify::verifyPlan(broken.file()))
            << "instruction " << i << ", wait " << k;
      }
}

#define FAULT(name, sample, code, ...)                                         \
  Fault {                                                                      \
    #name, sample, [](Sample &s) { __VA_ARGS__; }, #code                       \
  }

const Fault orderFaults[] = {
    FAULT(ReaderDoesNotWaitForFeed, residentStep, ReadNotAfterWrite,
          dropWaits(s, 2)),
    FAULT(FetchDoesNotWaitForLoss, residentStep, ReadNotAfterWrite,
          dropWaits(s, 9)),
    FAULT(StoreDoesNotWaitForProducer, swapStep, ReadNotAfterWrite,
          s.instructionAt(3).wait = {7}),
    FAULT(LoadDoesNotWaitForStore, swapStep, ReadNotAfterWrite,
          s.instructionAt(7).wait = {5}),
    FAULT(ReaderDoesNotWaitForLoad, swapStep, ReadNotAfterWrite,
          dropWaits(s, 8)),
    FAULT(OverwriteDoesNotWaitForStore, swapStep, WriteNotAfterRead,
          dropWaits(s, 6)),
    FAULT(LoadDoesNotWaitForLastReaderOfItsPlace, swapStep, WriteNotAfterRead,
          s.instructionAt(7).wait = {3}),
    FAULT(RecomputeDoesNotWaitForFetchOfItsPlace, recomputeStep,
          WriteNotAfterRead, dropWaits(s, 7)),
    FAULT(WorkspaceOverFedBytes, residentStep, WriteNotAfterWrite,
          launchAt(s, 7).workspace->mutate_offset(1536)),
    FAULT(LossDoesNotWaitForLastStepsFetch, residentStep, RaceAcrossSteps,
          dropWaits(s, 4)),
    FAULT(LoadDoesNotWaitForLastStepsStore, streamedStep, RaceAcrossSteps,
          dropWaits(s, 8)),
    FAULT(UpdateDoesNotWaitForLastStepsPrefetch, streamedStep, RaceAcrossSteps,
          s.instructionAt(9).wait = {1}),
    // An index below the instruction's own means this step, which is too late.
    FAULT(FeedTooEarly, residentStep, FeedTooEarly, dropWaits(s, 0)),
    FAULT(HyperFedTooEarly, residentStep, FeedTooEarly, dropWaits(s, 1)),
    FAULT(FeedWaitsForTooLittle, residentStep, FeedTooEarly,
          s.instructionAt(0).wait = {6}),
};

const Fault contentFaults[] = {
    FAULT(SwappedOrder, residentStep, ReadsNothing,
          std::swap(s.plan.body[3], s.plan.body[4])),
    FAULT(ShiftedInput, residentStep, ReadsOtherValue,
          moveOperand(s, 6, 1, 768)),
    FAULT(ShiftedOutput, residentStep, ReadsNothing,
          moveOperand(s, 3, 1, 1024)),
    FAULT(OutputOverParameterLate, residentStep, ReadsOtherValue,
          moveOperand(s, 7, 2, 256)),
    FAULT(WrongOperandOrder, residentStep, ReadsOtherValue,
          std::swap(launchAt(s, 2).operands[0], launchAt(s, 2).operands[1])),
    FAULT(InputUsedAgainAfterOverwrittenInPlace, residentStep, ReadsOtherValue,
          s.launch(4, {s.dev(1024), s.dev(512), s.dev(768)}, {}, s.compute, {},
                   true)),
    FAULT(MissingLoad, swapStep, ReadsOtherValue, eraseInstruction(s, 7)),
    FAULT(MissingStore, swapStep, CopiesNothing, eraseInstruction(s, 3)),
    FAULT(StoreOfNothing, swapStep, CopiesNothing,
          copyAt(s, 3).source->mutate_offset(1792)),
    FAULT(CopyTooShort, swapStep, ReadsNothing, copyAt(s, 3).bytes = 128),
    FAULT(LoadTooShort, swapStep, ReadsOtherValue, copyAt(s, 7).bytes = 128),
    FAULT(CopyFromShiftedSource, swapStep, ReadsOtherValue,
          copyAt(s, 3).source->mutate_offset(256)),
    FAULT(CopyFromElsewhereInValue, swapStep, ReadsOtherOffset,
          copyAt(s, 3).source->mutate_offset(516);
          copyAt(s, 3).bytes = 252),
    FAULT(LoadOfOtherSlice, streamedStep, ReadsOtherOffset,
          copyAt(s, 8).source->mutate_offset(0);
          s.instructionAt(10).wait = {8, 9}),
    FAULT(RecomputeReadsUpdatedWeight, recomputeStep, ReadsUpdated,
          s.launch(0, {s.dev(0), s.dev(256), s.dev(1024)}, {}, s.compute, {},
                   true)),
    FAULT(StaleStateAtTheEnd, streamedStep, BindingNotRestored,
          copyAt(s, 12).destination->mutate_offset(0);
          s.instructionAt(13).wait = {10, 12}),
    FAULT(UpdateElsewhere, residentStep, BindingNotRestored,
          moveOperand(s, 8, 3, 768)),
    FAULT(BoundElsewhere, residentStep, ReadsNothing,
          s.plan.bindings[0]->location->mutate_offset(768)),
    FAULT(FeedElsewhere, residentStep, ReadsNothing,
          s.instructionAt(0).action.AsFeed()->destination->mutate_offset(512)),
    FAULT(FetchElsewhere, residentStep, ReadsOtherValue,
          s.instructionAt(9).action.AsFetch()->source->mutate_offset(768)),
    FAULT(FeedOfOtherTensor, residentStep, ReadsOtherValue,
          s.instructionAt(0).action.AsFeed()->tensor = s.lr;
          s.instructionAt(1).action.AsFeed()->tensor = s.x;
          s.instructionAt(1).wait = {7, 8}),
    FAULT(HalfOfAnAssembledValue, assembledStep, ReadsNothing,
          moveOperand(s, 3, 1, 1296)),
};

const Fault structureFaults[] = {
    FAULT(ShrunkCapacity, residentStep, ArenaOverCapacity,
          s.plan.tiers[0]->capacity_bytes -= 1),
    FAULT(ShrunkArena, residentStep, AddressOutOfArena,
          s.plan.tiers[0]->arena_bytes = s.plan.tiers[0]->capacity_bytes -=
          256),
    FAULT(ArenaLargerThanUsed, residentStep, ArenaNotExact,
          s.plan.tiers[0]->arena_bytes = s.plan.tiers[0]->capacity_bytes =
              8192),
    FAULT(ArenaBeyondCounting, residentStep, Overflow,
          s.plan.tiers[0]->arena_bytes = s.plan.tiers[0]->capacity_bytes =
              ~0ull),
    FAULT(NoTiers, residentStep, MissingField, s.plan.tiers.clear()),
    FAULT(TiersOfOneName, residentStep, DuplicateName,
          s.plan.tiers[1]->name = "device"),
    FAULT(TierWithAnUnprintableName, residentStep, BadText,
          s.plan.tiers[1]->name = "ho\xb1t"),
    FAULT(StreamWithAControlCharacter, residentStep, BadText,
          s.plan.streams[1]->name = "h2d\n"),
    FAULT(LinkWithATruncatedCharacter, residentStep, BadText,
          s.plan.links[1]->name = "d2h\xc3"),
    FAULT(LinkWithASurrogate, residentStep, BadText,
          s.plan.links[1]->name = "d2h\xed\xa0\x80"),
    FAULT(LinkWithAnOverlongCharacter, residentStep, BadText,
          s.plan.links[1]->name = "d2h\xe0\x80\xaf"),
    FAULT(UnprintableReport, residentStep, BadText,
          s.plan.report->policy = "\xff"),
    FAULT(LinkOfNoRate, residentStep, BadLink,
          s.plan.links[0]->bytes_per_second = 0),
    FAULT(LinkOfEndlessLatency, residentStep, BadLink,
          s.plan.links[0]->latency_ns = ~0ull),
    FAULT(LinkToNowhere, residentStep, IndexOutOfRange,
          s.plan.links[1]->destination = 2),
    FAULT(StreamOfNoLink, residentStep, IndexOutOfRange,
          s.plan.streams[1]->link = 2),
    FAULT(TooManyStreams, residentStep, LimitExceeded,
          for (int i = 0; i < 20; ++i)
              s.addStream("s" + std::to_string(i), -1)),
    FAULT(NoAction, residentStep, MissingField,
          s.instructionAt(3).action.Reset()),
    FAULT(NoSuchStream, residentStep, IndexOutOfRange,
          s.instructionAt(3).stream = 5),
    FAULT(NoSuchWait, residentStep, IndexOutOfRange,
          s.instructionAt(3).wait = {10}),
    FAULT(NoSuchOp, residentStep, IndexOutOfRange, launchAt(s, 3).op = 7),
    FAULT(NoSuchTensor, residentStep, IndexOutOfRange,
          s.instructionAt(0).action.AsFeed()->tensor = 3),
    FAULT(NoSuchOutput, residentStep, IndexOutOfRange,
          s.instructionAt(9).action.AsFetch()->output = 1),
    FAULT(NoSuchTier, swapStep, IndexOutOfRange,
          copyAt(s, 3).destination->mutate_tier(2)),
    FAULT(NoLocation, swapStep, MissingField, copyAt(s, 3).source = nullptr),
    FAULT(NoWorkspaceLocation, residentStep, MissingField,
          launchAt(s, 3).workspace = nullptr),
    FAULT(LaunchOnLink, residentStep, WrongStream,
          s.instructionAt(3).stream = s.h2d),
    FAULT(LaunchOnHost, residentStep, WrongStream,
          s.instructionAt(3).stream = s.host),
    FAULT(FeedOnLink, residentStep, WrongStream,
          s.instructionAt(0).stream = s.h2d),
    FAULT(CopyOnCompute, swapStep, WrongStream,
          s.instructionAt(3).stream = s.compute),
    FAULT(CopyOnOtherLink, swapStep, WrongTier,
          s.instructionAt(3).stream = s.h2d),
    FAULT(OperandOnHost, swapStep, WrongTier, moveOperand(s, 4, 0, 0, 1)),
    FAULT(WorkspaceOnHost, swapStep, WrongTier,
          launchAt(s, 9).workspace->mutate_tier(1)),
    FAULT(OperandOutOfArena, residentStep, AddressOutOfArena,
          moveOperand(s, 3, 0, 2560)),
    FAULT(OperandFarOutOfArena, residentStep, AddressOutOfArena,
          moveOperand(s, 3, 0, ~0ull << 8)),
    FAULT(WorkspaceOutOfArena, residentStep, AddressOutOfArena,
          launchAt(s, 7).workspace->mutate_offset(2304)),
    FAULT(CopyTooLong, swapStep, AddressOutOfArena, copyAt(s, 3).bytes = 512),
    FAULT(CopyOfAlmostEverything, swapStep, AddressOutOfArena,
          copyAt(s, 3).bytes = ~0ull),
    FAULT(CopyOfNoBytes, swapStep, CopiesNothing, copyAt(s, 3).bytes = 0),
    FAULT(CrookedOperand, residentStep, Misaligned, moveOperand(s, 3, 0, 516)),
    FAULT(CrookedWorkspace, residentStep, Misaligned,
          launchAt(s, 7).workspace->mutate_offset(2044)),
    FAULT(CrookedFeed, residentStep, Misaligned,
          s.instructionAt(1).action.AsFeed()->destination->mutate_offset(1796)),
    FAULT(CrookedFetch, residentStep, Misaligned,
          s.instructionAt(9).action.AsFetch()->source->mutate_offset(1540)),
    FAULT(CrookedBinding, residentStep, Misaligned,
          s.plan.bindings[0]->location->mutate_offset(260)),
    FAULT(MissingOperand, residentStep, OperandCountMismatch,
          launchAt(s, 3).operands.pop_back()),
    FAULT(ExtraOperand, residentStep, OperandCountMismatch,
          launchAt(s, 3).operands.push_back(s.dev(0))),
    FAULT(InPlaceWithoutPermission, residentStep, OverlappingOperands,
          moveOperand(s, 3, 1, 512)),
    FAULT(InPlaceOfOtherOperand, residentStep, OverlappingOperands,
          moveOperand(s, 6, 2, 512)),
    FAULT(WorkspaceOverOperand, residentStep, OverlappingOperands,
          launchAt(s, 7).workspace->mutate_offset(768)),
    FAULT(WorkspaceOverResult, residentStep, OverlappingOperands,
          launchAt(s, 7).workspace->mutate_offset(1280)),
    FAULT(ResultOverResult, slicedStep, OverlappingOperands,
          moveOperand(s, 8, 5, 2560)),
    FAULT(FeedOfParameter, residentStep, NotFed,
          s.instructionAt(0).action.AsFeed()->tensor = s.w),
    FAULT(FedTwice, residentStep, FedTwice, s.feed(s.x, s.dev(0))),
    FAULT(FetchedTwice, residentStep, FetchedTwice,
          s.fetch(s.lossOutput, s.dev(1536), {4})),
    FAULT(UpdateTwice, residentStep, LaunchedTwice,
          s.plan.body.push_back(
              std::make_unique<plan::InstructionT>(s.instructionAt(8)));
          launchAt(s, 10).recompute = true),
    FAULT(FirstLaunchRecomputes, residentStep, WrongRecomputeFlag,
          launchAt(s, 3).recompute = true),
    FAULT(RecomputeDoesNotSaySo, recomputeStep, WrongRecomputeFlag,
          launchAt(s, 7).recompute = false),
    FAULT(MissingUpdate, residentStep, MissingLaunch,
          *s.plan.body[8] = *s.plan.body[5];
          launchAt(s, 8).recompute = true),
    FAULT(MissingFeed, residentStep, MissingFeed,
          *s.plan.body[0] = *s.plan.body[5];
          launchAt(s, 5).recompute = true),
    FAULT(MissingFetch, residentStep, MissingFetch, s.plan.body.pop_back();
          dropWaits(s, 4)),
    FAULT(NoBody, residentStep, MissingLaunch, s.plan.body.clear()),
    FAULT(Unbound, residentStep, UnboundTensor, s.plan.bindings.clear()),
    FAULT(BoundInPart, residentStep, UnboundTensor,
          s.plan.bindings[0]->bytes = 252),
    FAULT(BoundWithGap, slicedStep, UnboundTensor, s.plan.bindings.clear();
          s.bind(s.m, s.dev(2816)); s.bind(s.w, 0, 128, s.dev(2304));
          s.bind(s.w, 256, 256, s.dev(2560))),
    FAULT(BindingBeyondTensor, residentStep, BadBinding,
          s.plan.bindings[0]->value_offset = 256),
    FAULT(BindingOfFedTensor, residentStep, BadBinding, s.bind(s.x, s.dev(0))),
    FAULT(BindingOfNothing, residentStep, IndexOutOfRange,
          s.plan.bindings[0]->tensor = 3),
    FAULT(BindingOutOfArena, residentStep, AddressOutOfArena,
          s.plan.bindings[0]->location->mutate_offset(2560)),
    FAULT(BindingsOverlap, slicedStep, OverlappingBindings,
          s.plan.bindings[1]->location->mutate_offset(2560)),
    FAULT(BufferOfNoValue, residentStep, BadBuffer,
          auto buffer = std::make_unique<plan::BufferT>();
          buffer->location = std::make_unique<plan::Location>(s.dev(0));
          buffer->value = 99; s.plan.buffers.push_back(std::move(buffer))),
};

// A union may have a type and no value: FlatBuffers does not mind.
TEST(Faults, ActionOfATypeWithoutValue) {
  std::vector<uint8_t> file = residentStep().file();
  auto *instruction =
      plan::GetMutablePlan(file.data())->mutable_body()->GetMutableObject(0);
  auto *table = reinterpret_cast<uint8_t *>(instruction);
  uint8_t *fields =
      table - flatbuffers::ReadScalar<flatbuffers::soffset_t>(table);
  flatbuffers::WriteScalar<flatbuffers::voffset_t>(
      fields + plan::Instruction::VT_ACTION, 0);
  ASSERT_EQ(instruction->action(), nullptr);
  file.resize(file.size() - plan::kTrailerBytes);
  plan::sealPlan(file);
  auto error = verify::verifyPlan(file);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, verify::Code::MissingField) << error->message;
}

std::string nameOf(const testing::TestParamInfo<Fault> &info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Order, Faults, testing::ValuesIn(orderFaults), nameOf);
INSTANTIATE_TEST_SUITE_P(Content, Faults, testing::ValuesIn(contentFaults),
                         nameOf);
INSTANTIATE_TEST_SUITE_P(Structure, Faults, testing::ValuesIn(structureFaults),
                         nameOf);

} // namespace
