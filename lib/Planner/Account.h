//===- Account.h - What a result tells of its plan --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_ACCOUNT_H
#define SPILLWAY_LIB_PLANNER_ACCOUNT_H

#include "Layout.h"
#include "spillway/Planner/Planner.h"

namespace spillway::planner {

/// Everything a result tells about its plan, which is known to be right, with
/// loops or without. `addresses`: the layout has them. A prediction below
/// `boundNs`, which holds for every plan, is a fault of ours, and makes the
/// result infeasible: it must not be passed on as good news.
void account(const Problem &problem, PlanResult &result, Layout layout,
             const std::vector<uint64_t> &budgets, bool addresses,
             int64_t boundNs);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_ACCOUNT_H
