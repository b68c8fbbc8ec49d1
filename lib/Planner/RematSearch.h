//===- RematSearch.h - Annealing over recompute and order -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Simulated annealing over sequences of operators that may stand in them more
// than once. After Imanishi et al., "A fast heuristic to optimize time-space
// tradeoff for large models", with moves of more than one operator: what is
// inserted brings along what it needs and is gone, what is removed takes along
// what nobody else needs, what is moved pushes what is in the way.
//
// All is relative to the problem: temperatures to the mean cost of an operator,
// softness to the budget, and the weight of bytes above the budget follows from
// whether the search is within it.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REMATSEARCH_H
#define SPILLWAY_LIB_PLANNER_REMATSEARCH_H

#include "RematGraph.h"

#include <chrono>
#include <optional>

namespace spillway::planner {

struct RematOptions {
  uint64_t budget = 0;
  uint64_t moves = 1000000;
  /// Keep the order of first runs.
  bool fixedOrder = false;
  uint64_t seed = 1;
  /// Stop as soon as a sequence is within the budget.
  bool first = false;
  /// Stop there with the best so far.
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
  /// In mean costs of an operator.
  double hot = 1, cold = 0.01;
};

struct RematFound {
  std::vector<uint32_t> sequence; ///< empty: none within the budget
  int64_t cost = INT64_MAX;
  /// What the search ended with, within the budget or not.
  std::vector<uint32_t> last;
};

/// Starts from a valid sequence, within the budget or not.
RematFound searchRemat(const RematGraph &graph, const RematOptions &options,
                       const std::vector<uint32_t> &start);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REMATSEARCH_H
