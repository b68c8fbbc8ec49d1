//===- RematOptimaTest.cpp - Small problems against brute force -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Optimum.h"
#include "Planner/RematPortfolio.h"
#include "Training.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// Every budget between what is too small and what needs nothing.
class Optima : public ::testing::TestWithParam<bool> {};

TEST_P(Optima, AreFound) {
  bool fixedOrder = GetParam();
  uint32_t checked = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Problem p = seed % 2 ? randomProblem(seed, 7) : randomChain(seed);
    int64_t base = 0;
    for (const Operator &op : p.operators)
      base += op.costNs[0];
    for (uint64_t budget = floorBytes(p)[0];; ++budget) {
      int64_t least = optimum(p, budget, fixedOrder);
      if (least < 0)
        continue;
      PlanResult r = planLoad(p, "joint", budget, 20, fixedOrder);
      ASSERT_TRUE(r.feasible)
          << "seed " << seed << ", budget " << budget << ", where " << least
          << " is possible: " << r.infeasible.reason;
      EXPECT_EQ(r.simulation.stepNs, least)
          << "seed " << seed << ", budget " << budget;
      checked += least > base;
      if (least == base)
        break;
    }
  }
  EXPECT_GT(checked, 15u); // budgets at which something must be paid
}

INSTANTIATE_TEST_SUITE_P(Orders, Optima, ::testing::Bool());

TEST(Remat, WhatIsFeasibleIsSoWhateverTheEffort) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Problem p = randomProblem(seed, 16);
    PlanOptions options;
    options.offsets = options.findSmallest = options.fixedOrder = false;
    uint64_t floor = floorBytes(p)[0];
    for (uint64_t percent : {100, 105, 110, 120}) {
      options.budgets = {floor * percent / 100};
      options.iterations = 0;
      bool without = plan(p, options).feasible;
      for (uint32_t iterations : {1, 7, 30}) {
        options.iterations = iterations;
        EXPECT_EQ(plan(p, options).feasible, without)
            << "seed " << seed << ", budget " << options.budgets[0] << ", "
            << iterations << " iterations";
      }
    }
  }
}

TEST(Remat, TheSameEffortGivesTheSamePlan) {
  Problem p = randomProblem(5, 40);
  uint64_t budget = floorBytes(p)[0] * 13 / 10;
  PlanResult first = planLoad(p, "joint", budget, 10, false);
  PlanResult second = planLoad(p, "joint", budget, 10, false);
  ASSERT_TRUE(first.feasible) << first.infeasible.reason;
  EXPECT_EQ(first.plan.actions, second.plan.actions);
  EXPECT_TRUE(verifyPlan(p, first.plan, {budget}).ok());
}

TEST(Remat, OrderAloneMayDo) {
  // Two branches a_i (big) -> b_i (small): side by side both big results are
  // live, one after the other only one is.
  Problem p = emptyProblem();
  addOp(p, 10, 8, {});
  addOp(p, 10, 8, {});
  addOp(p, 1, 1, {0});
  addOp(p, 1, 1, {1});
  addOp(p, 1, 1, {2, 3});
  EXPECT_EQ(planLoad(p, "joint", 10, 20, false).simulation.stepNs, 23);
  EXPECT_GT(planLoad(p, "joint", 17, 20, true).simulation.stepNs, 0);
}

} // namespace
