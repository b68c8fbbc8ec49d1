//===- RepeatGroupsTest.cpp - Repetitions operator by operator --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/RepeatGroups.h"
#include "Planner/LoopLayout.h"
#include "Planner/LoopPlanner.h"
#include "Repeated.h"
#include "spillway/Planner/RepeatBound.h"
#include "spillway/Planner/Verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

TEST(RepeatGroups, AreOneRepetitionOfLongerOperators) {
  Problem p = makeOneLayer(6), g = groupRepetitions(p, 0, 3);
  EXPECT_THAT(g.check(), IsEmpty());
  EXPECT_EQ(g.repeats[0].count, 2u);
  std::vector<uint64_t> bytes;
  for (const Storage &s : g.storages)
    bytes.push_back(s.bytes);
  EXPECT_THAT(bytes, ElementsAre(12, 4, 4, 12)); // x, w, g, y
  std::vector<int64_t> ns;
  for (const Operator &op : g.operators)
    ns.push_back(op.costNs[0]);
  EXPECT_THAT(ns, ElementsAre(1, 3, 3, 1));
}

TEST(RepeatGroups, APlanSaysTheSameOfEachRepetition) {
  Problem p = makeOneLayer(6), g = groupRepetitions(p, 0, 3);
  Plan plan = planOneLayer(2);
  ASSERT_EQ(verifyPlan(g, plan).error, "");
  Layout layout = layOutLoops(g, plan, {unlimited, unlimited});
  Plan split = splitGroups(p, 0, 3, g, plan, layout);
  EXPECT_EQ(verifyPlan(p, split).error, "");
  EXPECT_EQ(checkLoopLayout(p, split, layout), "");
  ASSERT_EQ(split.loops.size(), 1u);
  EXPECT_EQ(split.loops[0].repetitions, 3u);
  EXPECT_EQ(split.actions.size(), 3u + 5 * 3);
  EXPECT_EQ(split.actions[1].kind, ActionKind::Load);
  EXPECT_EQ(split.actions[2].kind, ActionKind::Load);
  std::string error;
  auto back = parsePlan(printPlan(split, p), p, error);
  ASSERT_TRUE(back) << error;
  EXPECT_EQ(back->actions, split.actions);
  EXPECT_EQ(back->loops, split.loops);
  // Iterations of two repetitions would leave one out.
  split.loops[0].repetitions = 2;
  EXPECT_NE(verifyPlan(p, split).error, "");
}

TEST(RepeatGroups, PlansOfGroupsAreRight) {
  const Policy *joint = nullptr;
  for (const Policy &candidate : allPolicies())
    if (candidate.name == std::string("joint"))
      joint = &candidate;
  PlanOptions options;
  options.fixedOrder = false;
  uint32_t planned = 0;
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    TrainingOptions training;
    training.seed = seed;
    training.layers = 3 + seed % 3;
    uint32_t size = 2 + uint32_t(seed % 3);
    Problem p = makeRepeated(training, size * 5);
    if (seed % 2) // activations with parts
      for (Storage &s : p.storages)
        if (s.name.starts_with("gm"))
          s.parts = {s.bytes / 2};
    Problem g = groupRepetitions(p, 0, size);
    ASSERT_THAT(g.check(), IsEmpty());
    uint64_t floor = floorBytes(unroll(g, {2}).problem)[0];
    std::vector<uint64_t> budgets = {floor * (4 + seed % 5) / 3, unlimited};
    LoopPlan r = planLoop(g, *joint, options, budgets, seed % 2);
    if (!r.ok)
      continue;
    ++planned;
    Plan split = splitGroups(p, 0, size, g, r.plan, r.layout);
    EXPECT_EQ(verifyPlan(p, split, budgets).error, "") << seed;
    EXPECT_EQ(checkLoopLayout(p, split, r.layout), "") << seed;
  }
  EXPECT_GE(planned, 12u); // tight budgets, little effort
}

/// Parameters are large and links slow: they should cross once for many.
Problem makeHeavy(uint32_t count) {
  TrainingOptions options;
  options.layers = 6;
  options.activationBytes = 400;
  options.parameterBytes = 60000;
  Problem p = makeRepeated(options, count);
  for (Operator &op : p.operators)
    op.workspace = 0;
  return p;
}

TEST(RepeatGroups, PayWhereParametersHaveToCross) {
  for (uint32_t count : {4u, 24u}) {
    Problem p = makeHeavy(count);
    PlanOptions how;
    how.iterations = 2;
    how.budgets = {floorBytes(unroll(p, {2}).problem)[0] * 3 / 2, unlimited};
    how.fixedOrder = true;
    PlanResult one = plan(p, how);
    how.fixedOrder = false;
    PlanResult many = plan(p, how);
    ASSERT_TRUE(one.feasible && many.feasible)
        << one.infeasible.reason << many.infeasible.reason;
    EXPECT_LT(many.simulation.stepNs, one.simulation.stepNs * 2 / 3) << count;
    EXPECT_LT(many.simulation.linkBytes[0], one.simulation.linkBytes[0] / 2);
    EXPECT_EQ(verifyPlan(p, many.plan, how.budgets).error, "");
    EXPECT_GE(many.simulation.stepNs, stepLowerBoundNs(p, how.budgets, true));
    Layout layout;
    for (const Buffer &b : many.buffers) {
      layout.lives.push_back(b.lifetime);
      layout.offsets.push_back(b.offset);
    }
    layout.workspaces = many.workspaceOffsets;
    EXPECT_EQ(checkLoopLayout(p, many.plan, layout), "");
    EXPECT_LE(many.peakBytes[0], how.budgets[0]);
  }
}

TEST(RepeatGroups, AreLeftAloneWhereEverythingFits) {
  Problem p = makeHeavy(200);
  PlanOptions how;
  how.iterations = 0;
  PlanResult r = plan(p, how);
  ASSERT_TRUE(r.feasible);
  ASSERT_EQ(r.plan.loops.size(), 1u);
  EXPECT_EQ(r.plan.loops[0].repetitions, 1u);
}

} // namespace
