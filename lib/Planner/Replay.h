//===- Replay.h - One step, action by action --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The inside of the verifier: replays a plan of a problem without repeats, and
// tells the state at some of its actions. Shares no code with policies,
// simulator or offset assignment.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REPLAY_H
#define SPILLWAY_LIB_PLANNER_REPLAY_H

#include "spillway/Planner/Verify.h"

#include <map>
#include <tuple>

namespace spillway::planner {

/// All that what comes next depends on.
struct ReplayState {
  using Key = std::tuple<uint32_t, int32_t, uint32_t>; ///< storage, part, tier
  /// What one buffer holds: by part, whether it is the present content.
  struct Held {
    std::vector<bool> valid;
    bool operator==(const Held &) const = default;
  };
  std::map<Key, Held> instances;
  /// By storage and part: how many updates its present content has seen.
  std::vector<std::vector<uint32_t>> version;
  std::vector<uint32_t> runs; ///< by operator
};

struct ReplayRequest {
  /// By tier: bytes that something else takes all along.
  std::vector<uint64_t> others;
  /// Actions, ascending, before which the state is told.
  std::vector<size_t> stops;
  std::vector<ReplayState> &atStops;
};

Verdict replay(const Problem &problem, const Plan &plan,
               const std::vector<uint64_t> &budgets,
               const ReplayRequest &request);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REPLAY_H
