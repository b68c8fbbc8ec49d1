//===- RematSearch.h - Annealing over recompute and order -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For problems without a second tier. The state is a sequence of operators with
// free slots between; an operator may stand in it more than once. Moves insert
// a recomputation shortly before a use, remove one, or move one; memory is kept
// in a tree, so that a move costs a few logarithms. After Imanishi et al., "A
// fast heuristic to optimize time-space tradeoff for large models", with
// inserts aimed at uses rather than anywhere.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REMATSEARCH_H
#define SPILLWAY_LIB_PLANNER_REMATSEARCH_H

#include "Analysis.h"

#include <chrono>
#include <optional>

namespace spillway::planner {

struct RematOptions {
  uint64_t moves = 1000000;
  bool fixedOrder = false;
  uint64_t seed = 1;
  /// Stops there with the best so far.
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
};

/// Only whole, unchanging storages on one tier, nothing fed.
bool canSearchRemat(const Problem &problem);

/// A sequence of operators within the budget, or nothing. Starts from `start`,
/// or from the problem's own order where that is empty.
std::vector<uint32_t> searchRemat(const Analysis &analysis, uint64_t budget,
                                  const RematOptions &options,
                                  const std::vector<uint32_t> &start = {});

/// The plan that runs a sequence and frees everything after its last use.
Plan planOfSequence(const Analysis &analysis,
                    const std::vector<uint32_t> &sequence);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REMATSEARCH_H
