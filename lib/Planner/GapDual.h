//===- GapDual.h - A bound, and prices, from the gap program ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The Lagrangian dual of the gap program (GapProgram.h): every price of memory
// at the pivots, and every split of a window's time among computing, loading
// and storing, gives a bound that no plan beats, for each gap can then be
// bridged in the way that is cheapest by itself. A subgradient ascent looks for
// good prices and may stop anywhere.
//
// With a_k + b_k + c_k = 1 for window k and l_j >= 0 at pivot j:
//   L = sum over operators of min_k a_k cost + sum over gaps of their cheapest
//       way - sum over j of l_j (M - W_j)
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GAPDUAL_H
#define SPILLWAY_LIB_PLANNER_GAPDUAL_H

#include "GapProgram.h"

namespace spillway::planner {

struct GapPrices {
  double boundNs = 0;
  /// By gap of the analysis: in which share of the later iterations it was
  /// swapped, or made again. Only where the order is the problem's own.
  std::vector<float> swapped, remade;
};

/// `anyOrder`: a bound for every valid order; else for those that keep the
/// problem's order of first executions.
GapPrices priceGaps(const Analysis &analysis,
                    const std::vector<uint64_t> &budgets, bool anyOrder,
                    uint32_t iterations = 2000);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GAPDUAL_H
