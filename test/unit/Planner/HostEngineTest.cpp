//===- HostEngineTest.cpp - Operators off the device ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlacedTest.h"

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::HasSubstr;

namespace {

/// One layer; its gradient is sent, its update runs on the host in 50 ns, its
/// parameter comes back.
struct OneLayer {
  LayerChain c = makeLayerChain({.layers = 1});
  Problem &p = c.problem;
  Plan plan;

  OneLayer() {
    p.operators[c.u[0]].costNs = {1, 50};
    plan.initial = {
        {c.x, -1, 1}, {c.w[0], -1, 0}, {c.w[0], -1, 1}, {c.m[0], -1, 1}};
    plan.actions = {Action::load(c.x, -1, 1),    Action::run(c.f1[0]),
                    Action::run(c.f2[0]),        Action::run(c.lossOp),
                    Action::free(c.y[0], -1, 0), Action::run(c.dw[0]),
                    Action::free(c.x, -1, 0),    Action::free(c.h[0], -1, 0),
                    Action::free(5, -1, 0),      Action::free(6, -1, 0),
                    Action::store(7, -1, 1),     Action::free(7, -1, 0),
                    Action::free(c.w[0], -1, 0), Action::run(c.u[0], 1),
                    Action::free(7, -1, 1),      Action::load(c.w[0], -1, 1)};
    // Storages 5 to 7: the loss, its gradient, the parameter's gradient.
    plan.actions.erase(plan.actions.begin() + 8); // the loss is an output
    p.storages[c.loss].output = true;
  }
  std::string verdict() const { return verifyPlan(p, plan).error; }
};

TEST(HostEngine, RunsOnTheHostsInstances) {
  OneLayer one;
  ASSERT_TRUE(one.p.check().empty()) << one.p.check().front();
  Verdict v = verifyPlan(one.p, one.plan);
  EXPECT_TRUE(v.ok()) << v.error;
  // Host: x, w and m all along, and the gradient.
  EXPECT_EQ(v.peakBytes[1], 400u);
}

TEST(HostEngine, WantsItsOperandsThereAndFresh) {
  OneLayer one;
  auto store = one.plan.actions.begin() + 9;
  ASSERT_EQ(store->kind, ActionKind::Store);
  one.plan.actions.erase(store);
  EXPECT_THAT(one.verdict(), HasSubstr("on host, which is not there"));
}

TEST(HostEngine, MakesTheDevicesCopyStale) {
  OneLayer one;
  // Neither freed nor loaded again.
  one.plan.actions.erase(one.plan.actions.begin() + 11);
  one.plan.actions.pop_back();
  EXPECT_THAT(one.verdict(), HasSubstr("stale when the step ends"));
}

TEST(HostEngine, CountsMemoryThere) {
  OneLayer one;
  one.p.operators[one.c.u[0]].workspace = 70;
  EXPECT_EQ(verifyPlan(one.p, one.plan).peakBytes[1], 470u);
  EXPECT_THAT(verifyPlan(one.p, one.plan, {unlimited, 469}).error,
              HasSubstr("needs 470 bytes of host, expected at most 469"));
}

TEST(HostEngine, RunsBesideTheDevice) {
  OneLayer one;
  SimulationOptions options;
  options.timeline = true;
  Simulation s = simulate(one.p, one.plan, options);
  EXPECT_EQ(s.engineNs[0], 4);
  EXPECT_EQ(s.engineNs[1], 50);
  // One after the other: the gradient down 100, its update 50, the parameter up
  // 100, x up 100, and four operators of 1.
  EXPECT_EQ(s.stepNs, 354);
}

TEST(HostEngine, CountsForAddresses) {
  OneLayer one;
  one.p.operators[one.c.u[0]].workspace = 70;
  PlanResult r = adopt(one.p, one.plan, {});
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_EQ(r.peakBytes[1], 470u);
  EXPECT_LE(r.lowerBoundNs, r.simulation.stepNs);
}

TEST(HostEngine, IsLeftAloneWhenAsked) {
  OneLayer one;
  EXPECT_TRUE(planPlaced(one.p, "zero-offload").feasible);
  PlanOptions options;
  options.policy = "zero-offload";
  options.hostEngine = false;
  PlanResult r = plan(one.p, options);
  EXPECT_FALSE(r.feasible);
  EXPECT_FALSE(r.infeasible.applies);
  EXPECT_THAT(r.infeasible.reason, HasSubstr("no update of this problem"));
}

TEST(HostEngine, BoundIsBelowWhatRunsThere) {
  // With the update on the host the device computes for 4 ns only, but that
  // takes longer there.
  OneLayer one;
  one.p.storages[one.c.x].bytes = 1;
  EXPECT_EQ(lowerBoundNs(one.p), 5);
  one.p.operators[one.c.u[0]].costNs = {1, 4};
  EXPECT_EQ(lowerBoundNs(one.p), 4);
  one.p.operators[one.c.u[0]].costNs = {1};
  EXPECT_EQ(lowerBoundNs(one.p), 5);
}

} // namespace
