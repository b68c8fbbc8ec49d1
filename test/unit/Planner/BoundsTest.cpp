//===- BoundsTest.cpp - Bounds against true optima --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Optimum.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// 100 problems at two budgets: 200 instances, in the given order and in any.
class AgainstOptima : public ::testing::TestWithParam<bool> {};

TEST_P(AgainstOptima, NeverAboveAndNotFarBelow) {
  bool fixedOrder = GetParam();
  std::vector<double> shares; // of the true overhead
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Problem p = seed % 2 ? randomProblem(seed, 9) : randomChain(seed, 4);
    int64_t base = 0;
    for (const Operator &op : p.operators)
      base += op.costNs[0];
    // The smallest budget with a plan, and the largest that costs something.
    uint64_t low = floorBytes(p)[0];
    while (optimum(p, low, fixedOrder) < 0)
      ++low;
    uint64_t high = low;
    while (optimum(p, high + 1, fixedOrder) > base)
      ++high;
    for (uint64_t budget : {low, high}) {
      int64_t least = optimum(p, budget, fixedOrder);
      int64_t bound = fixedOrder ? fixedOrderLowerBoundNs(p, {budget})
                                 : lowerBoundNs(p, {budget});
      ASSERT_LE(bound, least) << "seed " << seed << ", budget " << budget;
      if (least > base)
        shares.push_back(double(bound - base) / double(least - base));
    }
  }
  ASSERT_GT(shares.size(), 60u);
  std::sort(shares.begin(), shares.end());
  double median = shares[shares.size() / 2];
  RecordProperty("median_share", std::to_string(median));
  printf("%zu instances, share of the true overhead: median %.2f, lower "
         "quartile %.2f\n",
         shares.size(), median, shares[shares.size() / 4]);
  EXPECT_GE(median, 0.6);
  // A program of whole tensors is meant to find nearly all of it, most often.
  EXPECT_GE(shares[shares.size() / 4], 0.9);
}

INSTANTIATE_TEST_SUITE_P(Orders, AgainstOptima, ::testing::Bool());

/// Public instances at a share of keep-all's peak, and the proven optimum in
/// the given order, in percent of the compute time.
struct Public {
  const char *file;
  uint64_t percent;
  double optimum;
};

class AgainstProvenOptima : public ::testing::TestWithParam<Public> {};

TEST_P(AgainstProvenOptima, NeverAboveAndNotFarBelow) {
  const Public &instance = GetParam();
  Problem p = readInput(instance.file);
  ASSERT_FALSE(p.operators.empty());
  int64_t base = 0;
  for (const Operator &op : p.operators)
    base += op.costNs[0];
  PlanResult all = planLoad(p, "keep-all", unlimited);
  ASSERT_TRUE(all.feasible);
  uint64_t budget = all.peakBytes[0] * instance.percent / 100;
  auto overhead = [&](int64_t bound) {
    return double(bound - base) / double(base) * 100;
  };
  double fixed = overhead(fixedOrderLowerBoundNs(p, {budget}));
  double any = overhead(lowerBoundNs(p, {budget}));
  printf("%s at %d %%: %.4f %% in the order, %.4f %% in any; %.4f %% needed\n",
         instance.file, int(instance.percent), fixed, any, instance.optimum);
  EXPECT_LE(fixed, instance.optimum + 5e-5);
  EXPECT_GE(fixed, instance.optimum * 0.9);
  // In any order less may do.
  EXPECT_LE(any, fixed + 0.02);
}

INSTANTIATE_TEST_SUITE_P(
    Instances, AgainstProvenOptima,
    ::testing::Values(Public{"fcn8.txt", 80, 0.13611},
                      Public{"RL1.txt", 80, 2.29647},
                      Public{"vgg16_train.json", 90, 1.96774},
                      Public{"vgg_unet_train.json", 60, 4.45089}),
    [](const auto &test) {
      std::string name = test.param.file;
      name = name.substr(0, name.find('.'));
      std::erase(name, '_');
      return name;
    });

TEST(Bound, WhatIsUpdatedLaterMayBeMadeAgainBefore) {
  // Beside the second result there is no room for the first, which the last
  // operator updates.
  Problem p = emptyProblem();
  addOp(p, 3, 5, {});
  addOp(p, 10, 6, {});
  addOp(p, 1, 1, {1});
  addOp(p, 1, 1, {2});
  p.operators[3].updates = {{0, -1}};
  p.operators[3].recomputable = false;
  ASSERT_TRUE(p.check().empty());
  EXPECT_EQ(fixedOrderLowerBoundNs(p, {8}), 18);
}

TEST(Bound, PartsOfOneResultAreCountedOnce) {
  // Each half has an operator; the whole is there from the first on.
  Problem p = emptyProblem();
  addOp(p, 5, 200, {});
  p.storages[0].parts = {100};
  p.operators[0].writes = {{0, 0}};
  Operator second = p.operators[0];
  second.id = 9;
  second.writes = {{0, 1}};
  p.operators.push_back(second);
  Operator reader;
  reader.id = 10;
  reader.costNs = {1};
  reader.reads = {{0, -1}};
  p.operators.push_back(reader);
  ASSERT_TRUE(p.check().empty());
  EXPECT_EQ(lowerBoundNs(p, {200}), 11);
  EXPECT_EQ(fixedOrderLowerBoundNs(p, {200}), 11);
}

} // namespace
