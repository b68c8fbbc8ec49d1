//===- Planner.h - From a problem to a plan with addresses ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The entry point: runs a policy, assigns offsets, plans again with a lower
// target where the offsets overshoot, verifies, and simulates. The peak that is
// promised is the peak after addresses are given.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_PLANNER_H
#define SPILLWAY_PLANNER_PLANNER_H

#include "spillway/Planner/Plan.h"
#include "spillway/Planner/Simulator.h"

#include <chrono>
#include <optional>

namespace spillway::planner {

struct PlanOptions {
  std::string policy = "joint";
  /// By tier; a missing one is the tier's capacity.
  std::vector<uint64_t> budgets;
  /// How hard to search. The same number gives the same plan everywhere.
  uint32_t iterations = 200;
  /// Instead of a number of iterations: search until then, with the number of
  /// iterations doubled again and again. The plan then depends on the machine
  /// that made it. Whether there is a plan does not: finding the first one
  /// takes what it takes. The search for the smallest budget, where there is
  /// none, ends then with what it has.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  /// Keep the order of first executions.
  bool fixedOrder = true;
  /// Assign addresses. Without, a peak is the sum of live bytes.
  bool offsets = true;
  /// Where the budget cannot be met, search for the smallest that can.
  bool findSmallest = true;
  /// Operators may run on engines off the device. False: plans, and the bound
  /// they are compared with, are those of the problem without such costs.
  bool hostEngine = true;
  /// Joint may take over other policies' plans. False: it is on its own.
  bool portfolio = true;
};

/// One buffer: a lifetime and its address.
struct Buffer {
  Lifetime lifetime;
  uint64_t offset = 0;
  uint64_t bytes = 0; ///< of the storage or part, not rounded up
};

/// Why there is no plan.
struct Infeasible {
  /// The tier whose budget is too small.
  uint32_t tier = 0;
  /// No plan exists below this many bytes of that tier.
  uint64_t floorBytes = 0;
  /// Planning with exactly this budget for that tier, all else equal, succeeds
  /// (0: none was found).
  uint64_t smallestFoundBytes = 0;
  /// The storages that are live at the peak of the operator that sets the
  /// floor, largest first.
  std::vector<uint32_t> peakStorages;
  uint32_t peakOperator = 0;
  /// One line for a diagnostic.
  std::string reason;
  /// False: the policy cannot handle such a problem, whatever the budget.
  bool applies = true;
};

struct PlanResult {
  bool feasible = false;
  /// Set if not feasible.
  Infeasible infeasible;

  Plan plan;
  std::vector<Buffer> buffers;
  /// By action: where a run's workspace is (0 where there is none).
  std::vector<uint64_t> workspaceOffsets;
  /// By tier, after addresses.
  std::vector<uint64_t> peakBytes;
  Simulation simulation; ///< with its timeline
  int64_t lowerBoundNs = 0;
  uint32_t numRecomputed = 0; ///< second and later runs
  uint64_t recomputedFlops = 0;
  uint64_t totalFlops = 0;
  int64_t recomputedNs = 0;
  uint32_t numSwapped = 0; ///< storages that are loaded or stored
};

/// `problem.check()` must be empty. Never throws; a policy that is not known or
/// does not apply gives an infeasible result with the reason.
PlanResult plan(const Problem &problem, const PlanOptions &options);

/// For a plan made elsewhere: verify, assign addresses, simulate.
PlanResult adopt(const Problem &problem, const Plan &plan,
                 const std::vector<uint64_t> &budgets);

/// By tier: the bytes below which no plan exists. On the device, what the most
/// demanding operator needs at once.
std::vector<uint64_t> floorBytes(const Problem &problem);

/// A time that no plan of the problem within the budgets beats, in any order.
int64_t lowerBoundNs(const Problem &problem,
                     const std::vector<uint64_t> &budgets = {});

/// The same for plans that keep the problem's order of first executions.
int64_t fixedOrderLowerBoundNs(const Problem &problem,
                               const std::vector<uint64_t> &budgets = {});

/// The device peak of keep-all after offsets.
uint64_t unconstrainedPeakBytes(const Problem &problem);

/// Names of all policies, in order of registration, and one line on each.
struct PolicyInfo {
  std::string name, summary;
};
std::vector<PolicyInfo> policies();

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_PLANNER_H
