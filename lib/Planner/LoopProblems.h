//===- LoopProblems.h - The parts of a step with a loop ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A repeat of N repetitions is planned in two ordinary problems:
//
// * the body: one repetition as a step of its own, in its steady state. What
//   repetitions share (parameters, accumulators) is persistent in it.
// * the outer problem: the step with two repetitions, the first and the last,
//   and between them one operator, the gap, that stands for the N - 2 others.
//   It needs on the device what the body has there when it begins, and a
//   workspace of all else that the body takes.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_LOOPPROBLEMS_H
#define SPILLWAY_LIB_PLANNER_LOOPPROBLEMS_H

#include "spillway/Planner/Plan.h"
#include "spillway/Planner/Repeats.h"

namespace spillway::planner {

/// Which tiers have room for what.
struct LoopRoom {
  /// Of the body, by tier.
  std::vector<uint64_t> bodyBudgets;
  /// By storage of the problem: where what the range does not touch has to be
  /// when a step starts, so that the body has room; none: wherever.
  std::vector<std::optional<uint32_t>> homes;
};

LoopRoom shareRoom(const Problem &problem, uint32_t repeat,
                   const std::vector<uint64_t> &budgets);

struct BodyProblem {
  Problem problem;
  std::vector<uint32_t> storages; ///< by the body's index, the problem's
};

BodyProblem makeBody(const Problem &problem, uint32_t repeat);

struct OuterProblem {
  Unrolled unrolled; ///< of two repetitions
  /// With its operators in the order to be planned in, and the gap.
  Problem problem;
  std::vector<uint32_t> order; ///< by operator, that of `unrolled`; gap: none
  uint32_t gap = 0;
};

/// `body`: the body's plan, which takes `bodyHeight` of the device. `clear`:
/// the gap needs nothing on the device, and all of that as workspace: what the
/// body has there has to be loaded for it.
OuterProblem makeOuter(const Problem &problem, uint32_t repeat,
                       const BodyProblem &bodyProblem, const Plan &body,
                       uint64_t bodyHeight, const LoopRoom &room,
                       bool fixedOrder, bool clear);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LOOPPROBLEMS_H
