//===- GapDual.h - Prices of memory and links -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The linear program over gaps, in its dual. Every gap between two uses of a
// part is kept on the device, swapped, or made again; memory at a few critical
// operators is limited; the step takes at least the compute stream's time, and
// each direction's link time. Any prices give a bound that no plan beats; good
// prices also tell a greedy what is worth what.
//
// With multipliers a (compute, in, out; sum 1) and l_t >= 0 at operator t:
//   L = a_c C + a_i F + sum over parts of min over its gaps' choices
//       - sum over t of l_t (M - W_t)
// where keeping gap g costs bytes_g * (sum of l_t inside g), swapping it
// a_i * load_g and, once a part, a_o * store, making it again a_c * cost.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GAPDUAL_H
#define SPILLWAY_LIB_PLANNER_GAPDUAL_H

#include "Analysis.h"

namespace spillway::planner {

struct GapPrices {
  double boundNs = 0;
  /// Share of each resource in the step's time at the best bound.
  double compute = 1, in = 0, out = 0;
  /// Operators at which memory has a price, and the price of a byte in ns.
  std::vector<uint32_t> critical;
  std::vector<double> price;
};

/// `anyOrder`: count a part at an operator only where every valid order has it
/// there; else in the problem's own order.
GapPrices priceGaps(const Analysis &analysis,
                    const std::vector<uint64_t> &budgets, bool anyOrder,
                    uint32_t iterations = 500);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GAPDUAL_H
