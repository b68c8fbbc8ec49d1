//===- KeepAllTest.cpp - Nothing moves --------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chain.h"
#include "Training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

TEST(KeepAll, RunsEachOperatorOnceInOrder) {
  Problem p = makeChain({.layers = 4});
  PlanResult r = planLoad(p, "keep-all", unlimited);
  ASSERT_TRUE(r.feasible);
  EXPECT_THAT(runsOf(r.plan),
              ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
  // A tensor is freed with its last use: all four and a gradient at the loss.
  EXPECT_EQ(r.peakBytes[0], 5u);
}

TEST(KeepAll, ParametersStayAndOnlyInputsAreLoaded) {
  Problem p = makeTraining({.layers = 3});
  PlanResult r = planLoad(p, "keep-all", unlimited);
  ASSERT_TRUE(r.feasible);
  EXPECT_EQ(r.numSwapped, 0u);
  uint32_t loads = 0;
  for (const Action &a : r.plan.actions) {
    EXPECT_NE(a.kind, ActionKind::Store);
    loads += a.kind == ActionKind::Load;
  }
  EXPECT_EQ(loads, 2u); // the batch and the learning rate
  for (const Instance &i : r.plan.initial)
    if (p.storages[i.storage].kind == StorageKind::Persistent)
      EXPECT_EQ(i.tier, 0u);
}

TEST(KeepAll, OneByteShortIsInfeasibleAndSaysTheSmallest) {
  Problem p = makeChain({.layers = 4});
  PlanResult r = planLoad(p, "keep-all", 4);
  ASSERT_FALSE(r.feasible);
  EXPECT_TRUE(r.infeasible.applies);
  EXPECT_EQ(r.infeasible.smallestFoundBytes, 5u);
}

} // namespace
