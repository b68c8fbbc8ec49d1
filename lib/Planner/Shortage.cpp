//===- Shortage.cpp - What is said where memory is short --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shortage.h"

#include <algorithm>
#include <set>

using namespace spillway::planner;

std::vector<uint64_t>
spillway::planner::floorsWith(Problem problem,
                              const std::vector<uint64_t> &budgets) {
  for (uint32_t t = 0; t < budgets.size(); ++t)
    problem.machine.tiers[t].capacity = budgets[t];
  return floorBytes(problem);
}

bool spillway::planner::belowFloor(const Problem &problem,
                                   const std::vector<uint64_t> &budgets,
                                   const std::vector<uint64_t> &floors,
                                   Infeasible &out) {
  for (uint32_t t = 0; t < budgets.size(); ++t)
    if (budgets[t] < floors[t]) {
      out.tier = t;
      out.reason = "the " + problem.machine.tiers[t].name + " budget of " +
                   std::to_string(budgets[t]) +
                   " bytes is below the floor of " + std::to_string(floors[t]) +
                   " bytes, which every plan needs";
      return true;
    }
  return false;
}

void spillway::planner::findCulprits(const Analysis &a, Infeasible &out) {
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (a.workingSet[at] > a.workingSet[out.peakOperator])
      out.peakOperator = at;
  if (a.numOps == 0)
    return;
  std::set<uint32_t> storages;
  for (const Operand &o : a.operands[out.peakOperator])
    storages.insert(o.storage);
  out.peakStorages.assign(storages.begin(), storages.end());
  std::sort(out.peakStorages.begin(), out.peakStorages.end(),
            [&](uint32_t x, uint32_t y) {
              uint64_t bx = a.problem.storages[x].bytes;
              uint64_t by = a.problem.storages[y].bytes;
              return bx != by ? bx > by : x < y;
            });
}

uint64_t spillway::planner::findSmallestBudget(
    uint64_t floor, uint64_t alignment, uint32_t fineness,
    const PlanOptions &options, const std::function<bool(uint64_t)> &works) {
  auto late = [&] {
    return options.deadline &&
           std::chrono::steady_clock::now() >= *options.deadline;
  };
  auto up = [&](uint64_t bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
  };
  // Up in growing steps from what is known to be too little, then down.
  uint64_t low = up(std::max(floor, alignment)), high = 0;
  if (late())
    return 0;
  if (works(low))
    return low;
  for (uint64_t step = std::max(low / 16, alignment); !high; step *= 2) {
    uint64_t next = low + up(step);
    if (next > (uint64_t(1) << 60) || late())
      return 0;
    (works(next) ? high : low) = next;
  }
  uint64_t grain = std::max(alignment, high / fineness);
  while (high - low > grain && !late()) {
    uint64_t mid = low + (high - low) / 2 / alignment * alignment;
    if (mid == low)
      break;
    (works(mid) ? high : low) = mid;
  }
  return high;
}
