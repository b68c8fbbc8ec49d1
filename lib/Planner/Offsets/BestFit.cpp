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

Placement BestFit::place(const std::vector<uint32_t> &order) {
  placed.clear();
  for (uint32_t i : order)
    if (packing.fixed[i])
      placed.put(i, *packing.fixed[i]);
  Placement out;
  out.offsets.resize(packing.size());
  out.height = 0;
  for (uint32_t i : order) {
    if (!packing.fixed[i])
      placed.put(i, findHole(placed, packing, i, UINT64_MAX).value());
    out.offsets[i] = placed.offset(i);
    out.height = std::max(out.height, placed.end(i));
  }
  return out;
}

std::optional<uint64_t>
spillway::planner::offsets::findHole(Placed &placed, const Packing &packing,
                                     uint32_t item, uint64_t limit) {
  uint64_t size = packing.bytes[item], align = packing.alignment;
  uint64_t best = UINT64_MAX, slack = UINT64_MAX, end = 0;
  for (const Placed::Span &s : placed.meeting(item)) {
    if (s.low >= end + size && s.low - end - size < slack) {
      slack = s.low - end - size;
      best = end;
    }
    end = std::max(end, (s.high + align - 1) / align * align);
  }
  if (best == UINT64_MAX)
    best = end;
  if (best > limit || size > limit - best)
    return std::nullopt;
  return best;
}
