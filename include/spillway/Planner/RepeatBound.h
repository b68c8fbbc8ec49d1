//===- RepeatBound.h - Bounds where operators repeat ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bounds on the step time of any problem, with repeats or without.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_REPEATBOUND_H
#define SPILLWAY_PLANNER_REPEATBOUND_H

#include "spillway/Planner/Problem.h"

namespace spillway::planner {

/// `lowerBoundNs` and `fixedOrderLowerBoundNs` (Planner.h) of the problem
/// written out. Where that has too many operators for them: a bound on the
/// repetitions one by one (RepeatBound.cpp).
int64_t stepLowerBoundNs(const Problem &problem,
                         const std::vector<uint64_t> &budgets, bool anyOrder);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_REPEATBOUND_H
