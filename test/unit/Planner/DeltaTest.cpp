//===- DeltaTest.cpp - DELTA's decisions -------------------------*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The filter's, the director's and the prefetcher's part, by hand.
//
//===----------------------------------------------------------------------===//

#include "SwapChain.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

SwapChain network(uint64_t bytesPerSecond) {
  SwapChain c = makeSwapChain(100, {{300, 100}, {200, 100}, {400, 100}});
  c.problem.operators[0].recomputable = false;
  for (Link &l : c.problem.machine.links)
    l.bytesPerSecond = bytesPerSecond;
  return c;
}

TEST(Delta, TheDirectorSwapsWhereThatIsCheaper) {
  // The loss needs 500 bytes. A swap costs 100 ns for the way out, and its way
  // back hides; making x1 again costs 300 and x2 200. All cost the same to
  // swap, so the filter takes the stalest: x0, last used at 301.
  SwapChain c = network(1000000000);
  Plan plan = firstPlan(planDelta, c.problem, {400});
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  EXPECT_LT(find(plan, Action::store(c.maps[0], -1, 1)),
            find(plan, Action::run(c.backward[2])));
  EXPECT_EQ(count(plan, ActionKind::Run), c.problem.operators.size());
  // The prefetcher has it back before its operator is due.
  EXPECT_LT(find(plan, Action::load(c.maps[0], -1, 1)),
            find(plan, Action::run(c.backward[0])));
}

TEST(Delta, TheDirectorRecomputesWhereThatIsCheaper) {
  // 100 us for a way: x0, which may not be made again, costs that; x1 300 ns
  // with staleness 401, x2 200 ns with 1. The filter takes x1.
  SwapChain c = network(1000000);
  Plan plan = firstPlan(planDelta, c.problem, {400});
  EXPECT_EQ(count(plan, ActionKind::Store), 0u);
  size_t first = find(plan, Action::run(c.forward[0]));
  EXPECT_LT(find(plan, Action::run(c.forward[0]), first + 1),
            plan.actions.size());
  EXPECT_EQ(count(plan, ActionKind::Run), c.problem.operators.size() + 1);
}

TEST(Delta, TheFilterPrefersLargeTensors) {
  // A swap takes 1000 ns whatever its size, and its way back hides. Of results
  // 0 and 1, ready at 100 and 200, the value at 1200 is 1000 / (100 * 1101) and
  // 1000 / (300 * 1001): without the bytes the older would go.
  Problem p = emptySwapProblem(1000000000000000);
  for (Link &l : p.machine.links)
    l.latencyNs = 1000;
  addOp(p, 100, 100, {});
  addOp(p, 100, 300, {});
  addOp(p, 1000, 1, {});
  addOp(p, 100, 100, {});
  addOp(p, 5000, 1, {3});
  addOp(p, 100, 1, {0});
  addOp(p, 100, 1, {1});
  p.operators[0].recomputable = p.operators[1].recomputable = false;
  Plan plan = firstPlan(planDelta, p, {450});
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  EXPECT_LT(find(plan, Action::store(1, -1, 1)), plan.actions.size());
}

TEST(Delta, WhatHidesOfTheWayBackCostsNothing) {
  // Of results 0 and 1, alike but for their staleness, 1 is read next: nothing
  // of its way back is hidden. A swap costs 0's 100 ns out, 1's 100 + 90: per
  // staleness 100 / 1121 and 190 / 1111. Making them again, 150 each, is dearer
  // for 0 and cheaper for 1.
  Problem p = emptySwapProblem(1000000000);
  addOp(p, 150, 100, {});
  addOp(p, 150, 100, {});
  addOp(p, 1000, 1, {});
  addOp(p, 10, 100, {});
  addOp(p, 5000, 1, {1, 3});
  addOp(p, 100, 1, {0});
  Plan plan = firstPlan(planDelta, p, {250});
  EXPECT_EQ(rerunsOf(plan).size(), 0u);
  EXPECT_LT(find(plan, Action::store(0, -1, 1)), plan.actions.size());
}

TEST(Delta, WhatIsGoneOfTheWayToATensorCountsForIt) {
  // b (1) takes 50 ns, but a, of which it is made, is gone: 150. c (2) takes
  // 100, and is nearly as stale.
  Problem p = emptyProblem();
  addOp(p, 100, 10, {});
  addOp(p, 50, 100, {0});
  addOp(p, 100, 100, {});
  addOp(p, 10000, 1, {});
  addOp(p, 10, 150, {});
  addOp(p, 10, 1, {1});
  addOp(p, 10, 1, {2});
  Plan plan = firstPlan(planDelta, p, {260});
  EXPECT_EQ(rerunsOf(plan), std::vector<uint32_t>{2});
}

/// x is made, lies idle for a long time in which the device is full for once,
/// and is read by operator 10. Transfers take 100 ns, most operators as well.
Problem idle(int64_t cost) {
  Problem p = emptySwapProblem(1000000000);
  addOp(p, cost, 100, {});
  addOp(p, 10000, 1, {});
  addOp(p, 100, 150, {});
  for (uint32_t i = 3; i < 10; ++i)
    addOp(p, 100, 1, {});
  addOp(p, 100, 1, {0});
  return p;
}

TEST(Delta, TheWayOutIsPartOfASwapsCost) {
  // The way back hides all of its 100 ns, the way out does not.
  Plan plan = firstPlan(planDelta, idle(80), {200});
  EXPECT_EQ(rerunsOf(plan), std::vector<uint32_t>{0});
  EXPECT_EQ(count(plan, ActionKind::Store), 0u);
  plan = firstPlan(planDelta, idle(120), {200});
  EXPECT_EQ(rerunsOf(plan).size(), 0u);
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
}

TEST(Delta, ThePrefetcherLeavesTimeForOneMoreTransfer) {
  // Two transfers before operator 10 are two operators before it.
  Plan plan = firstPlan(planDelta, idle(120), {200});
  EXPECT_EQ(find(plan, Action::load(0, -1, 1)) + 1, find(plan, Action::run(8)));
}

} // namespace
