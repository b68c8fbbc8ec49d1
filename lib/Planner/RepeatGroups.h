//===- RepeatGroups.h - Repetitions operator by operator --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Repetitions need not run one after the other: where several of them run each
// operator before any runs the next, what they share crosses a link once for
// all of them, and what each makes has to live beside that of the others. Such
// a group is planned as one repetition, of operators that take as many times as
// long on storages of as many times the bytes; its plan then says the same of
// each repetition by itself.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REPEATGROUPS_H
#define SPILLWAY_LIB_PLANNER_REPEATGROUPS_H

#include "Layout.h"
#include "spillway/Planner/Loops.h"

namespace spillway::planner {

/// The problem with groups of `size` repetitions, which divides the count.
Problem groupRepetitions(const Problem &problem, uint32_t repeat,
                         uint32_t size);

/// A plan of the grouped problem as one of the problem itself. `layout`, where
/// it has addresses, changes along with it; a run's workspace is at the same
/// address for all of a group.
Plan splitGroups(const Problem &problem, uint32_t repeat, uint32_t size,
                 const Problem &grouped, const Plan &plan, Layout &layout);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REPEATGROUPS_H
