//===- OffMateTest.cpp ------------------------------------------*- C++ -*-===//
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

/// Six layers whose inner activations do not fit, every operator `ns` long.
LayerChain sixLayers(int64_t ns) {
  LayerChain c = makeLayerChain({.layers = 6,
                                 .activation = 10,
                                 .inner = 1000,
                                 .parameter = 10,
                                 .state = 10});
  for (Operator &op : c.problem.operators)
    op.costNs = {ns};
  return c;
}

TEST(OffMate, MovesNothingWhereEverythingFits) {
  LayerChain c = sixLayers(1);
  PlanResult r = decide(c.problem, "offmate");
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.numRecomputed, 0u);
  EXPECT_EQ(r.numSwapped, 0u);
}

TEST(OffMate, OffloadsWhatHidesBehindCompute) {
  // An operator lasts as long as five transfers of an activation.
  LayerChain c = sixLayers(5000);
  PlanResult r = planPlaced(c.problem, "offmate", {4500});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.numRecomputed, 0u);
  EXPECT_GT(r.numSwapped, 0u);
  // Nothing waits but perhaps the ends.
  int64_t compute = 5000 * int64_t(c.problem.operators.size());
  EXPECT_LE(r.simulation.stepNs, compute + compute / 20);
}

TEST(OffMate, RecomputesWhatTransfersWouldDelay) {
  // A transfer lasts as long as a thousand operators.
  LayerChain c = sixLayers(1);
  PlanResult r = planPlaced(c.problem, "offmate", {4500});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_GT(r.numRecomputed, 0u);
  for (uint32_t h : c.h)
    EXPECT_EQ(countActions(r, ActionKind::Store, h), 0u);
}

/// Either way counts by itself: one fast and one slow link are a slow swap. A
/// transfer takes 1000 ns, twice what a block's operators do; f1 again 100.
TEST(OffMate, BothWaysTakeTheirTime) {
  for (uint32_t slow : {0u, 1u}) {
    LayerChain c = sixLayers(100);
    c.problem.machine.links[1 - slow].bytesPerSecond = 1000000000000000;
    PlanResult r = planPlaced(c.problem, "offmate", {2500});
    ASSERT_TRUE(r.feasible) << r.infeasible.reason;
    EXPECT_GE(r.numRecomputed, 3u);
    EXPECT_LE(r.simulation.linkBytes[0], 3000u) << slow;
  }
}

/// Six layers in which only the state is large.
LayerChain largeState() {
  LayerChain c = makeLayerChain({.layers = 6,
                                 .activation = 10,
                                 .inner = 10,
                                 .parameter = 10,
                                 .state = 1000});
  for (Operator &op : c.problem.operators)
    op.costNs = {10};
  return c;
}

TEST(OffMate, UpdatesOnTheDeviceWhereTheHostIsTooSlow) {
  // State in and out takes 1000 ns each way and block, the host's update
  // 100000.
  LayerChain c = largeState();
  allowHostUpdates(c.problem, 10000);
  PlanResult r = decide(c.problem, "offmate", {3500});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  for (uint32_t i = 0; i < 6; ++i)
    EXPECT_EQ(positionOf(r, Action::run(c.u[i], 1)), r.plan.actions.size());
}

TEST(OffMate, UpdatesOnTheHostWhereStateWouldBeTooMuchToMove) {
  LayerChain c = largeState();
  // State in and out 1000 each; gradient out 10, update 20, parameter in 10.
  allowHostUpdates(c.problem, 2);
  PlanResult r = decide(c.problem, "offmate", {2500});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  uint32_t host = 0;
  for (uint32_t i = 0; i < 6; ++i)
    host += positionOf(r, Action::run(c.u[i], 1)) < r.plan.actions.size();
  EXPECT_GE(host, 4u);
  EXPECT_LT(r.simulation.stepNs, 1000);
  // Without it, state passes through.
  for (Operator &op : c.problem.operators)
    op.costNs.resize(1);
  r = decide(c.problem, "offmate", {3500});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_GT(r.numSwapped, 1u);
}

TEST(OffMate, HoldsForRandomSteps) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    TrainingOptions o;
    o.seed = seed;
    o.layers = 1 + uint32_t(seed % 7);
    Problem p = makeTraining(o);
    if (seed % 3)
      allowHostUpdates(p, 3);
    PlanResult keep = planPlaced(p, "keep-all");
    for (uint64_t percent : {110, 80, 60}) {
      PlanResult r =
          planPlaced(p, "offmate", {keep.peakBytes[0] * percent / 100});
      if (!r.feasible)
        EXPECT_THAT(r.infeasible.reason, ::testing::Not(HasSubstr("internal")))
            << seed;
      EXPECT_TRUE(r.feasible || percent < 100) << r.infeasible.reason;
    }
  }
}

TEST(OffMate, PlansATransformer) {
  TransformerOptions o;
  o.layers = 12;
  Problem p = makeTransformer(o);
  p.machine.engines.push_back({"cpu", 1});
  allowHostUpdates(p, 10);
  PlanResult keep = planPlaced(p, "keep-all");
  PlanResult r = planPlaced(p, "offmate", {keep.peakBytes[0] * 7 / 10});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_LT(r.simulation.stepNs, keep.simulation.stepNs * 2);
}

/// State that is updated by parts is there by parts, not as a whole besides.
TEST(OffMate, PartsTakeTheRoomOfTheWhole) {
  TransformerOptions o;
  o.layers = 6;
  o.batch = 1;
  for (uint64_t bytes : {uint64_t(1) << 30, uint64_t(1) << 20}) {
    o.partBytes = bytes;
    Problem p = makeTransformer(o);
    PlanResult keep = planPlaced(p, "keep-all");
    PlanResult r = planPlaced(p, "offmate", {keep.peakBytes[0] * 65 / 100});
    EXPECT_TRUE(r.feasible) << bytes << ": " << r.infeasible.reason;
  }
}

} // namespace
