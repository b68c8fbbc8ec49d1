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
// time out of what its links have left between its two ends, as G10 does it.
// What operators off the device use need not be on it for them.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GAPGREEDY_H
#define SPILLWAY_LIB_PLANNER_GAPGREEDY_H

#include "Emitter.h"
#include "GapDual.h"
#include "Residence.h"

namespace spillway::planner {

/// Ways to bridge a gap, by what it is. State is what updates alone access.
enum class GapClass : uint8_t { State, Parameter, Swap, Drop };

struct GreedyOptions {
  double recomputeWeight = 1.0; ///< of a nanosecond of recompute
  double linkWeight = 1.0 / 64; ///< of a nanosecond of transfer that hides
  /// Gaps that the gap program moves in at least the share `trust` of its
  /// iterations are decided so from the start.
  const GapPrices *prices = nullptr;
  double trust = 0.5;
  double margin = 0.0; ///< share of the budget left for prefetching
  /// The step is expected to take so many times as long as its operators.
  double stretch = 1.0;
  bool swap = true, recompute = true;
  /// What was swapped when all was short, and need not be with what was chosen
  /// after it, stays after all. That takes room from loads ahead of their time.
  bool prune = false;
  /// What is made in the step and never changed may be swapped, too.
  bool swapActivations = true;
  /// What is taken before all else that is worth anything, in this order: e.g.
  /// "optimizer state, then recompute". The ratio alone is short-sighted: what
  /// relieves most for its cost now may need the link when others have no other
  /// way.
  std::vector<GapClass> first = {};
  /// By storage, what is not to be chosen; none: nothing.
  const std::vector<Residence> *residence = nullptr;
  /// As in `Decisions`; none: there are none.
  const std::vector<TrailingUpdate> *trailing = nullptr;
  /// By operator, as in `Decisions`; none: all on the device.
  const std::vector<uint32_t> *engine = nullptr;
};

Decisions chooseGaps(const Analysis &analysis, const GreedyOptions &options,
                     const std::vector<uint64_t> &budgets);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GAPGREEDY_H
