//===- FailedStates.h - What a search need not try again --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What can still be done depends on the items that are left and the lowest
// offset of each, not on how those below were arranged. A table of such states
// that have failed, and from which (offset, rank) on: searched from there or
// later they fail again. A full bucket forgets.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_OFFSETS_FAILEDSTATES_H
#define SPILLWAY_PLANNER_OFFSETS_FAILEDSTATES_H

#include <cstdint>
#include <utility>
#include <vector>

namespace spillway::planner::offsets {

class FailedStates {
public:
  /// 128 bits, so that two states are as good as never taken for one.
  struct Key {
    uint64_t a = 0, b = 0;
    void add(uint32_t item, uint64_t offset) {
      uint64_t x = mix(offset * 0x9e3779b97f4a7c15u + item + 1);
      a += x;
      b += mix(x ^ 0x2545f4914f6cdd1du);
    }
    static uint64_t mix(uint64_t x) {
      x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
      x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
      return x ^ (x >> 31);
    }
  };

  void clear() {
    table.assign(table.empty() ? 1024 : table.size(), Entry());
    count = 0;
  }

  bool contains(const Key &key, uint64_t offset, uint32_t rank) const {
    const Entry &e = table[key.a & (table.size() - 1)];
    return e.key.a == key.a && e.key.b == key.b &&
           std::pair(e.offset, e.rank) <= std::pair(offset, rank);
  }

  void insert(const Key &key, uint64_t offset, uint32_t rank) {
    if (++count > table.size() && table.size() < most)
      grow();
    table[key.a & (table.size() - 1)] = {key, offset, rank};
  }

private:
  struct Entry {
    Key key;
    uint64_t offset = UINT64_MAX;
    uint32_t rank = UINT32_MAX;
  };
  static constexpr size_t most = size_t(1) << 20;

  void grow() {
    std::vector<Entry> old(4 * table.size());
    old.swap(table);
    for (const Entry &e : old)
      if (e.key.a || e.key.b)
        table[e.key.a & (table.size() - 1)] = e;
  }

  std::vector<Entry> table;
  size_t count = 0;
};

} // namespace spillway::planner::offsets

#endif // SPILLWAY_PLANNER_OFFSETS_FAILEDSTATES_H
