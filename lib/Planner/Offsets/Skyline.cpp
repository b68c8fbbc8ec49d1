//===- Skyline.cpp - Fills the lowest line first ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Skyline.h"

#include <algorithm>
#include <bit>
#include <queue>

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
    firstAt.assign(packing.numSections + 1, 0);
    for (const Entry &e : list)
      ++firstAt[e.range.begin + 1];
    for (uint32_t at = 0; at < packing.numSections; ++at)
      firstAt[at + 1] += firstAt[at];
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
    best = 0;
    found = 0;
    uint32_t a = leaves + firstAt[range.begin];
    uint32_t b = leaves + firstAt[range.end];
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
  std::vector<uint32_t> firstAt; ///< by section: the first entry there or later
  uint32_t leaves = 1;
  std::vector<Node> tree;
  uint32_t best = 0, found = 0;
};

/// The height over each section, as lines of one height. A line is kept where
/// it begins.
class Lines {
public:
  explicit Lines(uint32_t numSections)
      : lines(numSections + 1), begins(numSections / 64 + 1) {
    start(0, numSections, 0);
  }

  std::pair<Range, uint64_t> lowest() {
    while (!stands(byHeight.top()))
      byHeight.pop();
    auto [height, begin] = byHeight.top();
    return {{begin, lines[begin].end}, height};
  }

  uint64_t over(const Range &r) const {
    uint64_t most = 0;
    for (uint32_t at = lineAt(r.begin); at < r.end; at = lines[at].end)
      most = std::max(most, lines[at].height);
    return most;
  }

  /// Sets the height over a range; what is left of lines there stays.
  void set(const Range &r, uint64_t height) {
    uint32_t numSections = uint32_t(lines.size()) - 1;
    uint32_t first = lineAt(r.begin), end = r.begin;
    uint64_t last = 0; // the height of the line that ends at `end`
    for (uint32_t at = first; at < r.end; at = end) {
      last = lines[at].height;
      end = lines[at].end;
      drop(at);
    }
    Range whole = r;
    if (first < r.begin) // its lower part
      start(first, r.begin, lines[first].height);
    if (end > r.end)
      start(r.end, end, last);
    // Equal neighbours join.
    if (r.end < numSections && lines[r.end].height == height) {
      whole.end = lines[r.end].end;
      drop(r.end);
    }
    if (r.begin)
      if (uint32_t left = lineAt(r.begin - 1); lines[left].height == height) {
        whole.begin = left;
        drop(left);
      }
    start(whole.begin, whole.end, height);
  }

  /// Lifts the line at `begin` to its lower neighbour; false: it has none.
  bool lift(const Range &r) {
    uint64_t to = UINT64_MAX;
    if (r.begin)
      to = lines[lineAt(r.begin - 1)].height;
    if (r.end + 1 < lines.size())
      to = std::min(to, lines[r.end].height);
    if (to == UINT64_MAX)
      return false;
    set(r, to);
    return true;
  }

private:
  struct Line {
    uint32_t end = 0;
    uint64_t height = 0;
  };
  using Entry = std::pair<uint64_t, uint32_t>; // a height, and where it begins

  bool isLine(uint32_t at) const { return begins[at / 64] >> at % 64 & 1; }
  bool stands(const Entry &e) const {
    return isLine(e.second) && lines[e.second].height == e.first;
  }
  void start(uint32_t begin, uint32_t end, uint64_t height) {
    lines[begin] = {end, height};
    begins[begin / 64] |= uint64_t(1) << begin % 64;
    byHeight.push({height, begin});
  }
  void drop(uint32_t at) { begins[at / 64] &= ~(uint64_t(1) << at % 64); }

  /// The beginning of the line over a section.
  uint32_t lineAt(uint32_t section) const {
    uint32_t word = section / 64;
    uint64_t bits = begins[word] & (~uint64_t(0) >> (63 - section % 64));
    while (!bits)
      bits = begins[--word];
    return word * 64 + uint32_t(std::bit_width(bits)) - 1;
  }

  std::vector<Line> lines;      ///< by first section
  std::vector<uint64_t> begins; ///< bits: where lines begin
  /// Some no longer stand.
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> byHeight;
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
