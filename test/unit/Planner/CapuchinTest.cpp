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

#include "SwapChain.h"

#include <gmock/gmock.h>
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

TEST(Capuchin, SwapsWhatHasTheLongestFreeTime) {
  // 100 bytes take 100 ns. FT of x0: from the end of the first layer at 301 to
  // its backward pass at 1202, less 200: 701; of x1 from 501 to 802: 101; of x2
  // from 601 to 602 less 200: negative. 100 bytes over the limit: x0 alone.
  SwapChain c = network(1000000000);
  Plan plan = firstPlan(planCapuchin, c.problem, {400}, 4);
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  EXPECT_EQ(find(plan, Action::store(c.maps[0], -1, 1)),
            find(plan, Action::run(c.forward[0])) + 1);
  // The in-trigger: 100 ns before its back-access the second layer goes
  // backward (802 to 1202), which is after the peak.
  EXPECT_EQ(find(plan, Action::load(c.maps[0], -1, 1)) + 1,
            find(plan, Action::run(c.backward[1])));
}

TEST(Capuchin, AnInTriggerIsNotInsideThePeak) {
  // Operators 1 and 4 are over the limit of 350 beside x (0), operator 3 is
  // not. 5500 ns before operator 9 operator 3 runs, where there would be room
  // for x; but the peak lasts from 1 to 5, where 4's result dies.
  Problem p = emptySwapProblem(18181819); // 100 bytes in 5500 ns
  for (uint32_t i = 0; i < 10; ++i)
    addOp(p, 1000, i == 0 ? 100 : i == 1 || i == 4 ? 300 : 1, {});
  p.operators[2].reads = {{1, -1}};
  p.operators[5].reads = {{4, -1}};
  p.operators[9].reads = {{0, -1}};
  p.operators[0].recomputable = false;
  Plan plan = firstPlan(planCapuchin, p, {350});
  EXPECT_EQ(find(plan, Action::store(0, -1, 1)),
            find(plan, Action::run(0)) + 1);
  size_t load = find(plan, Action::load(0, -1, 1));
  EXPECT_GT(load, find(plan, Action::run(5)));
  EXPECT_LT(load, find(plan, Action::run(6)));
}

TEST(Capuchin, PassiveModeEvictsTheHeadOfTheAccessList) {
  // x (0) and y (1) are read by operators 6 and 7 and at the end; operators 3
  // and 9 each need one of them gone. Each is a candidate with one pair of
  // accesses only, that around operator 3: x's free time is longer. At operator
  // 9 passive mode evicts what was accessed least recently: x again.
  Problem p = emptySwapProblem(1000000000);
  for (uint32_t i = 0; i < 14; ++i)
    addOp(p, 1000, i < 2 ? 100 : i == 3 || i == 9 ? 200 : 1, {});
  p.operators[6].reads = {{0, -1}};
  p.operators[7].reads = {{1, -1}};
  p.operators[11].reads = {{1, -1}};
  p.operators[12].reads = {{0, -1}};
  p.operators[0].recomputable = p.operators[1].recomputable = false;
  Plan plan = firstPlan(planCapuchin, p, {350});
  size_t load = find(plan, Action::load(0, -1, 1));
  EXPECT_LT(load, find(plan, Action::run(6)));
  load = find(plan, Action::load(0, -1, 1), load + 1);
  EXPECT_LT(load, find(plan, Action::run(12)));
  EXPECT_EQ(find(plan, Action::load(1, -1, 1)), plan.actions.size());
}

TEST(Capuchin, WhatPassiveModeEvictedIsAskedOfTheNextRound) {
  // x (0) lies idle longest, from operator 0 to 8, then y (5) from 6 to 13, w
  // (4) from 4 to 10 and z (1) from 1 to 4. Each of the peaks 3 and 9 is 50
  // bytes over the limit: by the count x's swap is enough for both. But at 9 x
  // is there again, and w, read least recently, has to go on demand, just
  // before it is needed. In the next round its bytes are asked for as well: y
  // goes.
  Problem p = emptySwapProblem(200000000); // 100 bytes in 500 ns
  for (uint32_t i = 0; i < 14; ++i)
    addOp(p, 1000,
          i == 3                                ? 200
          : i < 2 || i == 4 || i == 5 || i == 9 ? 100
                                                : 1,
          {});
  p.operators[4].reads = {{1, -1}};
  p.operators[6].reads = {{5, -1}};
  p.operators[8].reads = {{0, -1}};
  p.operators[10].reads = {{4, -1}};
  p.operators[11].reads = {{0, -1}};
  p.operators[13].reads = {{5, -1}};
  for (Operator &o : p.operators)
    o.recomputable = false;
  Plan plan = firstPlan(planCapuchin, p, {350});
  EXPECT_EQ(count(plan, ActionKind::Store), 2u);
  EXPECT_EQ(find(plan, Action::store(0, -1, 1)),
            find(plan, Action::run(0)) + 1);
  size_t gone = find(plan, Action::store(5, -1, 1));
  EXPECT_GT(gone, find(plan, Action::run(6)));
  EXPECT_LT(gone, find(plan, Action::run(7)));
}

TEST(Capuchin, WhatWaitsComesATwentiethOfItsSwapTimeEarlier) {
  // x and y are read by the last two operators, 50 ns one after the other, and
  // take 1000 ns each: triggered by itself one waits for 950 ns, as the link
  // brings the other. By feedback who waits comes 50 ns earlier in the next
  // round, by turns. So 50 ns take two rounds, and 950 take 38. Four rounds are
  // run without any iterations.
  Problem p = emptySwapProblem(100000000);
  uint32_t x = addOp(p, 50, 100, {}), y = addOp(p, 50, 100, {});
  uint32_t t = addOp(p, 50, 100, {});
  for (uint32_t i = 0; i < 120; ++i) // one of them over the limit
    t = addOp(p, 50, i == 50 ? 300 : 100, {t});
  t = addOp(p, 50, 100, {t, x});
  addOp(p, 50, 100, {t, y});
  int64_t compute = 0;
  for (Operator &o : p.operators) {
    o.recomputable = false;
    compute += o.costNs[0];
  }
  auto waits = [&](uint32_t iterations) {
    Plan plan = firstPlan(planCapuchin, p, {400}, iterations);
    EXPECT_EQ(count(plan, ActionKind::Load), 2u);
    return simulate(p, plan, {.budgets = {400, unlimited}}).stepNs - compute;
  };
  int64_t first = waits(0), then = waits(20);
  EXPECT_LT(first, 950);
  EXPECT_LT(then, first);
  EXPECT_GT(then, 0);
  EXPECT_EQ(waits(40), 0);
}

TEST(Capuchin, WhatIsMadeFromARecomputedTensorGetsDearer) {
  // Two of a (1: 90 ns), b (2, made from a: 100 ns) and d (3: 150 ns) must go,
  // without a host. a saves most bytes a second. It is there again for b's
  // back-access, but with it gone b counts 190, and d is the next.
  Problem p = emptyProblem();
  addOp(p, 1, 1, {});
  addOp(p, 90, 100, {0});
  addOp(p, 100, 100, {1});
  addOp(p, 150, 100, {0});
  addOp(p, 10, 1, {});
  addOp(p, 10, 200, {4});
  addOp(p, 10, 1, {5});
  addOp(p, 10, 1, {1, 6});
  addOp(p, 10, 1, {2, 1, 7});
  addOp(p, 10, 1, {3, 8, 0});
  p.operators[0].recomputable = false;
  Plan plan = firstPlan(planCapuchin, p, {310});
  EXPECT_THAT(rerunsOf(plan), ::testing::UnorderedElementsAre(1, 3));
}

TEST(Capuchin, RecomputesByMspsWhereNoSwapHides) {
  // 100 us for a swap; x1 costs 100 ns to make again, x2 400: x1 saves more
  // bytes a second.
  SwapChain c = makeSwapChain(100, {{100, 100}, {400, 100}, {100, 100}});
  c.problem.operators[0].recomputable = false;
  for (Link &l : c.problem.machine.links)
    l.bytesPerSecond = 1000000;
  Plan plan = firstPlan(planCapuchin, c.problem, {400}, 4);
  EXPECT_EQ(count(plan, ActionKind::Store), 0u);
  EXPECT_EQ(count(plan, ActionKind::Run), c.problem.operators.size() + 1);
  size_t first = find(plan, Action::run(c.forward[0]));
  EXPECT_LT(find(plan, Action::run(c.forward[0]), first + 1),
            find(plan, Action::run(c.backward[1])));
}

} // namespace
