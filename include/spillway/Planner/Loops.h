//===- Loops.h - Plans of problems that repeat operators --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan may say that some of its actions are done again and again, a
// repetition of the problem's repeat after the other. Its numbers then are
// indices into the problem written out (Repeats.h) just as far as needed for
// doing each loop once: so far it is an ordinary plan of an ordinary problem,
// of a size that does not depend on counts.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_LOOPS_H
#define SPILLWAY_PLANNER_LOOPS_H

#include "spillway/Planner/Plan.h"
#include "spillway/Planner/Repeats.h"

namespace spillway::planner {

/// What is wrong with the plan's loops as such: an empty range, one beyond the
/// actions, an overlap, more iterations than repetitions. Empty: nothing.
std::string checkLoops(const Problem &problem, const Plan &plan);

/// The problem that the plan's numbers are indices into. `checkLoops` must have
/// found nothing.
Unrolled unrollFor(const Problem &problem, const Plan &plan);

/// The plan with its loops written out.
struct WrittenOut {
  Unrolled unrolled;
  Plan plan;                     ///< without loops, of `unrolled.problem`
  std::vector<uint32_t> actions; ///< by action, that of the plan with loops
};

/// `iterations`: of each loop at most, with as many repetitions less.
WrittenOut writeOut(const Problem &problem, const Plan &plan,
                    uint32_t iterations = UINT32_MAX);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_LOOPS_H
