//===- GapReach.cpp - Pivots, and what is around them -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapBuilder.h"

#include <algorithm>

using namespace spillway::planner;

constexpr uint32_t maxPivots = 64, maxExtras = 16;

/// By operator: it is on the chain of operators that takes longest.
std::vector<bool> GapBuilder::longestPath() const {
  std::vector<int64_t> length(a.numOps);
  std::vector<uint32_t> previous(a.numOps, none);
  uint32_t last = 0;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    for (uint32_t f : from[at])
      if (length[f] > length[at] ||
          (length[f] == length[at] && previous[at] == none))
        length[at] = length[f], previous[at] = f;
    length[at] += problem.operators[at].costNs[0] + 1;
    if (length[at] > length[last])
      last = at;
  }
  std::vector<bool> on(a.numOps);
  for (uint32_t at = last; at != none; at = previous[at])
    on[at] = true;
  return on;
}

/// The operators with most live bytes, spread over the step.
void GapBuilder::choosePivots() {
  std::vector<double> change(a.numOps + 1), total(a.numOps);
  for (const Gap &g : a.gaps) {
    double bytes = double(a.slotBytes[g.slot]);
    if (!g.wraps) {
      if (g.from + 1 < g.to) {
        change[g.from + 1] += bytes;
        change[std::min(g.to, a.numOps)] -= bytes;
      }
    } else {
      change[0] += bytes;
      change[g.to - a.numOps] -= bytes;
      change[g.from + 1] += bytes;
    }
  }
  double now = 0;
  for (uint32_t at = 0; at < a.numOps; ++at)
    total[at] = (now += change[at]) + double(a.workingSet[at]);
  auto choose = [&](uint32_t count, auto allowed, std::vector<uint32_t> &out) {
    count = std::min(count, a.numOps);
    std::vector<uint32_t> best(count, none);
    for (uint32_t at = 0; at < a.numOps; ++at) {
      uint32_t &b = best[uint64_t(at) * count / a.numOps];
      if (onFirstEngine(at) && allowed(at) &&
          (b == none || total[at] > total[b]))
        b = at;
    }
    for (uint32_t op : best)
      if (op != none)
        out.push_back(op);
  };
  if (!anyOrder) {
    choose(maxPivots, [](uint32_t) { return true; }, program.pivots);
    return;
  }
  std::vector<bool> on = longestPath();
  choose(maxPivots, [&](uint32_t at) { return on[at]; }, program.pivots);
  for (uint32_t p : program.pivots)
    on[p] = true;
  choose(
      maxExtras,
      [&](uint32_t at) {
        return !std::binary_search(program.pivots.begin(), program.pivots.end(),
                                   at);
      },
      program.extras);
}

void GapBuilder::findReach() {
  uint32_t n = a.numOps;
  before.assign(n, 0);
  after.assign(n, 0);
  self.assign(n, 0);
  beforeX.assign(n, 0);
  afterX.assign(n, 0);
  selfX.assign(n, 0);
  for (uint32_t j = 0; j < program.pivots.size(); ++j)
    self[program.pivots[j]] |= uint64_t(1) << j;
  for (uint32_t j = 0; j < program.extras.size(); ++j)
    selfX[program.extras[j]] |= uint32_t(1) << j;
  if (!anyOrder) {
    uint64_t seen = 0;
    for (uint32_t at = 0; at < n; ++at) {
      before[at] = seen;
      // Another engine waits for what it needs only.
      if (!onFirstEngine(at)) {
        before[at] = 0;
        for (uint32_t f : from[at])
          before[at] |= before[f] | self[f];
      }
      seen |= self[at];
    }
    for (uint32_t at = 0; at < n; ++at)
      after[at] = seen & ~before[at] & ~self[at];
    return;
  }
  for (uint32_t at = 0; at < n; ++at)
    for (uint32_t f : from[at]) {
      before[at] |= before[f] | self[f];
      beforeX[at] |= beforeX[f] | selfX[f];
    }
  for (uint32_t at = n; at-- > 0;)
    for (uint32_t f : from[at]) {
      after[f] |= after[at] | self[at];
      afterX[f] |= afterX[at] | selfX[at];
    }
}
