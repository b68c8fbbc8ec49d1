//===- FastSaTest.cpp - Published figures by annealing ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chain.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

TEST(FastSa, Fcn8At80PercentIsOptimal) {
  // Published 0.1 %; the optimum in the given order is 0.1361 %.
  Problem p = readInput("fcn8.txt");
  PlanResult r = planLoad(p, "fastsa", 13484795520 / 10 * 8);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  int64_t base = r.simulation.stepNs - r.recomputedNs;
  EXPECT_NEAR(double(r.recomputedNs) / double(base), 0.001361, 0.00015);
}

/// Two branches that the given order runs side by side: operators 1 and 3, 2
/// and 4.
Problem twoBranches() {
  Problem p = emptyProblem();
  uint32_t x = addOp(p, 1, 1, {});
  uint32_t left = addOp(p, 10, 10, {x}), right = addOp(p, 10, 10, {x});
  uint32_t c = addOp(p, 1, 1, {left}), d = addOp(p, 1, 1, {right});
  addOp(p, 1, 1, {c, d});
  p.storages.back().output = true;
  return p;
}

TEST(FastSa, RotatesInsteadOfRecomputing) {
  // One after the other they fit without recomputation.
  Problem p = twoBranches();
  PlanResult r = planLoad(p, "fastsa", 13, 20, false);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.numRecomputed, 0u);
  PlanResult fixed = planLoad(p, "fastsa", 13, 20, true);
  if (fixed.feasible)
    EXPECT_GT(fixed.numRecomputed, 0u);
}

TEST(FastSa, RotatesWhatMayRunOnceOnly) {
  // Branches of which nothing may be put in a second time: taking the
  // first of two away would be a way to move it.
  Problem p = twoBranches();
  for (Operator &o : p.operators)
    o.recomputable = false;
  // One branch, and what the other came from or has left.
  PlanResult r = planLoad(p, "fastsa", 12, 0, false);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  std::vector<uint32_t> runs = runsOf(r.plan);
  auto at = [&](uint32_t op) {
    return std::find(runs.begin(), runs.end(), op) - runs.begin();
  };
  EXPECT_TRUE(at(3) < at(2) || at(4) < at(1));
  EXPECT_FALSE(planLoad(p, "fastsa", 12, 0, true).feasible);
}

TEST(FastSa, OperatorsAreAnnealedAfterTheirGroups) {
  // j is no smaller than i, that no smaller than x: they are one group, and to
  // make it again costs 102. Its operators one by one show that i, a byte less,
  // may be kept instead: then j alone is made again.
  Problem p = emptyProblem();
  uint32_t x = addOp(p, 1, 1, {});
  uint32_t i = addOp(p, 100, 2, {x}), j = addOp(p, 1, 3, {i});
  uint32_t k = addOp(p, 1, 1, {j}), big = addOp(p, 1, 20, {});
  uint32_t y = addOp(p, 1, 1, {big, k});
  addOp(p, 1, 1, {j, y});
  p.storages.back().output = true;
  for (uint32_t op : {k, big, y})
    p.operators[op].recomputable = false;
  PlanResult r = planLoad(p, "fastsa", 24, 0);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_THAT(rerunsOf(r.plan), ::testing::ElementsAre(j));
}

TEST(FastSa, WhereAllFitsNothingChanges) {
  Problem p = makeChain({.layers = 10});
  PlanResult r = planLoad(p, "fastsa", unlimited, 20, false);
  ASSERT_TRUE(r.feasible);
  EXPECT_EQ(r.numRecomputed, 0u);
}

TEST(FastSa, ChainInTwoThirdsOfItsMemory) {
  Problem p = makeChain({.layers = 20});
  // A chain has one order. Where others are asked for, nothing may move before
  // what it reads or behind what reads it.
  for (bool fixedOrder : {true, false}) {
    PlanResult r = planLoad(p, "fastsa", 14, 20, fixedOrder);
    ASSERT_TRUE(r.feasible) << r.infeasible.reason;
    EXPECT_LE(r.numRecomputed, 20u);
  }
}

} // namespace
