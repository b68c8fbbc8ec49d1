//===- RepeatPlanner.cpp - Planning what repeats ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RepeatPlanner.h"
#include "LoopLayout.h"
#include "LoopPlanner.h"
#include "RepeatOrder.h"
#include "spillway/Planner/RepeatBound.h"
#include "spillway/Planner/Verify.h"

#include <algorithm>
#include <numeric>
#include <set>

using namespace spillway::planner;

uint64_t spillway::planner::writtenOutOps(const Problem &problem) {
  uint64_t n = problem.operators.size();
  for (const Repeat &r : problem.repeats)
    n += uint64_t(r.last - r.first + 1) * (r.count - 1);
  return n;
}

/// Names what is in the way by the problem's own numbers.
static void toOriginal(const Unrolled &u, Infeasible &no) {
  if (no.peakStorages.empty())
    return;
  no.peakOperator = u.operators[no.peakOperator].index;
  std::vector<uint32_t> storages;
  std::set<uint32_t> seen;
  for (uint32_t s : no.peakStorages)
    if (seen.insert(u.storages[s].index).second)
      storages.push_back(u.storages[s].index);
  no.peakStorages = std::move(storages);
}

/// All repetitions one after the other, as an ordinary problem.
static PlanResult planWrittenOut(const Problem &problem,
                                 const PlanOptions &options) {
  Unrolled u = unroll(problem);
  std::vector<uint32_t> order(u.problem.operators.size());
  std::iota(order.begin(), order.end(), 0u);
  if (!options.fixedOrder)
    order = orderAroundRepeats(u);
  PlanResult result = plan(inOrder(u.problem, order), options);
  for (Action &a : result.plan.actions)
    if (a.kind == ActionKind::Run)
      a.op = order[a.op];
  if (!result.feasible) {
    if (!result.infeasible.peakStorages.empty())
      result.infeasible.peakOperator = order[result.infeasible.peakOperator];
    toOriginal(u, result.infeasible);
    return result;
  }
  Verdict verdict = verifyPlan(problem, result.plan, options.budgets);
  if (!verdict.ok()) {
    result.feasible = false;
    result.infeasible.reason =
        "internal fault: a wrong plan of the problem written out: " +
        verdict.error + "; please report it";
  }
  return result;
}

namespace {

std::vector<uint64_t> fullBudgets(const Problem &problem,
                                  const std::vector<uint64_t> &budgets) {
  std::vector<uint64_t> out;
  for (uint32_t t = 0; t < problem.machine.tiers.size(); ++t)
    out.push_back(t < budgets.size() ? budgets[t]
                                     : problem.machine.tiers[t].capacity);
  return out;
}

/// Everything a result tells about a plan with loops that is known to be right.
void describeLoops(const Problem &problem, PlanResult &result, Layout layout,
                   const std::vector<uint64_t> &budgets, bool addresses) {
  const Plan &plan = result.plan;
  Unrolled u = unrollFor(problem, plan);
  result.simulation = simulateLoops(
      problem, plan, addresses ? &layout : nullptr, budgets, true);
  result.peakBytes = addresses ? layout.heights : result.simulation.peakBytes;
  for (uint32_t l = 0; l < layout.lives.size(); ++l) {
    const Instance &i = layout.lives[l].instance;
    result.buffers.push_back({layout.lives[l],
                              addresses ? layout.offsets[l] : 0,
                              u.problem.storages[i.storage].partBytes(i.part)});
  }
  result.workspaceOffsets = std::move(layout.workspaces);
  std::vector<uint32_t> times(plan.actions.size(), 1);
  for (const Loop &l : plan.loops)
    std::fill(times.begin() + l.first, times.begin() + l.last + 1, l.count);
  std::vector<bool> ran(u.problem.operators.size());
  std::set<uint32_t> moved;
  for (uint32_t at = 0; at < plan.actions.size(); ++at) {
    const Action &a = plan.actions[at];
    if (a.kind == ActionKind::Load || a.kind == ActionKind::Store)
      if (u.problem.storages[a.storage].kind != StorageKind::Fed)
        moved.insert(u.storages[a.storage].index);
    if (a.kind != ActionKind::Run)
      continue;
    const Operator &op = u.problem.operators[a.op];
    result.totalFlops += op.flops * times[at];
    if (ran[a.op]) {
      result.numRecomputed += times[at];
      result.recomputedFlops += op.flops * times[at];
      result.recomputedNs += op.costNs[a.engine] * int64_t(times[at]);
    }
    ran[a.op] = true;
  }
  result.numSwapped = uint32_t(moved.size());
  result.lowerBoundNs = stepLowerBoundNs(problem, budgets, true);
  if (result.simulation.stepNs < result.lowerBoundNs) {
    result.feasible = false;
    result.infeasible.reason = "internal fault: predicted step of " +
                               std::to_string(result.simulation.stepNs) +
                               " ns is below the lower bound of " +
                               std::to_string(result.lowerBoundNs) +
                               " ns; please report it";
  }
}

/// By tier: what every plan needs. Fewer repetitions need no more.
std::vector<uint64_t> floorsOf(const Problem &problem, uint32_t repeat,
                               const std::vector<uint64_t> &budgets) {
  std::vector<uint32_t> counts;
  for (const Repeat &r : problem.repeats)
    counts.push_back(r.count);
  counts[repeat] = 2;
  Problem few = unroll(problem, counts).problem;
  for (uint32_t t = 0; t < budgets.size(); ++t)
    few.machine.tiers[t].capacity = budgets[t];
  return floorBytes(few);
}

uint64_t findSmallest(const Problem &problem, const Policy &policy,
                      const PlanOptions &options,
                      const std::vector<uint64_t> &budgets, uint32_t tier,
                      uint64_t floor) {
  uint64_t align = problem.alignment;
  auto up = [&](uint64_t bytes) { return (bytes + align - 1) / align * align; };
  auto works = [&](uint64_t bytes) {
    std::vector<uint64_t> b = budgets;
    b[tier] = bytes;
    return planLoop(problem, policy, options, b, 0).ok;
  };
  uint64_t low = up(std::max(floor, align)), high = 0;
  if (works(low))
    return low;
  for (uint64_t step = std::max(low / 8, align); !high; step *= 2) {
    uint64_t next = low + up(step);
    if (next > (uint64_t(1) << 60))
      return 0;
    (works(next) ? high : low) = next;
  }
  while (high - low > std::max(align, high / 64)) {
    uint64_t mid = low + (high - low) / 2 / align * align;
    if (mid == low)
      break;
    (works(mid) ? high : low) = mid;
  }
  return high;
}

PlanResult planWithLoop(const Problem &problem, const Policy &policy,
                        const PlanOptions &options) {
  PlanResult result;
  std::vector<uint64_t> budgets = fullBudgets(problem, options.budgets);
  LoopPlan found =
      planLoop(problem, policy, options, budgets, options.iterations);
  if (found.ok) {
    result.feasible = true;
    result.plan = std::move(found.plan);
    result.plan.policy = policy.name;
    describeLoops(problem, result, std::move(found.layout), budgets,
                  options.offsets);
    return result;
  }
  Infeasible &no = result.infeasible;
  no.reason = found.reason;
  no.tier = found.tier;
  no.applies = found.applies;
  if (!no.applies)
    return result;
  std::vector<uint64_t> floors =
      floorsOf(problem, uint32_t(loopRepeat(problem)), budgets);
  no.floorBytes = floors[no.tier];
  if (options.findSmallest)
    no.smallestFoundBytes =
        findSmallest(problem, policy, options, budgets, no.tier, no.floorBytes);
  return result;
}

} // namespace

PlanResult spillway::planner::planRepeats(const Problem &problem,
                                          const PlanOptions &options) {
  const Policy *policy = nullptr;
  for (const Policy &p : allPolicies())
    if (options.policy == p.name)
      policy = &p;
  if (!policy || loopRepeat(problem) < 0 ||
      writtenOutOps(problem) <= mostWrittenOut)
    return planWrittenOut(problem, options);
  return planWithLoop(problem, *policy, options);
}

PlanResult
spillway::planner::adoptRepeats(const Problem &problem, const Plan &plan,
                                const std::vector<uint64_t> &budgets) {
  Verdict verdict = verifyPlan(problem, plan, budgets);
  if (!verdict.ok()) {
    PlanResult result;
    result.infeasible.reason = verdict.error;
    return result;
  }
  if (plan.loops.empty())
    return adopt(unrollFor(problem, plan).problem, plan, budgets);
  PlanResult result;
  std::vector<uint64_t> full = fullBudgets(problem, budgets);
  Layout layout = layOutLoops(problem, plan, full);
  for (uint32_t t = 0; t < full.size(); ++t)
    if (layout.heights[t] > full[t]) {
      result.infeasible.tier = t;
      result.infeasible.reason =
          "the plan needs " + std::to_string(layout.heights[t]) + " bytes of " +
          problem.machine.tiers[t].name +
          " after addresses, expected at most " + std::to_string(full[t]);
      return result;
    }
  result.feasible = true;
  result.plan = plan;
  describeLoops(problem, result, std::move(layout), full, true);
  return result;
}
