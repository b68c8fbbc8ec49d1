//===- Budgets.h - A budget for every tier ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_BUDGETS_H
#define SPILLWAY_LIB_PLANNER_BUDGETS_H

#include "spillway/Planner/Problem.h"

namespace spillway::planner {

/// The budgets that are given, by tier, then the capacities of the rest.
inline std::vector<uint64_t> fullBudgets(const Problem &problem,
                                         std::vector<uint64_t> budgets) {
  const std::vector<Tier> &tiers = problem.machine.tiers;
  for (size_t t = budgets.size(); t < tiers.size(); ++t)
    budgets.push_back(tiers[t].capacity);
  budgets.resize(tiers.size());
  return budgets;
}

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_BUDGETS_H
