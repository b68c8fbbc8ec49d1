//===- Placed.h - What is placed, by time -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The items of a packing that have an offset now, so that those that meet an
// item in time are found without looking at all: a tree over the items' ranges
// in order of their beginnings tells the latest end of what is placed.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_OFFSETS_PLACED_H
#define SPILLWAY_PLANNER_OFFSETS_PLACED_H

#include "Packing.h"

namespace spillway::planner::offsets {

class Placed {
public:
  /// Bytes [low, high) of a placed item.
  struct Span {
    uint64_t low, high;
    uint32_t item;
  };

  explicit Placed(const Packing &packing);

  void clear();
  void put(uint32_t item, uint64_t offset);
  void remove(uint32_t item);
  bool contains(uint32_t item) const { return in[item]; }
  uint64_t offset(uint32_t item) const { return offsets[item]; }
  uint64_t end(uint32_t item) const {
    return offsets[item] + packing.bytes[item];
  }

  /// What is placed and meets the item, by ascending addresses; an item may
  /// come more than once. Valid until the next call.
  const std::vector<Span> &meeting(uint32_t item);

  uint64_t used = 0; ///< steps, over all calls

private:
  /// A range of an item, in order of beginnings.
  struct Piece {
    Range range;
    uint32_t item;
  };

  void collect(const Range &range);

  const Packing &packing;
  std::vector<Piece> pieces;
  std::vector<uint32_t> piecesOf, firstOf; ///< by item
  uint32_t leaves = 1;
  std::vector<uint32_t> latest; ///< the tree; 0: nothing placed
  std::vector<uint64_t> offsets;
  std::vector<bool> in;
  std::vector<Span> spans;
  std::vector<uint32_t> stack;
};

} // namespace spillway::planner::offsets

#endif // SPILLWAY_PLANNER_OFFSETS_PLACED_H
