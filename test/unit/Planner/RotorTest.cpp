//===- RotorTest.cpp - Checkpoints of a chain, optimally --------*- C++ -*-===//
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

namespace {

int64_t overhead(const Problem &p, const char *policy, uint64_t budget) {
  PlanResult r = planLoad(p, policy, budget, 3);
  return r.feasible ? r.recomputedNs : INT64_MAX;
}

TEST(Rotor, NoWorseThanChenNoBetterThanTheOptimum) {
  Problem p = makeChain({.layers = 8, .costs = {3, 1, 4, 1, 5, 9, 2, 6}});
  uint64_t peak = planLoad(p, "keep-all", unlimited).peakBytes[0];
  for (uint64_t budget = peak - 1; budget >= peak - 3; --budget) {
    int64_t rotor = overhead(p, "rotor", budget);
    EXPECT_NE(rotor, INT64_MAX) << budget;
    EXPECT_LE(rotor, overhead(p, "chen-greedy", budget));
    EXPECT_GE(rotor, overhead(p, "checkmate", budget));
  }
}

TEST(Rotor, RecomputesMoreThanOnceWhereMemoryIsShort) {
  // Binomial checkpointing: what one more forward pass cannot do, two can.
  Problem p = makeChain({.layers = 24});
  uint32_t twice = 0;
  for (uint64_t budget = 12; budget >= 6; --budget) {
    PlanResult r = planLoad(p, "rotor", budget);
    ASSERT_TRUE(r.feasible) << budget << ": " << r.infeasible.reason;
    twice = std::max(twice, r.numRecomputed);
  }
  EXPECT_GT(twice, 24u);
  EXPECT_FALSE(planLoad(p, "chen-greedy", 6).feasible);
}

TEST(Rotor, NothingWhereAllFits) {
  PlanResult r = planLoad(makeChain({.layers = 12}), "rotor", unlimited);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.numRecomputed, 0u);
}

TEST(Rotor, SaysWhyItDoesNotApply) {
  // Two results that all later operators read: one articulation point.
  Problem p = emptyProblem();
  uint32_t w = addOp(p, 1, 1, {}), v = addOp(p, 1, 1, {w});
  uint32_t x = addOp(p, 1, 1, {w}), y = addOp(p, 1, 1, {v, x});
  for (int i = 0; i < 3; ++i)
    y = addOp(p, 1, 1, {v, x, y});
  for (int i = 0; i < 3; ++i)
    y = addOp(p, 1, 1, {v, x, y});
  p.storages.back().output = true;
  PlanResult r = planLoad(p, "rotor", unlimited);
  EXPECT_FALSE(r.feasible);
  EXPECT_FALSE(r.infeasible.applies);
  EXPECT_NE(r.infeasible.reason.find("no chain"), std::string::npos)
      << r.infeasible.reason;
}

} // namespace
