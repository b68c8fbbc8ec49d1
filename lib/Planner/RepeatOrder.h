//===- RepeatOrder.h - What stands outside of a repeat ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Around a repeat, a problem's own order makes all zeros before the first
// repetition and updates everything after the last. Written out, an operator
// may come just before what needs it, or as soon as what it needs is there.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REPEATORDER_H
#define SPILLWAY_LIB_PLANNER_REPEATORDER_H

#include "spillway/Planner/Repeats.h"

namespace spillway::planner {

/// A valid order of the operators of `unrolled.problem`: those of ranges as
/// they were, those before the first range as late, and those after it as
/// early as what they read and change allows.
std::vector<uint32_t> orderAroundRepeats(const Unrolled &unrolled);

/// The same of any problem, by whether each operator is of a range.
std::vector<uint32_t> orderAround(const Problem &problem,
                                  const std::vector<bool> &inRange);

/// The problem with its operators in the order given.
Problem inOrder(const Problem &problem, const std::vector<uint32_t> &order);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REPEATORDER_H
