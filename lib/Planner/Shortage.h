//===- Shortage.h - What is said where memory is short ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where there is no plan: what every plan needs, who needs most of it, and the
// smallest budget that was found to do.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_SHORTAGE_H
#define SPILLWAY_LIB_PLANNER_SHORTAGE_H

#include "Analysis.h"
#include "spillway/Planner/Planner.h"

#include <functional>

namespace spillway::planner {

/// By tier, in bytes: what every plan needs with these budgets.
std::vector<uint64_t> floorsWith(Problem problem,
                                 const std::vector<uint64_t> &budgets);

/// Whether a budget is below the floor of its tier: then `tier` and `reason`
/// of the first such are set.
bool belowFloor(const Problem &problem, const std::vector<uint64_t> &budgets,
                const std::vector<uint64_t> &floors, Infeasible &out);

/// The storages that the most demanding operator needs at once.
void findCulprits(const Analysis &a, Infeasible &out);

/// The smallest budget in bytes that `works`, by bisection from the floor up,
/// to within one part of `fineness`; at the deadline the smallest so far; 0 if
/// none was found.
uint64_t findSmallestBudget(uint64_t floor, uint64_t alignment,
                            uint32_t fineness, const PlanOptions &options,
                            const std::function<bool(uint64_t)> &works);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_SHORTAGE_H
