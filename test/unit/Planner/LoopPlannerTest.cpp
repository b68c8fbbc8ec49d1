//===- LoopPlannerTest.cpp - Plans with a loop ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/LoopPlanner.h"
#include "Planner/LoopLayout.h"
#include "Planner/LoopProblems.h"
#include "Repeated.h"
#include "spillway/Planner/RepeatBound.h"
#include "spillway/Planner/Verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

const Policy &policyOf(const std::string &name) {
  for (const Policy &p : allPolicies())
    if (name == p.name)
      return p;
  return allPolicies().front();
}

/// Budgets from little more than the floor to more than enough.
std::vector<uint64_t> budgetsFor(const Problem &p, uint64_t percent) {
  uint64_t floor = floorBytes(unroll(p, {2}).problem)[0];
  uint64_t full = unconstrainedPeakBytes(unroll(p, {2}).problem);
  std::vector<uint64_t> out(p.machine.tiers.size(), unlimited);
  out[0] = floor + (full - std::min(full, floor)) * percent / 100;
  return out;
}

LoopPlan planOf(const Problem &p, const std::vector<uint64_t> &budgets,
                const std::string &policy = "joint", uint32_t iterations = 2) {
  PlanOptions options;
  options.policy = policy;
  options.fixedOrder = false;
  return planLoop(p, policyOf(policy), options, budgets, iterations);
}

TEST(LoopPlanner, PlansAreRightAndFit) {
  uint32_t planned = 0, all = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed)
    for (uint64_t percent : {20, 50, 80, 130}) {
      TrainingOptions options;
      options.seed = seed;
      options.layers = 3 + seed % 4;
      options.nvme = seed % 3 == 0;
      Problem p = makeRepeated(options, 3 + uint32_t(seed % 7));
      auto budgets = budgetsFor(p, percent);
      LoopPlan r = planOf(p, budgets, "joint", seed % 2 ? 2 : 0);
      ++all;
      if (!r.ok) {
        EXPECT_NE(r.reason, "");
        EXPECT_LT(percent, 100u) << seed << ": " << r.reason;
        continue;
      }
      ++planned;
      EXPECT_EQ(verifyPlan(p, r.plan, budgets).error, "") << seed;
      EXPECT_EQ(checkLoopLayout(p, r.plan, r.layout), "") << seed;
      EXPECT_LE(r.layout.heights[0], budgets[0]);
      int64_t step = simulateLoops(p, r.plan, &r.layout, budgets, false).stepNs;
      EXPECT_GE(step, stepLowerBoundNs(p, budgets, true)) << seed;
    }
  EXPECT_GE(planned * 10, all * 8) << planned << " of " << all;
}

TEST(LoopPlanner, WhatFitsIsNotMoved) {
  TrainingOptions options;
  Problem p = makeRepeated(options, 8);
  LoopPlan r = planOf(p, budgetsFor(p, 200), "joint", 0);
  ASSERT_TRUE(r.ok) << r.reason;
  Unrolled u = unrollFor(p, r.plan);
  for (const Action &a : r.plan.actions)
    if (a.kind == ActionKind::Load || a.kind == ActionKind::Store)
      EXPECT_EQ(u.problem.storages[a.storage].kind, StorageKind::Fed);
}

TEST(LoopPlanner, SizeDoesNotDependOnTheCount) {
  TrainingOptions options;
  Problem few = makeRepeated(options, 5), many = makeRepeated(options, 5000);
  LoopPlan a = planOf(few, budgetsFor(few, 50)),
           b = planOf(many, budgetsFor(many, 50));
  ASSERT_TRUE(a.ok && b.ok);
  EXPECT_EQ(a.plan.actions, b.plan.actions);
  EXPECT_EQ(b.plan.loops[0].count, 4998u);
  EXPECT_EQ(verifyPlan(many, b.plan).error, "");
}

TEST(LoopPlanner, SimulatesTheLoopAsWrittenOut) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    TrainingOptions options;
    options.seed = seed;
    options.layers = 4;
    options.bytesPerSecond = seed % 2 ? 4000000000 : 20000000000;
    Problem p = makeRepeated(options, 30);
    auto budgets = budgetsFor(p, 60);
    LoopPlan r = planOf(p, budgets);
    if (!r.ok)
      continue;
    Simulation quick = simulateLoops(p, r.plan, &r.layout, budgets, false);
    // The same addresses, every iteration one by one.
    WrittenOut all = writeOut(p, r.plan);
    SimulationOptions sim;
    sim.budgets = budgets;
    sim.maxRounds = 12;
    auto placed = placeWrittenOut(p, r.plan, r.layout, all);
    sim.offsets = &placed.offsets;
    sim.workspaceOffsets = &placed.workspaces;
    Simulation full = simulate(all.unrolled.problem, all.plan, sim);
    EXPECT_NEAR(double(quick.stepNs), double(full.stepNs),
                double(full.stepNs) * 1e-4)
        << seed;
    EXPECT_EQ(quick.linkBytes, full.linkBytes);
    EXPECT_EQ(quick.engineNs, full.engineNs);
  }
}

TEST(LoopPlanner, ABrokenPlanIsRefused) {
  TrainingOptions options;
  Problem p = makeRepeated(options, 6);
  auto budgets = budgetsFor(p, 50);
  LoopPlan r = planOf(p, budgets);
  ASSERT_TRUE(r.ok) << r.reason;
  const Loop &loop = r.plan.loops[0];
  uint32_t refused = 0;
  for (uint32_t at = loop.first; at <= loop.last; ++at) {
    Plan broken = r.plan;
    broken.actions.erase(broken.actions.begin() + at);
    --broken.loops[0].last;
    // A second store of the same content is the only thing one can do without.
    bool store = r.plan.actions[at].kind == ActionKind::Store;
    bool ok = verifyPlan(p, broken, budgets).ok();
    EXPECT_TRUE(!ok || store) << at;
    refused += !ok;
  }
  EXPECT_GT(refused, 0u);
}

TEST(LoopPlanner, MovedAddressesAreFound) {
  TrainingOptions options;
  Problem p = makeRepeated(options, 6);
  LoopPlan r = planOf(p, budgetsFor(p, 50));
  ASSERT_TRUE(r.ok) << r.reason;
  ASSERT_EQ(checkLoopLayout(p, r.plan, r.layout), "");
  for (uint64_t &offset : r.layout.offsets)
    offset = 0;
  EXPECT_NE(checkLoopLayout(p, r.plan, r.layout), "");
}

TEST(LoopPlanner, TheFileIsReadBackAndAdopted) {
  TrainingOptions options;
  Problem p = makeRepeated(options, 9);
  auto budgets = budgetsFor(p, 60);
  LoopPlan r = planOf(p, budgets);
  ASSERT_TRUE(r.ok) << r.reason;
  std::string error;
  auto back = parsePlan(printPlan(r.plan, p), p, error);
  ASSERT_TRUE(back) << error;
  EXPECT_EQ(back->actions, r.plan.actions);
  EXPECT_EQ(back->initial, r.plan.initial);
  EXPECT_EQ(back->loops, r.plan.loops);
  PlanResult adopted = adopt(p, *back, {});
  EXPECT_TRUE(adopted.feasible) << adopted.infeasible.reason;
  EXPECT_EQ(adopted.simulation.startNs.size(), back->actions.size());
}

TEST(LoopPlanner, EveryPolicyIsRightOrSaysWhyNot) {
  TrainingOptions options;
  options.layers = 4;
  Problem p = makeRepeated(options, 7);
  for (const Policy &policy : allPolicies()) {
    auto budgets = budgetsFor(p, 90);
    LoopPlan r = planOf(p, budgets, policy.name, 1);
    if (!r.ok) {
      EXPECT_NE(r.reason, "") << policy.name;
      EXPECT_THAT(r.reason, ::testing::Not(HasSubstr("do not fit together")))
          << policy.name;
      continue;
    }
    EXPECT_EQ(verifyPlan(p, r.plan, budgets).error, "") << policy.name;
    EXPECT_EQ(checkLoopLayout(p, r.plan, r.layout), "") << policy.name;
  }
}

TEST(LoopPlanner, LargeProblemsGoThroughIt) {
  TrainingOptions options;
  options.layers = 12;
  Problem p = makeRepeated(options, 100);
  PlanOptions how;
  how.iterations = 0;
  how.budgets = budgetsFor(p, 50);
  PlanResult r = plan(p, how);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  ASSERT_EQ(r.plan.loops.size(), 1u);
  EXPECT_EQ(r.plan.loops[0].count, 98u);
  how.budgets = {floorBytes(unroll(p, {2}).problem)[0] / 2, unlimited};
  how.findSmallest = true;
  PlanResult no = plan(p, how);
  EXPECT_FALSE(no.feasible);
  EXPECT_THAT(no.infeasible.reason, HasSubstr("is below the floor of"));
  EXPECT_GT(no.infeasible.smallestFoundBytes, how.budgets[0]);
  // Who needs most is named by the problem's own numbers.
  ASSERT_FALSE(no.infeasible.peakStorages.empty());
  EXPECT_LT(no.infeasible.peakOperator, p.operators.size());
  for (uint32_t s : no.infeasible.peakStorages)
    EXPECT_LT(s, p.storages.size());
  how.budgets[0] = no.infeasible.smallestFoundBytes;
  EXPECT_TRUE(plan(p, how).feasible);
}

} // namespace

TEST(LoopRoom, ALargeDeviceHoldsSomeOfTheBodyAlone) {
  // A parameter that is repeated, and state that is not, of 1000 bytes each.
  Problem p;
  p.alignment = 1;
  p.machine = makeMachine(true, true, 1000000000);
  for (uint32_t s = 0; s < 5; ++s)
    p.storages.push_back(
        {.id = s, .bytes = 1000, .kind = StorageKind::Persistent});
  p.storages.push_back({.id = 5, .bytes = 10});
  p.operators.push_back(
      {.id = 0, .costNs = {1}, .reads = {{0, -1}}, .writes = {{5, -1}}});
  for (uint32_t s = 1; s < 5; ++s)
    p.operators.push_back(
        {.id = s, .costNs = {1}, .updates = {{s, -1}}, .recomputable = false});
  p.repeats = {{0, 0, 4}};
  auto behind = [&](uint64_t device) {
    LoopRoom room = shareRoom(p, 0, {device, 2000, unlimited});
    return std::count_if(room.homes.begin(), room.homes.end(),
                         [](auto home) { return home == 2u; });
  };
  EXPECT_EQ(behind(4000), 3); // the host keeps 1000 free for the parameter
  EXPECT_EQ(behind(2 * (6 * 1010 + 1000)), 2);
}
