//===- Packing.cpp - Items over sections of time ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Packing.h"

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::offsets;

Packing::Packing(const std::vector<OffsetItem> &items, uint64_t alignment)
    : alignment(std::max<uint64_t>(alignment, 1)) {
  // Intervals that overlap or touch become one.
  std::vector<Interval> intervals, merged;
  for (uint32_t i = 0; i < items.size(); ++i) {
    const OffsetItem &item = items[i];
    if (item.bytes == 0)
      continue;
    merged.clear();
    for (const Interval &v : item.live)
      if (v.begin < v.end)
        merged.push_back(v);
    if (merged.empty())
      continue;
    std::sort(
        merged.begin(), merged.end(),
        [](const Interval &a, const Interval &b) { return a.begin < b.begin; });
    firstPiece.push_back(uint32_t(intervals.size()));
    uint64_t total = 0;
    for (const Interval &v : merged)
      if (intervals.size() > firstPiece.back() &&
          v.begin <= intervals.back().end)
        intervals.back().end = std::max(intervals.back().end, v.end);
      else
        intervals.push_back(v);
    for (uint32_t p = firstPiece.back(); p < intervals.size(); ++p)
      total += intervals[p].end - intervals[p].begin;
    original.push_back(i);
    bytes.push_back((item.bytes + this->alignment - 1) / this->alignment *
                    this->alignment);
    length.push_back(total);
    fixed.push_back(item.fixed);
    anyFixed |= item.fixed.has_value();
  }
  firstPiece.push_back(uint32_t(intervals.size()));

  // A section closes at the first end after a begin: what begins in between
  // only adds to it, what ends only takes away.
  struct Event {
    uint32_t time;
    bool begins;
    uint32_t piece;
  };
  std::vector<Event> events;
  events.reserve(2 * intervals.size());
  for (uint32_t p = 0; p < intervals.size(); ++p) {
    events.push_back({intervals[p].begin, true, p});
    events.push_back({intervals[p].end, false, p});
  }
  std::sort(events.begin(), events.end(), [](const Event &a, const Event &b) {
    if (a.time != b.time)
      return a.time < b.time;
    return a.begins != b.begins ? b.begins : a.piece < b.piece;
  });
  pieces.resize(intervals.size());
  bool open = false;
  for (const Event &e : events) {
    if (!e.begins && open)
      ++numSections;
    open = e.begins;
    (e.begins ? pieces[e.piece].begin : pieces[e.piece].end) = numSections;
  }

  std::vector<int64_t> change(numSections + 1);
  for (uint32_t i = 0; i < size(); ++i)
    for (const Range &r : ranges(i)) {
      change[r.begin] += int64_t(bytes[i]);
      change[r.end] -= int64_t(bytes[i]);
    }
  load.resize(numSections);
  int64_t live = 0;
  for (uint32_t s = 0; s < numSections; ++s) {
    load[s] = uint64_t(live += change[s]);
    maxLoad = std::max(maxLoad, load[s]);
  }
}

bool Packing::meet(uint32_t a, uint32_t b) const {
  for (const Range &x : ranges(a))
    for (const Range &y : ranges(b))
      if (x.begin < y.end && y.begin < x.end)
        return true;
  return false;
}
