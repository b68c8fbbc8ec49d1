//===- Prefetch.h - When transfers are issued -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan that is right is made faster, or made to fit: loads move to and fro
// before their first use, frees move behind the end of what was last done with
// the bytes. What is read and written stays the same.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_PREFETCH_H
#define SPILLWAY_LIB_PLANNER_PREFETCH_H

#include "spillway/Planner/Plan.h"

namespace spillway::planner {

/// Moves loads to where their links get to them in time, and as far as memory
/// allows.
void hoistLoads(const Problem &problem, Plan &plan, uint64_t budget);

/// Issues each load right before what needs it.
void issueLate(const Problem &problem, Plan &plan);

/// How early loads may come.
struct Earliness {
  /// What is not needed at once comes only where no more bytes of the device
  /// are in use with it.
  uint64_t bytes;
  /// No sooner than it takes to be in time for all, if transfers took so many
  /// times as long. What is there far ahead of its time makes addresses hard to
  /// find.
  double slack;
};

/// Issues loads in the order in which their links are best used, by a
/// simulation.
void orderLoads(const Problem &problem, Plan &plan,
                const std::vector<uint64_t> &budgets,
                const Earliness &earliness);

/// Issues everything in the order in which the simulator starts it, and frees
/// when the last user is done: then nobody waits for the bytes that he takes,
/// wherever they are. False, and nothing changed, if that needs more than the
/// device's budget.
bool orderByTime(const Problem &problem, Plan &plan,
                 const std::vector<uint64_t> &budgets);

/// For addresses that end above the device's budget: moves loads that are
/// issued early, and overlap in time with what is too high, closer to their
/// first uses. False if there is nothing to move.
bool postponeLoads(const Problem &problem, Plan &plan,
                   const std::vector<Lifetime> &lives,
                   const std::vector<uint64_t> &offsets, uint64_t budget);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_PREFETCH_H
