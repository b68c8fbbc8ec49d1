//===- JointHostTest.cpp - Joint's use of engines and tiers -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlacedTest.h"

#include "Planner/GapGreedy.h"
#include "Planner/HomeTiers.h"
#include "Planner/HostSplit.h"
#include "Planner/JointMoves.h"
#include "Planner/Prefetch.h"
#include "Training.h"

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// Six layers whose state does not fit; an operator takes 30 ns, each transfer
/// of a parameter 100.
struct Layers {
  LayerChain c = makeLayerChain({.layers = 6, .activation = 10, .inner = 10});
  Problem &p = c.problem;

  explicit Layers(int64_t hostNs) {
    for (Operator &op : p.operators)
      op.costNs = {30};
    for (uint32_t u : c.u)
      p.operators[u].costNs = {30, hostNs};
  }
  PlanResult plan(uint64_t device, std::vector<uint64_t> others = {}) const {
    PlanOptions options;
    options.budgets = {device};
    options.budgets.insert(options.budgets.end(), others.begin(), others.end());
    options.portfolio = false;
    options.findSmallest = false;
    options.offsets = false; // decisions are what counts here
    return spillway::planner::plan(p, options);
  }
  uint32_t onHost(const PlanResult &r) const {
    uint32_t n = 0;
    for (const Action &a : r.plan.actions)
      n += a.kind == ActionKind::Run && a.engine != 0;
    return n;
  }
};

TEST(JointHost, UpdatesGoToAFreeHost) {
  Layers l(1);
  PlanResult r = l.plan(700);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  // There is room on the device for the state of one, and links have time for
  // that of another.
  EXPECT_GE(l.onHost(r), 4u);
  uint32_t moved = 0;
  for (uint32_t m : l.c.m)
    moved += countActions(r, ActionKind::Load, m) != 0;
  EXPECT_LE(moved, 1u);
  EXPECT_LE(r.simulation.stepNs, 1000); // 720 is the bound
}

TEST(JointHost, UpdatesStayWhereTheHostIsSlow) {
  Layers l(100000);
  PlanResult r = l.plan(700);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(l.onHost(r), 0u);
}

TEST(JointHost, UpdatesAreSharedInBetween) {
  // All six there take as long as all else together.
  Layers l(300), never(100000), only(1);
  for (uint32_t u : only.c.u)
    only.p.operators[u].costNs = {30, 300};
  PlanResult r = l.plan(700), device = never.plan(700);
  ASSERT_TRUE(r.feasible && device.feasible);
  EXPECT_GT(l.onHost(r), 0u);
  EXPECT_LT(l.onHost(r), 6u);
  EXPECT_LT(r.simulation.stepNs, device.simulation.stepNs);
}

TEST(JointHost, NothingMovesWhereEverythingFits) {
  Layers l(1);
  PlanResult r = l.plan(unlimited);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(l.onHost(r), 0u);
  EXPECT_EQ(r.numSwapped, 0u);
}

TEST(JointHost, TheSamePlanAgain) {
  Layers l(300);
  EXPECT_EQ(printPlan(l.plan(700).plan, l.p), printPlan(l.plan(700).plan, l.p));
}

/// Whatever is decided, the plan is right or there is none.
TEST(JointHost, AnyDecisionsMakeRightPlans) {
  uint32_t made = 0, ordered = 0, ranThere = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    TrainingOptions options;
    options.seed = seed;
    options.nvme = seed % 3 == 0;
    Problem p = makeTraining(options);
    allowHostUpdates(p, 3);
    ASSERT_TRUE(p.check().empty()) << p.check().front();
    Analysis a(p);
    Random random(seed);
    Decisions d;
    for (size_t g = 0; g < a.gaps.size(); ++g)
      d.gaps.push_back(GapChoice(random.in(0, 2)));
    d.home.assign(p.storages.size(), 0);
    d.engine.assign(a.numOps, 0);
    d.wish.assign(p.storages.size(), 0);
    for (const HostGroup &g : groupHostable(a))
      for (size_t k = 0; k < g.ops.size(); ++k)
        d.engine[g.ops[k]] = random.chance(60) ? g.engines[k] : 0;
    for (uint32_t &w : d.wish)
      w = uint32_t(random.in(0, p.machine.tiers.size() - 1));
    std::vector<uint64_t> budgets(p.machine.tiers.size(), unlimited);
    std::vector<uint64_t> floors = floorBytes(p);
    budgets[0] = floors[0] + random.in(0, 40000);
    if (seed % 3 == 0)
      budgets[1] = random.in(20000, 80000);
    assignHomes(a, d, budgets);
    Emission e = emitPlan(a, d, budgets);
    if (!e.ok)
      continue;
    ++made;
    Verdict v = verifyPlan(p, e.plan, budgets);
    ASSERT_TRUE(v.ok()) << "seed " << seed << ": " << v.error;
    Plan timed = e.plan;
    if (orderByTime(p, timed, budgets)) {
      v = verifyPlan(p, timed, budgets);
      ASSERT_TRUE(v.ok()) << "seed " << seed << ", by time: " << v.error;
      ++ordered;
    }
    for (const Action &x : e.plan.actions)
      ranThere += x.kind == ActionKind::Run && x.engine != 0;
  }
  EXPECT_GT(made, 100u);
  EXPECT_GT(ordered, 80u); // but for a pool's bytes that others took first
  EXPECT_GT(ranThere, 200u);
}

TEST(JointHost, SplitsTakeTheirShareOfEachGroup) {
  Layers l(10);
  Analysis a(l.p);
  std::vector<HostGroup> groups = groupHostable(a);
  ASSERT_EQ(groups.size(), 1u);
  auto count = [&](double share, SplitOrder order) {
    std::vector<uint32_t> e = splitEngines(a, groups, share, order);
    return std::count(e.begin(), e.end(), 1u);
  };
  for (SplitOrder order :
       {SplitOrder::Spread, SplitOrder::Earliest, SplitOrder::Latest}) {
    EXPECT_EQ(count(0, order), 0);
    EXPECT_EQ(count(0.5, order), 3);
    EXPECT_EQ(count(1, order), 6);
  }
  // The first update is the last layer's.
  EXPECT_EQ(splitEngines(a, groups, 0.5, SplitOrder::Earliest)[l.c.u[5]], 1u);
  EXPECT_EQ(splitEngines(a, groups, 0.5, SplitOrder::Latest)[l.c.u[0]], 1u);
}

TEST(JointHost, SmallHostsKeepWhatMovesMost) {
  // Room for two of three: parameters, which come for both passes, activations,
  // which come once but leave room for others after, and state.
  LayerChain c = makeLayerChain({.layers = 4, .nvme = true});
  Analysis a(c.problem);
  Decisions d;
  d.gaps.assign(a.gaps.size(), GapChoice::Swap);
  d.home.assign(c.problem.storages.size(), 0);
  uint64_t fed = c.problem.storages[c.x].bytes;
  assignHomes(a, d, {unlimited, fed + 400 + 1100, unlimited});
  for (uint32_t l = 0; l < 4; ++l) {
    EXPECT_EQ(d.home[c.w[l]], 1u) << l;
    EXPECT_EQ(d.home[c.y[l]], 1u) << l;
  }
  uint32_t far = 0;
  for (uint32_t m : c.m)
    far += d.home[m] == 2;
  EXPECT_GE(far, 2u);
  // A wish comes first.
  d.wish.assign(c.problem.storages.size(), 0);
  d.wish[c.w[0]] = 2;
  assignHomes(a, d, {unlimited, unlimited, unlimited});
  EXPECT_EQ(d.home[c.w[0]], 2u);
  EXPECT_EQ(d.home[c.m[0]], 1u);
}

TEST(JointHost, NvmeTakesOptimizerState) {
  // The host has room for the parameters and little else.
  LayerChain c = makeLayerChain({.layers = 6,
                                 .activation = 40,
                                 .inner = 40,
                                 .parameter = 100,
                                 .state = 200,
                                 .nvme = true});
  for (Operator &op : c.problem.operators)
    op.costNs = {100};
  for (Link &l : c.problem.machine.links)
    if (l.from == 2 || l.to == 2)
      l.bytesPerSecond = 250000000;
  PlanOptions options;
  options.budgets = {900, 1000, unlimited};
  options.portfolio = false;
  PlanResult r = plan(c.problem, options);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  std::vector<uint64_t> far(c.problem.storages.size());
  for (const Action &a : r.plan.actions)
    if (a.kind == ActionKind::Load && a.tier == 2)
      far[a.storage] += c.problem.storages[a.storage].bytes;
  uint64_t state = 0, other = 0;
  for (uint32_t s = 0; s < far.size(); ++s)
    (std::count(c.m.begin(), c.m.end(), s) ? state : other) += far[s];
  EXPECT_GT(state, 0u);
  EXPECT_GE(state, 2 * other);
}

TEST(JointHost, StoresMayEndInTheNextStep) {
  // The last update's store goes on while the next step begins.
  LayerChain c = makeLayerChain({.layers = 2, .state = 400});
  for (Operator &op : c.problem.operators)
    op.costNs = {200};
  Analysis a(c.problem);
  Decisions d;
  d.gaps.assign(a.gaps.size(), GapChoice::Keep);
  d.home.assign(c.problem.storages.size(), 0);
  d.gaps[a.firstGap[a.slot(c.m[0], -1)]] = GapChoice::Swap;
  std::vector<uint64_t> budgets = {1300, unlimited};
  assignHomes(a, d, budgets);
  Emission e = emitPlan(a, d, budgets);
  ASSERT_TRUE(e.ok) << e.reason;
  Plan timed = e.plan;
  ASSERT_TRUE(orderByTime(c.problem, timed, budgets));
  Verdict v = verifyPlan(c.problem, timed, budgets);
  EXPECT_TRUE(v.ok()) << v.error;
  Instance state{c.m[0], -1, 0};
  EXPECT_FALSE(std::count(e.plan.initial.begin(), e.plan.initial.end(), state));
  EXPECT_TRUE(std::count(timed.initial.begin(), timed.initial.end(), state));
  PlanResult r;
  r.plan = timed;
  EXPECT_LT(positionOf(r, Action::free(c.m[0], -1, 0)),
            positionOf(r, Action::load(c.m[0], -1, 1)));
}

} // namespace
