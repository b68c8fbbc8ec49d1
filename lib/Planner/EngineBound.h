//===- EngineBound.h - What engines have to do ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_ENGINEBOUND_H
#define SPILLWAY_LIB_PLANNER_ENGINEBOUND_H

#include "spillway/Planner/Problem.h"

namespace spillway::planner {

/// A bound on the step, in ns, from what engines have to do: each operator as
/// often as it is repeated, work that either of two engines could do spread in
/// any fractions. Of more than two engines, only what has no choice counts.
int64_t engineBoundNs(const Problem &problem);

/// Whether a step takes hardly longer than that: there is nothing left to win.
/// Where planning is `slow`, what is left is not worth the time.
inline bool isOnlyEngines(int64_t stepNs, int64_t boundNs, bool slow) {
  return stepNs <= boundNs + boundNs / (slow ? 200 : 1000);
}

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_ENGINEBOUND_H
