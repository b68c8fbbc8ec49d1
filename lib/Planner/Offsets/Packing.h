//===- Packing.h - Items over sections of time -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the methods of offset assignment share: sizes rounded up, lifetimes as
// ranges of sections, the load. A section stands for a maximal set of items
// that are live at once, so two items meet in time exactly where they share a
// section, and there are at most as many sections as intervals.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_OFFSETS_PACKING_H
#define SPILLWAY_PLANNER_OFFSETS_PACKING_H

#include "spillway/Planner/Offsets.h"

#include <span>

namespace spillway::planner::offsets {

/// Sections [begin, end).
struct Range {
  uint32_t begin = 0, end = 0;
  bool operator==(const Range &) const = default;
};

/// The items that take room, numbered anew.
class Packing {
public:
  Packing(const std::vector<OffsetItem> &items, uint64_t alignment);

  uint32_t size() const { return uint32_t(bytes.size()); }
  /// Where an item is live: ranges in ascending order that do not touch. What
  /// touches in time (a buffer that is taken over) is one range.
  std::span<const Range> ranges(uint32_t item) const {
    return {pieces.data() + firstPiece[item],
            pieces.data() + firstPiece[item + 1]};
  }
  bool meet(uint32_t a, uint32_t b) const;

  uint64_t alignment;
  std::vector<uint32_t> original; ///< index of the caller's item
  std::vector<uint64_t> bytes;    ///< rounded up to the alignment, above 0
  std::vector<uint64_t> length;   ///< units of time in which it is live
  std::vector<std::optional<uint64_t>> fixed;
  bool anyFixed = false;
  uint32_t numSections = 0;
  std::vector<uint64_t> load; ///< by section
  uint64_t maxLoad = 0;

private:
  std::vector<Range> pieces;
  std::vector<uint32_t> firstPiece;
};

/// Offsets by item of an instance, and the end of the highest.
struct Placement {
  std::vector<uint64_t> offsets;
  uint64_t height = UINT64_MAX;
};

} // namespace spillway::planner::offsets

#endif // SPILLWAY_PLANNER_OFFSETS_PACKING_H
