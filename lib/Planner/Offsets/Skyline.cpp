//===- Skyline.cpp - Fills the lowest line first ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Skyline.h"

#include <algorithm>
#include <map>
#include <set>

using namespace spillway::planner::offsets;

namespace {

/// Items of one range that are not placed, in order of their beginning.
class Waiting {
public:
  Waiting(const Packing &packing, const std::vector<uint32_t> &priority,
          uint64_t &used)
      : used(used) {
    for (uint32_t i = 0; i < packing.size(); ++i)
      if (packing.ranges(i).size() == 1)
        list.push_back({packing.ranges(i)[0], priority[i], i});
    std::sort(list.begin(), list.end(), [](const Entry &a, const Entry &b) {
      return a.range.begin != b.range.begin ? a.range.begin < b.range.begin
                                            : a.item < b.item;
    });
    while (leaves < list.size())
      leaves *= 2;
    tree.resize(2 * leaves);
    for (uint32_t k = 0; k < list.size(); ++k)
      tree[leaves + k] = {list[k].priority, list[k].range.end};
    for (uint32_t node = leaves - 1; node; --node)
      pull(node);
  }

  /// Takes the item of the highest priority that lives inside a range.
  bool take(const Range &range, uint32_t &item) {
    auto first =
        std::partition_point(list.begin(), list.end(), [&](const Entry &e) {
          return e.range.begin < range.begin;
        });
    auto last =
        std::partition_point(list.begin(), list.end(), [&](const Entry &e) {
          return e.range.begin < range.end;
        });
    best = 0;
    found = 0;
    uint32_t a = leaves + uint32_t(first - list.begin());
    uint32_t b = leaves + uint32_t(last - list.begin());
    for (; a < b; a /= 2, b /= 2) {
      if (a & 1)
        visit(a++, range.end);
      if (b & 1)
        visit(--b, range.end);
    }
    if (!best)
      return false;
    item = list[found - leaves].item;
    tree[found] = {};
    for (uint32_t node = found / 2; node; node /= 2)
      pull(node);
    return true;
  }

private:
  struct Entry {
    Range range;
    uint32_t priority, item;
  };
  struct Node {
    uint32_t priority = 0;         ///< the highest; 0: nothing is left
    uint32_t soonest = UINT32_MAX; ///< the first end
  };

  void pull(uint32_t node) {
    const Node &a = tree[2 * node], &b = tree[2 * node + 1];
    tree[node] = {std::max(a.priority, b.priority),
                  std::min(a.soonest, b.soonest)};
  }

  void visit(uint32_t node, uint32_t end) {
    ++used;
    if (tree[node].priority <= best || tree[node].soonest > end)
      return;
    if (node >= leaves) {
      best = tree[node].priority;
      found = node;
      return;
    }
    uint32_t first = 2 * node, second = first + 1;
    if (tree[first].priority < tree[second].priority)
      std::swap(first, second);
    visit(first, end);
    visit(second, end);
  }

  uint64_t &used;
  std::vector<Entry> list;
  uint32_t leaves = 1;
  std::vector<Node> tree;
  uint32_t best = 0, found = 0;
};

/// The height over each section, as lines of one height.
class Lines {
public:
  explicit Lines(uint32_t numSections) {
    lines[0] = {numSections, 0};
    byHeight.insert({0, 0});
  }

  std::pair<Range, uint64_t> lowest() const {
    uint32_t begin = byHeight.begin()->second;
    const Line &line = lines.at(begin);
    return {{begin, line.end}, line.height};
  }

  uint64_t over(const Range &r) const {
    uint64_t most = 0;
    for (auto it = std::prev(lines.upper_bound(r.begin));
         it != lines.end() && it->first < r.end; ++it)
      most = std::max(most, it->second.height);
    return most;
  }

  /// Sets the height over a range; what is left of lines there stays.
  void set(const Range &r, uint64_t height) {
    cut(r.begin);
    cut(r.end);
    auto it = lines.find(r.begin);
    while (it != lines.end() && it->first < r.end)
      it = drop(it);
    Range whole = r;
    // Equal neighbours join.
    if (it != lines.end() && it->second.height == height) {
      whole.end = it->second.end;
      it = drop(it);
    }
    if (it != lines.begin() && std::prev(it)->second.height == height) {
      whole.begin = std::prev(it)->first;
      drop(std::prev(it));
    }
    lines[whole.begin] = {whole.end, height};
    byHeight.insert({height, whole.begin});
  }

  /// Lifts the line at `begin` to its lower neighbour; false: it has none.
  bool lift(const Range &r) {
    auto it = lines.find(r.begin);
    uint64_t to = UINT64_MAX;
    if (it != lines.begin())
      to = std::prev(it)->second.height;
    if (std::next(it) != lines.end())
      to = std::min(to, std::next(it)->second.height);
    if (to == UINT64_MAX)
      return false;
    set(r, to);
    return true;
  }

private:
  struct Line {
    uint32_t end;
    uint64_t height;
  };
  using Iterator = std::map<uint32_t, Line>::iterator;

  Iterator drop(Iterator it) {
    byHeight.erase({it->second.height, it->first});
    return lines.erase(it);
  }

  /// Makes a line begin at a section.
  void cut(uint32_t at) {
    auto it = lines.upper_bound(at);
    if (it == lines.begin())
      return;
    --it;
    if (it->first == at || it->second.end <= at)
      return;
    Line right = it->second;
    it->second.end = at;
    lines[at] = right;
    byHeight.insert({right.height, at});
  }

  std::map<uint32_t, Line> lines; ///< by first section
  std::set<std::pair<uint64_t, uint32_t>> byHeight;
};

} // namespace

Placement
spillway::planner::offsets::placeOnSkyline(const Packing &packing,
                                           const std::vector<uint32_t> &order,
                                           uint64_t &used) {
  std::vector<uint32_t> priority(packing.size());
  for (uint32_t k = 0; k < order.size(); ++k)
    priority[order[k]] = packing.size() - k;
  Placement out;
  out.height = 0;
  out.offsets.resize(packing.size());
  if (packing.size() == 0)
    return out;
  Lines lines(packing.numSections);
  auto put = [&](uint32_t i, uint64_t offset) {
    out.offsets[i] = offset;
    out.height = std::max(out.height, offset + packing.bytes[i]);
    for (const Range &r : packing.ranges(i))
      lines.set(r, offset + packing.bytes[i]);
    used += 200;
  };
  uint32_t left = packing.size();
  for (uint32_t i : order) {
    if (packing.ranges(i).size() == 1)
      continue;
    --left;
    uint64_t offset = 0;
    for (const Range &r : packing.ranges(i))
      offset = std::max(offset, lines.over(r));
    put(i, offset);
  }
  Waiting waiting(packing, priority, used);
  while (left) {
    auto [range, height] = lines.lowest();
    uint32_t item;
    if (waiting.take(range, item)) {
      put(item, height);
      --left;
    } else if (!lines.lift(range)) {
      break; // never: an item fits on a line over everything
    }
  }
  return out;
}
