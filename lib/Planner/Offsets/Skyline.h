//===- Skyline.h - Fills the lowest line first ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The best-fit heuristic of Sekiyama, Imai, Negishi, "Profile-guided memory
// optimization for deep neural networks" (2018): take the lowest line of the
// skyline over time, put the item there that comes first in some order (in the
// paper: the one that lives longest) of those that fit on it; where
// none fits, lift the line to its lower neighbour. Nothing is ever put below
// the skyline, so it is fast for any number of items: n log n where lifetimes
// nest, as those of a training step do.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_OFFSETS_SKYLINE_H
#define SPILLWAY_PLANNER_OFFSETS_SKYLINE_H

#include "Packing.h"

namespace spillway::planner::offsets {

/// Of the items that fit, the first in `order` is taken. Items of more than one
/// range go before all others. For a packing without given addresses. Adds the
/// steps that it took to `used`.
Placement placeOnSkyline(const Packing &packing,
                         const std::vector<uint32_t> &order, uint64_t &used);

} // namespace spillway::planner::offsets

#endif // SPILLWAY_PLANNER_OFFSETS_SKYLINE_H
