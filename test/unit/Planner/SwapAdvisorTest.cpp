//===- SwapAdvisorTest.cpp - SwapAdvisor decisions --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SwapChain.h"

#include <gtest/gtest.h>
#include <set>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

TEST(SwapAdvisor, EvictsWhatIsUsedFurthestInTheFuture) {
  // When the loss needs room for its gradient, x0 is used last of x0, x1, x2.
  SwapChain c = makeSwapChain(100, {{300, 100}, {200, 100}, {100, 100}});
  PolicyAnswer answer = ask(planSwapAdvisor, c.problem, {400});
  ASSERT_TRUE(answer.ok) << answer.reason;
  for (const Plan &plan : answer.plans) {
    EXPECT_LT(find(plan, Action::store(c.maps[0], -1, 1)), plan.actions.size());
    EXPECT_EQ(find(plan, Action::store(c.maps[2], -1, 1)), plan.actions.size());
  }
}

/// How many tensors are on the device at once.
size_t mostAtOnce(const Problem &p, const Plan &plan) {
  std::set<uint32_t> there;
  size_t most = 0;
  for (const Action &a : plan.actions) {
    if (a.kind == ActionKind::Run)
      there.insert(p.operators[a.op].writes[0].storage);
    else if (a.kind == ActionKind::Load)
      there.insert(a.storage);
    else if (a.kind == ActionKind::Free && a.tier == 0)
      there.erase(a.storage);
    most = std::max(most, there.size());
  }
  return most;
}

TEST(SwapAdvisor, APoolHasItsBlocksAndNoMore) {
  // Maps of 64 and 256 bytes, 900 in all. Where sizes within a ratio of 8 are
  // one class its blocks have 256 bytes, and there are three: no more tensors
  // are there at once, however small. In one pool of bytes there are.
  SwapChain c = makeSwapChain(
      64, {{300, 64}, {200, 256}, {100, 64}, {300, 256}, {100, 64}});
  PolicyAnswer answer = ask(planSwapAdvisor, c.problem, {900});
  ASSERT_TRUE(answer.ok) << answer.reason;
  size_t least = SIZE_MAX, most = 0;
  for (const Plan &plan : answer.plans) {
    least = std::min(least, mostAtOnce(c.problem, plan));
    most = std::max(most, mostAtOnce(c.problem, plan));
  }
  EXPECT_EQ(least, 3u);
  EXPECT_GT(most, 3u);
}

TEST(SwapAdvisor, SearchIsNeverWorse) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    TrainingOptions o;
    o.seed = seed;
    o.layers = 8;
    Problem p = makeTraining(o);
    PlanOptions options;
    options.policy = "swapadvisor";
    options.budgets = {(floorBytes(p)[0] + unconstrainedPeakBytes(p)) / 2,
                       unlimited};
    options.offsets = false;
    options.fixedOrder = seed % 2;
    options.iterations = 0;
    PlanResult quick = plan(p, options);
    options.iterations = 40;
    PlanResult searched = plan(p, options);
    ASSERT_TRUE(quick.feasible) << quick.infeasible.reason;
    ASSERT_TRUE(searched.feasible) << searched.infeasible.reason;
    // The fitness is a short simulation; the result is told by a long one.
    EXPECT_LE(double(searched.simulation.stepNs),
              1.02 * double(quick.simulation.stepNs));
  }
}

TEST(SwapAdvisor, AnotherOrderIsFoundWhereItPays) {
  // a is made first and read last; b is made and read at once. Given: a, b,
  // then the readers of b, then of a; all of them may run at any time.
  Problem p = emptySwapProblem(100000000);
  for (uint32_t i = 0; i < 3; ++i)
    addOp(p, 100, 100, {});
  for (uint32_t i = 3; i-- > 0;)
    addOp(p, 100, 1, {i});
  auto stepOf = [&](bool fixedOrder) {
    PlanOptions options;
    options.policy = "swapadvisor";
    options.budgets = {202, unlimited};
    options.iterations = 40;
    options.fixedOrder = fixedOrder;
    options.offsets = false;
    PlanResult r = plan(p, options);
    EXPECT_TRUE(r.feasible) << r.infeasible.reason;
    return r.simulation.stepNs;
  };
  EXPECT_GT(stepOf(true), 1000); // a goes and comes: 1000 ns and latency each
  EXPECT_EQ(stepOf(false), 600);
}

} // namespace
