//===- RematPortfolio.h - Several searches on one tier ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where there is one tier all that can be done is to recompute and to reorder.
// Runs the annealing from several sequences and keeps what it finds.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REMATPORTFOLIO_H
#define SPILLWAY_LIB_PLANNER_REMATPORTFOLIO_H

#include "Analysis.h"

#include <chrono>
#include <optional>

namespace spillway::planner {

/// Only whole, unchanging storages on one tier, nothing fed.
bool canSearchRemat(const Problem &problem);

/// The plan that runs a sequence and frees everything after its last use.
Plan planOfSequence(const Analysis &analysis,
                    const std::vector<uint32_t> &sequence);

struct RematRequest {
  uint64_t budget = 0;
  /// How hard to search. 0: only find out whether there is a sequence; what is
  /// feasible with 0 is with any number.
  uint32_t iterations = 0;
  bool fixedOrder = false;
  /// Stops there with what it has, but not before a first sequence is sought.
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
};

/// Sequences of operators within the budget, in no order; none if none was
/// found. `canSearchRemat` must hold.
std::vector<std::vector<uint32_t>> findRematPlans(const Analysis &analysis,
                                                  const RematRequest &request);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REMATPORTFOLIO_H
