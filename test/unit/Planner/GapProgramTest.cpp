//===- GapProgramTest.cpp - The linear program over gaps --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Optimum.h"
#include "PlacedTest.h"
#include "Planner/GapDual.h"
#include "Training.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// What it costs to make storage `s` again over its first gap; -1: not at all,
/// -2: it has none.
double remakeOf(const Problem &p, uint32_t s, int32_t *storeFrom = nullptr) {
  Analysis a(p);
  GapProgram program = buildGapProgram(a, false);
  for (const GapItem &item : program.items)
    if (item.cell == a.cellBegin[s]) {
      if (storeFrom)
        *storeFrom = item.storeFrom - item.fromWindow;
      return item.remake;
    }
  return -2;
}

/// x0 -> x1 -> x2, of the sizes given, then two operators, then one that reads
/// x0 and x2.
Problem threeInARow(uint64_t x0, uint64_t x1, uint64_t x2) {
  Problem p = emptyProblem();
  addOp(p, 3, x0, {});
  addOp(p, 20, x1, {0});
  addOp(p, 5, x2, {1});
  addOp(p, 1, 1, {});
  addOp(p, 1, 1, {3});
  addOp(p, 1, 1, {0, 2, 4});
  return p;
}

TEST(GapProgram, WhatNobodyElseReadsIsMadeAgainToo) {
  // x1 is not worth keeping for the sake of x2, if it is no smaller.
  EXPECT_DOUBLE_EQ(remakeOf(threeInARow(4, 4, 4), 2), 25);
  EXPECT_DOUBLE_EQ(remakeOf(threeInARow(4, 3, 4), 2), 5);
  // Of x0, which is read later anyhow, nothing is said.
  EXPECT_DOUBLE_EQ(remakeOf(threeInARow(4, 4, 4), 0), 3);
  // Nor of what somebody else reads or wants in the end.
  Problem p = threeInARow(4, 4, 4);
  p.operators[3].reads.push_back({1});
  EXPECT_DOUBLE_EQ(remakeOf(p, 2), 5);
  p = threeInARow(4, 4, 4);
  p.storages[1].output = true;
  EXPECT_DOUBLE_EQ(remakeOf(p, 2), 5);
  // Of a run that makes something else as well, a share.
  p = threeInARow(4, 4, 4);
  p.storages.push_back({.id = 99, .bytes = 12});
  p.operators[1].writes.push_back({6});
  EXPECT_DOUBLE_EQ(remakeOf(p, 2), 5 + 20 * 4 / 16.0);
  // What cannot run again is no way.
  p = threeInARow(4, 4, 4);
  p.operators[1].recomputable = false;
  EXPECT_DOUBLE_EQ(remakeOf(p, 2), -1);
  // What is stored may be x1, before x2 is made.
  int32_t storeFrom = 0;
  remakeOf(threeInARow(4, 4, 4), 2, &storeFrom);
  EXPECT_EQ(storeFrom, -1);
  remakeOf(threeInARow(4, 3, 4), 2, &storeFrom);
  EXPECT_EQ(storeFrom, 0);
}

/// Rows of operators of which only the last result is read again.
Problem rowsOf(uint64_t seed) {
  Random random(seed);
  Problem p = emptyProblem();
  std::vector<uint32_t> kept;
  while (p.operators.size() < 7) {
    std::vector<uint32_t> reads;
    if (!kept.empty())
      reads.push_back(kept.back());
    for (uint64_t k = random.in(0, 2); k-- > 0;)
      reads = {addOp(p, int64_t(random.in(1, 20)), random.in(3, 9), reads)};
    kept.push_back(addOp(p, int64_t(random.in(1, 9)), random.in(1, 6), reads));
  }
  uint32_t last = kept.back();
  for (; kept.size() > 1 && p.operators.size() < 13; kept.pop_back())
    last = addOp(p, int64_t(random.in(1, 9)), random.in(1, 3),
                 {last, kept[kept.size() - 2]});
  return p;
}

class GapProgramOrders : public ::testing::TestWithParam<bool> {};

TEST_P(GapProgramOrders, IsBelowTheOptimumByItself) {
  bool anyOrder = GetParam();
  uint32_t told = 0;
  double explained = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Problem p = rowsOf(seed);
    int64_t base = 0;
    for (const Operator &op : p.operators)
      base += op.costNs[0];
    uint64_t low = floorBytes(p)[0];
    while (optimum(p, low, !anyOrder) < 0)
      ++low;
    for (uint64_t budget = low; budget < low + 3; ++budget) {
      int64_t least = optimum(p, budget, !anyOrder);
      double ns = priceGaps(Analysis(p), {budget}, anyOrder).boundNs;
      ASSERT_LE(ns, double(least) * (1 + 1e-9))
          << "seed " << seed << ", budget " << budget;
      if (least > base) {
        ++told;
        explained += (ns - double(base)) / double(least - base);
      }
    }
  }
  printf("%u instances, share of the overhead: mean %.3f\n", told,
         explained / told);
  EXPECT_GE(told, 40u);
  EXPECT_GE(explained / told, anyOrder ? 0.2 : 0.3);
}

/// With a host behind fast or slow links, where what is not kept may be
/// swapped.
TEST_P(GapProgramOrders, IsBelowSwapsToo) {
  bool anyOrder = GetParam();
  uint32_t plans = 0, swaps = 0;
  double closest = 1e9;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Problem p = rowsOf(seed);
    p.machine = makeMachine(true, false, seed % 2 ? 300000000 : 2000000000);
    for (Link &l : p.machine.links)
      l.latencyNs = 0, l.group = seed % 3 == 0;
    uint64_t low = floorBytes(p)[0];
    for (uint64_t budget = low; budget < low + 6; budget += 3) {
      PlanOptions how;
      how.budgets = {budget, unlimited};
      how.iterations = 0;
      how.offsets = false;
      how.fixedOrder = !anyOrder;
      how.findSmallest = false;
      PlanResult r = plan(p, how);
      if (!r.feasible)
        continue;
      ++plans;
      swaps += r.simulation.linkBytes[0] > 0;
      double ns = priceGaps(Analysis(p), how.budgets, anyOrder).boundNs;
      closest = std::min(closest, double(r.simulation.stepNs) / ns);
      ASSERT_LE(ns, double(r.simulation.stepNs) * (1 + 1e-9))
          << "seed " << seed << ", budget " << budget;
    }
  }
  printf("%u plans, %u of them swap, the best %.3f of the bound\n", plans,
         swaps, closest);
  EXPECT_GE(plans, 8u);
  EXPECT_GE(swaps, 6u);
}

INSTANTIATE_TEST_SUITE_P(Orders, GapProgramOrders, ::testing::Bool());

TEST(GapProgram, AnUpdateElsewhereTakesItsGradientAndBringsTheParameter) {
  LayerChain c = makeLayerChain({.layers = 8,
                                 .activation = 10,
                                 .inner = 10,
                                 .parameter = 1000,
                                 .state = 1000});
  allowHostUpdates(c.problem, 1);
  // The device has room for the parameters; state comes and goes, or the
  // gradient goes and the parameter comes: either way 1000 bytes in and out.
  std::vector<uint64_t> budgets{9600, unlimited};
  auto bound = [&](const Problem &p) {
    return priceGaps(Analysis(p), budgets, true).boundNs;
  };
  double ns = bound(c.problem);
  // But for state that the rest of the room holds.
  EXPECT_GE(ns, 5000);
  EXPECT_LE(ns,
            double(planPlaced(c.problem, "joint", budgets).simulation.stepNs));
  // A small gradient goes quickly; the parameter comes all the same, and in
  // that direction nothing is won.
  Problem p = c.problem;
  for (uint32_t g : c.g)
    p.storages[g].bytes = 10;
  EXPECT_GE(bound(p), 5000);
  // What runs on the device only is no better off, what runs elsewhere only has
  // no other way either.
  for (Operator &op : p.operators)
    if (!op.updates.empty())
      op.costNs = {op.costNs[0]};
  EXPECT_GE(bound(p), 5000);
  // Without anything to update nothing has to move.
  for (Operator &op : p.operators)
    op.updates.clear();
  EXPECT_LE(bound(p), 100);
}

} // namespace
