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

/// Which buffers the lives of a plan need.
struct LifeBuffers {
  std::vector<Lifetime> lives;
  std::vector<uint32_t> buffer; ///< by life: a life that names its buffer
  std::vector<uint64_t> bytes;  ///< by life; a buffer has the most of its own
  /// Addresses that are given, by life and by action; empty: none.
  std::vector<std::optional<uint64_t>> fixed, fixedWorkspaces;
};

Layout place(const Problem &problem, const Plan &plan, LifeBuffers buffers,
             const std::vector<uint64_t> &budgets,
             std::optional<uint64_t> steps = std::nullopt);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LAYOUT_H
