//===- BestFit.h - One item after the other, into holes ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Places items in a given order, each in the tightest hole that its neighbours
// in time leave below the height that they reach, else on top of them. Given
// addresses go first. Neighbours come out of a tree over the beginnings, so a
// pass costs the pairs of items that meet, not the square of the items.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_OFFSETS_BESTFIT_H
#define SPILLWAY_PLANNER_OFFSETS_BESTFIT_H

#include "Placed.h"

namespace spillway::planner::offsets {

/// The tightest hole below all that the item meets, else the address above;
/// none if the item would end above the limit there.
std::optional<uint64_t> findHole(Placed &placed, const Packing &packing,
                                 uint32_t item, uint64_t limit);

class BestFit {
public:
  explicit BestFit(const Packing &packing)
      : packing(packing), placed(packing) {}

  Placement place(const std::vector<uint32_t> &order);

  uint64_t used() const { return placed.used; } ///< steps, over all calls

private:
  const Packing &packing;
  Placed placed;
};

} // namespace spillway::planner::offsets

#endif // SPILLWAY_PLANNER_OFFSETS_BESTFIT_H
