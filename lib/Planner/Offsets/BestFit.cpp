//===- BestFit.cpp - One item after the other, into holes -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BestFit.h"

#include <algorithm>

using namespace spillway::planner::offsets;

BestFit::BestFit(const Packing &packing) : packing(packing) {
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
}

Placement BestFit::place(const std::vector<uint32_t> &order) {
  latest.assign(2 * leaves, 0);
  offsets.assign(packing.size(), 0);
  used += 2 * leaves;
  for (uint32_t i : order)
    if (packing.fixed[i])
      put(i, *packing.fixed[i]);
  for (uint32_t i : order)
    if (!packing.fixed[i])
      put(i, hole(i));
  Placement out;
  out.offsets = offsets;
  out.height = 0;
  for (uint32_t i : order)
    out.height = std::max(out.height, offsets[i] + packing.bytes[i]);
  return out;
}

void BestFit::put(uint32_t item, uint64_t offset) {
  offsets[item] = offset;
  for (uint32_t k = firstOf[item]; k < firstOf[item + 1]; ++k) {
    uint32_t p = piecesOf[k], end = pieces[p].range.end;
    for (uint32_t node = p + leaves; node && latest[node] < end; node /= 2)
      latest[node] = end;
  }
  used += 10;
}

/// Adds the spans of placed pieces that meet a range.
void BestFit::collect(const Range &range) {
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
      spans.push_back({offsets[i], offsets[i] + packing.bytes[i]});
    }
  }
}

uint64_t BestFit::hole(uint32_t item) {
  spans.clear();
  for (const Range &r : packing.ranges(item))
    collect(r);
  used += 50 + 10 * spans.size();
  std::sort(spans.begin(), spans.end(),
            [](const Span &a, const Span &b) { return a.low < b.low; });
  uint64_t size = packing.bytes[item], align = packing.alignment;
  uint64_t best = UINT64_MAX, slack = UINT64_MAX, end = 0;
  for (const Span &s : spans) {
    if (s.low >= end + size && s.low - end - size < slack) {
      slack = s.low - end - size;
      best = end;
    }
    end = (std::max(end, s.high) + align - 1) / align * align;
  }
  return best != UINT64_MAX ? best : end;
}
