//===- Planner.cpp - From a problem to a plan with addresses ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Planner.h"

#include "Account.h"
#include "Attempt.h"
#include "Budgets.h"
#include "RepeatPlanner.h"
#include "Shortage.h"
#include "spillway/Planner/Verify.h"

#include <algorithm>
#include <future>
#include <numeric>
#include <set>

using namespace spillway::planner;

const std::vector<Policy> &spillway::planner::allPolicies() {
  static const std::vector<Policy> list = {
#define POLICY(function, name, summary) {name, summary, function},
#include "Policies/Policies.def"
#undef POLICY
  };
  return list;
}

std::vector<PolicyInfo> spillway::planner::policies() {
  std::vector<PolicyInfo> out;
  for (const Policy &p : allPolicies())
    out.push_back({p.name, p.summary});
  return out;
}

/// The same problem where operators run on the device only.
static Problem withoutHostEngine(Problem problem) {
  for (Operator &op : problem.operators)
    for (uint32_t e = 0; e < op.costNs.size(); ++e)
      if (problem.machine.engines[e].tier != 0)
        op.costNs[e] = -1;
  return problem;
}

/// A safety net: where operators may run off the device, joint takes the plan
/// of a policy that has them do so, should that be faster than its own.
static void tryHostPolicies(Attempt &attempt, const Analysis &a,
                            const PlanOptions &options,
                            const std::vector<uint64_t> &budgets) {
  const Problem &problem = a.problem;
  bool elsewhere = std::any_of(
      problem.operators.begin(), problem.operators.end(),
      [&](const Operator &op) {
        for (uint32_t e = 0; e < op.costNs.size(); ++e)
          if (op.costNs[e] >= 0 && problem.machine.engines[e].tier != 0)
            return true;
        return false;
      });
  if (!elsewhere)
    return;
  for (const Policy &p : allPolicies()) {
    static const std::set<std::string> names = {"zero-offload", "zero-infinity",
                                                "patrickstar"};
    if (!names.count(p.name))
      continue;
    Attempt other(a, p, options);
    if (other.run(budgets, options.iterations) &&
        other.stepNs < attempt.stepNs) {
      attempt.plan = std::move(other.plan);
      attempt.layout = std::move(other.layout);
      attempt.stepNs = other.stepNs;
    }
  }
}

PlanResult spillway::planner::plan(const Problem &problem,
                                   const PlanOptions &options) {
  if (!options.hostEngine) {
    PlanOptions rest = options;
    rest.hostEngine = true;
    return plan(withoutHostEngine(problem), rest);
  }
  if (hasRepeats(problem))
    return planRepeats(problem, options);
  PlanResult result;
  const Policy *policy = nullptr;
  std::string names;
  for (const Policy &p : allPolicies()) {
    if (options.policy == p.name)
      policy = &p;
    names += std::string(names.empty() ? "" : ", ") + p.name;
  }
  if (!policy) {
    result.infeasible.reason =
        "unknown policy '" + options.policy + "', expected one of: " + names;
    return result;
  }
  Analysis a(problem);
  std::vector<uint64_t> budgets = fullBudgets(problem, options.budgets);
  std::vector<uint64_t> floors = floorsWith(problem, budgets);
  Attempt attempt(a, *policy, options);
  std::future<int64_t> boundNs;
  attempt.whenFound = [&] {
    boundNs = std::async(std::launch::async,
                         [&] { return lowerBoundNs(problem, budgets); });
  };
  Infeasible &no = result.infeasible;
  if (!belowFloor(problem, budgets, floors, no)) {
    result.feasible = attempt.run(budgets, options.iterations);
    if (result.feasible && options.iterations && options.portfolio &&
        options.policy == "joint")
      tryHostPolicies(attempt, a, options, budgets);
    no.tier = attempt.tier;
    no.reason = attempt.reason;
    no.applies = attempt.applies;
  }
  if (result.feasible) {
    result.plan = attempt.plan;
    result.plan.policy = policy->name;
    Verdict verdict = verifyPlan(problem, result.plan, budgets);
    if (!verdict.ok()) {
      result.feasible = false;
      no.reason = "internal fault: policy '" + options.policy +
                  "' made a wrong plan: " + verdict.error +
                  "; please report it";
      return result;
    }
    account(problem, result, std::move(attempt.layout), budgets,
            options.offsets, boundNs.get());
    return result;
  }
  attempt.whenFound = nullptr;
  if (!no.applies) // no budget helps
    return result;
  no.floorBytes = floors[no.tier];
  findCulprits(a, no);
  if (options.findSmallest)
    no.smallestFoundBytes = findSmallestBudget(
        floors[no.tier], problem.alignment, 256, options, [&](uint64_t bytes) {
          std::vector<uint64_t> other = budgets;
          other[no.tier] = bytes;
          return attempt.run(other, 0);
        });
  return result;
}

PlanResult spillway::planner::adopt(const Problem &problem, const Plan &plan,
                                    const std::vector<uint64_t> &given) {
  if (hasRepeats(problem))
    return adoptRepeats(problem, plan, given);
  PlanResult result;
  std::vector<uint64_t> budgets = fullBudgets(problem, given);
  Verdict verdict = verifyPlan(problem, plan, budgets);
  if (!verdict.ok()) {
    result.infeasible.reason = verdict.error;
    return result;
  }
  Layout layout = layOut(problem, plan, budgets);
  for (uint32_t t = 0; t < budgets.size(); ++t)
    if (layout.heights[t] > budgets[t]) {
      result.infeasible.tier = t;
      result.infeasible.reason =
          "the plan needs " + std::to_string(layout.heights[t]) + " bytes of " +
          problem.machine.tiers[t].name +
          " after addresses, expected at most " + std::to_string(budgets[t]);
      return result;
    }
  result.feasible = true;
  result.plan = plan;
  account(problem, result, std::move(layout), budgets, true,
          lowerBoundNs(problem, budgets));
  return result;
}

uint64_t spillway::planner::unconstrainedPeakBytes(const Problem &problem) {
  Problem free = problem;
  for (Tier &t : free.machine.tiers)
    t.capacity = unlimited;
  PlanOptions options;
  options.policy = "keep-all";
  PlanResult result = plan(free, options);
  return result.feasible ? result.peakBytes[0] : 0;
}
