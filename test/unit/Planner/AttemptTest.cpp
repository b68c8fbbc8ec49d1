//===- AttemptTest.cpp - Plans are given addresses once ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/Attempt.h"

#include "SwapChain.h"

#include <algorithm>
#include <ctime>
#include <gmock/gmock.h>
#include <map>
#include <mutex>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// A policy that answers with given plans, by thousandths of padding, and notes
/// what it was asked. Policies are plain functions.
struct Given {
  std::map<uint64_t, std::vector<Plan>> plans; ///< or of the next lower one
  std::vector<std::pair<uint64_t, uint32_t>> asked; ///< padding, iterations
  uint64_t workspace = 0; ///< of the first operator, without padding
  std::mutex lock;
};
Given *given = nullptr;

PolicyAnswer answerGiven(const PolicyRequest &r) {
  uint64_t bytes = r.analysis.problem.operators[0].workspace - given->workspace;
  uint64_t permille = bytes / (r.budgets[0] / 1000);
  std::lock_guard guard(given->lock);
  given->asked.push_back({permille, r.iterations});
  PolicyAnswer answer;
  answer.ok = true;
  answer.plans = std::prev(given->plans.upper_bound(permille))->second;
  // It leaves it to others when loads come; it makes nothing again.
  answer.again = [](const Analysis &) { return std::nullopt; };
  return answer;
}

const Policy policy = {"given", "", answerGiven};

TEST(Attempt, APlanThatWasTriedCountsAsWhatItTookThen) {
  // Levels of padding are asked for one after the other. Two of them answer
  // with one plan, which is faster than what the others have: they are the two
  // that are asked again with all iterations, though the second of them was
  // given no addresses of its own.
  SwapChain c = makeSwapChain(1000, {{10, 1000}, {10, 1000}, {10, 1000}});
  Analysis a(c.problem);
  Plan fast = firstPlan(planKeepAll, c.problem, {});
  std::vector<uint64_t> budgets = {100000, unlimited};
  Plan slow = fast;
  size_t made = find(slow, Action::run(c.forward[0]));
  slow.actions.insert(
      slow.actions.begin() + ptrdiff_t(made) + 1,
      {Action::store(c.maps[0], -1, 1), Action::free(c.maps[0], -1, 0),
       Action::load(c.maps[0], -1, 1), Action::free(c.maps[0], -1, 1)});
  Given g;
  given = &g;
  g.plans = {{0, {slow}}, {100, {fast}}};
  PlanOptions options;
  Attempt attempt(a, policy, options);
  ASSERT_TRUE(attempt.run(budgets, 80)) << attempt.reason;
  EXPECT_EQ(attempt.plan.actions, fast.actions);
  std::vector<uint64_t> last;
  for (auto [permille, iterations] : g.asked)
    if (iterations == 80)
      last.push_back(permille);
  EXPECT_THAT(last, ::testing::UnorderedElementsAre(100, 150));
}

TEST(Attempt, AddressesAreFoundOnceForEachPlan) {
  // Recomputations on one tier, of which all bytes are taken at the peak: it
  // takes some time to find addresses, or that there are none. Nothing moves,
  // so apart from addresses there is nothing to be done for a plan.
  Problem p =
      makeTraining({.layers = 100, .host = false, .parameterBytes = 500});
  Analysis a(p);
  std::vector<uint64_t> budgets = {unconstrainedPeakBytes(p) / 10 * 7};
  Plan easy = firstPlan(planDtr, p, {budgets[0] / 10 * 9});
  Plan hard = firstPlan(planDtr, p, {budgets[0]});
  Given g;
  given = &g;
  g.workspace = p.operators[0].workspace;
  PlanOptions options;
  auto seconds = [&](size_t times) {
    g.plans[0].assign(times + 1, hard);
    g.plans[0][0] = easy;
    double least = 1e9;
    for (int k = 0; k < 3; ++k) {
      Attempt attempt(a, policy, options);
      std::clock_t begin = std::clock();
      EXPECT_TRUE(attempt.run(budgets, 8)) << attempt.reason;
      least = std::min(least, double(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    return least;
  };
  double once = seconds(1), often = seconds(20);
  EXPECT_LT(often, 4 * once) << once;
}

} // namespace
