//===- Account.cpp - What a result tells of its plan ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Account.h"
#include "LoopLayout.h"

#include <algorithm>
#include <set>

using namespace spillway::planner;

static Simulation simulateOnce(const Problem &problem, const Plan &plan,
                               const Layout *layout,
                               const std::vector<uint64_t> &budgets) {
  SimulationOptions options;
  options.budgets = budgets;
  options.timeline = true;
  options.maxRounds = 24;
  if (layout) {
    options.offsets = &layout->offsets;
    options.workspaceOffsets = &layout->workspaces;
  }
  return simulate(problem, plan, options);
}

void spillway::planner::account(const Problem &problem, PlanResult &result,
                                Layout layout,
                                const std::vector<uint64_t> &budgets,
                                bool addresses, int64_t boundNs) {
  const Plan &plan = result.plan;
  bool repeats = hasRepeats(problem);
  Unrolled unrolled;
  if (repeats)
    unrolled = unrollFor(problem, plan);
  const Problem &flat = repeats ? unrolled.problem : problem;
  const Layout *placed = addresses ? &layout : nullptr;
  result.simulation = repeats
                          ? simulateLoops(problem, plan, placed, budgets, true)
                          : simulateOnce(problem, plan, placed, budgets);
  result.peakBytes = addresses ? layout.heights : result.simulation.peakBytes;
  for (uint32_t l = 0; l < layout.lives.size(); ++l) {
    const Instance &i = layout.lives[l].instance;
    result.buffers.push_back({layout.lives[l],
                              addresses ? layout.offsets[l] : 0,
                              flat.storages[i.storage].partBytes(i.part)});
  }
  result.workspaceOffsets = std::move(layout.workspaces);
  std::vector<uint32_t> times(plan.actions.size(), 1);
  for (const Loop &l : plan.loops)
    std::fill(times.begin() + l.first, times.begin() + l.last + 1, l.count);
  std::vector<bool> ran(flat.operators.size());
  std::set<uint32_t> moved; // repetitions of a storage count once
  for (uint32_t at = 0; at < plan.actions.size(); ++at) {
    const Action &a = plan.actions[at];
    if (a.kind == ActionKind::Load || a.kind == ActionKind::Store)
      if (flat.storages[a.storage].kind != StorageKind::Fed)
        moved.insert(repeats ? unrolled.storages[a.storage].index : a.storage);
    if (a.kind != ActionKind::Run)
      continue;
    const Operator &op = flat.operators[a.op];
    result.totalFlops += op.flops * times[at];
    if (ran[a.op]) {
      result.numRecomputed += times[at];
      result.recomputedFlops += op.flops * times[at];
      result.recomputedNs += op.costNs[a.engine] * int64_t(times[at]);
    }
    ran[a.op] = true;
  }
  result.numSwapped = uint32_t(moved.size());
  result.lowerBoundNs = boundNs;
  if (result.simulation.stepNs < boundNs) {
    result.feasible = false;
    result.infeasible.reason = "internal fault: predicted step of " +
                               std::to_string(result.simulation.stepNs) +
                               " ns is below the lower bound of " +
                               std::to_string(boundNs) +
                               " ns; please report it";
  }
}
