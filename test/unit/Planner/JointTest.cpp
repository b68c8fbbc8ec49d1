//===- JointTest.cpp - Recompute and swap in one search ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/GapGroups.h"
#include "Planner/Prefetch.h"
#include "Transformer.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

Problem transformer() {
  TransformerOptions options;
  options.layers = 6;
  return makeTransformer(options);
}

PlanResult planAt(const Problem &p, uint64_t percent, uint32_t iterations) {
  PlanOptions options;
  options.budgets.assign(p.machine.tiers.size(), unlimited);
  options.budgets[0] = unconstrainedPeakBytes(p) / 100 * percent;
  options.iterations = iterations;
  return plan(p, options);
}

TEST(Joint, LayersMakeGroups) {
  Problem p = transformer();
  Analysis a(p);
  std::vector<GapGroup> groups = groupGaps(a);
  ASSERT_FALSE(groups.empty());
  uint32_t layered = 0;
  for (const GapGroup &g : groups) {
    EXPECT_EQ(g.choices.front(), GapChoice::Keep);
    EXPECT_GT(g.choices.size(), 1u);
    for (size_t i = 1; i < g.gaps.size(); ++i) {
      EXPECT_LE(a.gaps[g.gaps[i - 1]].from, a.gaps[g.gaps[i]].from);
      EXPECT_EQ(a.slotBytes[a.gaps[g.gaps[i]].slot],
                a.slotBytes[a.gaps[g.gaps[0]].slot]);
    }
    layered += g.gaps.size() >= 6;
  }
  EXPECT_GE(layered, 10u); // activations and weights of six equal layers
}

TEST(Joint, SearchingPays) {
  Problem p = transformer();
  PlanResult quick = planAt(p, 50, 0), longer = planAt(p, 50, 60);
  ASSERT_TRUE(quick.feasible && longer.feasible);
  EXPECT_LT(longer.simulation.stepNs, quick.simulation.stepNs);
}

TEST(Joint, InOrderOfTimeAddressesCostNothing) {
  Problem p = transformer();
  PlanResult r = planAt(p, 60, 20);
  ASSERT_TRUE(r.feasible);
  SimulationOptions options;
  options.budgets.assign(p.machine.tiers.size(), unlimited);
  options.budgets[0] = unconstrainedPeakBytes(p) / 100 * 60;
  Plan timed = r.plan;
  ASSERT_TRUE(orderByTime(p, timed, options.budgets));
  EXPECT_TRUE(verifyPlan(p, timed, options.budgets).ok());
  int64_t before = simulate(p, r.plan, options).stepNs;
  EXPECT_LE(simulate(p, timed, options).stepNs, before + before / 1000);
}

} // namespace
