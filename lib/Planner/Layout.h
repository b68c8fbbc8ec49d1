//===- Layout.h - A plan's addresses ----------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_LAYOUT_H
#define SPILLWAY_LIB_PLANNER_LAYOUT_H

#include "spillway/Planner/Plan.h"

#include <optional>

namespace spillway::planner {

/// The addresses of one plan.
struct Layout {
  std::vector<Lifetime> lives;
  std::vector<uint64_t> offsets;        ///< by life
  std::vector<uint64_t> workspaces;     ///< by action
  std::vector<uint64_t> heights, loads; ///< by tier
};

/// Gives every life of the plan, and every workspace, an address. `steps`: the
/// effort an item (Offsets.h); none: the default.
Layout layOut(const Problem &problem, const Plan &plan,
              const std::vector<uint64_t> &budgets,
              std::optional<uint64_t> steps = std::nullopt);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LAYOUT_H
