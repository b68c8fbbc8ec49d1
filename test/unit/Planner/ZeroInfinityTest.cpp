//===- ZeroInfinityTest.cpp -------------------------------------*- C++ -*-===//
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

/// Large against the thresholds, as shares of the budget, that scale with it.
LayerChain wide(bool nvme = false) {
  return makeLayerChain({.layers = 6,
                         .activation = 100,
                         .inner = 1000,
                         .parameter = 1000,
                         .state = 2000,
                         .nvme = nvme});
}

TEST(ZeroInfinity, FetchesParametersAheadWithinTheBucket) {
  LayerChain c = wide();
  allowHostUpdates(c.problem, 4);
  // The bucket is a sixteenth of the budget, 2000 bytes: two parameters. The
  // reuse distance is a quarter, 8000: eight parameters.
  PlanResult r = decide(c.problem, "zero-infinity", {32000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  // Before the first operator: parameters 0 and 1. With each further layer
  // under way, the second after it.
  size_t f0 = positionOf(r, Action::run(c.f1[0]));
  for (uint32_t i = 0; i < 2; ++i)
    EXPECT_LT(positionOf(r, Action::load(c.w[i], -1, 1)), f0);
  for (uint32_t i = 2; i < 6; ++i) {
    size_t load = positionOf(r, Action::load(c.w[i], -1, 1));
    EXPECT_LT(load, positionOf(r, Action::run(c.f1[i - 2])));
    if (i > 2)
      EXPECT_GT(load, positionOf(r, Action::run(c.f1[i - 3])));
  }
  for (uint32_t i = 0; i < 6; ++i) {
    // Updated on the host, from a gradient that left as it was made.
    EXPECT_EQ(positionOf(r, Action::store(c.g[i], -1, 1)),
              positionOf(r, Action::run(c.dw[i])) + 1);
    EXPECT_LT(positionOf(r, Action::run(c.u[i], 1)), r.plan.actions.size());
    EXPECT_EQ(countActions(r, ActionKind::Load, c.m[i]), 0u);
    // Layer i is used forward, to recompute it, and backward. From the first to
    // the second pass 5 - i parameters once and then twice: up to eight (i = 3:
    // six) it stays, else it comes twice.
    EXPECT_EQ(countActions(r, ActionKind::Load, c.w[i]), i < 3 ? 2u : 1u);
    // Nothing of the model stays over the step's end.
    for (const Instance &at : r.plan.initial)
      EXPECT_FALSE(at.tier == 0 && at.storage == c.w[i]);
  }
}

TEST(ZeroInfinity, LetsGoOfWhatIsUsedAgainTooFarAway) {
  LayerChain c = wide();
  allowHostUpdates(c.problem, 4);
  // A reuse distance of 2000 bytes: only the last layers' parameters stay from
  // their forward to their backward use.
  PlanResult r = decide(c.problem, "zero-infinity", {8000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  // Layer 0 is used twice: forward, and in its recomputation (f1 again); its
  // own backward pass needs no parameter.
  EXPECT_EQ(countActions(r, ActionKind::Load, c.w[0]), 2u);
  EXPECT_EQ(countActions(r, ActionKind::Load, c.w[5]), 1u);
}

TEST(ZeroInfinity, KeepsSmallParameters) {
  LayerChain c = wide();
  c.problem.storages[c.w[3]].bytes = 20;
  c.problem.storages[c.m[3]].bytes = 20;
  c.problem.storages[c.g[3]].bytes = 20;
  PlanResult r = decide(c.problem, "zero-infinity", {32000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  // Below the threshold, 32000 / 1024 = 31 bytes: it persists.
  EXPECT_EQ(countActions(r, ActionKind::Load, c.w[3]), 0u);
  EXPECT_GE(countActions(r, ActionKind::Load, c.w[2]), 1u);
}

TEST(ZeroInfinity, SpillsStateToNvmeFirst) {
  LayerChain c = wide(true);
  allowHostUpdates(c.problem, 4);
  // Host room for parameters (6000), x and checkpoints, and three of six m.
  PlanResult r = decide(c.problem, "zero-infinity", {32000, 15000, unlimited});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  uint32_t onHost = 0, onNvme = 0;
  for (const Instance &at : r.plan.initial)
    for (uint32_t i = 0; i < 6; ++i) {
      EXPECT_FALSE(at.storage == c.w[i] && at.tier != 1);
      onHost += at.storage == c.m[i] && at.tier == 1;
      onNvme += at.storage == c.m[i] && at.tier == 2;
    }
  EXPECT_EQ(onHost + onNvme, 6u);
  EXPECT_GE(onHost, 1u);
  EXPECT_GE(onNvme, 1u);
  for (uint32_t i = 0; i < 6; ++i) {
    // What is on NVMe passes through the device to be updated there.
    bool nvme = countActions(r, ActionKind::Load, c.m[i]) > 0;
    EXPECT_EQ(positionOf(r, Action::run(c.u[i], nvme ? 0 : 1)) <
                  r.plan.actions.size(),
              true);
    EXPECT_EQ(countActions(r, ActionKind::Store, c.m[i]), nvme ? 1u : 0u);
  }
}

TEST(ZeroInfinity, SendsCheckpointsToTheHostWhereItMust) {
  LayerChain c = makeLayerChain({.layers = 8,
                                 .activation = 1000,
                                 .inner = 1000,
                                 .parameter = 100,
                                 .state = 100});
  allowHostUpdates(c.problem, 4);
  // The activations between the layers alone are 8000.
  PlanResult r = decide(c.problem, "zero-infinity", {7000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  for (uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(countActions(r, ActionKind::Store, c.y[i]), 1u) << i;
    EXPECT_EQ(countActions(r, ActionKind::Load, c.y[i]), 1u) << i;
    // Back while the layer after it is worked on, before its own.
    size_t load = positionOf(r, Action::load(c.y[i], -1, 1));
    EXPECT_LT(load, positionOf(r, Action::run(c.dw[i + 1])));
  }
}

TEST(ZeroInfinity, StreamsStateWithoutAHostEngine) {
  LayerChain c = wide();
  PlanResult r = decide(c.problem, "zero-infinity", {32000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  for (uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(countActions(r, ActionKind::Load, c.m[i]), 1u);
    EXPECT_EQ(countActions(r, ActionKind::Store, c.m[i]), 1u);
  }
}

TEST(ZeroInfinity, HoldsForRandomSteps) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TrainingOptions o;
    o.seed = seed;
    o.layers = 1 + uint32_t(seed % 9);
    o.nvme = seed % 2;
    Problem p = makeTraining(o);
    if (seed % 3)
      allowHostUpdates(p, 3);
    PlanResult keep = planPlaced(p, "keep-all");
    for (uint64_t percent : {100, 60, 40}) {
      PlanResult r =
          planPlaced(p, "zero-infinity", {keep.peakBytes[0] * percent / 100});
      if (!r.feasible)
        EXPECT_THAT(r.infeasible.reason,
                    ::testing::Not(::testing::AnyOf(HasSubstr("internal"),
                                                    HasSubstr("wrong plan"))))
            << seed;
      EXPECT_TRUE(r.feasible || percent < 100) << r.infeasible.reason;
    }
  }
}

TEST(ZeroInfinity, PlansALargeModel) {
  TransformerOptions o;
  o.layers = 32;
  o.width = 4096;
  o.hidden = 11008;
  o.vocabulary = 32000;
  o.heads = 32;
  o.deviceBytes = 24ull << 30;
  Problem p = makeTransformer(o);
  p.machine.engines.push_back({"cpu", 1});
  allowHostUpdates(p, 10);
  PlanResult r = planPlaced(p, "zero-infinity");
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(planPlaced(p, "keep-all").feasible, false);
}

} // namespace
