//===- Memory.h - What a tier's bytes hold, and who was there ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_VERIFY_MEMORY_H
#define SPILLWAY_LIB_VERIFY_MEMORY_H

#include "Order.h"
#include "Schedule.h"

#include <array>
#include <map>

namespace spillway::verify {

/// What a byte holds: the byte at (its address - base) of a value.
struct Content {
  uint32_t value = none;
  uint64_t base = 0;

  bool operator==(const Content &other) const {
    return value == other.value && (value == none || base == other.base);
  }
};

/// Bytes with one history.
struct Segment {
  uint64_t end;
  Content content;
  /// The last write, and the last read of each stream since.
  Moment writer = 0;
  std::array<Moment, maxStreams> readers = {};
};

/// One tier's arena as an ordered map of disjoint segments that cover it.
class Memory {
public:
  using Map = std::map<uint64_t, Segment>;

  explicit Memory(uint64_t bytes) {
    if (bytes != 0)
      segments.emplace(0, Segment{bytes, {}});
  }

  /// Calls `visit(begin, segment)` for the segments that make up a range within
  /// the arena, cut at its ends; stops where it returns true. Returns the
  /// number of segments seen.
  template <typename Visit> uint64_t forEach(const Range &range, Visit visit) {
    if (range.empty())
      return 0;
    cut(range.begin);
    cut(range.end);
    uint64_t count = 0;
    for (auto it = segments.find(range.begin);
         it != segments.end() && it->first < range.end; ++it) {
      ++count;
      if (visit(it->first, it->second))
        break;
    }
    return count;
  }

  /// Makes a nonempty range one segment that `writer` wrote.
  void write(const Range &range, const Content &content, Moment writer) {
    cut(range.begin);
    cut(range.end);
    auto first = segments.find(range.begin);
    first->second = Segment{range.end, content, writer};
    segments.erase(std::next(first), segments.lower_bound(range.end));
  }

  /// Whether a nonempty range holds exactly `content`; cuts nothing.
  bool holds(const Range &range, const Content &content) const {
    for (auto it = std::prev(segments.upper_bound(range.begin));
         it != segments.end() && it->first < range.end; ++it)
      if (it->second.content != content)
        return false;
    return true;
  }

private:
  // Makes a segment start at `address`.
  void cut(uint64_t address) {
    auto next = segments.lower_bound(address);
    if (next == segments.begin() ||
        (next != segments.end() && next->first == address))
      return;
    auto it = std::prev(next);
    if (it->second.end <= address)
      return;
    Segment tail = it->second;
    it->second.end = address;
    segments.emplace_hint(next, address, tail);
  }

  Map segments;
};

} // namespace spillway::verify

#endif // SPILLWAY_LIB_VERIFY_MEMORY_H
