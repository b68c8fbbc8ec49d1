//===- SuperNeuronsTest.cpp - SuperNeurons' decisions -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A segment as the paper draws it: CONV ACT POOL BN CONV. Three layers lie
// between two checkpoints, so speed-centric recompute runs 3 operators again,
// memory-centric 3 + 2 + 1, by the paper's count.
//
//===----------------------------------------------------------------------===//

#include "SwapChain.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

SwapChain segment(uint64_t inputBytes, uint64_t bytes) {
  return makeSwapChain(inputBytes, {{300, 10, true},
                                    {50, bytes, false},
                                    {50, bytes, false},
                                    {50, bytes, false},
                                    {300, 10, true}});
}

uint32_t timesRun(const Plan &plan, uint32_t op) {
  uint32_t n = 0;
  for (const Action &a : plan.actions)
    n += a == Action::run(op);
  return n;
}

TEST(SuperNeurons, SpeedCentricWhereTheSegmentIsBelowTheLargestLayer) {
  // Going backward the first layer needs 100 + 10 + 100 bytes: l_peak. The
  // segment's results and its backward pass take 30 + 30.
  SwapChain c = segment(100, 10);
  PolicyAnswer answer = ask(planSuperNeurons, c.problem, {1000});
  ASSERT_EQ(answer.plans.size(), 3u);
  const Plan &plan = answer.plans[2];
  for (uint32_t layer : {1u, 2u, 3u})
    EXPECT_EQ(timesRun(plan, c.forward[layer]), 2u);
  EXPECT_EQ(timesRun(plan, c.forward[0]), 1u); // a checkpoint
  EXPECT_EQ(count(plan, ActionKind::Store), 0u);
}

TEST(SuperNeurons, MemoryCentricWhereItIsAbove) {
  // l_peak is 300 (100 + 100 + 100); the segment takes 300 + 300.
  SwapChain c = segment(10, 100);
  PolicyAnswer answer = ask(planSuperNeurons, c.problem, {1000});
  ASSERT_EQ(answer.plans.size(), 3u);
  const Plan &plan = answer.plans[2];
  EXPECT_EQ(timesRun(plan, c.forward[1]), 4u);
  EXPECT_EQ(timesRun(plan, c.forward[2]), 3u);
  EXPECT_EQ(timesRun(plan, c.forward[3]), 2u);
}

TEST(SuperNeurons, ThePeakIsThatOfTheLargestLayerAndTheCheckpoints) {
  // Of 300 for the largest layer and 10 each for the input and the first
  // checkpoint, all but the layer itself can be on the host.
  SwapChain c = segment(10, 100);
  PlanOptions options;
  options.policy = "superneurons";
  options.budgets = {320, unlimited};
  PlanResult r = plan(c.problem, options);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.numRecomputed, 6u);
  options.budgets = {300, unlimited};
  r = plan(c.problem, options);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_GT(r.numSwapped, 0u);
}

TEST(SuperNeurons, AJoinOfSegmentsEndsTheChain) {
  // CONV, ACTV, CONV, and a layer that adds the ACTV's result to its input:
  // what that makes is kept, for else the ACTV would come again with it.
  SwapChain c = makeSwapChain(10, {{300, 10, true},
                                   {50, 10, false},
                                   {300, 10, true},
                                   {50, 10, false},
                                   {50, 10, false},
                                   {300, 10, true}});
  c.problem.operators[c.forward[3]].reads.push_back({c.maps[2], -1});
  PolicyAnswer answer = ask(planSuperNeurons, c.problem, {1000});
  ASSERT_EQ(answer.plans.size(), 3u);
  const Plan &plan = answer.plans[2];
  EXPECT_EQ(timesRun(plan, c.forward[1]), 2u);
  EXPECT_EQ(timesRun(plan, c.forward[3]), 1u); // the join
  EXPECT_EQ(timesRun(plan, c.forward[4]), 2u);
}

TEST(SuperNeurons, TheCacheEvictsTheLeastRecentlyUsedCheckpoint) {
  // Three CONV results and the input; one has to go: the input was used first.
  SwapChain c = makeSwapChain(
      100, {{300, 100, true}, {300, 100, true}, {300, 100, true}});
  // Keep-all needs x0, x1, x2 and two gradients.
  EXPECT_EQ(ask(planSuperNeurons, c.problem, {500}).plans.size(), 3u);
  PolicyAnswer answer = ask(planSuperNeurons, c.problem, {400});
  ASSERT_FALSE(answer.plans.empty());
  const Plan &plan = answer.plans[0];
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  EXPECT_LT(find(plan, Action::store(c.maps[0], -1, 1)), plan.actions.size());
  // It is back before its layer: fetched by the CONV layer after it, going
  // backward.
  EXPECT_LT(find(plan, Action::load(c.maps[0], -1, 1)),
            find(plan, Action::run(c.backward[0])));
}

TEST(SuperNeurons, AUseOfACheckpointMakesItRecent) {
  // As above, but the last layer reads the input as well: x1 is the one that
  // was not used for longest.
  SwapChain c = makeSwapChain(
      100, {{300, 100, true}, {300, 100, true}, {300, 100, true}});
  c.problem.operators[c.forward[2]].reads.push_back({c.maps[0], -1});
  PolicyAnswer answer = ask(planSuperNeurons, c.problem, {400});
  ASSERT_FALSE(answer.plans.empty());
  const Plan &plan = answer.plans[0];
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  EXPECT_LT(find(plan, Action::store(c.maps[1], -1, 1)), plan.actions.size());
}

TEST(SuperNeurons, AConvIsNeverRunAgain) {
  // Nor one that follows another.
  SwapChain c = makeSwapChain(10, {{300, 10, true},
                                   {300, 10, true},
                                   {50, 10, false},
                                   {50, 10, false},
                                   {300, 10, true}});
  PolicyAnswer answer = ask(planSuperNeurons, c.problem, {1000});
  ASSERT_EQ(answer.plans.size(), 3u);
  const Plan &plan = answer.plans[2];
  for (uint32_t layer : {0u, 1u, 4u})
    EXPECT_EQ(timesRun(plan, c.forward[layer]), 1u);
  EXPECT_GT(timesRun(plan, c.forward[2]), 1u);
}

TEST(SuperNeurons, AConvGoingBackwardFetchesForTheConvBeforeIt) {
  // CONV, ACTV, CONV. The loss needs 60 + 100 + 100 + 150 + 150 bytes, so x0
  // goes; the last layer needs 450 with x1 and x2, which leaves 60 for x0. It
  // is not the ACTV's turn to fetch it, nor the ACTV's need that is looked at.
  SwapChain c =
      makeSwapChain(60, {{300, 100, true}, {50, 100, false}, {300, 150, true}});
  PolicyAnswer answer = ask(planSuperNeurons, c.problem, {520});
  ASSERT_FALSE(answer.plans.empty());
  const Plan &plan = answer.plans[0];
  EXPECT_EQ(count(plan, ActionKind::Store), 1u);
  EXPECT_EQ(find(plan, Action::load(c.maps[0], -1, 1)) + 1,
            find(plan, Action::run(c.backward[2])));
}

} // namespace
