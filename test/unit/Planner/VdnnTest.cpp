//===- VdnnTest.cpp - vDNN's decisions --------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The network of the paper's figures: CONV ACTV POOL CONV ACTV, and what its
// rules make of it by hand.
//
//===----------------------------------------------------------------------===//

#include "SwapChain.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

SwapChain network() {
  return makeSwapChain(100, {{300, 100, true},
                             {50, 100, false},
                             {50, 60, false},
                             {300, 60, true},
                             {50, 60, false}});
}

/// First to last as the policy prefers them.
std::vector<Plan> plansOf(const Problem &p, uint64_t budget) {
  return ask(planVdnn, p, {budget}).plans;
}

TEST(Vdnn, MovesNothingWhereEverythingFits) {
  SwapChain c = network();
  std::vector<Plan> plans = plansOf(c.problem, 1000);
  ASSERT_EQ(plans.size(), 3u); // nothing, conv, all: in this order
  EXPECT_EQ(count(plans[0], ActionKind::Store), 0u);
  EXPECT_EQ(count(plans[1], ActionKind::Store), 2u);
  EXPECT_EQ(count(plans[2], ActionKind::Store), 5u);
}

TEST(Vdnn, AConvSendsItsInputWhileItComputes) {
  SwapChain c = network();
  // Keep-all needs 540 bytes: x0 to x4 and two gradients.
  Plan plan = plansOf(c.problem, 500).at(0);
  for (uint32_t layer : {0u, 3u}) {
    uint32_t x = c.maps[layer];
    size_t run = find(plan, Action::run(c.forward[layer]));
    // Sent at the layer's start, gone at its end.
    EXPECT_EQ(find(plan, Action::store(x, -1, 1)), run - 1);
    EXPECT_EQ(find(plan, Action::free(x, -1, 0)), run + 1);
  }
  // The input of the second CONV is prefetched while the ACTV after it goes
  // backward; that of the first while the second CONV does, for it is the
  // nearest layer that has sent something.
  EXPECT_EQ(find(plan, Action::load(c.maps[3], -1, 1)) + 1,
            find(plan, Action::run(c.backward[4])));
  EXPECT_EQ(find(plan, Action::load(c.maps[0], -1, 1)) + 1,
            find(plan, Action::run(c.backward[3])));
}

TEST(Vdnn, AllSendsEveryInputAndFetchesOneLayerAhead) {
  SwapChain c = network();
  // Layer 2 going backward has its input, two gradients and x0: 400 bytes.
  Plan plan = plansOf(c.problem, 400).back();
  for (uint32_t layer = 0; layer < 5; ++layer) {
    EXPECT_LT(find(plan, Action::store(c.maps[layer], -1, 1)),
              find(plan, Action::run(c.forward[layer])));
    if (layer == 4)
      continue;
    size_t load = find(plan, Action::load(c.maps[layer], -1, 1));
    EXPECT_LT(load, find(plan, Action::run(c.backward[layer + 1])));
    if (layer < 3)
      EXPECT_GT(load, find(plan, Action::run(c.backward[layer + 2])));
  }
}

TEST(Vdnn, TheSearchForSomethingToFetchEndsAtAConv) {
  // Layer 4 is a CONV whose input is read by layer 5 as well, which is the last
  // and would have to send it, but is none: so nothing of layer 4 is left to
  // fetch, and layer 5 looks no further.
  SwapChain c = network();
  c.problem.operators[c.forward[4]].reads.push_back({c.maps[3], -1});
  c.problem.operators[c.backward[4]].reads.push_back({c.maps[3], -1});
  Plan plan = plansOf(c.problem, 1000).at(1);
  EXPECT_EQ(count(plan, ActionKind::Store), 1u); // by conv: x0 alone
  EXPECT_GT(find(plan, Action::load(c.maps[0], -1, 1)),
            find(plan, Action::run(c.backward[4])));
  EXPECT_LT(find(plan, Action::load(c.maps[0], -1, 1)),
            find(plan, Action::run(c.backward[2])));
}

TEST(Vdnn, SaysWhatDoesNotFit) {
  SwapChain c = network();
  PlanOptions options;
  options.policy = "vdnn";
  options.budgets = {299, unlimited};
  PlanResult r = plan(c.problem, options);
  EXPECT_FALSE(r.feasible);
  options.budgets = {300, unlimited}; // the first layer going backward
  r = plan(c.problem, options);
  EXPECT_TRUE(r.feasible) << r.infeasible.reason;
  // Parameters stay on the device, however little they are used.
  Storage w;
  w.id = uint32_t(c.problem.storages.size());
  w.bytes = 301;
  w.kind = StorageKind::Persistent;
  c.problem.storages.push_back(w);
  r = plan(c.problem, options);
  EXPECT_FALSE(r.feasible);
  EXPECT_EQ(r.infeasible.tier, 0u);
  EXPECT_EQ(r.infeasible.reason,
            "what is there all along needs 301 bytes of device, expected at "
            "most 300");
}

TEST(Vdnn, ALayerEndsWhenItsOffloadingDoes) {
  // However long that takes: what was sent is gone before the next layer.
  SwapChain c = network();
  for (Link &l : c.problem.machine.links)
    l.bytesPerSecond = 1000000;
  Plan plan = plansOf(c.problem, 500).at(0);
  for (uint32_t layer : {0u, 3u})
    EXPECT_EQ(find(plan, Action::free(c.maps[layer], -1, 0)),
              find(plan, Action::run(c.forward[layer])) + 1);
}

} // namespace
