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
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_LOADTREE_H
#define SPILLWAY_LIB_PLANNER_LOADTREE_H

#include <cmath>
#include <cstdint>
#include <vector>

namespace spillway::planner {

class LoadTree {
public:
  /// `softness`: differences of that order blur, in the same unit as values.
  LoadTree(uint32_t slots, double softness) : scale(1 / softness) {
    while (size < slots)
      size *= 2;
    nodes.assign(2 * size, {});
    for (uint32_t i = 0; i < tableSize; ++i)
      table[i] = float(std::log1p(std::exp(-double(i) / perUnit)));
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
    for (uint32_t i = l0 >> 1, j = r0 >> 1; i; i >>= 1, j >>= 1) {
      pull(i);
      if (i != j)
        pull(j);
    }
  }
  double maximum() const { return nodes[1].most; }
  double softMaximum() const { return nodes[1].soft / scale; }

private:
  struct Node {
    double most = 0;
    double plus = 0;
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
    double high = a.soft > b.soft ? a.soft : b.soft;
    double gap =
        (a.soft > b.soft ? a.soft - b.soft : b.soft - a.soft) * perUnit;
    n.soft =
        high + (gap < tableSize ? table[uint32_t(gap)] : 0) + n.plus * scale;
  }

  uint32_t size = 1;
  double scale;
  std::vector<Node> nodes;
  float table[tableSize];
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LOADTREE_H
