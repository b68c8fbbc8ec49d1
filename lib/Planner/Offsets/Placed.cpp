//===- Placed.cpp - What is placed, by time ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Placed.h"

#include <algorithm>

using namespace spillway::planner::offsets;

Placed::Placed(const Packing &packing) : packing(packing) {
  for (uint32_t i = 0; i < packing.size(); ++i)
    for (const Range &r : packing.ranges(i))
      pieces.push_back({r, i});
  std::sort(pieces.begin(), pieces.end(), [](const Piece &a, const Piece &b) {
    return a.range.begin != b.range.begin ? a.range.begin < b.range.begin
                                          : a.item < b.item;
  });
  firstOf.resize(packing.size() + 1);
  for (uint32_t i = 0; i < packing.size(); ++i)
    firstOf[i + 1] = firstOf[i] + uint32_t(packing.ranges(i).size());
  piecesOf.resize(pieces.size());
  std::vector<uint32_t> next(firstOf.begin(), firstOf.end() - 1);
  for (uint32_t p = 0; p < pieces.size(); ++p)
    piecesOf[next[pieces[p].item]++] = p;
  while (leaves < pieces.size())
    leaves *= 2;
  clear();
}

void Placed::clear() {
  latest.assign(2 * leaves, 0);
  offsets.assign(packing.size(), 0);
  in.assign(packing.size(), false);
  used += 2 * leaves;
}

void Placed::put(uint32_t item, uint64_t offset) {
  offsets[item] = offset;
  in[item] = true;
  for (uint32_t k = firstOf[item]; k < firstOf[item + 1]; ++k) {
    uint32_t p = piecesOf[k], end = pieces[p].range.end;
    for (uint32_t node = p + leaves; node && latest[node] < end; node /= 2)
      latest[node] = end;
  }
  used += 10;
}

void Placed::remove(uint32_t item) {
  in[item] = false;
  for (uint32_t k = firstOf[item]; k < firstOf[item + 1]; ++k) {
    uint32_t node = piecesOf[k] + leaves;
    latest[node] = 0;
    while (node /= 2)
      latest[node] = std::max(latest[2 * node], latest[2 * node + 1]);
  }
  used += 10;
}

void Placed::collect(const Range &range) {
  auto last =
      std::partition_point(pieces.begin(), pieces.end(), [&](const Piece &p) {
        return p.range.begin < range.end;
      });
  // The tree's nodes that make up what begins in time, then down to where
  // something is late enough.
  for (uint32_t a = leaves, b = leaves + uint32_t(last - pieces.begin()); a < b;
       a /= 2, b /= 2) {
    if (a & 1)
      stack.push_back(a++);
    if (b & 1)
      stack.push_back(--b);
  }
  while (!stack.empty()) {
    uint32_t node = stack.back();
    stack.pop_back();
    ++used;
    if (latest[node] <= range.begin)
      continue;
    if (node < leaves) {
      stack.push_back(2 * node);
      stack.push_back(2 * node + 1);
    } else {
      uint32_t i = pieces[node - leaves].item;
      spans.push_back({offsets[i], offsets[i] + packing.bytes[i], i});
    }
  }
}

const std::vector<Placed::Span> &Placed::meeting(uint32_t item) {
  spans.clear();
  for (const Range &r : packing.ranges(item))
    collect(r);
  used += 50 + 10 * spans.size();
  std::sort(spans.begin(), spans.end(), [](const Span &a, const Span &b) {
    return a.low != b.low ? a.low < b.low : a.item < b.item;
  });
  return spans;
}
