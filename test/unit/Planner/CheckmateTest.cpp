//===- CheckmateTest.cpp - Optima of small graphs ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Optimum.h"
#include "Planner/Policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

TEST(Checkmate, Vgg16At90PercentIsOptimal) {
  // The published program's optimum is an increase of 1.9677 %.
  Problem p = readInput("vgg16_train.json");
  ASSERT_FALSE(p.operators.empty());
  uint64_t peak = planLoad(p, "keep-all", unlimited).peakBytes[0];
  PlanResult r = planLoad(p, "checkmate", peak / 10 * 9, 5);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  double base = double(r.simulation.stepNs - r.recomputedNs);
  EXPECT_NEAR(double(r.recomputedNs) / base, 0.019677, 0.000001);
  // Rounding gives up something, at 0.9 of the budget.
  PlanResult lp = planLoad(p, "checkmate-lp", peak / 10 * 9, 5);
  ASSERT_TRUE(lp.feasible) << lp.infeasible.reason;
  EXPECT_GE(lp.recomputedNs, r.recomputedNs);
  EXPECT_LT(double(lp.recomputedNs) / base, 0.25);
}

TEST(Checkmate, PaysForTheCheapestWayOnly) {
  // One result has to be made again: of the chain's, the cheapest.
  Problem p = makeChain({.layers = 5, .costs = {9, 9, 2, 9, 9}});
  uint64_t peak = planLoad(p, "keep-all", unlimited).peakBytes[0];
  PlanResult r = planLoad(p, "checkmate", peak - 1, 5);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_THAT(rerunsOf(r.plan), ::testing::ElementsAre(2));
}

TEST(Checkmate, IterationsAreNodesOfTheSearchTree) {
  // It takes more than the ten nodes of one iteration to prove an optimum.
  Problem p = randomProblem(21, 12);
  uint64_t budget = (floorBytes(p)[0] + unconstrainedPeakBytes(p)) / 2;
  Analysis a(p);
  PolicyAnswer few = planCheckmate({a, {budget}, 1});
  ASSERT_TRUE(few.ok) << few.reason;
  EXPECT_TRUE(few.searches);
  PolicyAnswer many = planCheckmate({a, {budget}, 200});
  ASSERT_TRUE(many.ok) << many.reason;
  EXPECT_FALSE(many.searches);
  EXPECT_EQ(simulate(p, many.plans[0]).stepNs, optimum(p, budget, true));
}

TEST(Checkmate, AnOptimalStartNeedsNoMoreSearch) {
  // The relaxation is no cheaper than the start (10), or nearly so (7).
  for (uint64_t seed : {7, 10}) {
    Problem p = randomChain(seed, 6);
    uint64_t floor = floorBytes(p)[0];
    uint64_t budget = floor + (unconstrainedPeakBytes(p) - floor) / 5;
    Analysis a(p);
    PolicyAnswer answer = planCheckmate({a, {budget}, 1});
    ASSERT_TRUE(answer.ok) << answer.reason;
    EXPECT_FALSE(answer.searches) << seed;
    EXPECT_EQ(simulate(p, answer.plans[0]).stepNs, optimum(p, budget, true));
  }
}

/// Without a start that fits the program has to find a plan by itself.
TEST(Checkmate, SaysThatTheProgramWasNotSolvedInTime) {
  Problem p = readInput("vgg_unet_train.json");
  uint64_t peak = planLoad(p, "keep-all", unlimited).peakBytes[0];
  Analysis a(p);
  PolicyRequest request{a, {peak / 4}, 1u << 20, true};
  auto begin = std::chrono::steady_clock::now();
  request.deadline = begin + std::chrono::seconds(1);
  PolicyAnswer answer = planCheckmate(request);
  std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - begin;
  EXPECT_LT(spent.count(), 5);
  EXPECT_FALSE(answer.ok);
  EXPECT_THAT(answer.reason, ::testing::HasSubstr("was not solved in "));
  EXPECT_THAT(answer.reason, ::testing::HasSubstr("--plan-seconds"));
}

TEST(Checkmate, LargeGraphsAreNotForIt) {
  Problem p = makeChain({.layers = 400});
  PlanResult r = planLoad(p, "checkmate", 200, 1);
  EXPECT_FALSE(r.feasible);
  EXPECT_FALSE(r.infeasible.applies);
  EXPECT_NE(r.infeasible.reason.find("expected at most"), std::string::npos);
}

} // namespace
