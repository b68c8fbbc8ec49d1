//===- LoopPlanner.h - Plans with a loop ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For a repeat that is too large to be written out: LoopProblems.h says into
// what it is cut. The body is planned first, with its addresses; then what is
// around it, which has to meet the state in which a repetition begins.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_LOOPPLANNER_H
#define SPILLWAY_LIB_PLANNER_LOOPPLANNER_H

#include "Layout.h"
#include "Policy.h"
#include "spillway/Planner/Planner.h"

namespace spillway::planner {

struct LoopPlan {
  bool ok = false;
  Plan plan;
  Layout layout;
  // Where it is not ok.
  std::string reason;
  uint32_t tier = 0;
  bool applies = true;
};

/// A plan of the body, in its own numbers.
struct BodyPlan : LoopPlan {
  int64_t stepNs = -1;
};

BodyPlan planBody(const Problem &problem, const Policy &policy,
                  const PlanOptions &options,
                  const std::vector<uint64_t> &budgets, uint32_t iterations);

/// What is known from planning around other bodies.
struct LoopHopes {
  /// No plan has been looked for, in vain, that puts nothing farther away than
  /// its body does. To be told the next time.
  bool mayStayNear = true;
  /// A plan that takes longer need not be improved.
  int64_t worthNs = INT64_MAX;
};

/// The plan of the whole with that body.
LoopPlan planAround(const Problem &problem, const Policy &policy,
                    const PlanOptions &options,
                    const std::vector<uint64_t> &budgets, const BodyPlan &body,
                    uint32_t iterations, LoopHopes &hopes);

/// Both in one.
LoopPlan planLoop(const Problem &problem, const Policy &policy,
                  const PlanOptions &options,
                  const std::vector<uint64_t> &budgets, uint32_t iterations);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LOOPPLANNER_H
