//===- SpacingTest.cpp - Issue in order of time ---------------------------===//
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

/// The store at the end of a step goes on while the next one begins: until it
/// is done, the bytes are not free, though their last user in that step is.
TEST(OrderByTime, WhatIsUnderWaySinceTheStepBeforeIsNotFree) {
  Problem p = emptySwapProblem(1000000000); // a byte a ns
  Storage w;
  w.bytes = 500;
  w.kind = StorageKind::Persistent;
  p.storages = {w};
  addOp(p, 100, 10, {0});
  p.storages[1].id = 1;
  p.operators[0].writes = {{1}};
  addOp(p, 1000, 10, {1});
  p.storages[2].id = 2;
  p.operators[1].writes = {{2}};
  Operator update;
  update.id = 2;
  update.costNs = {100};
  update.reads = {{2}};
  update.updates = {{0}};
  update.recomputable = false;
  p.operators.push_back(update);
  ASSERT_EQ(p.check(), std::vector<std::string>());
  Plan plan;
  plan.initial = {{0, -1, 0}, {0, -1, 1}};
  Action freeW = Action::free(0, -1, 0);
  plan.actions = {Action::run(0),         freeW,
                  Action::run(1),         Action::free(1, -1, 0),
                  Action::load(0, -1, 1), Action::run(2),
                  Action::free(2, -1, 0), Action::store(0, -1, 1)};
  std::vector<uint64_t> budgets = {2000, unlimited};
  ASSERT_TRUE(verifyPlan(p, plan, budgets).ok())
      << verifyPlan(p, plan, budgets).error;
  ASSERT_TRUE(orderByTime(p, plan, budgets));
  EXPECT_TRUE(verifyPlan(p, plan, budgets).ok());
  auto at = [&](const Action &action) {
    return std::find(plan.actions.begin(), plan.actions.end(), action) -
           plan.actions.begin();
  };
  // The store ends about 500 ns into the step, operator 1 starts after 100.
  EXPECT_GT(at(freeW), at(Action::run(1)));
}

} // namespace
