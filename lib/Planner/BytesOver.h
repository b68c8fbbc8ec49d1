//===- BytesOver.h - Bytes above the budget over time -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How much of a range of buckets a slot would relieve is asked for hundreds of
// times for each time that a range changes: minimum, maximum and sum of powers
// of two of buckets answer most of it without looking at each one. The answer
// is the same to the last bit, for sums of bytes below
// 2^53 are exact.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_BYTESOVER_H
#define SPILLWAY_LIB_PLANNER_BYTESOVER_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace spillway::planner {

/// Buckets of one step, or of the next where a range counts on past the end.
class BytesOver {
public:
  BytesOver() = default;
  explicit BytesOver(const std::vector<int64_t> &values)
      : buckets(uint32_t(values.size())) {
    while (size < buckets)
      size *= 2;
    nodes.resize(2 * size_t(size));
    for (uint32_t b = 0; b < buckets; ++b)
      nodes[size + b] = {values[b], values[b], double(values[b])};
    for (uint32_t i = size; i-- > 1;)
      pull(i);
  }

  int64_t operator[](uint32_t bucket) const {
    return nodes[size + bucket].most;
  }

  /// Adds to buckets [low, high).
  void add(uint32_t low, uint32_t high, int64_t bytes) {
    each(low, high, [&](uint32_t l, uint32_t r) {
      for (uint32_t i = size + l; i < size + r; ++i)
        nodes[i] = {nodes[i].least + bytes, nodes[i].most + bytes,
                    double(nodes[i].most + bytes)};
      for (uint32_t first = (size + l) / 2, last = (size + r - 1) / 2; first;
           first /= 2, last /= 2)
        for (uint32_t i = first; i <= last; ++i)
          pull(i);
    });
  }

  /// What is above the budget in buckets [low, high), up to `bytes` in each.
  double relief(uint32_t low, uint32_t high, int64_t bytes) const {
    return clipped(low, high, 0, bytes);
  }
  /// What `bytes` more in each of buckets [low, high) would put above the
  /// budget.
  double burden(uint32_t low, uint32_t high, int64_t bytes) const {
    return clipped(low, high, bytes, bytes);
  }

private:
  struct Node {
    int64_t least = 0, most = 0;
    double sum = 0;
  };

  template <typename F> void each(uint32_t low, uint32_t high, F f) const {
    if (low < std::min(high, buckets))
      f(low, std::min(high, buckets));
    if (high > buckets && low < high)
      f(low > buckets ? low - buckets : 0, high - buckets);
  }
  void pull(uint32_t i) {
    const Node &a = nodes[2 * size_t(i)], &b = nodes[2 * size_t(i) + 1];
    nodes[i] = {std::min(a.least, b.least), std::max(a.most, b.most),
                a.sum + b.sum};
  }
  /// The sum over buckets [low, high) of what each holds with `more` in it,
  /// from 0 up to `most`.
  double clipped(uint32_t low, uint32_t high, int64_t more,
                 int64_t most) const {
    double out = 0;
    each(low, high, [&](uint32_t l, uint32_t r) {
      // From the leaves up, over the fewest nodes that cover the range.
      uint32_t width = 1;
      for (l += size, r += size; l < r; l /= 2, r /= 2, width *= 2) {
        if (l & 1)
          out += clippedNode(l++, width, more, most);
        if (r & 1)
          out += clippedNode(--r, width, more, most);
      }
    });
    return out;
  }
  double clippedNode(uint32_t i, uint32_t width, int64_t more,
                     int64_t most) const {
    const Node &n = nodes[i];
    if (n.most + more <= 0)
      return 0;
    if (n.least + more >= most)
      return double(most) * width;
    if (n.least + more >= 0 && n.most + more <= most)
      return n.sum + double(more) * width;
    return clippedNode(2 * i, width / 2, more, most) +
           clippedNode(2 * i + 1, width / 2, more, most);
  }

  uint32_t buckets = 0, size = 1;
  std::vector<Node> nodes;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_BYTESOVER_H
