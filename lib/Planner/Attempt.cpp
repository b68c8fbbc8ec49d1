//===- Attempt.cpp - A policy's plan with addresses -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attempt.h"
#include "Prefetch.h"

#include <algorithm>

using namespace spillway::planner;

bool Attempt::ask(const std::vector<uint64_t> &target, uint32_t iterations,
                  PolicyAnswer &answer) {
  answer = policy.plan(
      {a, target, iterations, options.fixedOrder, options.deadline});
  return answer.ok;
}

bool Attempt::run(const std::vector<uint64_t> &given, uint32_t iterations) {
  budgets = given;
  stepNs = INT64_MAX;
  // Quickly, how much below the budget the sum of live bytes has to stay for
  // the addresses to fit; then with effort at that target.
  std::vector<uint64_t> target = budgets;
  std::vector<Plan> lastResorts;
  PolicyAnswer answer;
  bool found = false;
  for (uint32_t round = 0; round < 12 && !found; ++round) {
    bool ok = ask(target, 0, answer);
    if (round == 0) {
      lastResorts = std::move(answer.lastResorts);
      reason = answer.reason;
      tier = answer.tier;
      applies = answer.applies;
    }
    if (!ok)
      break;
    found = take(answer.plans, false);
    if (!found && !lower(target, round))
      break;
  }
  if (!found)
    found = take(lastResorts, false);
  if (!found || iterations == 0)
    return found;
  if (options.deadline) {
    improveUntilLate(target, iterations);
    return true;
  }
  for (uint32_t round = 0; round < 3; ++round)
    if (!ask(target, iterations, answer) || take(answer.plans, true) ||
        !lower(target, round))
      break;
  return true;
}

/// More effort, in doubling steps, for as long as there is time and something
/// to win.
void Attempt::improveUntilLate(const std::vector<uint64_t> &target,
                               uint32_t iterations) {
  int64_t bound = lowerBoundNs(a.problem, budgets);
  PolicyAnswer answer;
  while (iterations && stepNs > bound &&
         std::chrono::steady_clock::now() < *options.deadline) {
    if (ask(target, iterations, answer))
      take(answer.plans, true);
    iterations = iterations > UINT32_MAX / 2 ? 0 : iterations * 2;
  }
}

/// Keeps the fastest of these plans and of the one that is kept already. True
/// if the addresses of any fit; else `excess` says what was missing.
bool Attempt::take(std::vector<Plan> &plans, bool effort) {
  excess.assign(budgets.size(), unlimited);
  bool any = false;
  auto offer = [&](Plan candidate) {
    Layout l;
    if (!fit(candidate, l, effort))
      return;
    any = true;
    SimulationOptions sim;
    sim.budgets = budgets;
    sim.maxRounds = 6;
    if (options.offsets) {
      sim.offsets = &l.offsets;
      sim.workspaceOffsets = &l.workspaces;
    }
    int64_t step = simulate(a.problem, candidate, sim).stepNs;
    if (step < stepNs) {
      stepNs = step;
      plan = std::move(candidate);
      layout = std::move(l);
    }
  };
  for (Plan &p : plans) {
    bool moves =
        std::any_of(p.actions.begin(), p.actions.end(),
                    [](const Action &x) { return x.kind == ActionKind::Load; });
    if (effort && moves && options.offsets) {
      Plan timed = p;
      if (orderByTime(a.problem, timed, budgets))
        offer(std::move(timed));
    }
    offer(std::move(p));
  }
  return any;
}

/// Gives addresses, and issues loads later where they do not fit.
bool Attempt::fit(Plan &candidate, Layout &l, bool effort) {
  if (!options.offsets) {
    l.lives = lifetimes(a.problem, candidate);
    return true;
  }
  for (uint32_t round = 0; round < (effort ? 4u : 3u); ++round) {
    l = layOut(a.problem, candidate, budgets);
    bool fits = true, device = false;
    for (uint32_t t = 0; t < budgets.size(); ++t) {
      uint64_t over = l.heights[t] - std::min(l.heights[t], budgets[t]);
      excess[t] = std::min(excess[t], over);
      fits &= over == 0;
      device |= t == 0 && over;
    }
    if (fits)
      return true;
    if (!device ||
        !postponeLoads(a.problem, candidate, l.lives, l.offsets, budgets[0]))
      return false;
  }
  return false;
}

/// Addresses need more than the sum of live bytes: asks for a plan that leaves
/// them that much, in growing steps.
bool Attempt::lower(std::vector<uint64_t> &target, uint32_t round) {
  bool lowered = false;
  for (uint32_t t = 0; t < budgets.size(); ++t) {
    if (excess[t] == 0 || excess[t] == unlimited || target[t] == unlimited)
      continue;
    uint64_t step = std::clamp<uint64_t>(
        excess[t], target[t] / 200,
        std::max<uint64_t>(target[t] / 200, target[t] / 100 * (round + 1)));
    // Less than the most demanding operator needs is no target.
    uint64_t least =
        t == 0 && a.numOps
            ? *std::max_element(a.workingSet.begin(), a.workingSet.end())
            : 0;
    uint64_t next = std::max(target[t] - std::min(target[t], step),
                             std::min(least, target[t]));
    lowered |= next < target[t];
    target[t] = next;
    tier = t;
  }
  reason = "the addresses of the best plan do not fit into " +
           std::to_string(budgets[tier]) + " bytes of " +
           a.problem.machine.tiers[tier].name;
  return lowered;
}
