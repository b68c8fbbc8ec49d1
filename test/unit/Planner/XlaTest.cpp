//===- XlaTest.cpp - XLA's own worked example -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chain.h"
#include "Planner/Policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::ElementsAre;

namespace {

/// The computation of XLA's unit tests (hlo_rematerialization_test):
/// bcast 4 KB, negate(bcast) 4 KB, concat_1(negate, negate) 8 KB, slice_1 4 B,
/// concat_2(bcast, slice_1), slice_2 4 B.
Problem makeRematerializable() {
  Problem p = emptyProblem();
  uint32_t bcast = addOp(p, 1, 4096, {});
  uint32_t negate = addOp(p, 1, 4096, {bcast});
  uint32_t concat1 = addOp(p, 1, 8192, {negate});
  uint32_t slice1 = addOp(p, 1, 4, {concat1});
  uint32_t concat2 = addOp(p, 1, 4100, {bcast, slice1});
  addOp(p, 1, 4, {concat2});
  p.storages.back().output = true;
  return p;
}

TEST(Xla, BroadcastIsMadeAgainBeforeItsLastUse) {
  Problem p = makeRematerializable();
  PlanResult r = planLoad(p, "xla", 14 * 1024);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_THAT(runsOf(r.plan), ElementsAre(0, 1, 2, 3, 0, 4, 5));
  EXPECT_EQ(r.peakBytes[0], 12u * 1024);
}

TEST(Xla, NothingIsDoneWithinTheLimit) {
  PlanResult r = planLoad(makeRematerializable(), "xla", 20 * 1024);
  ASSERT_TRUE(r.feasible);
  EXPECT_EQ(r.numRecomputed, 0u);
}

TEST(Xla, BytesCountAndTimeDoesNot) {
  // At operator 4 either 0 or 2 may go: the larger is taken, however dear.
  Problem p = emptyProblem();
  addOp(p, 1, 10, {});
  addOp(p, 1, 1, {0});
  addOp(p, 1000, 20, {});
  addOp(p, 1, 1, {2});
  addOp(p, 1, 30, {});
  addOp(p, 1, 1, {4});
  addOp(p, 1, 1, {0, 2, 1, 3, 5});
  p.storages.back().output = true;
  PlanResult r = planLoad(p, "xla", 55, 1);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_THAT(rerunsOf(r.plan), ElementsAre(2));
}

TEST(Xla, WhatNobodyHasReadYetIsMoved) {
  // Operator 1 needs 30 bytes beside the 20 that wait for operator 4: those are
  // made there instead, for nothing. In the given order they have to be there.
  Problem p = emptyProblem();
  addOp(p, 1, 20, {});
  addOp(p, 1, 30, {});
  addOp(p, 1, 1, {1});
  addOp(p, 1, 10, {2});
  addOp(p, 1, 1, {0, 3});
  p.storages.back().output = true;
  PlanResult r = planLoad(p, "xla", 45, 1, false);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_THAT(runsOf(r.plan), ElementsAre(1, 2, 3, 0, 4));
  EXPECT_FALSE(planLoad(p, "xla", 45, 1, true).feasible);
}

TEST(Xla, ABlockFreesWhatNoneOfItsInstructionsDoes) {
  // Result 1 is made of result 0, which is dead: made again by itself it would
  // bring back as much as it frees. Both together free 100.
  Problem p = emptyProblem();
  addOp(p, 1, 100, {});
  addOp(p, 1, 100, {0});
  addOp(p, 1, 1, {1});
  addOp(p, 1, 150, {2});
  addOp(p, 1, 1, {3});
  addOp(p, 1, 1, {1, 4});
  p.storages.back().output = true;
  PlanResult r = planLoad(p, "xla", 210);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_THAT(runsOf(r.plan), ElementsAre(0, 1, 2, 3, 4, 0, 1, 5));
}

TEST(Xla, GivesUpInTime) {
  // Thousands of results that must all be there at once: at each further
  // instruction all blocks are looked at in vain.
  Problem p = emptyProblem();
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < 4000; ++i)
    all.push_back(addOp(p, 1, 100, {}));
  addOp(p, 1, 1, all);
  p.storages.back().output = true;
  Analysis a(p);
  PolicyAnswer answer = planXla({a, {200000}, 20, true});
  EXPECT_FALSE(answer.ok);
  EXPECT_THAT(answer.reason, ::testing::HasSubstr("gave up after"));
}

TEST(Xla, Fcn8) {
  // FCN8 at 80 % of its peak: 1.59 %, where 0.136 % is the optimum.
  Problem p = readInput("fcn8.txt");
  PlanResult r = planLoad(p, "xla", 13484795520 / 10 * 8);
  ASSERT_TRUE(r.feasible);
  EXPECT_NEAR(double(r.recomputedNs) / double(r.simulation.stepNs), 0.0156,
              0.0003);
}

} // namespace
