//===- MutateTest.cpp - The verifier against a hostile machine ------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutate.h"
#include "Execute.h"
#include "Samples.h"
#include "spillway/Verify/Verify.h"
#include "gtest/gtest.h"

using namespace spillway;
using namespace spillway::test;

namespace {

using Make = Sample (*)();
using Param = std::pair<const char *, Make>;
class Mutants : public testing::TestWithParam<Param> {};

constexpr int numSteps = 4;
constexpr uint64_t numOrders = 12;

bool alwaysComputes(const std::vector<uint8_t> &file) {
  for (uint64_t seed = 0; seed < numOrders; ++seed)
    if (!computesItsProgram(*plan::GetPlan(file.data()), numSteps, seed))
      return false;
  return true;
}

TEST_P(Mutants, SampleComputesItsProgramInEveryOrder) {
  EXPECT_TRUE(alwaysComputes(GetParam().second().file()));
}

// The machine must be able to tell: without any waits it goes wrong.
TEST_P(Mutants, SampleWithoutWaitsDoesNot) {
  Sample sample = GetParam().second();
  for (auto &instruction : sample.plan.body)
    instruction->wait.clear();
  EXPECT_FALSE(alwaysComputes(sample.file()));
}

TEST_P(Mutants, WhatIsAcceptedComputesItsProgramInEveryOrder) {
  Mutator mutator(GetParam().second().file(), 1);
  int accepted = 0, same = 0;
  for (int i = 0; i < 600; ++i) {
    Mutant mutant = mutator.next();
    if (verify::verifyPlan(mutant.file))
      continue;
    ++accepted;
    same += mutator.isEquivalent(mutant.file);
    ASSERT_TRUE(alwaysComputes(mutant.file)) << mutant.what;
  }
  // Some are harmless, or this would be no test.
  EXPECT_GT(accepted, same);
  EXPECT_LT(accepted, 300);
  RecordProperty("accepted", accepted);
}

INSTANTIATE_TEST_SUITE_P(Samples, Mutants,
                         testing::Values(Param("Resident", &residentStep),
                                         Param("Swap", &swapStep),
                                         Param("Recompute", &recomputeStep),
                                         Param("Sliced", &slicedStep),
                                         Param("Streamed", &streamedStep),
                                         Param("Assembled", &assembledStep)),
                         [](const auto &info) { return info.param.first; });

} // namespace
