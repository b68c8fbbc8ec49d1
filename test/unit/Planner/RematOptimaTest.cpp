//===- RematOptimaTest.cpp - Small problems against brute force -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chain.h"
#include "Planner/RematPortfolio.h"
#include "Training.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>
#include <map>
#include <queue>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

Problem randomProblem(uint64_t seed, uint32_t n) {
  Random random(seed);
  Problem p = emptyProblem();
  for (uint32_t i = 0; i < n; ++i) {
    std::vector<uint32_t> reads;
    for (uint32_t r = 0; r < i; ++r)
      if (random.chance(r + 1 == i ? 60 : 25))
        reads.push_back(r);
    addOp(p, int64_t(random.in(1, 20)), random.in(1, 9), reads);
  }
  return p;
}

/// Forward and backward, where recomputing pays.
Problem randomChain(uint64_t seed) {
  Random random(seed);
  ChainOptions options{.layers = 3};
  for (int i = 0; i < 3; ++i) {
    options.costs.push_back(int64_t(random.in(1, 20)));
    options.bytes.push_back(random.in(1, 9));
  }
  return makeChain(options);
}

/// The least cost by search of all states: what is live, what has run. -1 where
/// the budget is too small. What is not wanted may be freed at any time.
int64_t optimum(const Problem &p, uint64_t budget, bool fixedOrder) {
  uint32_t n = uint32_t(p.operators.size());
  using State = std::pair<uint32_t, uint32_t>;
  std::map<State, int64_t> best;
  std::priority_queue<std::pair<int64_t, State>> queue;
  auto reach = [&](int64_t cost, State s) {
    auto [it, fresh] = best.try_emplace(s, cost);
    if (!fresh && it->second <= cost)
      return;
    it->second = cost;
    queue.push({-cost, s});
  };
  uint32_t outputs = 0;
  for (uint32_t i = 0; i < n; ++i)
    outputs |= uint32_t(p.storages[i].output) << i;
  reach(0, {0, 0});
  while (!queue.empty()) {
    auto [negative, s] = queue.top();
    queue.pop();
    auto [live, done] = s;
    if (best[s] < -negative)
      continue;
    if (done == (1u << n) - 1 && (live & outputs) == outputs)
      return -negative;
    for (uint32_t i = 0; i < n; ++i) {
      reach(-negative, {live & ~(1u << i), done}); // free
      bool ran = done >> i & 1;
      if (!ran && fixedOrder && done != (1u << i) - 1)
        continue;
      uint32_t needs = 0;
      for (const Access &r : p.operators[i].reads)
        needs |= 1u << r.storage;
      if ((needs & ~live) != 0)
        continue;
      uint32_t with = live | 1u << i;
      uint64_t bytes = 0;
      for (uint32_t k = 0; k < n; ++k)
        bytes += (with >> k & 1) ? p.storages[k].bytes : 0;
      if (bytes <= budget)
        reach(p.operators[i].costNs[0] - negative, {with, done | 1u << i});
    }
  }
  return -1;
}

/// Every budget between what is too small and what needs nothing.
class Optima : public ::testing::TestWithParam<bool> {};

TEST_P(Optima, AreFound) {
  bool fixedOrder = GetParam();
  uint32_t checked = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Problem p = seed % 2 ? randomProblem(seed, 7) : randomChain(seed);
    int64_t base = 0;
    for (const Operator &op : p.operators)
      base += op.costNs[0];
    for (uint64_t budget = floorBytes(p)[0];; ++budget) {
      int64_t least = optimum(p, budget, fixedOrder);
      if (least < 0)
        continue;
      PlanResult r = planLoad(p, "joint", budget, 20, fixedOrder);
      ASSERT_TRUE(r.feasible)
          << "seed " << seed << ", budget " << budget << ", where " << least
          << " is possible: " << r.infeasible.reason;
      EXPECT_EQ(r.simulation.stepNs, least)
          << "seed " << seed << ", budget " << budget;
      checked += least > base;
      if (least == base)
        break;
    }
  }
  EXPECT_GT(checked, 15u); // budgets at which something must be paid
}

INSTANTIATE_TEST_SUITE_P(Orders, Optima, ::testing::Bool());

TEST(Remat, WhatIsFeasibleIsSoWhateverTheEffort) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Problem p = randomProblem(seed, 16);
    PlanOptions options;
    options.offsets = options.findSmallest = options.fixedOrder = false;
    uint64_t floor = floorBytes(p)[0];
    for (uint64_t percent : {100, 105, 110, 120}) {
      options.budgets = {floor * percent / 100};
      options.iterations = 0;
      bool without = plan(p, options).feasible;
      for (uint32_t iterations : {1, 7, 30}) {
        options.iterations = iterations;
        EXPECT_EQ(plan(p, options).feasible, without)
            << "seed " << seed << ", budget " << options.budgets[0] << ", "
            << iterations << " iterations";
      }
    }
  }
}

TEST(Remat, TheSameEffortGivesTheSamePlan) {
  Problem p = randomProblem(5, 40);
  uint64_t budget = floorBytes(p)[0] * 13 / 10;
  PlanResult first = planLoad(p, "joint", budget, 10, false);
  PlanResult second = planLoad(p, "joint", budget, 10, false);
  ASSERT_TRUE(first.feasible) << first.infeasible.reason;
  EXPECT_EQ(first.plan.actions, second.plan.actions);
  EXPECT_TRUE(verifyPlan(p, first.plan, {budget}).ok());
}

TEST(Remat, OrderAloneMayDo) {
  // Two branches a_i (big) -> b_i (small): side by side both big results are
  // live, one after the other only one is.
  Problem p = emptyProblem();
  addOp(p, 10, 8, {});
  addOp(p, 10, 8, {});
  addOp(p, 1, 1, {0});
  addOp(p, 1, 1, {1});
  addOp(p, 1, 1, {2, 3});
  EXPECT_EQ(planLoad(p, "joint", 10, 20, false).simulation.stepNs, 23);
  EXPECT_GT(planLoad(p, "joint", 17, 20, true).simulation.stepNs, 0);
}

} // namespace
