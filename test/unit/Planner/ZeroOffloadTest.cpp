//===- ZeroOffloadTest.cpp --------------------------------------*- C++ -*-===//
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

TEST(ZeroOffload, MovesEachGradientDownAndEachParameterUpOnce) {
  // The paper's cut: per parameter one gradient down and one copy up, nothing
  // else; state never comes to the device.
  LayerChain c = makeLayerChain({.state = 1000});
  allowHostUpdates(c.problem, 4);
  PlanResult r = decide(c.problem, "zero-offload");
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  for (uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(countActions(r, ActionKind::Store, c.g[i]), 1u);
    EXPECT_EQ(countActions(r, ActionKind::Load, c.g[i]), 0u);
    EXPECT_EQ(countActions(r, ActionKind::Load, c.w[i]), 1u);
    EXPECT_EQ(countActions(r, ActionKind::Store, c.w[i]), 0u);
    EXPECT_EQ(countActions(r, ActionKind::Load, c.m[i]), 0u);
    EXPECT_EQ(countActions(r, ActionKind::Store, c.m[i]), 0u);
    size_t made = positionOf(r, Action::run(c.dw[i]));
    size_t sent = positionOf(r, Action::store(c.g[i], -1, 1));
    size_t updated = positionOf(r, Action::run(c.u[i], 1));
    size_t back = positionOf(r, Action::load(c.w[i], -1, 1));
    EXPECT_EQ(sent, made + 1) << "sent as soon as it is made";
    EXPECT_LT(sent, updated);
    EXPECT_LT(updated, back);
    EXPECT_EQ(back, positionOf(r, Action::load(c.w[i], -1, 1), updated));
  }
  // 4 M bytes over the links a step (fp16 in the paper), M = 100 elements of
  // one byte: 4 gradients of 100 down, 4 parameters of 100 and x of 100 up.
  EXPECT_EQ(r.simulation.linkBytes, (std::vector<uint64_t>{500, 400}));
  EXPECT_EQ(r.numRecomputed, 0u) << "it fits without checkpoints";
}

TEST(ZeroOffload, OnlyUpdatesGoToTheHost) {
  // A forward or backward operator computes on the device, even if the host
  // would be as fast: that is O(M * batch) work, an update O(M).
  LayerChain c = makeLayerChain({});
  allowHostUpdates(c.problem, 4);
  for (uint32_t op : {c.f1[1], c.dw[2]})
    c.problem.operators[op].costNs = {1, 1};
  PlanResult r = decide(c.problem, "zero-offload");
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  for (const Action &a : r.plan.actions)
    if (a.kind == ActionKind::Run)
      EXPECT_EQ(a.engine != 0, std::count(c.u.begin(), c.u.end(), a.op) != 0);
}

TEST(ZeroOffload, CheckpointsALayerWhereItMust) {
  LayerChain c =
      makeLayerChain({.layers = 4, .activation = 100, .inner = 1000});
  allowHostUpdates(c.problem, 4);
  PlanResult all = decide(c.problem, "zero-offload");
  ASSERT_TRUE(all.feasible);
  PlanResult r = decide(c.problem, "zero-offload", {all.peakBytes[0] - 1000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  // Every layer once more, right before its backward pass. Of a layer only h is
  // needed, which f1 makes.
  EXPECT_EQ(r.numRecomputed, 4u);
  for (uint32_t i = 0; i < 4; ++i) {
    size_t first = positionOf(r, Action::run(c.f1[i]));
    size_t again = positionOf(r, Action::run(c.f1[i]), first + 1);
    if (i < 3)
      EXPECT_LT(positionOf(r, Action::run(c.dw[i + 1])), again);
    EXPECT_LT(again, positionOf(r, Action::run(c.dw[i])));
  }
}

TEST(ZeroOffload, SaysWhatDoesNotFit) {
  LayerChain c = makeLayerChain({.layers = 4, .state = 1000});
  allowHostUpdates(c.problem, 4);
  // Host: x, 4 w, 4 m all along is 4500.
  PlanResult r = decide(c.problem, "zero-offload", {unlimited, 4500});
  EXPECT_FALSE(r.feasible);
  EXPECT_THAT(r.infeasible.reason, HasSubstr("bytes of host"));
  r = decide(c.problem, "zero-offload", {800});
  EXPECT_FALSE(r.feasible);
  EXPECT_THAT(r.infeasible.reason, HasSubstr("bytes of device"));
}

TEST(ZeroOffload, DoesNotApplyWithoutAHostEngine) {
  LayerChain c = makeLayerChain({});
  PlanResult r = decide(c.problem, "zero-offload");
  EXPECT_FALSE(r.feasible);
  EXPECT_FALSE(r.infeasible.applies);
}

TEST(ZeroOffload, HoldsForRandomSteps) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TrainingOptions o;
    o.seed = seed;
    o.layers = 1 + uint32_t(seed % 9);
    Problem p = makeTraining(o);
    allowHostUpdates(p, 3);
    PlanResult r = planPlaced(p, "zero-offload");
    ASSERT_TRUE(r.feasible) << seed << ": " << r.infeasible.reason;
    PlanResult less = planPlaced(p, "zero-offload", {r.peakBytes[0] - 1});
    if (!less.feasible)
      EXPECT_THAT(less.infeasible.reason,
                  ::testing::Not(HasSubstr("internal")));
  }
}

TEST(ZeroOffload, ATransformersLayersAreFound) {
  TransformerOptions o;
  o.layers = 6;
  Problem p = makeTransformer(o);
  p.machine.engines.push_back({"cpu", 1});
  allowHostUpdates(p, 10);
  PlanResult keep = planPlaced(p, "keep-all");
  PlanResult all = planPlaced(p, "zero-offload");
  ASSERT_TRUE(all.feasible) << all.infeasible.reason;
  // Two moments of the three persistent copies leave.
  EXPECT_LT(all.peakBytes[0], keep.peakBytes[0]);
  PlanResult r =
      planPlaced(p, "zero-offload", {all.peakBytes[0] * 7 / 10, unlimited});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  // Ten operators forward a layer, all but the last two (which make the next
  // layer's input, a checkpoint) once more; logits and loss belong to no layer.
  EXPECT_EQ(r.numRecomputed, 6u * 8);
}

} // namespace
