//===- RepeatPlanner.cpp - Planning what repeats ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RepeatPlanner.h"
#include "RepeatOrder.h"
#include "spillway/Planner/Loops.h"
#include "spillway/Planner/Verify.h"

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

PlanResult spillway::planner::planRepeats(const Problem &problem,
                                          const PlanOptions &options) {
  return planWrittenOut(problem, options);
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
  return adopt(unrollFor(problem, plan).problem, plan, budgets);
}
