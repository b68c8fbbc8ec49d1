//===- TrailingTest.cpp - Updates while the next step has begun -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/Trailing.h"
#include "PlacedTest.h"
#include "Planner/GapGreedy.h"
#include "Planner/Prefetch.h"
#include "spillway/Planner/Simulator.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// Layers with state, some of it on the drive at a quarter of the links' rate.
LayerChain someLayers(uint32_t count = 8, uint64_t parameter = 100) {
  LayerChain c = makeLayerChain({.layers = count,
                                 .activation = 10,
                                 .inner = 10,
                                 .parameter = parameter,
                                 .state = 200,
                                 .nvme = true});
  for (Link &l : c.problem.machine.links)
    l.latencyNs = 0;
  for (Operator &op : c.problem.operators)
    op.costNs = {500};
  allowHostUpdates(c.problem, 1);
  return c;
}

const std::vector<uint64_t> budgets{1500, 1400, unlimited};

/// Everything leaves the device; the host has room for the parameters.
Emission emitTrailing(const Analysis &a,
                      const std::vector<TrailingUpdate> &trailing,
                      const std::vector<uint64_t> &budgets = ::budgets) {
  std::vector<Residence> residence = chooseResidence(a, 0, trailing);
  GreedyOptions options;
  options.residence = &residence;
  options.trailing = &trailing;
  return emitPlan(a, chooseGaps(a, options, budgets), budgets);
}

int64_t stepNs(const Problem &p, const Plan &plan,
               const std::vector<uint64_t> &budgets) {
  SimulationOptions options;
  options.budgets = budgets;
  return simulate(p, plan, options).stepNs;
}

size_t position(const Plan &plan, const Action &wanted) {
  return size_t(std::find(plan.actions.begin(), plan.actions.end(), wanted) -
                plan.actions.begin());
}

TEST(Trailing, ThoseWhoseParametersAreNeededLastComeFirst) {
  LayerChain c = someLayers();
  std::vector<TrailingUpdate> all = findTrailing(Analysis(c.problem));
  ASSERT_EQ(all.size(), 8u);
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_EQ(all[i].op, c.u[7 - i]);
    EXPECT_EQ(all[i].parameter, c.w[7 - i]);
    EXPECT_EQ(all[i].state, std::vector<uint32_t>{c.m[7 - i]});
    EXPECT_EQ(all[i].waits, std::vector<uint32_t>{c.g[7 - i]});
    EXPECT_EQ(all[i].neededAt, c.f1[7 - i]);
    EXPECT_EQ(all[i].behind, 2u);
    EXPECT_EQ(all[i].linkNs, 2 * 4 * 200);
  }
  // Without an engine off the device, without a tier behind it, with a given
  // home, or with what others use as well, there is none.
  c.problem.operators[c.u[0]].costNs = {500};
  c.problem.storages[c.m[1]].home = 2;
  c.problem.operators[c.f1[2]].reads.push_back({c.m[2]});
  EXPECT_EQ(findTrailing(Analysis(c.problem)).size(), 5u);
  LayerChain two = makeLayerChain({.layers = 2});
  allowHostUpdates(two.problem, 1);
  EXPECT_TRUE(findTrailing(Analysis(two.problem)).empty());
}

TEST(Trailing, StateComesToTheHostAndGoesBackWithoutTheDevice) {
  LayerChain c = someLayers();
  Analysis a(c.problem);
  std::vector<TrailingUpdate> trailing = findTrailing(a);
  trailing.resize(3);
  // Three gradients and two layers' state have room on the host.
  EXPECT_EQ(lessTrailing(a, trailing, budgets)[1], 1400u - 300 - 400);
  Problem other = c.problem;
  other.operators[trailing[1].op].workspace = 50;
  EXPECT_EQ(lessTrailing(Analysis(other), trailing, budgets)[1],
            1400u - 300 - 400 - 50);
  Emission e = emitTrailing(a, trailing);
  ASSERT_TRUE(e.ok) << e.reason;
  Verdict verdict = verifyPlan(c.problem, e.plan, budgets);
  EXPECT_TRUE(verdict.ok()) << verdict.error;
  size_t previous = 0, lastOnDevice = 0;
  for (size_t i = 0; i < e.plan.actions.size(); ++i)
    if (const Action &x = e.plan.actions[i];
        x.kind == ActionKind::Run && x.engine == 0)
      lastOnDevice = i;
  for (uint32_t l : {5, 6, 7}) { // by when the next step needs them
    size_t in = position(e.plan, Action::store(c.m[l], -1, 1, 2));
    size_t run = position(e.plan, Action::run(c.u[l], 1));
    size_t out = position(e.plan, Action::store(c.m[l], -1, 2, 1));
    EXPECT_LT(previous, run);
    EXPECT_LT(lastOnDevice, in);
    EXPECT_LT(in, run);
    EXPECT_LT(run, out);
    EXPECT_LT(out, e.plan.actions.size());
    EXPECT_EQ(position(e.plan, Action::load(c.m[l], -1, 2)),
              e.plan.actions.size());
    previous = run;
  }
  for (uint32_t l = 0; l < 5; ++l)
    EXPECT_LT(position(e.plan, Action::run(c.u[l])), e.plan.actions.size());
}

TEST(Trailing, TheDriveWorksInTheForwardPass) {
  LayerChain c = someLayers(24, 20);
  Analysis a(c.problem);
  std::vector<uint64_t> room{1500, 2480, unlimited};
  std::vector<TrailingUpdate> trailing = findTrailing(a);
  trailing.resize(10);
  Emission without = emitTrailing(a, {}, room);
  Emission with = emitTrailing(a, trailing, room);
  ASSERT_TRUE(without.ok && with.ok);
  hoistLoads(c.problem, without.plan, room[0]);
  hoistLoads(c.problem, with.plan, room[0]);
  // In 24000 ns of forward pass the state of ten layers moves, in 16000. What
  // waits for it has the host's room for that of three others.
  int64_t saved = stepNs(c.problem, without.plan, room) -
                  stepNs(c.problem, with.plan, room);
  EXPECT_GE(saved, 3000);
  EXPECT_LE(saved, 16000 - 3 * 1600 + 1600);
}

TEST(Trailing, WhatIsNotAsItShouldBeStaysOnTheDevice) {
  LayerChain c = someLayers();
  Analysis a(c.problem);
  std::vector<TrailingUpdate> trailing = findTrailing(a);
  Emission e = emitTrailing(a, {});
  ASSERT_TRUE(e.ok);
  // State that is on the host, not behind it; a parameter that stays.
  Plan plan = e.plan;
  uint32_t onDrive = 0;
  auto initially = [&](uint32_t s, uint32_t tier) {
    return std::binary_search(plan.initial.begin(), plan.initial.end(),
                              Instance{s, -1, tier});
  };
  for (uint32_t l = 0; l < 8; ++l)
    onDrive += initially(c.m[l], 2) && !initially(c.w[l], 0);
  trailUpdates(a, trailing, plan);
  EXPECT_TRUE(verifyPlan(c.problem, plan, {1500, unlimited, unlimited}).ok());
  uint32_t off = 0;
  for (const Action &x : plan.actions)
    off += x.kind == ActionKind::Run && x.engine == 1;
  EXPECT_GT(onDrive, 0u);
  EXPECT_LT(onDrive, 8u);
  EXPECT_EQ(off, onDrive);
  for (Action &x : e.plan.actions)
    if (x.kind == ActionKind::Run && x.op == c.u[7])
      x.engine = 1;
  Plan other = e.plan;
  trailUpdates(a, {trailing[0]}, other);
  EXPECT_EQ(other.actions, e.plan.actions);
}

/// A step of one operator and its update, whose state is on the drive.
Problem oneUpdate() {
  Problem p = makeLayerChain({.layers = 1, .nvme = true}).problem;
  allowHostUpdates(p, 1);
  return p;
}

std::string fault(const Problem &p, std::vector<Action> first) {
  Plan plan;
  for (uint32_t s = 0; s < p.storages.size(); ++s)
    if (p.storages[s].kind != StorageKind::Temporary)
      plan.initial.push_back({s, -1, 1});
  plan.actions = std::move(first);
  return verifyPlan(p, plan, {unlimited, unlimited, unlimited}).error;
}

TEST(Trailing, CopiesBetweenOtherTiersAreVerified) {
  Problem p = oneUpdate();
  uint32_t m = 2;
  EXPECT_THAT(fault(p, {Action::store(m, -1, 2, 1), Action::free(m, -1, 1),
                        Action::store(m, -1, 1, 2), Action::free(m, -1, 2)}),
              ::testing::HasSubstr("never runs"));
  EXPECT_THAT(fault(p, {Action::store(m, -1, 1, 2)}),
              ::testing::HasSubstr("is not there"));
  EXPECT_THAT(fault(p, {Action::store(m, -1, 1, 1)}),
              ::testing::HasSubstr("host from host): no link leads there"));
  EXPECT_THAT(fault(p, {Action::store(m, -1, 2, 7)}),
              ::testing::HasSubstr("there is no such tier"));
  // Over the device is not without it.
  Problem over = p;
  for (Link &l : over.machine.links)
    if (l.to == 2)
      l.from = 0;
  EXPECT_THAT(fault(over, {Action::store(m, -1, 2, 1)}),
              ::testing::HasSubstr("over another tier"));
  EXPECT_FALSE(findTrailing(Analysis(p)).empty());
  EXPECT_TRUE(findTrailing(Analysis(over)).empty());
  std::erase_if(p.machine.links, [](const Link &l) { return l.to == 2; });
  EXPECT_THAT(fault(p, {Action::store(m, -1, 2, 1)}),
              ::testing::HasSubstr("no link leads there"));
}

TEST(Trailing, CopiesBetweenOtherTiersInJson) {
  Problem p = oneUpdate();
  Plan plan;
  plan.actions = {Action::store(2, -1, 1, 2), Action::store(2, -1, 2)};
  std::string text = printPlan(plan, p), error;
  EXPECT_NE(text.find(R"(["store",2,-1,"host","nvme"])"), std::string::npos)
      << text;
  std::optional<Plan> again = parsePlan(text, p, error);
  ASSERT_TRUE(again) << error;
  EXPECT_EQ(again->actions, plan.actions);
  std::string longer = text;
  longer.insert(text.find("\"nvme\"]"), "\"host\",");
  EXPECT_FALSE(parsePlan(longer, p, error));
  EXPECT_THAT(error,
              ::testing::HasSubstr("and the tier that it is copied from"));
  text.replace(text.find("\"nvme\"]"), 6, "\"tape\"");
  EXPECT_FALSE(parsePlan(text, p, error));
  EXPECT_THAT(error, ::testing::HasSubstr("expected the name of a tier"));
}

TEST(Trailing, ACopyBetweenOtherTiersTakesTheirLinkOnly) {
  Problem p = oneUpdate();
  Plan plan;
  plan.initial = {{0, -1, 1}, {1, -1, 1}, {2, -1, 2}};
  plan.actions = {Action::store(2, -1, 1, 2), Action::free(2, -1, 1)};
  SimulationOptions options;
  options.timeline = true;
  Simulation s = simulate(p, plan, options);
  EXPECT_EQ(s.linkBytes, (std::vector<uint64_t>{0, 0, 100, 0}));
  EXPECT_EQ(s.durationNs[0], 400);
}

TEST(Trailing, WhatWaitsForTheDriveHoldsNobodyUp) {
  // A load from the drive behind another, and one from the host.
  Problem p = oneUpdate();
  uint32_t w = 1, m = 2;
  Plan plan;
  plan.initial = {{0, -1, 1}, {w, -1, 1}, {m, -1, 2}};
  plan.actions = {Action::store(m, -1, 1, 2), Action::load(m, -1, 2),
                  Action::load(w, -1, 1),     Action::free(m, -1, 1),
                  Action::free(m, -1, 0),     Action::free(w, -1, 0)};
  SimulationOptions options;
  options.timeline = true;
  Simulation s = simulate(p, plan, options);
  EXPECT_EQ(s.startNs[1] - s.startNs[0], 400);
  EXPECT_LT(s.startNs[2], s.startNs[1]);
  // One that comes while the drive's bytes pass by waits for those.
  plan.actions[0] = Action::load(m, -1, 2);
  plan.actions[1] = Action::load(w, -1, 1);
  plan.actions.erase(plan.actions.begin() + 2, plan.actions.begin() + 4);
  options.budgets = {200, unlimited, unlimited}; // one step after the other
  s = simulate(p, plan, options);
  EXPECT_EQ(s.startNs[1] - s.startNs[0], 100);
}

} // namespace
