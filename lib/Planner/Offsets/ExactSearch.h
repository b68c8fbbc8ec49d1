//===- ExactSearch.h - Offsets below a capacity, or none --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A depth-first search over canonical assignments, after M. D. Moffitt,
// "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine
// Learning" (ASPLOS 2023). Any assignment can be pushed down until every item
// stands on another or on the ground; it is found by placing items in the order
// of their offsets, each at the top of what is below it in its sections. So a
// node chooses the next item, and
// * items go down in order of (offset, rank), and none above the top that an
//   item not yet placed would have (that one would fit below);
// * a section must hold what is still to come on top of its floor;
// * where no unplaced item spans a cut in time, the two sides are solved apart.
//
// Added here: the rest of a section is stacked in order of the lowest offset
// that each item can have, which dominates floor plus sum; of equal items the
// first goes lower; and states that have failed are remembered.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_OFFSETS_EXACTSEARCH_H
#define SPILLWAY_PLANNER_OFFSETS_EXACTSEARCH_H

#include "Packing.h"

namespace spillway::planner::offsets {

enum class SearchOutcome : uint8_t { Found, Infeasible, GaveUp };

/// Looks for an assignment of at most `capacity`. `steps` limits the work (one
/// step is about a nanosecond) and is reduced by what was used. Three static
/// orders are tried in turn with growing limits. An instance with given
/// addresses is not searched (GaveUp).
SearchOutcome searchExactly(const Packing &packing, uint64_t capacity,
                            uint64_t &steps, Placement &out);

} // namespace spillway::planner::offsets

#endif // SPILLWAY_PLANNER_OFFSETS_EXACTSEARCH_H
