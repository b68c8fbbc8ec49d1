//===- RepeatPlanner.cpp - Planning what repeats ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RepeatPlanner.h"
#include "Account.h"
#include "Budgets.h"
#include "GroupPlanner.h"
#include "LoopLayout.h"
#include "RepeatOrder.h"
#include "Shortage.h"
#include "spillway/Planner/RepeatBound.h"
#include "spillway/Planner/Verify.h"

#include <algorithm>
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
  std::vector<uint32_t> order = orderToPlan(u, options.fixedOrder);
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

/// What there is to say where memory is too short for a loop.
struct Shortage {
  Shortage(const Problem &problem, const Policy &policy,
           const PlanOptions &options, const std::vector<uint64_t> &budgets)
      : problem(problem), policy(policy), options(options), budgets(budgets) {
    // What every plan needs, few repetitions need as much.
    std::vector<uint32_t> counts(problem.repeats.size(), 1);
    counts[uint32_t(onlyRepeat(problem))] = 2;
    few = unroll(problem, counts);
    floors = floorsWith(few.problem, budgets);
  }

  /// `no` has the tier.
  void explain(Infeasible &no) const {
    no.floorBytes = floors[no.tier];
    findCulprits(Analysis(few.problem), no);
    toOriginal(few, no);
    if (options.findSmallest)
      no.smallestFoundBytes = findSmallestBudget(
          no.floorBytes, problem.alignment, 64, options, [&](uint64_t bytes) {
            std::vector<uint64_t> other = budgets;
            other[no.tier] = bytes;
            GroupPlanner planner(problem, policy, options, other);
            return planner.find({}, 0).ok;
          });
  }

  const Problem &problem;
  const Policy &policy;
  const PlanOptions &options;
  const std::vector<uint64_t> &budgets;
  Unrolled few;
  std::vector<uint64_t> floors;
};

} // namespace

PlanResult spillway::planner::planRepeats(const Problem &problem,
                                          const PlanOptions &options) {
  const Policy *policy = nullptr;
  for (const Policy &p : allPolicies())
    if (options.policy == p.name)
      policy = &p;
  if (!policy || onlyRepeat(problem) < 0)
    return planWrittenOut(problem, options);
  PlanResult result;
  std::vector<uint64_t> budgets = fullBudgets(problem, options.budgets);
  GroupPlanner groups(problem, *policy, options, budgets);
  std::optional<int64_t> oneNs;
  if (!groups.loops(1)) {
    // Repetition by repetition is what an ordinary search is good at.
    PlanOptions half = options;
    if (auto now = std::chrono::steady_clock::now();
        groups.mayGroup() && options.deadline && *options.deadline > now)
      half.deadline = now + (*options.deadline - now) / 2;
    result = planWrittenOut(problem, half);
    if (!groups.mayGroup())
      return result;
    oneNs = result.feasible ? result.simulation.stepNs : INT64_MAX;
  }
  Shortage shortage(problem, *policy, options, budgets);
  Infeasible &no = result.infeasible;
  if (!oneNs && belowFloor(problem, budgets, shortage.floors, no)) {
    shortage.explain(no);
    return result;
  }
  int64_t boundNs = oneNs && result.feasible
                        ? result.lowerBoundNs
                        : stepLowerBoundNs(problem, budgets, true);
  GroupPlan found = groups.findBest(boundNs, oneNs);
  if (oneNs && !found.ok)
    return result;
  result = {};
  if (found.ok) {
    result.feasible = true;
    result.plan = std::move(found.plan);
    result.plan.policy = policy->name;
    account(problem, result, std::move(found.layout), budgets, options.offsets,
            boundNs);
    return result;
  }
  no.reason = found.reason;
  no.tier = found.tier;
  no.applies = found.applies;
  if (no.applies)
    shortage.explain(no);
  return result;
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
  account(problem, result, std::move(layout), full, true,
          stepLowerBoundNs(problem, full, true));
  return result;
}
