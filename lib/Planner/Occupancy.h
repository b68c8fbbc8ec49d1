//===- Occupancy.h - What the actions of a plan hold and touch --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_OCCUPANCY_H
#define SPILLWAY_LIB_PLANNER_OCCUPANCY_H

#include "spillway/Planner/Plan.h"

#include <algorithm>

namespace spillway::planner {

/// Maximum over ranges, with addition to ranges.
class MaxTree {
public:
  explicit MaxTree(const std::vector<uint64_t> &values) {
    while (size < values.size())
      size *= 2;
    most.assign(2 * size, 0);
    plus.assign(2 * size, 0);
    std::copy(values.begin(), values.end(), most.begin() + size);
    for (size_t i = size; i-- > 1;)
      most[i] = std::max(most[2 * i], most[2 * i + 1]);
  }
  void add(size_t begin, size_t end, uint64_t value) {
    if (begin < end)
      add(1, 0, size, begin, end, value);
  }
  /// The end of the last position in [begin, end) above `limit`, else `begin`.
  size_t afterLastAbove(size_t begin, size_t end, uint64_t limit) const {
    return begin < end ? find(1, 0, size, begin, end, limit) : begin;
  }

private:
  void add(size_t node, size_t low, size_t high, size_t begin, size_t end,
           uint64_t value) {
    if (end <= low || high <= begin)
      return;
    if (begin <= low && high <= end) {
      most[node] += value;
      plus[node] += value;
      return;
    }
    size_t mid = (low + high) / 2;
    add(2 * node, low, mid, begin, end, value);
    add(2 * node + 1, mid, high, begin, end, value);
    most[node] = std::max(most[2 * node], most[2 * node + 1]) + plus[node];
  }
  size_t find(size_t node, size_t low, size_t high, size_t begin, size_t end,
              uint64_t limit) const {
    if (end <= low || high <= begin || most[node] <= limit)
      return begin;
    if (high - low == 1)
      return high;
    size_t mid = (low + high) / 2;
    // `plus` of this node counts below it, so it comes off the limit.
    if (plus[node] > limit) // everything here is above
      return std::min(end, high);
    size_t right =
        find(2 * node + 1, mid, high, begin, end, limit - plus[node]);
    return right != begin
               ? right
               : find(2 * node, low, mid, begin, end, limit - plus[node]);
  }
  size_t size = 1;
  std::vector<uint64_t> most, plus;
};

/// The device bytes in use while each action is issued.
std::vector<uint64_t> occupancy(const Problem &problem, const Plan &plan);

/// For each part, the last action that touched it.
class LastTouch {
public:
  explicit LastTouch(const Problem &problem) : problem(problem) {
    begin.push_back(0);
    for (const Storage &s : problem.storages)
      begin.push_back(begin.back() + s.numParts());
    touched.assign(begin.back(), 0);
  }
  /// The first position that comes after every touch so far.
  size_t after(uint32_t storage, int32_t part) const {
    auto [c, end] = cells(storage, part);
    size_t at = 0;
    for (; c < end; ++c)
      at = std::max(at, touched[c]);
    return at;
  }
  void touch(const Action &a, size_t at) {
    auto mark = [&](uint32_t storage, int32_t part) {
      for (auto [c, end] = cells(storage, part); c < end; ++c)
        touched[c] = at + 1;
    };
    if (a.kind != ActionKind::Run)
      return mark(a.storage, a.part);
    const Operator &op = problem.operators[a.op];
    for (auto *list : {&op.reads, &op.writes, &op.updates})
      for (const Access &access : *list)
        mark(access.storage, access.part);
  }

private:
  std::pair<uint32_t, uint32_t> cells(uint32_t storage, int32_t part) const {
    if (part < 0)
      return {begin[storage], begin[storage + 1]};
    return {begin[storage] + uint32_t(part),
            begin[storage] + uint32_t(part) + 1};
  }
  const Problem &problem;
  std::vector<uint32_t> begin;
  std::vector<size_t> touched;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_OCCUPANCY_H
