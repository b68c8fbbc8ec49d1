//===- PlanBuilderTest.cpp - Actions placed by hand -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/PlanBuilder.h"
#include "Training.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>

#include <list>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

std::vector<uint64_t> budgetsFor(const Problem &p, uint64_t device) {
  std::vector<uint64_t> budgets(p.machine.tiers.size(), unlimited);
  budgets[0] = device;
  return budgets;
}

/// Evicts what was used longest ago: to the host, or forgets it.
class Lru {
public:
  Lru(const Analysis &a, const std::vector<uint64_t> &budgets, bool remake)
      : a(a), b(a, budgets) {
    b.mayRecompute = remake;
    b.makeRoom = [this](uint64_t) { return evict(); };
    b.used = [this](uint32_t slot) {
      order.remove(slot);
      order.push_back(slot);
    };
  }
  PolicyAnswer run() {
    if (!b.placeAll())
      return b.fail();
    for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
      if (b.present(slot))
        order.push_back(slot);
    while (b.position() < a.numOps)
      if (!b.perform(b.position()))
        return b.fail();
    return b.answer();
  }

private:
  bool evict() {
    for (uint32_t slot : order)
      if (b.movable(slot) && ((b.mayRecompute && b.forget(slot)) ||
                              b.sendAway(slot, b.tierFor(slot)))) {
        order.remove(slot);
        return true;
      }
    return false;
  }
  const Analysis &a;
  PlanBuilder b;
  std::list<uint32_t> order;
};

TEST(PlanBuilder, WhateverIsEvictedThePlanIsRight) {
  uint32_t feasible = 0, swapped = 0, again = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    TrainingOptions o;
    o.seed = seed;
    o.nvme = seed % 2;
    o.parameterBytes = seed % 3 ? 3000 : 200;
    Problem p = makeTraining(o);
    Analysis a(p);
    uint64_t full = unconstrainedPeakBytes(p), floor = floorBytes(p)[0];
    for (uint64_t percent : {100, 60, 30, 10}) {
      auto budgets = budgetsFor(p, floor + (full - floor) * percent / 100);
      // All parameters start on the device here: some budgets are too small.
      PolicyAnswer answer = Lru(a, budgets, seed % 4 < 2).run();
      if (!answer.ok) {
        EXPECT_FALSE(answer.reason.empty());
        continue;
      }
      ++feasible;
      Verdict v = verifyPlan(p, answer.plans[0], budgets);
      ASSERT_TRUE(v.ok()) << v.error;
      std::vector<uint32_t> runs(p.operators.size());
      for (const Action &action : answer.plans[0].actions) {
        swapped += action.kind == ActionKind::Store;
        if (action.kind == ActionKind::Run)
          again += runs[action.op]++ > 0;
      }
    }
  }
  EXPECT_GT(feasible, 80u);
  EXPECT_GT(swapped, 100u);
  EXPECT_GT(again, 100u);
}

/// x (100) -> y (100) -> z (100); then x and z -> out. One byte a nanosecond.
Problem chain() {
  Problem p;
  p.machine = makeMachine(true, false, 1000000000);
  for (Link &l : p.machine.links)
    l.latencyNs = 0;
  p.alignment = 1;
  for (uint32_t i = 0; i < 4; ++i) {
    Storage s;
    s.id = i;
    s.bytes = i < 3 ? 100 : 10;
    p.storages.push_back(s);
    Operator o;
    o.id = i;
    o.costNs = {50};
    o.writes = {{i, -1}};
    p.operators.push_back(o);
  }
  p.operators[1].reads = {{0, -1}};
  p.operators[2].reads = {{1, -1}};
  p.operators[3].reads = {{0, -1}, {2, -1}};
  return p;
}

TEST(PlanBuilder, ASlotLeavesWhenItsStoreIsExpectedToBeDone) {
  Problem p = chain();
  Analysis a(p);
  PlanBuilder b(a, {400, unlimited});
  ASSERT_TRUE(b.placeAll());
  ASSERT_TRUE(b.perform(0) && b.perform(1));
  EXPECT_EQ(b.nextNeed(a.slot(0, -1)), 3u);
  ASSERT_TRUE(b.sendAway(a.slot(0, -1), 1));
  EXPECT_TRUE(b.leaving(a.slot(0, -1)));
  EXPECT_EQ(b.inUse(0), 200u); // there until its store is done at 200 ns
  ASSERT_TRUE(b.perform(2));   // ends at 150 ns
  EXPECT_TRUE(b.present(a.slot(0, -1)));
  EXPECT_FALSE(b.present(a.slot(1, -1))); // dead
  b.waitFor(a.slot(0, -1));
  EXPECT_EQ(b.inUse(0), 100u);
  ASSERT_TRUE(b.perform(3)); // loads it
  PolicyAnswer answer = b.answer();
  ASSERT_TRUE(answer.ok) << answer.reason;
  EXPECT_EQ(answer.plans[0].actions,
            (std::vector<Action>{
                Action::run(0), Action::run(1), Action::store(0, -1, 1),
                Action::run(2), Action::free(1, -1, 0), Action::free(0, -1, 0),
                Action::load(0, -1, 1), Action::run(3), Action::free(0, -1, 0),
                Action::free(0, -1, 1), Action::free(2, -1, 0),
                Action::free(3, -1, 0)}));
  EXPECT_TRUE(verifyPlan(p, answer.plans[0], {400, unlimited}).ok());
}

TEST(PlanBuilder, RoomIsMadeByWaitingBeforeAnybodyIsEvicted) {
  Problem p = chain();
  Analysis a(p);
  PlanBuilder b(a, {200, unlimited});
  uint32_t asked = 0;
  b.makeRoom = [&](uint64_t missing) {
    ++asked;
    EXPECT_EQ(missing, 10u); // for the last result
    return false;
  };
  ASSERT_TRUE(b.placeAll());
  ASSERT_TRUE(b.perform(0) && b.perform(1));
  EXPECT_FALSE(b.forget(a.slot(0, -1))); // its content would be lost
  ASSERT_TRUE(b.sendAway(a.slot(0, -1), 1));
  ASSERT_TRUE(b.perform(2)); // takes its bytes
  EXPECT_EQ(asked, 0u);
  EXPECT_FALSE(b.perform(3));
  EXPECT_GT(asked, 0u);
  EXPECT_EQ(b.error, "operator 3 does not fit with its operands and results "
                     "within 200 bytes of device");
}

TEST(PlanBuilder, AnOperatorOfTheHostLeavesTheDeviceStale) {
  Problem p = chain();
  p.storages[3].kind = StorageKind::Persistent;
  p.operators[3].writes.clear();
  p.operators[3].updates = {{3, -1}};
  p.operators[3].reads = {{2, -1}};
  p.operators[3].recomputable = false;
  p.operators[3].costNs = {50, 80};
  p.operators[1].reads.push_back({3, -1});
  Analysis a(p);
  PlanBuilder b(a, {400, unlimited});
  ASSERT_TRUE(b.place(3, 0) && b.place(3, 1) && b.placeAll());
  ASSERT_TRUE(b.perform(0) && b.perform(1) && b.perform(2));
  ASSERT_TRUE(b.copy(a.slot(2, -1), 1));
  ASSERT_TRUE(b.performOff(3, 1)) << b.error;
  EXPECT_FALSE(b.present(a.slot(3, -1)));
  PolicyAnswer answer = b.answer(); // brings it back for the next step
  ASSERT_TRUE(answer.ok) << answer.reason;
  Verdict v = verifyPlan(p, answer.plans[0], {400, unlimited});
  EXPECT_TRUE(v.ok()) << v.error;
  EXPECT_EQ(answer.plans[0].actions.back(), Action::load(3, -1, 1));
}

} // namespace
