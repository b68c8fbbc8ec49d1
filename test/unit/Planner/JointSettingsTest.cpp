//===- JointSettingsTest.cpp - What the greedy is asked for -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/JointSettings.h"

#include "PlacedTest.h"
#include "Planner/HostSplit.h"
#include "Planner/Prefetch.h"
#include "Transformer.h"

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// A problem within a budget of its memory, with all updates off the device.
struct AllOff {
  Problem problem;
  Analysis a;
  std::vector<uint64_t> budgets;
  std::vector<uint32_t> engine;

  AllOff(Problem p, uint64_t percent) : problem(std::move(p)), a(problem) {
    uint64_t floor = floorBytes(problem)[0];
    budgets.resize(problem.machine.tiers.size(), unlimited);
    budgets[0] =
        floor + (unconstrainedPeakBytes(problem) - floor) / 100 * percent;
    engine = splitEngines(a, groupHostable(a), 1, SplitOrder::Spread);
  }
  int64_t stepNs(const GreedyOptions &options) const {
    Emission e = emitPlan(a, chooseGaps(a, options, budgets), budgets);
    EXPECT_TRUE(e.ok) << e.reason;
    orderLoads(problem, e.plan, budgets, {budgets[0], 1.25});
    return simulate(problem, e.plan, {.budgets = budgets}).stepNs;
  }
  int64_t least(const std::vector<GreedyOptions> &settings) const {
    int64_t step = INT64_MAX;
    for (const GreedyOptions &options : settings)
      step = std::min(step, stepNs(options));
    return step;
  }
};

/// An operator takes 30 ns, each transfer of a parameter or its state 100.
Problem layers(int64_t hostNs) {
  LayerChain c = makeLayerChain({.layers = 6, .activation = 10, .inner = 10});
  for (Operator &op : c.problem.operators)
    op.costNs = {30};
  for (uint32_t u : c.u)
    c.problem.operators[u].costNs = {30, hostNs};
  return c.problem;
}

Problem transformer() {
  TransformerOptions o;
  o.layers = 4;
  o.vocabulary = 5000;
  Problem p = makeTransformer(o);
  p.machine.engines.push_back({"cpu", 1});
  allowHostUpdates(p, 1);
  return p;
}

TEST(JointSettings, ProbesTellWhetherUpdatesOffTheDevicePay) {
  // Where memory is that short, all state moves twice a step or updates leave.
  AllOff fast(layers(5), 30);
  int64_t device = fast.stepNs({}), probed = fast.least(probes(&fast.engine));
  EXPECT_LT(probed, device * 7 / 8);
  // They are not far from what all settings find: more would tell no more.
  int64_t all = fast.least(greedySettings(true, false, &fast.engine));
  EXPECT_LE(probed, all + all / 8);
  AllOff slow(layers(1000), 30);
  EXPECT_GT(slow.least(probes(&slow.engine)), slow.stepNs({}));
}

TEST(JointSettings, NoProbeTellsAlone) {
  // In the chain parameters are all that moves, in the transformer there are
  // activations as well, and much time to move them.
  AllOff chain(layers(5), 30);
  std::vector<GreedyOptions> two = probes(&chain.engine);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_GT(chain.stepNs(two[0]), chain.stepNs({}) * 7 / 8);
  EXPECT_LT(chain.stepNs(two[1]), chain.stepNs({}) * 7 / 8);
  AllOff other(transformer(), 30);
  two = probes(&other.engine);
  EXPECT_LT(other.stepNs(two[0]), other.stepNs(two[1]));
}

/// What differs between settings, but for prices and what is given anyway.
auto keyOf(const GreedyOptions &o) {
  return std::tuple(o.recomputeWeight, o.linkWeight, o.margin, o.stretch,
                    o.swap, o.recompute, o.prune, o.first);
}

TEST(JointSettings, FewAreAmongAllAndNoneTwice) {
  std::vector<uint32_t> engine(1);
  for (bool swap : {false, true})
    for (bool off : {false, true}) {
      const std::vector<uint32_t> *e = off ? &engine : nullptr;
      auto all = greedySettings(swap, false, e);
      auto few = greedySettings(swap, true, e);
      EXPECT_LT(few.size(), all.size());
      auto times = [&](const GreedyOptions &o) {
        return std::count_if(
            all.begin(), all.end(),
            [&](const GreedyOptions &x) { return keyOf(x) == keyOf(o); });
      };
      for (const auto *list : {&few, &all})
        for (const GreedyOptions &o : *list) {
          EXPECT_EQ(times(o), 1);
          EXPECT_EQ(o.swap, swap);
          EXPECT_EQ(o.engine, e);
          // With no way left but to stay, no budget below all of it holds.
          EXPECT_TRUE(o.swap || o.recompute);
          // State that does not move needs no place in the order.
          if (e && swap)
            EXPECT_EQ(
                std::count(o.first.begin(), o.first.end(), GapClass::State), 0);
        }
      EXPECT_EQ(
          std::any_of(all.begin(), all.end(),
                      [](const GreedyOptions &o) { return !o.recompute; }),
          swap);
    }
  for (const GreedyOptions &o : probes(&engine))
    EXPECT_EQ(o.engine, &engine);
}

} // namespace
