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
// Few executions of operators: the bounds of the problem written out. Many: the
// larger of two.
//
// * What each engine has to do, for all repetitions.
// * The bound of the same problem with fewer repetitions. It holds: in any plan
//   for N repetitions, leave out the runs of all but the last K of them, and
//   the transfers and frees of what is theirs alone. What is left is a plan for
//   K repetitions. Each run that is left finds the content it needs: a sum has
//   seen the updates of fewer repetitions, as it should; what the others made
//   for themselves nobody else reads. No tier holds more at any time. And no
//   action starts later: each waits for a part of what it waited for. So the
//   best plan for K takes no longer than the best for N.
//
// It is not N times a bound of one repetition. Repetitions share parameters,
// and need not run one after the other: where all of them do a layer before the
// next, parameters cross a link once for all. Whoever wants more has to
// price what the activations of all repetitions take then.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_REPEATBOUND_H
#define SPILLWAY_PLANNER_REPEATBOUND_H

#include "spillway/Planner/Problem.h"

namespace spillway::planner {

/// As `lowerBoundNs` and `fixedOrderLowerBoundNs` (Planner.h) are to be
/// understood: in any order, or in that of the problem written out.
int64_t stepLowerBoundNs(const Problem &problem,
                         const std::vector<uint64_t> &budgets, bool anyOrder);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_REPEATBOUND_H
