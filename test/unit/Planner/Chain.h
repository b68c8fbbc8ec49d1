//===- Chain.h - Small problems as papers draw them -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On one tier, with an alignment of 1: memory is a count of units.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_PLANNER_CHAIN_H
#define SPILLWAY_TEST_PLANNER_CHAIN_H

#include "spillway/Planner/Planner.h"

namespace spillway::planner::testing {

/// Adds an operator that makes one storage of the same number.
uint32_t addOp(Problem &problem, int64_t cost, uint64_t bytes,
               const std::vector<uint32_t> &reads);
Problem emptyProblem();

/// F_1 .. F_n, a loss, B_n .. B_1, every result of `bytes`: F_i reads what
/// F_i-1 makes; the loss reads F_n's; B_i reads the gradient before it and what
/// its F_i reads. Operators and storages have the same numbers: F_i is i - 1,
/// the loss n, B_i is 2n + 1 - i. The last gradient is the output.
struct ChainOptions {
  uint32_t layers = 9;
  std::vector<int64_t> costs;  ///< of F_i; missing ones are 1
  std::vector<uint64_t> bytes; ///< of F_i; missing ones are 1
};
Problem makeChain(const ChainOptions &options);

/// One of Inputs/, flattened or networkx.
Problem readInput(const std::string &name);

/// The operators that a plan runs, in order.
std::vector<uint32_t> runsOf(const Plan &plan);
/// Those that it runs again, in order.
std::vector<uint32_t> rerunsOf(const Plan &plan);

/// Plans without addresses, as published figures are counted.
PlanResult planLoad(const Problem &problem, const std::string &policy,
                    uint64_t budget, uint32_t iterations = 20,
                    bool fixedOrder = true);

} // namespace spillway::planner::testing

#endif // SPILLWAY_TEST_PLANNER_CHAIN_H
