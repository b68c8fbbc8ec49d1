//===- ChenTest.cpp - Checkpoints of a chain --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::ElementsAre;

namespace {

TEST(Chen, SqrtKeepsEveryThirdOfNine) {
  // Nine layers have nine articulation points, the last of which is read by the
  // loss: every third result is kept, and each segment is run again once, when
  // the backward pass comes to it (section 4 of the paper).
  Problem p = makeChain({.layers = 9});
  PlanResult r = planLoad(p, "chen-sqrt", unlimited);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_THAT(rerunsOf(r.plan), ElementsAre(6, 7, 3, 4, 0, 1));
  // Three checkpoints, two results of a segment, and two gradients; keep-all
  // holds all nine.
  EXPECT_EQ(r.peakBytes[0], 6u);
  EXPECT_EQ(planLoad(p, "keep-all", unlimited).peakBytes[0], 10u);
}

TEST(Chen, SqrtIsSublinear) {
  // O(sqrt n) memory for at most one more forward pass.
  for (uint32_t n : {16, 64, 256, 1024}) {
    Problem p = makeChain({.layers = n});
    PlanResult r = planLoad(p, "chen-sqrt", unlimited);
    ASSERT_TRUE(r.feasible);
    EXPECT_LE(r.peakBytes[0], 2 * uint64_t(std::sqrt(n)) + 2);
    EXPECT_LT(r.numRecomputed, n);
  }
}

TEST(Chen, GreedySegmentsByBytes) {
  // With b between 3 and 4 the bytes since the last end add up to more at 0, 2,
  // 5 and 9: 6 | 2 2 | 2 1 1 | 1 1 1 1. What lies between comes again, the
  // segment that the backward pass comes to first before the others.
  Problem p =
      makeChain({.layers = 10, .bytes = {6, 2, 2, 2, 1, 1, 1, 1, 1, 1}});
  PlanResult r = planLoad(p, "chen-greedy", 16);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_THAT(rerunsOf(r.plan), ElementsAre(6, 7, 8, 3, 4, 1));
}

TEST(Chen, GreedySweepsSegmentsOfAllLengths) {
  // Twelve results of a byte. b in [1, 2) ends every second operator: with 1,
  // 3, 5, 7 and 9 kept, one made again and two gradients that are eight bytes.
  // b in [2, 3) ends every third: 2, 5 and 8, two made again and two gradients.
  Problem p = makeChain({.layers = 12});
  EXPECT_THAT(rerunsOf(planLoad(p, "chen-greedy", 8).plan),
              ElementsAre(10, 8, 6, 4, 2, 0));
  EXPECT_THAT(rerunsOf(planLoad(p, "chen-greedy", 7).plan),
              ElementsAre(9, 10, 6, 7, 3, 4, 0, 1));
}

TEST(Chen, GreedyIsCheapestWhereAllFits) {
  Problem p = makeChain({.layers = 12});
  PlanResult r = planLoad(p, "chen-greedy", unlimited);
  ASSERT_TRUE(r.feasible);
  // b at its smallest keeps nearly every result.
  EXPECT_LE(r.numRecomputed, 1u);
}

TEST(Chen, OnlyArticulationPointsAreCheckpoints) {
  // Diamonds: 0 -> {1, 2} -> 3 -> {4, 5} -> 6 ... ; only tips are kept, which
  // are dear.
  Problem p = emptyProblem();
  std::vector<uint32_t> inputs;
  uint32_t tip = addOp(p, 1, 1, {});
  for (int i = 0; i < 9; ++i) {
    uint32_t left = addOp(p, 1, 1, {tip}), right = addOp(p, 1, 1, {tip});
    tip = addOp(p, 100, 1, {left, right});
  }
  uint32_t gradient = addOp(p, 1, 1, {tip});
  for (uint32_t op = tip; op-- > 0;)
    gradient = addOp(p, 1, 1, {gradient, op});
  p.storages.back().output = true;
  PlanResult r = planLoad(p, "chen-sqrt", unlimited);
  ASSERT_TRUE(r.feasible);
  // Ten tips, every third is kept: 6, 15 and 24.
  std::vector<uint32_t> again = rerunsOf(r.plan);
  for (uint32_t kept : {6, 15, 24})
    EXPECT_THAT(again, ::testing::Not(::testing::Contains(kept)));
  EXPECT_EQ(r.numRecomputed, 27u - 3u);
}

} // namespace
