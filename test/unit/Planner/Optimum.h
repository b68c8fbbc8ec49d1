//===- Optimum.h - Small problems and their optima --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_PLANNER_OPTIMUM_H
#define SPILLWAY_TEST_PLANNER_OPTIMUM_H

#include "Chain.h"

namespace spillway::planner::testing {

/// `n` operators (at most 16) on one tier, each with one result and some reads.
Problem randomProblem(uint64_t seed, uint32_t n);

/// Forward and backward of a few layers, where recomputing pays.
Problem randomChain(uint64_t seed, uint32_t layers = 3);

/// The least cost by search of all states: what is live, what has run. -1 where
/// the budget is too small. What is not wanted may be freed at any time.
int64_t optimum(const Problem &problem, uint64_t budget, bool fixedOrder);

} // namespace spillway::planner::testing

#endif // SPILLWAY_TEST_PLANNER_OPTIMUM_H
