//===- GroupPlannerFused.cpp - How much waits between blocks ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attempt.h"
#include "EngineBound.h"
#include "FusedBlocks.h"
#include "GroupPlanner.h"
#include "RepeatBlocks.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>
#include <chrono>

using namespace spillway::planner;

/// So many operators are searched on.
static constexpr size_t mostSearchedOn = 2000;
/// Of the places in a repetition, those behind which least goes on end narrow
/// blocks.
static constexpr double narrowShare = 0.04;
/// Shares of what blocks would make again that wait instead: so many are looked
/// at, until that many in a row are worse; and so many planned.
static constexpr uint32_t shares = 32, mostWorse = 2, mostPlanned = 3;

namespace {

struct Waiting {
  FusedBlocks fused;
  int64_t ns; ///< of a step, by the first plan that there is
  bool planned = false;
};

} // namespace

/// How long a step takes, but for what addresses cost.
int64_t GroupPlanner::firstStepNs(const Problem &p) const {
  Analysis a(p);
  PolicyRequest request{a, budgets};
  request.fixedOrder = options.fixedOrder;
  PolicyAnswer answer = policy.plan(request);
  if (!answer.ok)
    return INT64_MAX;
  SimulationOptions simulation;
  simulation.budgets = budgets;
  return simulate(p, answer.plans.front(), simulation).stepNs;
}

GroupPlan GroupPlanner::planFused(const FusedBlocks &fused) const {
  GroupPlan out;
  Analysis a(fused.problem);
  Attempt attempt(a, policy, options);
  bool few = fused.problem.operators.size() <= mostSearchedOn;
  if (!attempt.run(budgets, few ? options.iterations
                                : std::min(options.iterations, quick)))
    return out;
  out.ok = true;
  out.layout = std::move(attempt.layout);
  out.plan = splitFused(problem, fused, attempt.plan, out.layout);
  return check(std::move(out));
}

GroupPlan GroupPlanner::findFused() const {
  GroupPlan best;
  std::vector<uint32_t> ends = narrowBlocks(problem, repeat, narrowShare);
  if (ends.empty())
    return best;
  auto late = [&] {
    return options.deadline &&
           std::chrono::steady_clock::now() >= *options.deadline;
  };
  std::vector<Waiting> tried;
  for (uint32_t k = 0, worse = 0; k <= shares && worse < mostWorse; ++k) {
    if (k > 0 && late())
      break;
    auto fused = fuseBlocks(problem, repeat, ends, double(k) / shares);
    if (!fused || fused->problem.operators.size() > mostInTurns)
      return best;
    // Few storages are all kept, or none, over several shares.
    if (k > 0 && fused->problem.storages.size() ==
                     tried.back().fused.problem.storages.size())
      continue;
    int64_t ns = firstStepNs(fused->problem);
    worse = tried.empty() || ns < tried.back().ns ? 0 : worse + 1;
    tried.push_back({std::move(*fused), ns});
  }
  // Addresses may cost time: another is planned while it promises less than
  // what there is takes.
  auto mostPromising = [&] {
    size_t out = tried.size();
    for (size_t k = 0; k < tried.size(); ++k)
      if (!tried[k].planned && tried[k].ns < best.stepNs &&
          (out == tried.size() || tried[k].ns < tried[out].ns))
        out = k;
    return out;
  };
  size_t next = mostPromising();
  for (uint32_t n = 0; n < mostPlanned && next < tried.size(); ++n) {
    if (best.ok && late())
      break;
    Waiting &w = tried[next];
    w.planned = true;
    GroupPlan found = planFused(w.fused);
    // The links carry all that, and a search finds room for more on them.
    bool more =
        found.ok && next + 1 < tried.size() && !tried[next + 1].planned &&
        isOnlyEngines(found.stepNs, engineBoundNs(w.fused.problem), true) &&
        tried[next + 1].ns < found.stepNs + found.stepNs / 32;
    if (found.stepNs < best.stepNs)
      best = std::move(found);
    next = more ? next + 1 : mostPromising();
  }
  return best;
}
