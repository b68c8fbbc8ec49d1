//===- LlmqTest.cpp ---------------------------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlacedTest.h"
#include "Transformer.h"

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::HasSubstr;

namespace {

TEST(Llmq, MovesNothingWhereEverythingFits) {
  LayerChain c = makeLayerChain({});
  PlanResult r = decide(c.problem, "llmq");
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.numRecomputed, 0u);
  EXPECT_EQ(r.numSwapped, 0u);
}

TEST(Llmq, StateOnTheHostHasTwoBuffers) {
  LayerChain c = makeLayerChain({.layers = 6,
                                 .activation = 10,
                                 .inner = 10,
                                 .parameter = 10,
                                 .state = 1000});
  PlanResult all = decide(c.problem, "llmq");
  PlanResult r = decide(c.problem, "llmq", {all.peakBytes[0] - 6000 + 2000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  for (uint32_t i = 6; i-- > 0;) {
    // Updated on the device; while block i + 1 is updated, block i's state
    // comes; the one before goes.
    EXPECT_EQ(countActions(r, ActionKind::Load, c.m[i]), 1u);
    EXPECT_EQ(countActions(r, ActionKind::Store, c.m[i]), 1u);
    size_t load = positionOf(r, Action::load(c.m[i], -1, 1));
    if (i < 5)
      EXPECT_LT(load, positionOf(r, Action::run(c.u[i + 1])));
    if (i < 4)
      EXPECT_GT(load, positionOf(r, Action::run(c.u[i + 2])));
    EXPECT_EQ(countActions(r, ActionKind::Load, c.w[i]), 0u);
  }
}

TEST(Llmq, WeightsAreGatheredBlockByBlock) {
  // Weights so large that no more than two and a half fit.
  LayerChain c = makeLayerChain({.layers = 6,
                                 .activation = 10,
                                 .inner = 10,
                                 .parameter = 1000,
                                 .state = 10});
  PlanResult r = decide(c.problem, "llmq", {3500});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  // gather(l + 1) when block l begins, after release(l - 1).
  for (uint32_t i = 1; i < 4; ++i) {
    size_t load = positionOf(r, Action::load(c.w[i], -1, 1));
    EXPECT_LT(load, positionOf(r, Action::run(c.f1[i - 1])));
    if (i > 1)
      EXPECT_GT(load, positionOf(r, Action::free(c.w[i - 2], -1, 0)));
    EXPECT_EQ(countActions(r, ActionKind::Load, c.w[i]), 2u);
  }
  // At the turn the last two are in the buffers still.
  EXPECT_EQ(countActions(r, ActionKind::Load, c.w[5]), 1u);
  EXPECT_EQ(countActions(r, ActionKind::Load, c.w[4]), 1u);
}

TEST(Llmq, ActivationsDoNotGrowWithDepth) {
  // Recomputed blocks and residuals on the host: memory for activations does
  // not depend on the number of layers.
  uint64_t peaks[2];
  for (uint32_t k = 0; k < 2; ++k) {
    LayerChain c = makeLayerChain({.layers = 10 + 10 * k,
                                   .activation = 100,
                                   .inner = 100,
                                   .parameter = 1,
                                   .state = 1});
    uint64_t budget = 700;
    PlanResult r = planPlaced(c.problem, "llmq", {budget});
    ASSERT_TRUE(r.feasible) << r.infeasible.reason;
    peaks[k] = r.peakBytes[0];
  }
  EXPECT_LE(peaks[1], peaks[0] + 2 * 10);
}

TEST(Llmq, WhatNeedsLeastIsTriedLast) {
  // All fits, so that the first rungs of the ladder are the fastest; addresses
  // may need more than live bytes, so the last one is offered as well: it has
  // weights, state and what blocks leave on the host.
  LayerChain c = makeLayerChain({.layers = 8});
  Analysis a(c.problem);
  PolicyAnswer answer = planLlmq({a, {unlimited, unlimited}});
  ASSERT_TRUE(answer.ok) << answer.reason;
  auto moved = [&](const Plan &plan, uint32_t storage) {
    return std::any_of(
        plan.actions.begin(), plan.actions.end(), [&](const Action &x) {
          return x.kind == ActionKind::Load && x.storage == storage;
        });
  };
  for (uint32_t s : {c.w[3], c.m[3], c.y[3]}) {
    EXPECT_FALSE(moved(answer.plans.front(), s));
    EXPECT_TRUE(moved(answer.plans.back(), s));
  }
}

TEST(Llmq, RecomputesWhatIsCheapFirst) {
  // f1 makes h from 100 bytes of activations and one of weights: 201 bytes, so
  // 1608 operations are cheap and 1609 are not. Every second layer's are.
  LayerChain c = makeLayerChain({.layers = 6,
                                 .activation = 100,
                                 .inner = 100,
                                 .parameter = 1,
                                 .state = 1});
  for (uint32_t i = 0; i < 6; ++i) {
    c.problem.operators[c.f1[i]].flops = i % 2 ? 1609 : 1608;
    c.problem.operators[c.f2[i]].flops = 10000;
  }
  PlanResult all = decide(c.problem, "llmq");
  ASSERT_TRUE(all.feasible);
  PlanResult r = decide(c.problem, "llmq", {all.peakBytes[0] - 10});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.numRecomputed, 3u);
  for (uint32_t i = 0; i < 6; ++i) {
    size_t first = positionOf(r, Action::run(c.f1[i]));
    EXPECT_EQ(positionOf(r, Action::run(c.f1[i]), first + 1) <
                  r.plan.actions.size(),
              i % 2 == 0);
  }
}

TEST(Llmq, HoldsForRandomSteps) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    TrainingOptions o;
    o.seed = seed;
    o.layers = 1 + uint32_t(seed % 9);
    o.host = seed % 4 != 0;
    Problem p = makeTraining(o);
    PlanResult keep = planPlaced(p, "keep-all");
    for (uint64_t percent : {100, 70, 50}) {
      PlanResult r = planPlaced(p, "llmq", {keep.peakBytes[0] * percent / 100});
      if (!r.feasible)
        EXPECT_THAT(r.infeasible.reason, ::testing::Not(HasSubstr("internal")))
            << seed;
      EXPECT_TRUE(r.feasible || percent < 100) << r.infeasible.reason;
    }
  }
}

TEST(Llmq, PlansALargeModel) {
  TransformerOptions o;
  o.layers = 32;
  o.width = 4096;
  o.hidden = 11008;
  o.vocabulary = 32000;
  o.heads = 32;
  o.deviceBytes = 24ull << 30;
  Problem p = makeTransformer(o);
  PlanResult r = planPlaced(p, "llmq");
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
}

} // namespace
