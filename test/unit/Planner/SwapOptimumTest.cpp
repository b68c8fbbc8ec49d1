//===- SwapOptimumTest.cpp - Small swap problems searched through ---------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SwapOptimum.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[size_t(share * double(values.size() - 1))];
}

/// Joint and the bound against the fastest of all plans of a kind.
TEST(SwapOptimum, BoundIsNeverAboveAndJointHardlyEver) {
  std::vector<double> shares, ratios;
  for (uint64_t seed = 1; seed <= 60; ++seed)
    for (uint64_t percent : {55, 70, 85}) {
      uint32_t layers = seed % 5 ? 2 : 3;
      Problem p = randomSwapChain(seed, layers);
      uint64_t budget = unconstrainedPeakBytes(p) * percent / 100;
      SwapSearch search = searchSwapPlans(p, budget, 6000);
      if (search.plans == 0)
        continue;
      PlanOptions options;
      options.budgets = {budget, unlimited};
      options.offsets = false;
      PlanResult joint = plan(p, options);
      ASSERT_TRUE(joint.feasible) << "seed " << seed << ", " << percent << " %";
      int64_t bound = fixedOrderLowerBoundNs(p, options.budgets);
      ASSERT_LE(bound, search.leastNs) << "seed " << seed;
      ASSERT_LE(lowerBoundNs(p, options.budgets), search.leastNs);
      int64_t least = std::min(search.leastNs, joint.simulation.stepNs);
      int64_t base = 0;
      for (const Operator &op : p.operators)
        base += op.costNs[0];
      if (search.complete && least > base)
        shares.push_back(double(bound - base) / double(least - base));
      ratios.push_back(double(joint.simulation.stepNs) / double(least));
    }
  ASSERT_GT(shares.size(), 40u);
  printf("%zu instances, share of the overhead: median %.2f, lower quartile "
         "%.2f; joint over the fastest: 95 %% of %zu within %.2f\n",
         shares.size(), quantile(shares, 0.5), quantile(shares, 0.25),
         ratios.size(), quantile(ratios, 0.95));
  EXPECT_GE(quantile(shares, 0.5), 0.95);
  EXPECT_GE(quantile(shares, 0.25), 0.6);
  EXPECT_LE(quantile(ratios, 0.95), 1.02);
}

} // namespace
