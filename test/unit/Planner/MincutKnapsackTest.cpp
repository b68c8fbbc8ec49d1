//===- MincutKnapsackTest.cpp - What a cut saves ----------------*- C++ -*-===//
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

/// Per layer a product and two pointwise operators whose results the backward
/// pass reads, as does that of the product's own operand.
Problem makeLayers(uint32_t layers) {
  Problem p = emptyProblem();
  std::vector<uint32_t> pointwise;
  uint32_t x = 0;
  for (uint32_t i = 0; i < layers; ++i) {
    std::vector<uint32_t> in;
    if (i)
      in.push_back(x);
    uint32_t mm = addOp(p, 100, 100, in);
    p.operators[mm].flops = 100000;
    uint32_t sine = addOp(p, 1, 100, {mm});
    x = addOp(p, 1, 100, {sine});
    p.operators[sine].flops = p.operators[x].flops = 25;
    pointwise.push_back(sine);
    pointwise.push_back(x);
  }
  uint32_t g = addOp(p, 1, 100, {x});
  p.operators[g].flops = 25;
  for (size_t i = pointwise.size(); i-- > 0;) {
    g = addOp(p, 1, 100, {g, pointwise[i]});
    p.operators[g].flops = 25;
  }
  p.storages.back().output = true;
  return p;
}

TEST(MincutKnapsack, SavesTheProductAndRecomputesWhatFuses) {
  // The cut with b = 1: for 100 bytes of a product both pointwise results come
  // again; saving these would be 200.
  PlanResult r = planLoad(makeLayers(3), "mincut-knapsack", unlimited);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  std::vector<uint32_t> again = rerunsOf(r.plan);
  for (uint32_t mm : {0, 3, 6})
    EXPECT_THAT(again, ::testing::Not(::testing::Contains(mm)));
  EXPECT_THAT(again, ::testing::IsSupersetOf({1, 2, 4, 5}));
}

TEST(MincutKnapsack, WhatIsFurtherFromTheBackwardPassWeighsMore) {
  // Two pointwise operators in a row behind a product of 400 bytes; the
  // backward pass reads the second's result. Saving that, 105 bytes one step
  // away, weighs 105 * 1.1; the first's 100 two steps away 100 * 1.21. (All
  // fuse: twice.)
  Problem p = emptyProblem();
  addOp(p, 100, 400, {});
  addOp(p, 1, 100, {0});
  addOp(p, 1, 105, {1});
  addOp(p, 1, 100, {2});
  addOp(p, 1, 100, {3});
  addOp(p, 1, 100, {4, 2});
  for (Operator &op : p.operators)
    op.flops = 25;
  p.operators[0].flops = 100000;
  p.storages.back().output = true;
  PlanResult r = planLoad(p, "mincut-knapsack", unlimited);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  EXPECT_THAT(rerunsOf(r.plan), ::testing::Not(::testing::Contains(2)));
}

TEST(MincutKnapsack, BudgetsBelowOneTradeTimeForMemory) {
  // FCN8 at 70 % and 90 % of its peak; b is found by the sweep.
  Problem p = readInput("fcn8.txt");
  PlanResult more = planLoad(p, "mincut-knapsack", 13484795520 / 10 * 9);
  PlanResult less = planLoad(p, "mincut-knapsack", 13484795520 / 10 * 7);
  ASSERT_TRUE(more.feasible) << more.infeasible.reason;
  ASSERT_TRUE(less.feasible) << less.infeasible.reason;
  EXPECT_LE(more.recomputedNs, less.recomputedNs);
  double base = double(less.simulation.stepNs - less.recomputedNs);
  EXPECT_NEAR(double(less.recomputedNs) / base, 0.0159, 0.0005);
}

/// A product (0) of few bytes, operators by hand, and an end: the loss, which
/// is where the step turns, for it updates a parameter.
struct ByHand {
  Problem p = emptyProblem();

  ByHand() { op(10, {}, true); }
  uint32_t op(uint64_t bytes, const std::vector<uint32_t> &reads,
              bool product = false) {
    uint32_t at = addOp(p, 1, bytes, reads);
    p.operators[at].flops = product ? 1000000 : 1;
    return at;
  }
  uint32_t loss(const std::vector<uint32_t> &reads) {
    uint32_t at = op(1, reads);
    p.storages[at].output = true;
    return at;
  }
  /// What is run again with all memory, the last operator's result being the
  /// gradient.
  std::vector<uint32_t> again(uint64_t budget = unlimited) {
    uint32_t gradient = uint32_t(p.operators.size()) - 1;
    uint32_t update = op(1, {gradient});
    p.operators[update].writes.clear();
    p.operators[update].updates = {{update, -1}};
    p.operators[update].recomputable = false;
    p.storages[update].kind = StorageKind::Persistent;
    PlanResult r = planLoad(p, "mincut-knapsack", budget);
    EXPECT_TRUE(r.feasible) << r.infeasible.reason;
    return rerunsOf(r.plan);
  }
};

TEST(MincutKnapsack, AReductionToLessThanAQuarterIsSaved) {
  // Of 400 bytes. To save the 10 of the product and make all else again would
  // be less than either.
  auto again = [](uint64_t bytes) {
    ByHand h;
    uint32_t wide = h.op(400, {0}), reduced = h.op(bytes, {wide});
    uint32_t loss = h.loss({reduced});
    h.op(1, {h.op(1, {loss}), reduced}); // what is read at once is kept
    return h.again();
  };
  EXPECT_THAT(again(99), ::testing::IsEmpty());
  EXPECT_THAT(again(101), ::testing::ElementsAre(1, 2));
}

TEST(MincutKnapsack, AfterAHundredThatFuseOneIsSaved) {
  ByHand h;
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < 105; ++i)
    all.push_back(h.op(100, {i}));
  uint32_t loss = h.loss({all.back()});
  all.push_back(h.op(1, {loss}));
  h.op(1, all);
  std::vector<uint32_t> again = h.again();
  EXPECT_EQ(again.size(), 104u);
  EXPECT_THAT(again, ::testing::Not(::testing::Contains(101)));
}

TEST(MincutKnapsack, WhatIsMaterializedAnywayIsSaved) {
  // A product reads 1, so that it cannot fuse with who reads it after that: a
  // forward operator, or a product going backward.
  auto again = [](bool productFirst, bool productBackward) {
    ByHand h;
    uint32_t x = h.op(100, {0}), last = x;
    for (bool product : {productFirst, !productFirst})
      last = h.op(1, {x, last}, product);
    uint32_t loss = h.loss({last});
    h.op(1, {loss, x}, productBackward);
    return h.again();
  };
  EXPECT_THAT(again(true, false), ::testing::IsEmpty());
  EXPECT_THAT(again(false, false), ::testing::ElementsAre(1));
  EXPECT_THAT(again(false, true), ::testing::IsEmpty());
}

TEST(MincutKnapsack, TheCheapestProductsAreLiftedFirst) {
  // Two products of 100 bytes, of which one finds no room beside the gradient.
  for (bool firstIsCheap : {false, true}) {
    ByHand h;
    uint32_t x = h.op(100, {0}, true), y = h.op(100, {0}, true);
    h.p.operators[firstIsCheap ? y : x].costNs = {1000};
    uint32_t loss = h.loss({x, y});
    uint32_t g = h.op(150, {loss});
    g = h.op(1, {g});
    g = h.op(1, {g, y});
    h.op(1, {g, x});
    EXPECT_THAT(h.again(300), ::testing::ElementsAre(firstIsCheap ? x : y));
  }
}

} // namespace
