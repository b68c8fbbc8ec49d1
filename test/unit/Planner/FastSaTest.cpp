//===- FastSaTest.cpp - Published figures by annealing ----------*- C++ -*-===//
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

TEST(FastSa, Fcn8At80PercentIsOptimal) {
  // Published 0.1 %; the optimum in the given order is 0.1361 %.
  Problem p = readInput("fcn8.txt");
  PlanResult r = planLoad(p, "fastsa", 13484795520 / 10 * 8);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  int64_t base = r.simulation.stepNs - r.recomputedNs;
  EXPECT_NEAR(double(r.recomputedNs) / double(base), 0.001361, 0.00015);
}

TEST(FastSa, RotatesInsteadOfRecomputing) {
  // Two branches that the given order runs side by side; one after the other
  // they fit without recomputation.
  Problem p = emptyProblem();
  uint32_t x = addOp(p, 1, 1, {});
  uint32_t left = addOp(p, 10, 10, {x}), right = addOp(p, 10, 10, {x});
  uint32_t c = addOp(p, 1, 1, {left}), d = addOp(p, 1, 1, {right});
  addOp(p, 1, 1, {c, d});
  p.storages.back().output = true;
  PlanResult r = planLoad(p, "fastsa", 13, 20, false);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.numRecomputed, 0u);
  PlanResult fixed = planLoad(p, "fastsa", 13, 20, true);
  if (fixed.feasible)
    EXPECT_GT(fixed.numRecomputed, 0u);
}

TEST(FastSa, WhereAllFitsNothingChanges) {
  Problem p = makeChain({.layers = 10});
  PlanResult r = planLoad(p, "fastsa", unlimited, 20, false);
  ASSERT_TRUE(r.feasible);
  EXPECT_EQ(r.numRecomputed, 0u);
}

TEST(FastSa, ChainInTwoThirdsOfItsMemory) {
  Problem p = makeChain({.layers = 20});
  PlanResult r = planLoad(p, "fastsa", 14);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_LE(r.numRecomputed, 20u);
}

} // namespace
