//===- SwapOptimum.h - Small swap problems, searched through ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_PLANNER_SWAPOPTIMUM_H
#define SPILLWAY_TEST_PLANNER_SWAPOPTIMUM_H

#include "Chain.h"

namespace spillway::planner::testing {

/// F_1 .. F_n, B_n .. B_1 with weights of random sizes that each B_i updates,
/// a host, and links on which a byte takes as long as a unit of work.
Problem randomSwapChain(uint64_t seed, uint32_t layers);

struct SwapSearch {
  int64_t leastNs = INT64_MAX; ///< INT64_MAX: no plan
  uint64_t plans = 0;          ///< simulated
  bool complete = true;        ///< all plans of the kind below were
};

/// The fastest of all plans that run any set of F_1 .. F_{n-1} again right
/// before the B that reads its result, and that in each gap between two uses of
/// a storage keep it, or store it right after the one and load it right before
/// any operator up to the other. At most `limit` plans are simulated.
SwapSearch searchSwapPlans(const Problem &problem, uint64_t budget,
                           uint64_t limit);

} // namespace spillway::planner::testing

#endif // SPILLWAY_TEST_PLANNER_SWAPOPTIMUM_H
