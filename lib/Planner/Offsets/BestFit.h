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

#include "Packing.h"

namespace spillway::planner::offsets {

class BestFit {
public:
  explicit BestFit(const Packing &packing);

  Placement place(const std::vector<uint32_t> &order);

  uint64_t used = 0; ///< steps, over all calls

private:
  struct Span {
    uint64_t low, high;
  };
  /// A range of an item, in order of beginnings.
  struct Piece {
    Range range;
    uint32_t item;
  };

  void put(uint32_t item, uint64_t offset);
  uint64_t hole(uint32_t item);
  void collect(const Range &range);

  const Packing &packing;
  std::vector<Piece> pieces;
  std::vector<uint32_t> piecesOf, firstOf; ///< by item
  uint32_t leaves = 1;
  /// A tree over `pieces`: the latest end of those that are placed.
  std::vector<uint32_t> latest;
  std::vector<uint64_t> offsets;
  std::vector<Span> spans;
  std::vector<uint32_t> stack;
};

} // namespace spillway::planner::offsets

#endif // SPILLWAY_PLANNER_OFFSETS_BESTFIT_H
