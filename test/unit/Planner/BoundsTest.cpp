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

/// 100 problems at two budgets, in the given order and in any.
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
  // Few whole tensors are far from the fractions of a linear program. What is
  // asserted is that the bound says something.
  EXPECT_GE(median, fixedOrder ? 0.15 : 0.1);
}

INSTANTIATE_TEST_SUITE_P(Orders, AgainstOptima, ::testing::Bool());

} // namespace
