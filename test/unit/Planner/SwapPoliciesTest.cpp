//===- SwapPoliciesTest.cpp - Published policies on any problem -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the published swapping policies must do whatever they decide: make right
// plans, the same ones twice, move nothing where everything fits (those that
// say so), and say why where they have none.
//
//===----------------------------------------------------------------------===//

#include "Training.h"
#include "Transformer.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

class SwapPolicies : public ::testing::TestWithParam<const char *> {
protected:
  PlanResult planOf(const Problem &p, uint64_t device, uint32_t iterations = 4,
                    bool fixedOrder = true) {
    PlanOptions o;
    o.policy = GetParam();
    o.budgets.assign(p.machine.tiers.size(), unlimited);
    o.budgets[0] = device;
    o.iterations = iterations;
    o.fixedOrder = fixedOrder;
    o.findSmallest = false;
    return plan(p, o);
  }
};

TEST_P(SwapPolicies, MakeRightPlansOrSayWhyNot) {
  uint32_t feasible = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    TrainingOptions o;
    o.seed = seed;
    o.layers = 4 + uint32_t(seed % 9);
    o.parameterBytes = seed % 2 ? 300 : 3000;
    o.nvme = seed % 3 == 0;
    Problem p = makeTraining(o);
    uint64_t full = unconstrainedPeakBytes(p), floor = floorBytes(p)[0];
    for (uint64_t percent : {80, 45}) {
      uint64_t budget = floor + (full - floor) * percent / 100;
      PlanResult r = planOf(p, budget, 4, seed % 4 != 1);
      if (!r.feasible) {
        EXPECT_FALSE(r.infeasible.reason.empty());
        EXPECT_EQ(r.infeasible.reason.find("fault"), std::string::npos)
            << r.infeasible.reason;
        continue;
      }
      ++feasible;
      std::vector<uint64_t> budgets(p.machine.tiers.size(), unlimited);
      budgets[0] = budget;
      Verdict v = verifyPlan(p, r.plan, budgets);
      EXPECT_TRUE(v.ok()) << v.error;
      EXPECT_LE(r.peakBytes[0], budget);
    }
  }
  EXPECT_GE(feasible, 5u);
}

TEST_P(SwapPolicies, MoveNothingWhereEverythingFits) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    TrainingOptions o;
    o.seed = seed;
    Problem p = makeTraining(o);
    PlanResult r = planOf(p, unlimited);
    ASSERT_TRUE(r.feasible) << r.infeasible.reason;
    EXPECT_EQ(r.numSwapped, 0u);
    EXPECT_EQ(r.numRecomputed, 0u);
  }
}

TEST_P(SwapPolicies, TheSameTwice) {
  TrainingOptions o;
  o.seed = 5;
  o.parameterBytes = 300;
  Problem p = makeTraining(o);
  uint64_t budget = (floorBytes(p)[0] + unconstrainedPeakBytes(p) * 2) / 3;
  PlanResult x = planOf(p, budget, 8), y = planOf(p, budget, 8);
  EXPECT_EQ(x.plan.actions, y.plan.actions);
}

TEST_P(SwapPolicies, WithoutAnotherTierTheyDoNotCrash) {
  TrainingOptions o;
  o.host = false;
  Problem p = makeTraining(o);
  PlanResult r = planOf(p, unconstrainedPeakBytes(p) * 4 / 5);
  if (!r.feasible)
    EXPECT_FALSE(r.infeasible.reason.empty());
  EXPECT_TRUE(planOf(p, unlimited).feasible);
}

TEST_P(SwapPolicies, ATransformerAt80Percent) {
  TransformerOptions o;
  o.layers = 4;
  o.width = 256;
  o.hidden = 1024;
  o.vocabulary = 1000;
  o.heads = 4;
  o.batch = 16;
  Problem p = makeTransformer(o);
  PlanResult r = planOf(p, unconstrainedPeakBytes(p) * 8 / 10);
  EXPECT_TRUE(r.feasible) << r.infeasible.reason;
}

INSTANTIATE_TEST_SUITE_P(Published, SwapPolicies,
                         ::testing::Values("vdnn", "superneurons", "capuchin",
                                           "swapadvisor", "delta", "g10"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });

} // namespace
