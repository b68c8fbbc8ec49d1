//===- LoadTree.h - Memory over time, soft maximum --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Adds to ranges of slots and tells the maximum, and a soft maximum (the
// logarithm of a sum of exponentials) that also feels peaks just below the
// highest. Both in O(log n), after Imanishi et al., "A fast heuristic to
// optimize time-space tradeoff for large models".
//
// The tree is walked from the leaves up; what was added to a node's range is
// kept there and never pushed down.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_LOADTREE_H
#define SPILLWAY_LIB_PLANNER_LOADTREE_H

#include "PortableMath.h"

#include <cstdint>
#include <vector>

namespace spillway::planner {

class LoadTree {
public:
  LoadTree() {
    const double step = 0.93941306281347578611; // exp(-1 / perUnit)
    double x = 1;
    for (uint32_t i = 0; i < tableSize; ++i, x *= step)
      table[i] = float(portableLog(1 + x));
  }
  /// Starts over. `softness`: differences of that order blur, in the unit of
  /// the values; 0: the soft maximum is the maximum, and moves are cheaper.
  void reset(const std::vector<double> &values, double softness) {
    size = 1;
    while (size < values.size())
      size *= 2;
    soft = softness > 0;
    scale = soft ? 1 / softness : 0;
    nodes.assign(2 * size, {});
    for (uint32_t i = 0; i < values.size(); ++i)
      apply(size + i, values[i]);
    for (uint32_t i = size; i-- > 1;)
      pull(i);
  }
  /// Adds to slots [begin, end].
  void add(uint32_t begin, uint32_t end, double value) {
    uint32_t l = begin + size, r = end + size + 1;
    uint32_t l0 = l, r0 = r - 1;
    for (; l < r; l >>= 1, r >>= 1) {
      if (l & 1)
        apply(l++, value);
      if (r & 1)
        apply(--r, value);
    }
    l0 >>= 1, r0 >>= 1;
    for (; l0 != r0; l0 >>= 1, r0 >>= 1) {
      pull(l0);
      pull(r0);
    }
    for (; l0; l0 >>= 1)
      pull(l0);
  }
  double maximum() const { return nodes[1].most; }
  double softMaximum() const {
    return soft ? nodes[1].soft / scale : nodes[1].most;
  }
  /// The maximum over slots [begin, end].
  double maximum(uint32_t begin, uint32_t end) const {
    uint32_t l = begin + size, r = end + size;
    double left = nodes[l].most, right = nodes[r].most;
    for (; (l ^ r) > 1; l >>= 1, r >>= 1) {
      if (!(l & 1) && nodes[l + 1].most > left)
        left = nodes[l + 1].most;
      if ((r & 1) && nodes[r - 1].most > right)
        right = nodes[r - 1].most;
      left += nodes[l >> 1].plus;
      right += nodes[r >> 1].plus;
    }
    double out = left > right ? left : right;
    // The two ends are siblings now, or one.
    for (uint32_t i = l >> 1; i; i >>= 1)
      out += nodes[i].plus;
    return out;
  }
  /// The first slot at which the maximum is.
  uint32_t peakSlot() const {
    uint32_t i = 1;
    while (i < size)
      i = nodes[2 * i].most >= nodes[2 * i + 1].most ? 2 * i : 2 * i + 1;
    return i - size;
  }

private:
  struct Node {
    double most = 0;
    double plus = 0; ///< added to all of the range
    double soft = 0; ///< in units of `softness`
  };
  static constexpr uint32_t tableSize = 256, perUnit = 16;

  void apply(uint32_t i, double value) {
    nodes[i].most += value;
    nodes[i].plus += value;
    nodes[i].soft += value * scale;
  }
  void pull(uint32_t i) {
    const Node &a = nodes[2 * i], &b = nodes[2 * i + 1];
    Node &n = nodes[i];
    n.most = (a.most > b.most ? a.most : b.most) + n.plus;
    if (!soft)
      return;
    double high = a.soft > b.soft ? a.soft : b.soft;
    double gap =
        (a.soft > b.soft ? a.soft - b.soft : b.soft - a.soft) * perUnit;
    n.soft =
        high + (gap < tableSize ? table[uint32_t(gap)] : 0) + n.plus * scale;
  }

  uint32_t size = 1;
  bool soft = false;
  double scale = 0;
  std::vector<Node> nodes;
  float table[tableSize];
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LOADTREE_H
