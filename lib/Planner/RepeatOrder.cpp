//===- RepeatOrder.cpp - What stands outside of a repeat --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RepeatOrder.h"

#include <algorithm>
#include <tuple>

using namespace spillway::planner;

namespace {

/// Which earlier operators each one has to come after: those that made or
/// changed what it touches, and those that still read what it changes.
std::vector<std::vector<uint32_t>> dependences(const Problem &problem) {
  struct Cell {
    int64_t changed = -1;          ///< the last that wrote or updated it
    std::vector<uint32_t> readers; ///< since then
  };
  std::vector<uint32_t> begin(problem.storages.size() + 1);
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    begin[s + 1] = begin[s] + problem.storages[s].numParts();
  std::vector<Cell> cells(begin.back());
  std::vector<std::vector<uint32_t>> before(problem.operators.size());
  auto each = [&](const Access &a, auto &&then) {
    uint32_t first = begin[a.storage], end = begin[a.storage + 1];
    if (a.part >= 0)
      first += uint32_t(a.part), end = first + 1;
    for (uint32_t c = first; c < end; ++c)
      then(cells[c]);
  };
  for (uint32_t at = 0; at < problem.operators.size(); ++at) {
    const Operator &op = problem.operators[at];
    for (auto *list : {&op.reads, &op.writes, &op.updates})
      for (const Access &a : *list)
        each(a, [&](Cell &c) {
          if (c.changed >= 0)
            before[at].push_back(uint32_t(c.changed));
        });
    for (auto *list : {&op.writes, &op.updates})
      for (const Access &a : *list)
        each(a, [&](Cell &c) {
          before[at].insert(before[at].end(), c.readers.begin(),
                            c.readers.end());
          c.changed = at;
          c.readers.clear();
        });
    for (const Access &a : op.reads)
      each(a, [&](Cell &c) {
        if (c.changed != int64_t(at))
          c.readers.push_back(at);
      });
    std::sort(before[at].begin(), before[at].end());
    before[at].erase(std::unique(before[at].begin(), before[at].end()),
                     before[at].end());
  }
  return before;
}

} // namespace

std::vector<uint32_t> spillway::planner::orderAroundRepeats(const Unrolled &u) {
  std::vector<bool> inRange;
  for (const Copy &c : u.operators)
    inRange.push_back(u.repeatOfOp(c.index) >= 0);
  return orderAround(u.problem, inRange);
}

std::vector<uint32_t>
spillway::planner::orderAround(const Problem &problem,
                               const std::vector<bool> &range) {
  uint32_t n = uint32_t(problem.operators.size());
  std::vector<std::vector<uint32_t>> before = dependences(problem);
  std::vector<std::vector<uint32_t>> after(n);
  for (uint32_t at = 0; at < n; ++at)
    for (uint32_t p : before[at])
      after[p].push_back(at);
  auto inRange = [&](uint32_t at) { return bool(range[at]); };
  uint32_t first = 0;
  while (first < n && !inRange(first))
    ++first;
  // The operator of a range (by its place) before or after which each goes.
  constexpr int64_t nowhere = -1;
  std::vector<int64_t> key(n, nowhere);
  for (uint32_t at = 0; at < n; ++at) {
    if (inRange(at) || at < first) {
      key[at] = inRange(at) ? int64_t(at) : nowhere;
      continue;
    }
    for (uint32_t p : before[at])
      key[at] = std::max(key[at], key[p]);
  }
  // Those that wait for nothing in a range come before what needs them.
  for (uint32_t at = n; at-- > 0;) {
    if (key[at] != nowhere)
      continue;
    int64_t least = n;
    for (uint32_t s : after[at])
      least = std::min(least, key[s]);
    key[at] = least;
  }
  auto rank = [&](uint32_t at) {
    return std::tuple(key[at], inRange(at) ? 1 : at < first ? 0 : 2, at);
  };
  std::vector<uint32_t> order(n);
  for (uint32_t at = 0; at < n; ++at)
    order[at] = at;
  std::sort(order.begin(), order.end(),
            [&](uint32_t x, uint32_t y) { return rank(x) < rank(y); });
  return order;
}

Problem spillway::planner::inOrder(const Problem &problem,
                                   const std::vector<uint32_t> &order) {
  Problem out = problem;
  for (uint32_t i = 0; i < order.size(); ++i)
    out.operators[i] = problem.operators[order[i]];
  return out;
}
