//===- LargeStepTest.cpp - Plans of real size -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LargeStep.h"
#include "Execute.h"
#include "spillway/Verify/Verify.h"
#include "gtest/gtest.h"

#include <chrono>

using namespace spillway;
using namespace spillway::test;

namespace {

TEST(LargeStep, ComputesItsProgram) {
  std::vector<uint8_t> file = largeStep(6, 3).file();
  auto error = verify::verifyPlan(file);
  ASSERT_FALSE(error) << error->message;
  for (uint64_t seed = 0; seed < 10; ++seed)
    EXPECT_TRUE(computesItsProgram(*plan::GetPlan(file.data()), 3, seed));
}

// A 7B model in slices: about 20,000 instructions. The time is for the reader
// of the log (`--gtest_output=json`); nothing depends on it.
TEST(LargeStep, OfTwentyThousandInstructions) {
  PlanBuilder builder = largeStep(700, 8);
  EXPECT_GT(builder.plan.body.size(), 18000u);
  std::vector<uint8_t> file = builder.file();
  auto begin = std::chrono::steady_clock::now();
  auto error = verify::verifyPlan(file);
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - begin;
  EXPECT_FALSE(error) << error->message;
  RecordProperty("instructions", int(builder.plan.body.size()));
  RecordProperty("milliseconds", int(seconds.count() * 1000));
}

// An update must wait for its slice of the state, wherever it is.
TEST(LargeStep, NeedsTheWaitsOfEachUpdate) {
  PlanBuilder builder = largeStep(40, 2);
  int numUpdates = 0;
  for (auto &instruction : builder.plan.body) {
    const plan::LaunchT *launch = instruction->action.AsLaunch();
    if (!launch || builder.opAt(launch->op).kernel != "adamw")
      continue;
    std::vector<uint32_t> waits;
    std::swap(waits, instruction->wait);
    auto error = verify::verifyPlan(builder.file());
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, verify::Code::ReadNotAfterWrite) << error->message;
    std::swap(waits, instruction->wait);
    ++numUpdates;
  }
  EXPECT_EQ(numUpdates, 80);
}

} // namespace
