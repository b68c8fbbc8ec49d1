//===- RecomputeAll.cpp - Recompute all but segment borders -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gradient checkpointing as Chen et al. describe it ("Training deep nets with
// sublinear memory cost", 2016), for any graph: the operators before the peak
// are cut into sqrt(n) segments; what crosses from one into a later one is
// kept, everything else that is needed after the peak is dropped and made
// again. Nothing is swapped, whatever the budget.
//
//===----------------------------------------------------------------------===//

#include "../Emitter.h"
#include "../Policy.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

/// The operator at which keep-all would hold most.
static uint32_t peakOf(const Analysis &a) {
  std::vector<int64_t> change(a.numOps + 1);
  for (const Gap &g : a.gaps)
    if (!g.wraps && g.from + 1 < g.to) {
      change[g.from + 1] += int64_t(a.slotBytes[g.slot]);
      change[std::min(g.to, a.numOps)] -= int64_t(a.slotBytes[g.slot]);
    }
  int64_t live = 0, most = -1;
  uint32_t peak = 0;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    live += change[at];
    if (live + int64_t(a.workingSet[at]) > most) {
      most = live + int64_t(a.workingSet[at]);
      peak = at;
    }
  }
  return peak;
}

PolicyAnswer spillway::planner::planRecomputeAll(const PolicyRequest &request) {
  const Analysis &a = request.analysis;
  uint32_t peak = peakOf(a);
  uint32_t length =
      std::max<uint32_t>(1, uint32_t(std::ceil(std::sqrt(double(peak + 1)))));
  auto segment = [&](uint32_t at) { return at / length; };
  Decisions d;
  d.gaps.assign(a.gaps.size(), GapChoice::Keep);
  d.home.assign(a.problem.storages.size(), 0);
  d.maySwap = false;
  for (uint32_t i = 0; i < a.gaps.size(); ++i) {
    const Gap &g = a.gaps[i];
    uint32_t s = a.slotStorage[g.slot], p = a.producer[s];
    if (g.from > peak || g.to <= peak || g.wraps || p == none ||
        a.rerunUntil[p] < int64_t(g.to) || g.to >= a.numOps)
      continue;
    // A checkpoint is what a later segment reads as well.
    if (segment(g.from) != segment(p))
      continue;
    d.gaps[i] = GapChoice::Drop;
  }
  Emission e = emitPlan(a, d, request.budgets);
  PolicyAnswer answer;
  answer.ok = e.ok;
  answer.reason = e.reason;
  answer.tier = e.tier;
  if (e.ok) {
    hoistLoads(a.problem, e.plan, request.budgets[0]);
    answer.plans.push_back(std::move(e.plan));
  }
  return answer;
}
