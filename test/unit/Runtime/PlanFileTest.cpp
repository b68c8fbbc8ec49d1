//===- PlanFileTest.cpp - Plan files that are refused -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "core/PlanFile.h"
#include "TestFiles.h"
#include "TestPlans.h"
#include "core/Schedule.h"

using namespace spillway;
using namespace spillway::test;
using ::testing::HasSubstr;

namespace {

class PlanFileTest : public FilesTest {
protected:
  std::string refusal(const std::vector<uint8_t> &bytes) {
    std::string path = write("plan.spill", bytes);
    return failureOf([&] { rt::PlanFile plan(path); });
  }

  /// What the schedule says of a plan that the verifier has not seen.
  std::string scheduleRefusal(PlanBuilder &builder) {
    std::string path = write("plan.spill", builder.file());
    return failureOf([&] {
      rt::PlanFile plan(path, /*prove=*/false);
      rt::Schedule schedule(plan);
    });
  }

  TinyIndices at;
  PlanBuilder tiny = tinyPlan(&at);
};

} // namespace

TEST_F(PlanFileTest, TakesAGoodPlan) {
  setInline(tiny, at.w, 1);
  EXPECT_EQ(refusal(tiny.file()), "");
  EXPECT_EQ(scheduleRefusal(tiny), "");
}

TEST_F(PlanFileTest, RefusesWhatIsNoPlan) {
  EXPECT_THAT(failureOf([&] { rt::PlanFile plan(pathOf("none")); }),
              HasSubstr("No such file"));
  EXPECT_THAT(failureOf([&] { rt::PlanFile plan(directory); }),
              HasSubstr("not a regular file"));
  EXPECT_THAT(refusal({}), HasSubstr("at least 40 bytes, found 0"));
  EXPECT_THAT(refusal(std::vector<uint8_t>(100)),
              HasSubstr("expected the file identifier 'SPIL'"));
}

TEST_F(PlanFileTest, RefusesAnotherVersion) {
  tiny.plan.version = 7;
  EXPECT_THAT(refusal(tiny.file()), HasSubstr("has version 7, this build"));
}

TEST_F(PlanFileTest, RefusesAnyFlippedBit) {
  std::vector<uint8_t> bytes = tiny.file();
  for (size_t i = 8; i < bytes.size(); i += 37) {
    bytes[i] ^= 0x10;
    EXPECT_THAT(refusal(bytes), HasSubstr("is damaged")) << "byte " << i;
    bytes[i] ^= 0x10;
  }
}

TEST_F(PlanFileTest, RefusesAnyCut) {
  std::vector<uint8_t> bytes = tiny.file();
  for (size_t length = 0; length < bytes.size(); length += 13)
    EXPECT_NE(refusal({bytes.begin(), bytes.begin() + length}), "");
}

// With the checksum made good again, nothing but the structure is left to catch
// a change, and whatever gets through must not crash the schedule.
TEST_F(PlanFileTest, SurvivesEveryByteChanged) {
  std::vector<uint8_t> bytes = tiny.file();
  bytes.resize(bytes.size() - plan::kTrailerBytes);
  int refused = 0, taken = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    for (uint8_t change : {0x01, 0x80, 0xff}) {
      std::vector<uint8_t> changed = bytes;
      changed[i] ^= change;
      PlanBuilder::appendTrailer(changed);
      std::string path = write("plan.spill", changed);
      std::string why = failureOf([&] {
        rt::PlanFile plan(path, /*prove=*/false);
        rt::Schedule schedule(plan);
      });
      (why.empty() ? taken : refused) += 1;
    }
  EXPECT_GT(refused, taken);
}

TEST_F(PlanFileTest, ProgramMustBeTheOneThatWasHashed) {
  std::vector<uint8_t> bytes = tiny.file();
  std::string text(bytes.begin(), bytes.end());
  size_t name = text.find("test_update");
  ASSERT_NE(name, std::string::npos);
  bytes.resize(bytes.size() - plan::kTrailerBytes);
  bytes[name] = 'T';
  PlanBuilder::appendTrailer(bytes);
  EXPECT_THAT(refusal(bytes), HasSubstr("does not match program_sha256"));
}

TEST_F(PlanFileTest, TheVerifierIsAsked) {
  setInline(tiny, at.w, 1);
  tiny.instructionAt(at.update).wait.clear(); // the moment may not be there yet
  EXPECT_THAT(refusal(tiny.file()), HasSubstr("refused by the verifier"));
}

TEST_F(PlanFileTest, ScheduleRefusesPlacesOutside) {
  auto &launch = *tiny.instructionAt(at.grad).action.AsLaunch();
  launch.operands[0] = tiny.at(0, 4096 - 128);
  EXPECT_THAT(scheduleRefusal(tiny),
              HasSubstr("instruction 9 (train.test_grad, id 0): its operand "
                        "ends at byte 3968 + 256 of the device arena"));
  launch.operands[0] = tiny.at(2, 0);
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("on tier 2, there are 2"));
  launch.operands[0] = tiny.at(0, 2);
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("not aligned"));
  launch.operands.pop_back();
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("expected 5 operands, found 4"));
}

TEST_F(PlanFileTest, ScheduleRefusesWrongNumbers) {
  auto fresh = [&] { tiny = tinyPlan(&at); };
  tiny.instructionAt(at.grad).wait = {77};
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("waits for instruction 77"));
  fresh();
  tiny.instructionAt(at.grad).stream = 9;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("no stream 9, there are 4"));
  fresh();
  tiny.instructionAt(at.grad).action.AsLaunch()->op = 5;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("no op 5, there are 2"));
  fresh();
  tiny.instructionAt(at.loadM).action.AsCopy()->bytes = UINT64_MAX;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("ends at byte"));
  fresh();
  tiny.instructionAt(at.loadM).stream = PlanBuilder::d2h;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("is on link 'd2h'"));
  fresh();
  tiny.instructionAt(0).action.AsFeed()->tensor = at.w;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("neither an input nor"));
  fresh();
  tiny.instructionAt(at.fetch).action.AsFetch()->output = 3;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("no output 3"));
}

TEST_F(PlanFileTest, ScheduleRefusesAWrongProgram) {
  auto fresh = [&] { tiny = tinyPlan(&at); };
  tiny.opAt(at.gradOp).inputs[0]->strides[0] = INT64_MAX;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("does not fit"));
  fresh();
  tiny.opAt(at.gradOp).inputs[0]->sizes[0] = 17;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("0 + 272 of a value of 256"));
  fresh();
  tiny.opAt(at.gradOp).inputs[0]->strides.clear();
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("as many strides as sizes"));
  fresh();
  tiny.tensorAt(at.w).sizes = {-1, 4};
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("tensor 'w': its size"));
  fresh();
  tiny.tensorAt(at.m).name = "w";
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("two of this name"));
  fresh();
  tiny.plan.bindings[0]->bytes = 128;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("bound nowhere from byte 128"));
  fresh();
  tiny.plan.links[0]->bytes_per_second = 0;
  EXPECT_THAT(scheduleRefusal(tiny), HasSubstr("positive bandwidth"));
}
