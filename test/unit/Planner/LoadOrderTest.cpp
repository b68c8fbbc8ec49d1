//===- LoadOrderTest.cpp - Loads in the order that suits the links --------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/Prefetch.h"
#include "SwapChain.h"
#include "spillway/Planner/Simulator.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

uint32_t parameter(Problem &p, uint64_t bytes) {
  Storage s;
  s.id = uint32_t(p.storages.size());
  s.bytes = bytes;
  s.kind = StorageKind::Persistent;
  p.storages.push_back(s);
  return s.id;
}

/// An operator that makes a storage of `bytes`, whose number is returned.
uint32_t make(Problem &p, int64_t ns, uint64_t bytes,
              const std::vector<uint32_t> &reads) {
  Storage s;
  s.id = uint32_t(p.storages.size());
  s.bytes = bytes;
  p.storages.push_back(s);
  Operator o;
  o.id = uint32_t(p.operators.size());
  o.costNs = {ns, -1};
  o.writes = {{s.id}};
  for (uint32_t r : reads)
    o.reads.push_back({r});
  p.operators.push_back(o);
  return s.id;
}

size_t positionOf(const Plan &plan, const Action &action) {
  return size_t(std::find(plan.actions.begin(), plan.actions.end(), action) -
                plan.actions.begin());
}

int64_t stepNs(const Problem &p, const Plan &plan, uint64_t budget) {
  Verdict verdict = verifyPlan(p, plan, {budget, unlimited});
  EXPECT_TRUE(verdict.ok()) << verdict.error;
  SimulationOptions options;
  options.budgets = {budget, unlimited};
  return simulate(p, plan, options).stepNs;
}

/// What an update on the host makes is loaded when that is done; what is at
/// hand goes first, though it was issued behind.
TEST(LoadOrder, WhatWaitsHoldsUpNothing) {
  Problem p = emptySwapProblem(1000000000); // a byte a ns
  uint32_t w = parameter(p, 100), v = parameter(p, 100);
  uint32_t g = make(p, 100, 100, {});
  Operator update;
  update.id = 1;
  update.costNs = {-1, 1000};
  update.reads = {{g}};
  update.updates = {{w}};
  update.recomputable = false;
  p.operators.push_back(update);
  uint32_t x = make(p, 1000, 10, {v}), y = make(p, 100, 10, {w, x});
  Plan plan;
  plan.initial = {{w, -1, 1}, {v, -1, 1}};
  Action loadW = Action::load(w, -1, 1), loadV = Action::load(v, -1, 1);
  plan.actions = {Action::run(0),
                  Action::store(g, -1, 1),
                  Action::free(g, -1, 0),
                  Action::run(1, 1),
                  Action::free(g, -1, 1),
                  loadW,
                  loadV,
                  Action::run(2),
                  Action::free(v, -1, 0),
                  Action::run(3),
                  Action::free(w, -1, 0),
                  Action::free(x, -1, 0),
                  Action::free(y, -1, 0)};
  int64_t before = stepNs(p, plan, 1000);
  orderLoads(p, plan, {1000, unlimited}, {1000, 1.25});
  EXPECT_LT(positionOf(plan, loadV), positionOf(plan, loadW));
  // The operator that reads v runs while the host works.
  EXPECT_LE(stepNs(p, plan, 1000), before - 900);
}

/// One operator after the other, 100 ns each; the last reads what takes 100 ns
/// to load.
struct LateUse {
  Problem p = emptySwapProblem(1000000000);
  uint32_t w = parameter(p, 100);
  Plan plan;
  Action load = Action::load(w, -1, 1);

  LateUse() {
    plan.initial = {{w, -1, 1}};
    uint32_t last = make(p, 100, 10, {});
    plan.actions = {Action::run(0)};
    for (uint32_t k = 1; k < 10; ++k) {
      bool end = k == 9;
      // The fifth needs as much as there is.
      uint32_t next = make(p, 100, k == 5 ? 200 : 10,
                           end ? std::vector{last, w} : std::vector{last});
      if (end)
        plan.actions.push_back(load);
      plan.actions.push_back(Action::run(k));
      plan.actions.push_back(Action::free(last, -1, 0));
      last = next;
    }
    plan.actions.push_back(Action::free(w, -1, 0));
    plan.actions.push_back(Action::free(last, -1, 0));
  }
  /// The operator before which the load is issued.
  uint32_t issuedBefore() const {
    size_t at = positionOf(plan, load);
    while (plan.actions[at].kind != ActionKind::Run)
      ++at;
    return plan.actions[at].op;
  }
};

TEST(LoadOrder, InTimeButNoSoonerThanItTakes) {
  LateUse tight, early;
  orderLoads(tight.p, tight.plan, {1000, unlimited}, {1000, 1.25});
  EXPECT_EQ(stepNs(tight.p, tight.plan, 1000), 1000); // nothing waits
  EXPECT_GE(tight.issuedBefore(), 7u);
  orderLoads(early.p, early.plan, {1000, unlimited}, {1000, 8.0});
  EXPECT_EQ(stepNs(early.p, early.plan, 1000), 1000);
  EXPECT_LE(early.issuedBefore(), 3u);
}

TEST(LoadOrder, OnlyWhereMemoryAllows) {
  LateUse c;
  // The fifth's operand, its result and w would be 310 bytes.
  orderLoads(c.p, c.plan, {300, unlimited}, {300, 8.0});
  EXPECT_EQ(stepNs(c.p, c.plan, 300), 1000);
  EXPECT_GT(c.issuedBefore(), 6u);
}

/// A store of 400 ns may begin at 300, a load of 100 ns is due at 600. `wire`:
/// they take turns.
LateUse withStore(bool wire) {
  LateUse c;
  for (Link &l : c.p.machine.links)
    l.group = wire ? 1 : 0;
  uint32_t v = parameter(c.p, 400);
  c.p.operators[2].updates = {{v}};
  c.p.operators[2].recomputable = false;
  // What the last operator reads, the seventh does.
  std::swap(c.p.operators[9].reads[1], c.p.operators[6].reads.emplace_back());
  c.p.operators[9].reads.pop_back();
  Plan &plan = c.plan;
  plan.initial.push_back({v, -1, 0});
  std::erase(plan.actions, c.load);
  auto at = [&](uint32_t op) {
    return plan.actions.begin() + ptrdiff_t(positionOf(plan, Action::run(op)));
  };
  plan.actions.insert(at(6), c.load);
  plan.actions.insert(at(2) + 1, Action::store(v, -1, 1));
  // So it is stored anew, and gone again, in every step.
  plan.actions.push_back(Action::free(v, -1, 1));
  return c;
}

TEST(HoistLoads, AheadOfAStoreOnTheSameWire) {
  LateUse turns = withStore(true), both = withStore(false);
  EXPECT_EQ(stepNs(turns.p, turns.plan, 1000), 1200); // behind the store
  hoistLoads(turns.p, turns.plan, 1000);
  EXPECT_LE(turns.issuedBefore(), 2u);
  EXPECT_EQ(stepNs(turns.p, turns.plan, 1000), 1000);
  // A quarter more than its 100 ns is set aside.
  hoistLoads(both.p, both.plan, 1000);
  EXPECT_EQ(both.issuedBefore(), 4u);
  EXPECT_EQ(stepNs(both.p, both.plan, 1000), 1000);
}

TEST(HoistLoads, WhatALinkCannotBringSoonerIsNotDueSooner) {
  // Ten loads of 1000 ns each: the link alone takes 10,000.
  Problem p = emptySwapProblem(1000000000);
  Plan plan;
  for (uint32_t k = 0; k < 10; ++k) {
    uint32_t w = parameter(p, 1000);
    uint32_t x = make(p, 100, 10, {w});
    plan.initial.push_back({w, -1, 1});
    plan.actions.insert(plan.actions.end(),
                        {Action::load(w, -1, 1), Action::run(k),
                         Action::free(w, -1, 0), Action::free(x, -1, 0)});
  }
  hoistLoads(p, plan, 100000);
  EXPECT_EQ(stepNs(p, plan, 100000), 10000);
  // The last one is not there for all of the step.
  uint32_t last = p.operators[9].reads[0].storage;
  EXPECT_GT(positionOf(plan, Action::load(last, -1, 1)),
            positionOf(plan, Action::run(4)));
}

/// One gradient, two updates of 1000 ns each on the host: of what the step
/// needs at its end, then of what it begins with.
struct BusyHost {
  Problem p = emptySwapProblem(1000000000);
  uint32_t first = parameter(p, 100), last = parameter(p, 100);
  Plan plan;
  Action updateLast = Action::run(3, 1), updateFirst = Action::run(4, 1);

  BusyHost() {
    uint32_t x = make(p, 1000, 10, {first}), y = make(p, 1000, 10, {x, last});
    uint32_t g = make(p, 100, 100, {y});
    for (uint32_t w : {last, first}) {
      Operator update;
      update.id = uint32_t(p.operators.size());
      update.costNs = {-1, 1000};
      update.reads = {{g}};
      update.updates = {{w}};
      update.recomputable = false;
      p.operators.push_back(update);
    }
    plan.initial = {{first, -1, 1}, {last, -1, 1}};
    plan.actions = {Action::load(first, -1, 1),
                    Action::run(0),
                    Action::free(first, -1, 0),
                    Action::load(last, -1, 1),
                    Action::run(1),
                    Action::free(last, -1, 0),
                    Action::free(x, -1, 0),
                    Action::run(2),
                    Action::free(y, -1, 0),
                    Action::store(g, -1, 1),
                    Action::free(g, -1, 0),
                    updateLast,
                    updateFirst,
                    Action::free(g, -1, 1)};
  }
};

TEST(LoadOrder, WhatIsNeededFirstIsUpdatedFirst) {
  BusyHost c;
  // The next step waits for both.
  EXPECT_EQ(stepNs(c.p, c.plan, 1000), 4300);
  orderLoads(c.p, c.plan, {1000, unlimited}, {1000, 1.25});
  EXPECT_LT(positionOf(c.plan, c.updateFirst),
            positionOf(c.plan, c.updateLast));
  EXPECT_EQ(stepNs(c.p, c.plan, 1000), 3300);
}

/// Gradients of updates that wait take room on the host.
TEST(LoadOrder, UpdatesWaitOnlyWhereTheHostHasRoom) {
  BusyHost c;
  orderLoads(c.p, c.plan, {1000, 299}, {1000, 1.25});
  EXPECT_GT(positionOf(c.plan, c.updateFirst),
            positionOf(c.plan, c.updateLast));
}

} // namespace
