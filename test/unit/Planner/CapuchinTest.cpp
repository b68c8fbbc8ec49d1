//===- CapuchinTest.cpp - Capuchin's decisions -------------------*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// By hand from the paper's formulas: free time FT = (back-access - swap time) -
// (evicted-access + swap time), in-trigger, and bytes saved a second.
//
//===----------------------------------------------------------------------===//

#include "Planner/Policy.h"
#include "SwapChain.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// Layers of 300, 200 and 100 ns, all maps 100 bytes; x0 may not be made again.
SwapChain network(uint64_t bytesPerSecond) {
  SwapChain c = makeSwapChain(100, {{300, 100}, {200, 100}, {100, 100}});
  c.problem.operators[0].recomputable = false;
  for (Link &l : c.problem.machine.links)
    l.bytesPerSecond = bytesPerSecond;
  return c;
}

Plan planOf(const Problem &p, uint64_t budget) {
  Analysis a(p);
  PolicyAnswer answer = planCapuchin({a, {budget, unlimited}, 4, true});
  EXPECT_TRUE(answer.ok) << answer.reason;
  return answer.ok ? answer.plans[0] : Plan();
}

TEST(Capuchin, SwapsWhatHasTheLongestFreeTime) {
  // 100 bytes take 100 ns. FT of x0: from the end of the first layer at 301 to
  // its backward pass at 1202, less 200: 701; of x1 from 501 to 802: 101; of x2
  // from 601 to 602 less 200: negative. 100 bytes over the limit: x0 alone.
  SwapChain c = network(1000000000);
  Plan plan = planOf(c.problem, 400);
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  EXPECT_EQ(find(plan, Action::store(c.maps[0], -1, 1)),
            find(plan, Action::run(c.forward[0])) + 1);
  // The in-trigger: 100 ns before its back-access the second layer goes
  // backward (802 to 1202), which is after the peak.
  EXPECT_EQ(find(plan, Action::load(c.maps[0], -1, 1)) + 1,
            find(plan, Action::run(c.backward[1])));
}

TEST(Capuchin, AnInTriggerIsNotInsideThePeak) {
  // With 3000 ns a swap the in-trigger would be before the peak, which ends
  // with the backward pass of the third layer.
  SwapChain c = network(1000000000);
  c.problem.operators[c.forward[0]].costNs = {20000};
  c.problem.operators[c.backward[1]].costNs = {200};
  for (Link &l : c.problem.machine.links)
    l.bytesPerSecond = 200000000; // 500 ns
  c.problem.operators[c.forward[1]].costNs = {2000};
  Plan plan = planOf(c.problem, 400);
  ASSERT_LT(find(plan, Action::load(c.maps[0], -1, 1)), plan.actions.size());
  EXPECT_GT(find(plan, Action::load(c.maps[0], -1, 1)),
            find(plan, Action::run(c.backward[2])));
}

TEST(Capuchin, RecomputesByMspsWhereNoSwapHides) {
  // 100 us for a swap; x1 costs 100 ns to make again, x2 400: x1 saves more
  // bytes a second.
  SwapChain c = makeSwapChain(100, {{100, 100}, {400, 100}, {100, 100}});
  c.problem.operators[0].recomputable = false;
  for (Link &l : c.problem.machine.links)
    l.bytesPerSecond = 1000000;
  Plan plan = planOf(c.problem, 400);
  EXPECT_EQ(count(plan, ActionKind::Store), 0u);
  EXPECT_EQ(count(plan, ActionKind::Run), c.problem.operators.size() + 1);
  size_t first = find(plan, Action::run(c.forward[0]));
  EXPECT_LT(find(plan, Action::run(c.forward[0]), first + 1),
            find(plan, Action::run(c.backward[1])));
}

} // namespace
