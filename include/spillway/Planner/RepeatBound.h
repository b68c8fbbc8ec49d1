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
// Few executions of operators: the bounds of the problem written out as well;
// up to 50,000 in the given order. Always: the gap program (GapProgram.h) over
// one repetition and what is outside of ranges, in which the others' work, and
// what their storages make links carry, has to be done as well, at whatever
// time. It holds:
//
// * Take any plan for N repetitions, and of those one. Leave out what the
//   others run, and the transfers and frees of what is theirs alone. What is
//   left is a plan of the problem with this one repetition, but for the time
//   that is left over. Each run finds the content it needs: a sum has seen the
//   updates of fewer repetitions, as it should; what the others made for
//   themselves nobody else reads. (What operators outside of the range do with
//   what the last repetition has left, the others have no share in: that is
//   left out, too.) No tier holds more at any time. So it gives values of the
//   columns of that problem's gap program, with windows cut by its own pivots.
// * Now take the mean of these values over all repetitions. Each row for memory
//   holds for each, so for the mean. A window has to have the time for what
//   this repetition, and what everybody shares, does in it, and for what the
//   others do in it: summed over windows, N times the mean. What is shared, as
//   parameters are, crosses a link at least as often as the mean says.
//
// Shared state is not counted N times. Repetitions need not run one after the
// other: where all of them do a layer before the next, parameters cross a link
// once for all. That the activations of all repetitions have to be somewhere
// then is not priced.
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

/// What the bound is for many executions of operators: without that of the
/// problem written out.
int64_t anyRepetitionBoundNs(const Problem &problem,
                             const std::vector<uint64_t> &budgets,
                             bool anyOrder);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_REPEATBOUND_H
