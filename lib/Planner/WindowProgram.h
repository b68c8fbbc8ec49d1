//===- WindowProgram.h - A bound for small problems -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A relaxation of planning to an integer program, for problems that are small
// enough. Where few whole tensors are short of memory, fractions of them say
// little: the linear program over gaps (GapProgram.h) explains about a fifth
// of the true overhead there, this one nearly all.
//
// Operators that run in the same sequence in every valid order (or all, in the
// given one) are pivots 0 .. K-1. Pivot k starts at time s_k. Window w has what
// starts in (s_{w-1}, s_w], interval w is [s_{w-1}, s_w); windows 0 and K, the
// step's ends, are in one interval of the steady state. Columns:
//   R[w,j]  operator j runs in window w, at least once              0 or 1
//   P[k,c]  cell c is on the device at s_k, and will be used        0 or 1
//   L[w,c]  the load that brings it back starts in window w
//   X, Y    time that loads and stores of c take in interval w
//   T[w,c]  c is there all through window w
//   t[w]    length of interval w
// Rows, for every w, k, j and c:
//   sum of t is the step;  t[w] >= its runs, its X, its Y (X + Y on one wire)
//   P[k,c] <= P[k-1,c] + R[k,writer of c] + L[k,c]
//   R[w,j] <= P[w-1,c] + R[w,writer of c] + L[w,c]     for what j reads
//   at s_k: what pivot k needs + all else that is there <= M
//   when j runs in w: what it needs + all else of T <= M
//   T >= P[w,c] - R[w,writer] - L[w,c]
//   X from the window of L to the next certain use >= L * load time
//   Y after the last change and before L >= L * store time
//   Y[w,c] <= store time * (c is there in w)
// Any plan gives values of the columns: see docs/planner.md.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_WINDOWPROGRAM_H
#define SPILLWAY_LIB_PLANNER_WINDOWPROGRAM_H

#include "Analysis.h"

namespace spillway::planner {

struct WindowLimits {
  /// Columns, about; above, pivots are left out, and where few are left there
  /// is no bound.
  uint32_t maxColumns = 1500;
  /// Nodes of the search tree times the fourth power of columns.
  double work = 4e11;
};

/// A time in ns that no plan beats, or 0 where the problem is too large or
/// nothing needs to be done. `anyOrder`: for every valid order; else for those
/// that keep the problem's order of first executions.
double windowBoundNs(const Analysis &analysis,
                     const std::vector<uint64_t> &budgets, bool anyOrder,
                     const WindowLimits &limits = {});

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_WINDOWPROGRAM_H
