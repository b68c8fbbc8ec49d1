//===- Staging.cpp - Slots between two links ------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sched/Sched.h"
#include "spillway/Transforms/Schedule.h"

using namespace spillway;
using planner::ActionKind;

/// Enough slots that both links are busy, and chunks that make their latencies
/// small.
static constexpr uint64_t kSlots = 2, kSlotBytes = 4 << 20;

std::optional<Staging> spillway::stagingOf(const planner::Problem &problem,
                                           const planner::Plan *plan) {
  const planner::Machine &machine = problem.machine;
  std::optional<uint32_t> between;
  uint64_t largest = 0;
  auto transfer = [&](const planner::Storage &storage, int32_t part,
                      uint32_t tier) {
    std::vector<uint32_t> route = machine.route(tier, 0);
    if (route.size() != 2)
      return;
    between = machine.links[route[0]].to;
    largest = std::max(largest, storage.partBytes(part));
  };
  if (plan) {
    for (const planner::Action &action : plan->actions)
      // What is out of range is an error when the action is applied.
      if ((action.kind == ActionKind::Load ||
           action.kind == ActionKind::Store) &&
          action.tier < machine.tiers.size() &&
          action.storage < problem.storages.size())
        transfer(problem.storages[action.storage], action.part, action.tier);
  } else {
    for (uint32_t tier = 1; tier < machine.tiers.size(); ++tier)
      for (const planner::Storage &storage : problem.storages)
        transfer(storage, -1, tier);
  }
  if (!between || !largest)
    return std::nullopt;
  return Staging{*between, kSlots,
                 std::min(kSlotBytes, sched::alignUp(largest))};
}
