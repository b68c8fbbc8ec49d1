//===- RepeatPlanner.h - Planning what repeats ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A problem with few executions of operators is written out and planned as it
// is. One with many gets a plan with a loop: LoopPlanner.h.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REPEATPLANNER_H
#define SPILLWAY_LIB_PLANNER_REPEATPLANNER_H

#include "spillway/Planner/Planner.h"
#include "spillway/Planner/Repeats.h"

namespace spillway::planner {

/// As `plan` and `adopt` do, for a problem that repeats. The numbers in the
/// result's plan are explained in Plan.h; those in `infeasible` are of the
/// problem itself.
PlanResult planRepeats(const Problem &problem, const PlanOptions &options);
PlanResult adoptRepeats(const Problem &problem, const Plan &plan,
                        const std::vector<uint64_t> &budgets);

/// Operators of the problem written out.
uint64_t writtenOutOps(const Problem &problem);

/// Up to so many of them are planned without a loop.
inline constexpr uint64_t mostWrittenOut = 2500;

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REPEATPLANNER_H
