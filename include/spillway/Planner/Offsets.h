//===- Offsets.h - Addresses in an arena ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dynamic storage allocation, offline: every item has bytes and one or two
// intervals of time in which it is live, and gets one address so that items
// that are ever live at the same time do not overlap. A portfolio of best-fit
// orders.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_OFFSETS_H
#define SPILLWAY_PLANNER_OFFSETS_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace spillway::planner {

/// Live in [begin, end).
struct Interval {
  uint32_t begin = 0, end = 0;
};

struct OffsetItem {
  uint64_t bytes = 0;
  /// A lifetime that wraps around the step's end is two intervals.
  std::vector<Interval> live;
  /// An address that is given.
  std::optional<uint64_t> fixed;
};

struct OffsetOptions {
  uint64_t alignment = 256;
  /// Stop at the first assignment of at most this height.
  uint64_t target = 0;
};

struct OffsetResult {
  std::vector<uint64_t> offsets; ///< by item
  uint64_t height = 0;
  /// The largest sum of live bytes: no assignment is lower.
  uint64_t maxLoad = 0;
};

OffsetResult assignOffsets(const std::vector<OffsetItem> &items,
                           const OffsetOptions &options = {});

/// Empty if no two items overlap in time and place; else names the two.
std::string checkOffsets(const std::vector<OffsetItem> &items,
                         const std::vector<uint64_t> &offsets);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_OFFSETS_H
