//===- Simulator.h - How long a plan takes ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Engines and links are streams that run their actions in issue order. An
// action starts when its stream is free, the actions that made what it reads
// are done, and the last users of the bytes it takes over are done. Links of
// one group take turns. The step is repeated with no barrier until its period
// settles.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_SIMULATOR_H
#define SPILLWAY_PLANNER_SIMULATOR_H

#include "spillway/Planner/Plan.h"

namespace spillway::planner {

struct SimulationOptions {
  /// By tier; a missing one is the tier's capacity. Without offsets, bytes that
  /// an action takes are those that have been free for longest, out of this.
  std::vector<uint64_t> budgets;
  /// By index into `lifetimes(problem, plan)`; empty: no addresses yet.
  const std::vector<uint64_t> *offsets = nullptr;
  /// By action, the address of a run's workspace; goes with `offsets`.
  const std::vector<uint64_t> *workspaceOffsets = nullptr;
  /// Fill `startNs`, `durationNs` and `occupancy`.
  bool timeline = false;
  uint32_t maxRounds = 12;
};

struct Simulation {
  /// The period of the steady state.
  int64_t stepNs = 0;
  std::vector<uint64_t> peakBytes; ///< by tier
  std::vector<uint64_t> linkBytes; ///< by link, in one step
  std::vector<int64_t> linkNs;     ///< by link, busy in one step
  std::vector<int64_t> engineNs;   ///< by engine, busy in one step
  // With `timeline`, by action; starts count from the start of the step.
  std::vector<int64_t> startNs, durationNs;
  std::vector<std::vector<uint64_t>> occupancy; ///< by tier, then action
};

/// `plan` must be one that `verifyPlan` accepts (but for its budgets).
Simulation simulate(const Problem &problem, const Plan &plan,
                    const SimulationOptions &options = {});

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_SIMULATOR_H
