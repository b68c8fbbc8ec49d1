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

#include "Planner/Policy.h"
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

Plan planOf(const Problem &p, uint64_t budget) {
  Analysis a(p);
  PolicyAnswer answer = planDelta({a, {budget, unlimited}, 4, true});
  EXPECT_TRUE(answer.ok) << answer.reason;
  return answer.ok ? answer.plans[0] : Plan();
}

TEST(Delta, TheDirectorSwapsWhereThatIsCheaper) {
  // The loss needs 500 bytes. A swap costs 100 ns for the way out, and its way
  // back hides; making x1 again costs 300 and x2 200. All cost the same to
  // swap, so the filter takes the stalest: x0, last used at 301.
  SwapChain c = network(1000000000);
  Plan plan = planOf(c.problem, 400);
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
  Plan plan = planOf(c.problem, 400);
  EXPECT_EQ(count(plan, ActionKind::Store), 0u);
  size_t first = find(plan, Action::run(c.forward[0]));
  EXPECT_LT(find(plan, Action::run(c.forward[0]), first + 1),
            plan.actions.size());
  EXPECT_EQ(count(plan, ActionKind::Run), c.problem.operators.size() + 1);
}

} // namespace
