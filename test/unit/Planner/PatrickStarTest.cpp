//===- PatrickStarTest.cpp --------------------------------------*- C++ -*-===//
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

TEST(PatrickStar, MovesNothingWhereEverythingFits) {
  LayerChain c = makeLayerChain({});
  allowHostUpdates(c.problem, 4);
  PlanResult r = decide(c.problem, "patrickstar");
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.numSwapped, 0u);
  // Layers are checkpointed all the same.
  EXPECT_EQ(r.numRecomputed, 4u);
}

TEST(PatrickStar, ChunksMoveAsAWhole) {
  // Parameters of 300 and 100, alternately: chunks of 400 waste nothing, so
  // layers 0 and 1, 2 and 3, 4 and 5 share one each.
  LayerChain c = makeLayerChain({.layers = 6,
                                 .activation = 10,
                                 .inner = 10,
                                 .parameter = 300,
                                 .state = 300});
  for (uint32_t i = 1; i < 6; i += 2)
    for (uint32_t s : {c.w[i], c.m[i], c.g[i]})
      c.problem.storages[s].bytes = 100;
  allowHostUpdates(c.problem, 4);
  PlanResult r = decide(c.problem, "patrickstar", {1300});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  uint32_t moved = 0;
  for (uint32_t i = 0; i < 6; i += 2) {
    uint32_t loads = countActions(r, ActionKind::Load, c.w[i]);
    EXPECT_EQ(countActions(r, ActionKind::Load, c.w[i + 1]), loads);
    // One after the other, when the first of them is needed.
    size_t load = positionOf(r, Action::load(c.w[i], -1, 1));
    // But a chunk that stays comes back piece by piece, as each is updated.
    bool stays = false;
    for (const Instance &at : r.plan.initial)
      stays |= at.storage == c.w[i] && at.tier == 0;
    if (stays)
      continue;
    ++moved;
    size_t other = positionOf(r, Action::load(c.w[i + 1], -1, 1));
    size_t from = std::min(load, other), to = std::max(load, other);
    for (size_t k = from; k < to; ++k)
      EXPECT_EQ(r.plan.actions[k].kind, ActionKind::Load);
  }
  EXPECT_GE(moved, 1u);
}

TEST(PatrickStar, EvictsWhatIsNeededLast) {
  // Six parameters of 1000, equal chunks, no state to speak of, all updates on
  // the device. Room for three and the activations.
  LayerChain c = makeLayerChain({.layers = 6,
                                 .activation = 1,
                                 .inner = 1,
                                 .parameter = 1000,
                                 .state = 1000});
  allowHostUpdates(c.problem, 4);
  PlanResult r = decide(c.problem, "patrickstar", {5000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  // Used three times each (forward, recomputed, backward), layer 0 twice: there
  // is room for 1 and 2 to stay, and for one of the others beside the gradient.
  // So 0, 3 and 4 go when the next one is needed and come again; 5, the last
  // forward, is the first backward.
  std::vector<uint32_t> loads;
  for (uint32_t i = 0; i < 6; ++i)
    loads.push_back(countActions(r, ActionKind::Load, c.w[i]));
  EXPECT_EQ(loads, (std::vector<uint32_t>{2, 1, 1, 2, 2, 1}));
  // Nothing comes before it is needed: each load is right before its operator.
  for (uint32_t i = 0; i < 6; ++i) {
    size_t load = positionOf(r, Action::load(c.w[i], -1, 1));
    size_t run = positionOf(r, Action::run(c.f1[i]));
    if (load < run) {
      for (size_t k = load; k < run; ++k)
        EXPECT_NE(r.plan.actions[k].kind, ActionKind::Run);
    }
  }
}

TEST(PatrickStar, TheVictimIsTheChunkThatIsNeededLast) {
  // Parameters a, b, c of 1000 bytes, used in the order a b c b a, updated in
  // the order b c a. There is room for two of them, and none while the first
  // operator works: no chunk stays. c comes in place of a, for b is needed
  // before it; a in place of c, which is updated after b; for its update c
  // comes in place of b, which nobody needs any more.
  LayerChain layers = makeLayerChain({.layers = 0});
  Problem p = layers.problem;
  p.storages.clear();
  p.operators.clear();
  auto storage = [&](StorageKind kind, uint64_t bytes) {
    Storage s;
    s.id = uint32_t(p.storages.size());
    s.kind = kind;
    s.bytes = bytes;
    p.storages.push_back(s);
    return s.id;
  };
  auto run = [&](std::vector<Access> reads, std::vector<Access> writes,
                 std::vector<Access> updates = {}) {
    Operator o;
    o.id = uint32_t(p.operators.size());
    o.costNs = {1};
    o.recomputable = false;
    o.reads = std::move(reads);
    o.writes = std::move(writes);
    o.updates = std::move(updates);
    p.operators.push_back(o);
  };
  using K = StorageKind;
  uint32_t a = storage(K::Persistent, 1000), b = storage(K::Persistent, 1000),
           c = storage(K::Persistent, 1000), x = storage(K::Temporary, 1);
  run({}, {{x}});
  p.operators[0].workspace = 2050;
  for (uint32_t w : {a, b, c, b, a}) {
    uint32_t y = storage(K::Temporary, 1);
    run({{x}, {w}}, {{y}});
    x = y;
  }
  uint32_t loss = storage(K::Temporary, 1), g = storage(K::Temporary, 1);
  p.storages[loss].output = true;
  run({{x}}, {{loss}, {g}});
  for (uint32_t w : {b, c, a})
    run({{g}}, {}, {{w}});
  PlanResult r = decide(p, "patrickstar", {2100});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  std::vector<uint32_t> loads;
  for (const Action &action : r.plan.actions)
    if (action.kind == ActionKind::Load)
      loads.push_back(action.storage);
  EXPECT_THAT(loads, ::testing::ElementsAre(a, b, c, a, c));
}

TEST(PatrickStar, UpdatesOnTheDeviceWhatTheMarginHolds) {
  LayerChain c = makeLayerChain({.layers = 6,
                                 .activation = 10,
                                 .inner = 10,
                                 .parameter = 100,
                                 .state = 1000});
  allowHostUpdates(c.problem, 4);
  // Others: at most 7 activations of the chain, a gradient and the loss, under
  // 250; parameters 600. Four fifths of what is left of 4000 hold two states.
  PlanResult r = decide(c.problem, "patrickstar", {4000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  uint32_t host = 0;
  for (uint32_t i = 0; i < 6; ++i)
    host += positionOf(r, Action::run(c.u[i], 1)) < r.plan.actions.size();
  EXPECT_EQ(host, 4u);
  // Without an engine there, all of them pass through the device.
  for (Operator &op : c.problem.operators)
    op.costNs.resize(1);
  r = decide(c.problem, "patrickstar", {4000});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_GT(countActions(r, ActionKind::Load, c.m[0]) +
                countActions(r, ActionKind::Load, c.m[5]),
            0u);
}

TEST(PatrickStar, NeedsSomethingToMoveAndAPlaceForIt) {
  LayerChain c = makeLayerChain({});
  c.problem.machine = makeMachine(false, false, 1);
  for (Storage &s : c.problem.storages)
    if (s.kind == StorageKind::Fed)
      s.home = 0;
  PlanResult r = decide(c.problem, "patrickstar");
  EXPECT_FALSE(r.feasible);
  EXPECT_FALSE(r.infeasible.applies);
}

TEST(PatrickStar, HoldsForRandomSteps) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TrainingOptions o;
    o.seed = seed;
    o.layers = 1 + uint32_t(seed % 9);
    Problem p = makeTraining(o);
    if (seed % 3)
      allowHostUpdates(p, 3);
    PlanResult keep = planPlaced(p, "keep-all");
    for (uint64_t percent : {100, 70, 40}) {
      PlanResult r =
          planPlaced(p, "patrickstar", {keep.peakBytes[0] * percent / 100});
      if (!r.feasible)
        EXPECT_THAT(r.infeasible.reason, ::testing::Not(HasSubstr("internal")))
            << seed;
    }
  }
}

TEST(PatrickStar, PlansALargeModel) {
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
  PlanResult r = planPlaced(p, "patrickstar");
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
}

} // namespace
