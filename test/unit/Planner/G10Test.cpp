//===- G10Test.cpp - G10's decisions -----------------------------*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// By hand from the rules of the artifact. On its BERT and ViT kernel lists,
// which are not here, see docs/policies.md.
//
//===----------------------------------------------------------------------===//

#include "SwapChain.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// x and y are made, wait while operator 5 makes z, and are read at the end.
/// 12 operators of 1000 ns; the host takes 1 byte a ns, the SSD one in four.
Problem waiting(uint64_t x, uint64_t y, uint32_t readX = 11,
                uint32_t makeZ = 5) {
  Problem p = emptySwapProblem(1000000000, true);
  for (uint32_t i = 0; i < 12; ++i)
    addOp(p, 1000, i == 0 ? x : i == 1 ? y : i == makeZ ? 300 : 1, {});
  p.operators[readX].reads = {{0, -1}};
  p.operators[10].reads.push_back({1, -1});
  return p;
}

Plan planOf(const Problem &p, uint64_t budget, uint64_t host = unlimited) {
  return firstPlan(planG10, p, {budget, host});
}

TEST(G10, TakesTheMostBytesTimesTimeOverTheLine) {
  // At operator 5 there are 900 bytes. Both periods contain it; x saves 400
  // bytes for 1000 ns, y 200, and x alone is enough.
  Plan plan = planOf(waiting(400, 200), 850);
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  EXPECT_EQ(find(plan, Action::store(0, -1, 2)), 1u); // at once, to the SSD
}

TEST(G10, TheHostTakesOverWhereTheSsdIsBusy) {
  // x takes the SSD's 250 bytes of operator 1 and 150 of operator 2; y, from
  // operator 2 on, would end with operator 3, later than its own 800 ns.
  Plan plan = planOf(waiting(400, 200), 450);
  EXPECT_LT(find(plan, Action::store(0, -1, 2)), plan.actions.size());
  EXPECT_LT(find(plan, Action::store(1, -1, 1)), plan.actions.size());
  // Unless the host has no room.
  plan = planOf(waiting(400, 200), 450, 199);
  EXPECT_LT(find(plan, Action::store(1, -1, 2)), plan.actions.size());
}

TEST(G10, APeriodMustBeLongerThanBothTransfersAndAMargin) {
  // x waits for 4000 ns (operators 1 to 4): with 400 bytes, twice the SSD's
  // 1600 ns and a quarter more are just 4000. With 360 they are 3600.
  EXPECT_LT(find(planOf(waiting(360, 20, 5, 3), 400), Action::store(0, -1, 2)),
            2u);
  EXPECT_LT(find(planOf(waiting(400, 20, 5, 3), 450), Action::store(0, -1, 1)),
            2u);
}

TEST(G10, APrefetchComesAsEarlyAsTheMemoryAllows) {
  Plan plan = planOf(waiting(400, 200), 850);
  size_t load = find(plan, Action::load(0, -1, 2));
  EXPECT_GT(load, find(plan, Action::run(5))); // z is in the way until then
  EXPECT_LT(load, find(plan, Action::run(6)));
}

TEST(G10, TimeOverTheLineCountsAsBytesDo) {
  // x (0: 400 bytes, read by 8) is over the line of 650 while operator 4 makes
  // 300 bytes; y (1: 200 bytes, read by 15) then and while 10, 11 and 12 make
  // 500 each. They are worth 4e5 and 8e5: y is first and takes the SSD, 200 of
  // its 250 bytes of operator 2; x would end with operator 3, later than its
  // own 1600 ns, and goes to the host.
  Problem p = emptySwapProblem(1000000000, true);
  for (uint32_t i = 0; i < 16; ++i)
    addOp(p, 1000, i < 2 ? 400 - 200 * i : i == 4 ? 300 : i / 10 ? 500 : 1, {});
  for (uint32_t i = 13; i < 16; ++i)
    p.storages[i].bytes = 1;
  p.operators[8].reads = {{0, -1}};
  p.operators[15].reads = {{1, -1}};
  Plan plan = planOf(p, 650);
  EXPECT_LT(find(plan, Action::store(1, -1, 2)), plan.actions.size());
  EXPECT_LT(find(plan, Action::store(0, -1, 1)), plan.actions.size());
}

TEST(G10, WhatIsOverAllTheSameIsEvictedByItsNextUse) {
  // Transfers ten times as slow: no period is long enough, so nothing is
  // planned. At operator 5 one of x and y has to go: y is read first.
  Problem p = waiting(400, 400);
  for (Link &l : p.machine.links)
    l.bytesPerSecond /= 10;
  Plan plan = planOf(p, 850);
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  size_t store = find(plan, Action::store(0, -1, 1));
  EXPECT_LT(store, plan.actions.size());
  EXPECT_GT(store, find(plan, Action::run(4)));
}

TEST(G10, BytesOverTheLineCountAsTimeDoes) {
  // The same time over the line, but y's period saves twice x's bytes.
  Plan plan = planOf(waiting(200, 400), 850);
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  EXPECT_LT(find(plan, Action::store(1, -1, 2)), plan.actions.size());
}

TEST(G10, APrefetchTakesItsTimeOfTheWayIn) {
  // x and y, of 200 bytes each, are read by operator 12, and have to be gone
  // while 5 to 9 make 300 bytes each. The SSD brings 250 while an operator
  // runs: x starts with operator 11, which leaves 50 for y, so y starts
  // with 10. That makes 150 bytes, beside which there is room for one of them.
  Problem p = emptySwapProblem(1000000000, true);
  for (uint32_t i = 0; i < 13; ++i)
    addOp(p, 1000,
          i < 2              ? 200
          : i == 10          ? 150
          : i >= 5 && i < 10 ? 300
                             : 1,
          {});
  p.operators[12].reads = {{0, -1}, {1, -1}};
  Plan plan = planOf(p, 410);
  EXPECT_LT(find(plan, Action::store(0, -1, 2)), plan.actions.size());
  EXPECT_LT(find(plan, Action::store(1, -1, 2)), plan.actions.size());
  EXPECT_EQ(find(plan, Action::load(1, -1, 2)) + 1,
            find(plan, Action::run(10)));
  EXPECT_EQ(find(plan, Action::load(0, -1, 2)) + 1,
            find(plan, Action::run(11)));
}

TEST(G10, TheFirstOfThePrefetchesIsTheFirstToComeEarlier) {
  // The same, but operator 10 leaves room for both, and 8 and 9, which make 150
  // bytes each, for one: that is y, which is due first.
  Problem p = emptySwapProblem(1000000000, true);
  for (uint32_t i = 0; i < 13; ++i)
    addOp(p, 1000,
          i < 2              ? 200
          : i >= 5 && i < 8  ? 300
          : i >= 8 && i < 10 ? 150
                             : 1,
          {});
  p.operators[12].reads = {{0, -1}, {1, -1}};
  Plan plan = planOf(p, 410);
  EXPECT_EQ(find(plan, Action::load(1, -1, 2)) + 1, find(plan, Action::run(8)));
  EXPECT_EQ(find(plan, Action::load(0, -1, 2)) + 1,
            find(plan, Action::run(10)));
}

TEST(G10, TheTimeInWhichATensorIsOnItsWayOutSavesNothing) {
  // The line is crossed while operator 1 makes 300 bytes beside x's 600: too
  // early, for half of x takes longer than that to leave. So nothing is
  // planned: x goes on demand, to the first tier that has room, and comes when
  // operator 11 needs it.
  Problem p = emptySwapProblem(1000000000, true);
  for (uint32_t i = 0; i < 12; ++i)
    addOp(p, 1000, i == 0 ? 600 : i == 1 ? 300 : 1, {});
  p.operators[11].reads = {{0, -1}};
  Plan plan = planOf(p, 850);
  EXPECT_LT(find(plan, Action::store(0, -1, 1)), find(plan, Action::run(1)));
  EXPECT_EQ(find(plan, Action::load(0, -1, 1)) + 1,
            find(plan, Action::run(11)));
}

} // namespace
