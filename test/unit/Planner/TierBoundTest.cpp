//===- TierBoundTest.cpp - What slow links must carry -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/TierBound.h"
#include "PlacedTest.h"
#include "Planner/GapDual.h"
#include "Training.h"
#include "spillway/Planner/Planner.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

/// Four parameters of 1000 bytes that an operator each updates, and one that is
/// only read; host and drive at one byte a ns.
static Problem fourUpdates(uint32_t group) {
  Problem p;
  p.alignment = 1;
  p.machine = makeMachine(true, true, 1000000000);
  for (Link &l : p.machine.links) {
    l.bytesPerSecond = 1000000000;
    l.group = l.from == 2 || l.to == 2 ? group : 0;
  }
  for (uint32_t s = 0; s < 5; ++s)
    p.storages.push_back(
        {.id = s, .bytes = 1000, .kind = StorageKind::Persistent});
  for (uint32_t s = 0; s < 4; ++s)
    p.operators.push_back(
        {.id = s, .costNs = {1}, .updates = {{s, -1}}, .recomputable = false});
  p.operators[0].reads = {{4, -1}};
  return p;
}

TEST(TierBound, CountsWhatIsUpdatedAndFitsNowhere) {
  Problem p = fourUpdates(0);
  // The device updates: of 4000 bytes 3000 come to it and go.
  EXPECT_DOUBLE_EQ(tierBoundNs(p, {1000, unlimited, 0}), 3000);
  EXPECT_DOUBLE_EQ(tierBoundNs(p, {4000, 0, 0}), 0);
  EXPECT_DOUBLE_EQ(tierBoundNs(p, {unlimited, 0, 0}), 0);
  // Of 4000 less 1000 and 1200, the drive's wire carries 1800 both ways, one
  // after the other.
  EXPECT_DOUBLE_EQ(tierBoundNs(fourUpdates(7), {1000, 1200, unlimited}), 3600);
  // An update that may run on the host need not come to the device.
  p.operators[0].costNs = {1, 5};
  EXPECT_DOUBLE_EQ(tierBoundNs(p, {1000, 3000, unlimited}), 0);
  EXPECT_DOUBLE_EQ(tierBoundNs(p, {1000, 1200, unlimited}), 1800);
}

TEST(TierBound, MergedTiersHoldWhatEitherHolds) {
  Problem p = fourUpdates(7), one = mergeTiers(p, 2);
  ASSERT_EQ(one.machine.tiers.size(), 2u);
  ASSERT_EQ(one.machine.links.size(), 2u);
  for (const Engine &e : one.machine.engines)
    EXPECT_EQ(e.tier, 0u);
  // 2200 bytes hold an operator's 1000 or 2000 and some of the rest. Of 4000
  // updated ones, 1800 come and go over the one wire; more, for the one that is
  // only read is there with the first.
  std::vector<uint64_t> budgets{1000, 1200, unlimited};
  EXPECT_GE(mergedTiersBoundNs(p, budgets, true), 3600 * 0.95);
  EXPECT_LE(mergedTiersBoundNs(p, budgets, true), 2 * 5000);
  // Two wires carry both ways at once.
  EXPECT_LE(mergedTiersBoundNs(fourUpdates(0), budgets, true), 5000);
  // Where all fits, there is nothing to say.
  EXPECT_LE(mergedTiersBoundNs(p, {5000, 0, unlimited}, true), 4);
  // State whose update may run beside the device counts as well.
  for (uint32_t s = 1; s < 4; ++s)
    p.operators[s].costNs = {1, 5};
  EXPECT_GE(mergedTiersBoundNs(p, budgets, true), 3600 * 0.95);
}

/// Layers with state, and operators that take so long, of which an update may
/// run on the host or not.
static LayerChain layersOf(int64_t ns, bool host) {
  LayerChain c = makeLayerChain({.layers = 8,
                                 .activation = 10,
                                 .inner = 10,
                                 .parameter = 100,
                                 .state = 1000,
                                 .nvme = true});
  for (Operator &op : c.problem.operators)
    if (op.updates.empty())
      op.costNs = {ns};
  if (host)
    allowHostUpdates(c.problem, 1);
  return c;
}

TEST(TierBound, TheDriveIsIdleInTheForwardPass) {
  // 8000 bytes of state and 800 of parameters, 4500 of which fit. What is
  // behind them before the first update comes in after it, and before it has
  // gone out: 4300 at a quarter byte a ns, both ways, after a forward pass of
  // 17 operators.
  std::vector<uint64_t> budgets{1500, 3000, unlimited};
  double drive = 4300 * 8;
  for (int64_t ns : {100, 1000}) {
    double forward = double(17 * ns);
    double ns_ = mergedTiersBoundNs(layersOf(ns, false).problem, budgets, true);
    EXPECT_GE(ns_, 0.97 * (forward + drive)) << ns;
    // Updates on the host may run beside the next step's forward pass, with
    // what their gradients take.
    double late = mergedTiersBoundNs(layersOf(ns, true).problem, budgets, true);
    EXPECT_LE(late, ns_) << ns;
    EXPECT_GE(late, drive) << ns;
    EXPECT_LE(late, drive * 1.1 + forward * 0.5) << ns;
  }
}

TEST(TierBound, WhatLateUpdatesWaitForIsHeld) {
  // A gradient is as large as the state: to wait with it costs what an update
  // in time does.
  auto bound = [](uint64_t gradient, bool host) {
    LayerChain c = layersOf(1000, host);
    for (uint32_t l = 0; l < 8; ++l) {
      c.problem.storages[c.w[l]].bytes = 10;
      c.problem.storages[c.g[l]].bytes = gradient;
    }
    return mergedTiersBoundNs(c.problem, {1500, 3000, unlimited}, true);
  };
  EXPECT_LE(bound(10, true), 32500);
  EXPECT_GE(bound(1000, true), 38000);
  EXPECT_LE(bound(1000, true), bound(1000, false));
}

static Problem randomStep(uint64_t seed) {
  TrainingOptions options;
  options.seed = seed;
  options.layers = 3;
  options.nvme = true;
  options.parameterBytes = 5000;
  return makeTraining(options);
}

/// Budgets with which half of the state has to be on the device or the drive.
static std::vector<uint64_t> shortOfHost(const Problem &p) {
  uint64_t persistent = 0;
  for (const Storage &s : p.storages)
    if (s.kind == StorageKind::Persistent)
      persistent += s.bytes;
  return {floorBytes(p)[0] * 3 / 2, persistent / 2, unlimited};
}

/// By any plan that is found for random steps, with updates off the device too.
static void expectSound(bool anyOrder) {
  uint32_t plans = 0, bounds = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Problem p = randomStep(seed);
    if (seed % 2)
      for (Link &l : p.machine.links)
        l.group = l.from == 2 || l.to == 2 ? 1 : 0;
    if (seed % 3)
      for (Operator &op : p.operators)
        if (!op.updates.empty())
          op.costNs = {op.costNs[0], op.costNs[0] * int64_t(seed % 5 + 1)};
    PlanOptions how;
    how.fixedOrder = !anyOrder;
    how.iterations = 0;
    how.budgets = shortOfHost(p);
    PlanResult r = plan(p, how);
    if (!r.feasible)
      continue;
    ++plans;
    double ns = mergedTiersBoundNs(p, how.budgets, anyOrder);
    bounds += ns > priceGaps(Analysis(p), how.budgets, anyOrder).boundNs;
    EXPECT_LE(ns, double(r.simulation.stepNs) * (1 + 1e-9)) << "seed " << seed;
  }
  EXPECT_GE(plans, 10u);
  EXPECT_GE(bounds, 4u);
}

TEST(TierBound, NoPlanBeatsMergedTiers) { expectSound(true); }
TEST(TierBound, NoPlanInTheGivenOrderBeatsMergedTiers) { expectSound(false); }

TEST(TierBound, NoPlanIsFaster) {
  uint32_t plans = 0, bounds = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Problem p = randomStep(seed);
    PlanOptions how;
    how.iterations = 0;
    how.budgets = shortOfHost(p);
    PlanResult r = plan(p, how);
    if (!r.feasible)
      continue;
    ++plans;
    double ns = tierBoundNs(p, how.budgets);
    bounds += ns > 0;
    EXPECT_LE(ns, double(r.simulation.stepNs)) << "seed " << seed;
  }
  EXPECT_GE(plans, 20u);
  EXPECT_GE(bounds, 10u);
}
