//===- GapGreedy.h - Which gaps to bridge how -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Takes the gap with the most relief over cost until the sum of live bytes is
// within the budget everywhere. Relief: bytes above the budget, summed over the
// operators in the gap at which the slot is really gone. Cost: nanoseconds that
// the compute stream would stall, or spend on recomputing. A swap takes its
// time out of what its link has left between its two ends, as G10 does it.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GAPGREEDY_H
#define SPILLWAY_LIB_PLANNER_GAPGREEDY_H

#include "Emitter.h"
#include "GapDual.h"

namespace spillway::planner {

struct GreedyOptions {
  double recomputeWeight = 1.0; ///< of a nanosecond of recompute
  double linkWeight = 1.0 / 64; ///< of a nanosecond of transfer that hides
  /// Gaps that the gap program moves in at least the share `trust` of its
  /// iterations are decided so from the start.
  const GapPrices *prices = nullptr;
  double trust = 0.5;
  double margin = 0.0; ///< share of the budget left for prefetching
  bool swap = true, recompute = true;
};

Decisions chooseGaps(const Analysis &analysis, const GreedyOptions &options,
                     const std::vector<uint64_t> &budgets);

/// Gives every persistent storage with a gap off the device a home, as long as
/// there is room; where there is none, its gaps are kept after all.
void assignHomes(const Analysis &analysis, Decisions &decisions,
                 const std::vector<uint64_t> &budgets);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GAPGREEDY_H
