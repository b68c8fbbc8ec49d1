//===- RecomputeAllTest.cpp - All but segment borders -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::ElementsAre;

namespace {

TEST(RecomputeAll, KeepsOnlyWhatCrossesSegments) {
  // Eight layers and the loss: three segments of three operators.
  Problem p = makeChain({.layers = 8});
  PlanResult r = planLoad(p, "recompute-all", unlimited);
  ASSERT_TRUE(r.feasible);
  EXPECT_THAT(rerunsOf(r.plan), ElementsAre(6, 3, 4, 0, 1));
}

/// A chain whose gradients are clipped: for each layer a gradient of its
/// parameters, all kept until their norm is known, then updates.
Problem makeClipped(uint32_t layers, uint64_t gradientBytes) {
  Problem p = makeChain({.layers = layers});
  p.storages.back().output = false;
  p.storages[layers].output = true; // the loss
  std::vector<uint32_t> gradients;
  for (uint32_t i = 0; i < layers; ++i)
    gradients.push_back(addOp(p, 1, gradientBytes, {2 * layers - i}));
  // The gradient of a layer is made in the backward pass, right after B_i.
  std::vector<Operator> order(p.operators.begin(),
                              p.operators.begin() + layers + 1);
  for (uint32_t i = 0; i < layers; ++i) {
    order.push_back(p.operators[layers + 1 + i]);
    order.push_back(p.operators[gradients[layers - 1 - i]]);
  }
  p.operators = order;
  uint32_t norm = addOp(p, 1, 1, gradients);
  for (uint32_t g : gradients) {
    Storage w;
    w.id = uint32_t(p.storages.size());
    w.bytes = gradientBytes;
    w.kind = StorageKind::Persistent;
    p.storages.push_back(w);
    Operator update;
    update.id = 1000 + g;
    update.costNs = {1};
    update.reads = {{g, -1}, {norm, -1}};
    update.updates = {{w.id, -1}};
    update.recomputable = false;
    p.operators.push_back(update);
  }
  for (uint32_t i = 0; i < p.operators.size(); ++i)
    p.operators[i].id = i;
  return p;
}

TEST(RecomputeAll, RecomputesWhereTheOptimizerSetsThePeak) {
  Problem p = makeClipped(16, 50);
  ASSERT_TRUE(p.check().empty()) << p.check().front();
  PlanResult keep = planLoad(p, "keep-all", unlimited);
  PlanResult r = planLoad(p, "recompute-all", unlimited);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  // The gradients hold far more than the activations, and are not touched.
  EXPECT_EQ(r.peakBytes[0], keep.peakBytes[0]);
  // Seventeen forward operators in segments of five; the last of each stays.
  EXPECT_EQ(r.numRecomputed, 12u);
  for (uint32_t op : rerunsOf(r.plan))
    EXPECT_LT(op, 16u);
}

TEST(RecomputeAll, IsTheSameForEveryBudget) {
  Problem p = makeChain({.layers = 20});
  PlanResult r = planLoad(p, "recompute-all", unlimited);
  ASSERT_TRUE(r.feasible);
  EXPECT_EQ(planLoad(p, "recompute-all", r.peakBytes[0]).plan.actions,
            r.plan.actions);
  EXPECT_FALSE(planLoad(p, "recompute-all", r.peakBytes[0] - 1).feasible);
}

} // namespace
