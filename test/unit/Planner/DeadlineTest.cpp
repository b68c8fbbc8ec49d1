//===- DeadlineTest.cpp - Planning for a given time -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/Policy.h"
#include "Training.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>
#include <set>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

PlanOptions tight(const Problem &problem, uint32_t iterations) {
  PlanOptions options;
  options.iterations = iterations;
  for (const Tier &t : problem.machine.tiers)
    options.budgets.push_back(t.capacity);
  options.budgets[0] =
      (floorBytes(problem)[0] + unconstrainedPeakBytes(problem)) / 2;
  return options;
}

/// With a second tier (swaps) and without (annealing).
class Deadline : public ::testing::TestWithParam<bool> {
protected:
  Problem problem = makeTraining({.layers = 8, .seed = 5, .host = GetParam()});
};

/// What is feasible does not depend on the clock.
TEST_P(Deadline, InThePastStillGivesThePlanOfNoIterations) {
  PlanOptions options = tight(problem, 0);
  PlanResult without = plan(problem, options);
  options.iterations = 1000000;
  options.deadline = Clock::now();
  Clock::time_point start = Clock::now();
  PlanResult late = plan(problem, options);
  ASSERT_EQ(late.feasible, without.feasible);
  ASSERT_TRUE(late.feasible) << late.infeasible.reason;
  EXPECT_EQ(late.simulation.stepNs, without.simulation.stepNs);
  EXPECT_LT(secondsSince(start), 5);
}

/// So many iterations take hours: the search must look at the clock.
TEST_P(Deadline, StopsTheSearch) {
  PlanOptions options = tight(problem, 0);
  PlanResult without = plan(problem, options);
  options.iterations = 1u << 30;
  options.deadline = Clock::now() + std::chrono::milliseconds(300);
  Clock::time_point start = Clock::now();
  PlanResult result = plan(problem, options);
  EXPECT_LT(secondsSince(start), 5);
  ASSERT_TRUE(result.feasible) << result.infeasible.reason;
  Verdict verdict = verifyPlan(problem, result.plan, options.budgets);
  EXPECT_TRUE(verdict.ok()) << verdict.error;
  EXPECT_LE(result.simulation.stepNs, without.simulation.stepNs);
}

/// Few iterations are not the limit: the time is used, in growing rounds.
TEST_P(Deadline, UsesTheTime) {
  PlanOptions options = tight(problem, 1);
  PlanResult one = plan(problem, options);
  ASSERT_TRUE(one.feasible) << one.infeasible.reason;
  if (one.simulation.stepNs == one.lowerBoundNs)
    GTEST_SKIP() << "nothing to win";
  options.deadline = Clock::now() + std::chrono::milliseconds(400);
  PlanResult result = plan(problem, options);
  EXPECT_GE(Clock::now(), *options.deadline);
  ASSERT_TRUE(result.feasible) << result.infeasible.reason;
  EXPECT_LE(result.simulation.stepNs, one.simulation.stepNs);
}

/// Whatever the policy: those that search look at the clock, others take no
/// longer for more iterations.
TEST(DeadlineOfPolicies, StopsEach) {
  for (bool host : {false, true}) {
    // Parameters that are small enough for policies that only recompute.
    Problem problem = makeTraining(
        {.layers = 8, .seed = 5, .host = host, .parameterBytes = 500});
    PlanOptions options = tight(problem, 1u << 30);
    options.findSmallest = false;
    for (const PolicyInfo &policy : policies()) {
      options.policy = policy.name;
      Clock::time_point start = Clock::now();
      options.deadline = start + std::chrono::milliseconds(30);
      PlanResult result = plan(problem, options);
      EXPECT_LT(secondsSince(start), 5) << policy.name;
      if (result.feasible)
        EXPECT_TRUE(verifyPlan(problem, result.plan, options.budgets).ok())
            << policy.name;
    }
  }
}

/// A policy that is late from the start answers as if no iterations were asked
/// for. FastSa and SwapAdvisor find something better in so many as are asked
/// for here, so they have looked at the clock.
TEST(DeadlineOfPolicies, InThePastTheAnswerIsThatOfNoIterations) {
  std::set<std::string> searched;
  for (bool host : {false, true}) {
    Problem problem = makeTraining(
        {.layers = 8, .seed = 2, .host = host, .parameterBytes = 500});
    Analysis a(problem);
    std::vector<uint64_t> budgets(problem.machine.tiers.size(), unlimited);
    budgets[0] = (floorBytes(problem)[0] + unconstrainedPeakBytes(problem)) / 2;
    for (const Policy &policy : allPolicies()) {
      std::string name = policy.name;
      // A program that is not solved in time has no other answer.
      if (name.starts_with("checkmate") || name.starts_with("poet"))
        continue;
      SCOPED_TRACE(name + (host ? " with" : " without") + " host");
      PolicyAnswer quick = policy.plan({a, budgets, 0, true});
      PolicyAnswer late = policy.plan({a, budgets, 200, true, Clock::now()});
      ASSERT_EQ(late.ok, quick.ok) << late.reason;
      // OffMate is late before its later, tighter programs.
      if (!quick.ok || name == "offmate")
        continue;
      EXPECT_EQ(late.plans[0].actions, quick.plans[0].actions);
      if (name != "fastsa" && name != "swapadvisor")
        continue;
      PolicyAnswer slow = policy.plan({a, budgets, 200, true});
      ASSERT_TRUE(slow.ok) << slow.reason;
      if (slow.plans[0].actions != quick.plans[0].actions)
        searched.insert(name);
    }
  }
  EXPECT_EQ(searched, (std::set<std::string>{"fastsa", "swapadvisor"}));
}

INSTANTIATE_TEST_SUITE_P(Tiers, Deadline, ::testing::Bool());

} // namespace
