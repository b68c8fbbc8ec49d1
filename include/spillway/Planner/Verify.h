//===- Verify.h - Replays a plan and trusts nobody --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shares no code with policies, simulator or offset assignment.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_VERIFY_H
#define SPILLWAY_PLANNER_VERIFY_H

#include "spillway/Planner/Plan.h"

namespace spillway::planner {

struct Verdict {
  /// Empty if the plan is right. Else one line: the action, what was found,
  /// what was expected.
  std::string error;
  /// By tier: the maximum over the issue order, workspace included.
  std::vector<uint64_t> peakBytes;

  bool ok() const { return error.empty(); }
};

/// Replays contents, validity and capacities of `plan` in the steady state.
/// `budgets` are by tier; a missing one is the tier's capacity.
Verdict verifyPlan(const Problem &problem, const Plan &plan,
                   const std::vector<uint64_t> &budgets = {});

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_VERIFY_H
