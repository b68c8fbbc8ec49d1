//===- Offsets.h - Addresses in an arena ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dynamic storage allocation, offline: every item has bytes and intervals of
// time in which it is live, and gets one address so that items that are ever
// live at the same time do not overlap. A portfolio, and an exact search behind
// it; docs/offsets.md tells the methods and figures.
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
  /// In any order; they may touch. A lifetime that wraps around the step's end
  /// is two intervals. A buffer that several lifetimes take over from one
  /// another is one item with the intervals of all and the bytes of the
  /// largest.
  std::vector<Interval> live;
  /// An address that is given.
  std::optional<uint64_t> fixed;
};

struct OffsetOptions {
  /// Every size is rounded up to a multiple; every address is one.
  uint64_t alignment = 256;
  /// Stop at the first assignment of at most this height; 0: the lower the
  /// better.
  uint64_t target = 0;
  /// Limit of the work, in steps of about two nanoseconds on one core; none:
  /// 10,000 for each item, at most 50 million. The same number gives the same
  /// addresses everywhere. Where nothing can reach the target (the load is
  /// higher), it is not spent.
  std::optional<uint64_t> effort;
  /// Where placing in order, as is done first, ends at more than so many times
  /// the target, nothing else is tried: for those who can change the items.
  std::optional<double> tooFar;
};

struct OffsetResult {
  std::vector<uint64_t> offsets; ///< by item
  uint64_t height = 0;
  /// The largest sum of live bytes, sizes rounded up.
  uint64_t maxLoad = 0;
  /// No assignment is lower: the load, or what the exact search has proven.
  uint64_t lowerBound = 0;
};

/// Never fails. First a portfolio: the lowest line of the skyline first, then
/// best fit into holes, each in four orders and with what ended too high moved
/// forward in the order, again and again. Where that stays
/// above the target, the exact search at the target (up to 5000 items and none
/// with a given address), then at heights in between. Items of no bytes or no
/// time are at 0.
OffsetResult assignOffsets(const std::vector<OffsetItem> &items,
                           const OffsetOptions &options = {});

/// Empty if no two items overlap in time and place; else names the two.
std::string checkOffsets(const std::vector<OffsetItem> &items,
                         const std::vector<uint64_t> &offsets);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_OFFSETS_H
