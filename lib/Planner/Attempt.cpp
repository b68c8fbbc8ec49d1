//===- Attempt.cpp - A policy's plan with addresses -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attempt.h"
#include "Prefetch.h"
#include "Residence.h"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace spillway::planner;

/// Thousandths of the budget that are kept free for the addresses' sake.
static constexpr uint32_t paddings[] = {0,  5,   10,  20,  35,  50,
                                        75, 100, 140, 190, 250, 330};

/// Of finding addresses an item, while it is only asked whether there are any.
static constexpr uint64_t quickSteps = 2000;

/// Where addresses do not fit, loads come later: the less is there ahead of its
/// time, the easier they are to find.
static constexpr struct {
  uint32_t percent; ///< of the device that early loads may fill
  double slack;
} tighter[] = {{97, 1.1}, {94, 1.0}};

/// Where addresses cost time, how often others are tried.
static constexpr uint32_t mostRetries = 8;

std::unique_ptr<Attempt::Padded> Attempt::padded(uint32_t permille) const {
  if (permille == 0 || budgets[0] == unlimited)
    return nullptr;
  Problem problem = a.problem;
  uint64_t padding = budgets[0] / 1000 * permille;
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (a.workingSet[at] < budgets[0] / 5 * 2)
      problem.operators[at].workspace += padding;
  return std::make_unique<Padded>(std::move(problem));
}

PolicyAnswer Attempt::ask(uint32_t permille, uint32_t iterations) const {
  std::unique_ptr<Padded> other = padded(permille);
  return policy.plan({other ? other->analysis : a, target, iterations,
                      options.fixedOrder, options.deadline});
}

bool Attempt::run(const std::vector<uint64_t> &given, uint32_t iterations) {
  budgets = target = given;
  stepNs = INT64_MAX;
  retries = mostRetries;
  tried.clear();
  // Quickly, how much padding it takes for the addresses to fit; then with
  // effort at that padding.
  std::vector<Plan> lastResorts;
  PolicyAnswer answer;
  bool found = false;
  uint32_t padding = 0, least = 0;
  for (uint32_t permille : paddings) {
    if (permille < least)
      continue;
    padding = permille;
    answer = ask(permille, 0);
    if (permille == 0) {
      lastResorts = std::move(answer.lastResorts);
      reason = answer.reason;
      tier = answer.tier;
      applies = answer.applies;
      early = bool(answer.again);
    }
    if (!answer.ok || (found = take(answer.plans, false)))
      break;
    lowerOthers();
    // Far too high: small steps would lead nowhere.
    if (excess[0] != unlimited && budgets[0] >= 1000)
      least = uint32_t(excess[0] / (budgets[0] / 1000) / 3);
  }
  if (!found)
    found = take(lastResorts, false);
  if (!found || iterations == 0)
    return found;
  if (options.deadline) {
    improveUntilLate(padding, iterations);
    return true;
  }
  search(padding, iterations);
  return true;
}

/// Searches with what a policy is told, on two threads where it is told several
/// things. The answers do not depend on that.
std::vector<PolicyAnswer> Attempt::askAll(const std::vector<uint32_t> &permille,
                                          uint32_t iterations) const {
  std::vector<PolicyAnswer> answers(permille.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t k; (k = next++) < permille.size();)
      answers[k] = ask(permille[k], iterations);
  };
  if (permille.size() < 2) {
    work();
    return answers;
  }
  std::thread second(work);
  work();
  second.join();
  return answers;
}

/// What is kept free lets addresses fit and loads come early, and must be moved
/// for it; how much is best cannot be told beforehand.
void Attempt::search(uint32_t padding, uint32_t iterations) {
  std::vector<uint32_t> levels = {padding};
  auto offerAll = [&](uint32_t effort) {
    std::vector<std::pair<int64_t, uint32_t>> results;
    std::vector<PolicyAnswer> answers = askAll(levels, effort);
    for (size_t k = 0; k < levels.size(); ++k) {
      lastNs = INT64_MAX;
      if (answers[k].ok) {
        take(answers[k].plans, true);
        makeAgain(answers[k], levels[k]);
      }
      results.push_back({lastNs, levels[k]});
    }
    std::sort(results.begin(), results.end());
    return results;
  };
  // A large problem takes long for each, and one of many is only asked what it
  // promises. Of a huge one, what is found is made again with more.
  bool large = a.gaps.size() >= 4000 || iterations < 2;
  // Where the host is short, each byte that is kept free goes over the drive's
  // link; but what moves all the time finds no addresses without some.
  bool drive = large && hostIsShort(a, budgets);
  if (early && !a.huge())
    for (uint32_t more : {10, 25, 50, 100, 150})
      if (padding + more <= 330 &&
          (large ? more == 50 || (drive && more == 10) : more > 10))
        levels.push_back(padding + more);
  if (!large && iterations >= 8) {
    auto results = offerAll(iterations / 8);
    levels.clear();
    for (size_t k = 0; k < std::min<size_t>(results.size(), 2); ++k)
      levels.push_back(results[k].second);
  }
  offerAll(iterations);
}

/// The decisions that a search has found, with more padding: what it costs in
/// memory may be less than what the addresses cost in time.
void Attempt::makeAgain(const PolicyAnswer &answer, uint32_t permille) {
  if (!answer.again || !options.offsets)
    return;
  uint32_t worse = 0;
  for (uint32_t p : paddings) {
    if (p <= permille || worse >= 2)
      continue;
    int64_t before = stepNs;
    std::unique_ptr<Padded> other = padded(p);
    std::optional<Plan> plan = answer.again(other ? other->analysis : a);
    if (!plan)
      return;
    bool fits = offer(std::move(*plan), true);
    worse += fits && stepNs >= before;
  }
}

/// More effort, in doubling steps, for as long as there is time and something
/// to win.
void Attempt::improveUntilLate(uint32_t permille, uint32_t iterations) {
  int64_t bound = lowerBoundNs(a.problem, budgets);
  if (std::chrono::steady_clock::now() < *options.deadline)
    search(permille, 1);
  while (iterations && stepNs > bound &&
         std::chrono::steady_clock::now() < *options.deadline) {
    PolicyAnswer answer = ask(permille, iterations);
    if (answer.ok) {
      take(answer.plans, true);
      makeAgain(answer, permille);
    }
    if (!answer.searches)
      return;
    iterations = iterations > UINT32_MAX / 2 ? 0 : iterations * 2;
  }
}

/// True if the addresses of any of the plans fit; else `excess` says what was
/// missing.
bool Attempt::take(std::vector<Plan> &plans, bool effort) {
  excess.assign(budgets.size(), unlimited);
  bool any = false;
  for (Plan &p : plans)
    any |= offer(std::move(p), effort);
  return any;
}

int64_t Attempt::keep(Plan candidate, Layout l) {
  SimulationOptions sim;
  sim.budgets = budgets;
  sim.maxRounds = 6;
  if (options.offsets) {
    sim.offsets = &l.offsets;
    sim.workspaceOffsets = &l.workspaces;
  }
  int64_t step = simulate(a.problem, candidate, sim).stepNs;
  lastNs = std::min(lastNs, step);
  if (step < stepNs) {
    stepNs = step;
    plan = std::move(candidate);
    layout = std::move(l);
  }
  return step;
}

/// Keeps the plan if its addresses fit and it is faster than what is kept.
bool Attempt::offer(Plan candidate, bool effort) {
  int64_t fastest = INT64_MAX; // with addresses
  auto compare = [&](Plan &p) {
    // Several levels of padding often lead to the same.
    for (const Tried &t : tried)
      if (t.effort == effort && t.actions == p.actions &&
          t.initial == p.initial) {
        lastNs = std::min(lastNs, t.stepNs);
        fastest = std::min(fastest, t.stepNs);
        return;
      }
    tried.push_back({effort, p.actions, p.initial, INT64_MAX});
    Layout l;
    if (!fit(p, l, effort))
      return;
    int64_t step = keep(std::move(p), std::move(l));
    tried.back().stepNs = step;
    fastest = std::min(fastest, step);
  };
  bool moves =
      std::any_of(candidate.actions.begin(), candidate.actions.end(),
                  [](const Action &x) { return x.kind == ActionKind::Load; });
  // What is ordered by time hardly ever waits for an address; where it does, or
  // had to be changed to get any, other orders are tried, a few times.
  int64_t enough = INT64_MAX - 1;
  if (moves && options.offsets && effort && retries) {
    SimulationOptions sim;
    sim.budgets = budgets;
    sim.maxRounds = 6;
    enough = simulate(a.problem, candidate, sim).stepNs / 100 * 103;
  }
  auto done = [&] {
    if (fastest == INT64_MAX || fastest <= enough || retries == 0)
      return fastest < INT64_MAX;
    --retries;
    return false;
  };
  if (moves && options.offsets && (effort || early))
    for (uint32_t k = 0; k <= std::size(tighter) && !done(); ++k) {
      if (k > 0 && (!early || !effort || budgets.size() > 2))
        break;
      Plan timed = candidate;
      if (k > 0)
        orderLoads(
            a.problem, timed, budgets,
            {budgets[0] / 100 * tighter[k - 1].percent, tighter[k - 1].slack});
      if (orderByTime(a.problem, timed, budgets))
        compare(timed);
    }
  if (fastest == INT64_MAX)
    compare(candidate);
  return fastest < INT64_MAX;
}

/// Gives addresses, and issues loads later where they do not fit.
bool Attempt::fit(Plan &candidate, Layout &l, bool effort) {
  if (!options.offsets) {
    l.lives = lifetimes(a.problem, candidate);
    return true;
  }
  for (uint32_t round = 0; round < (effort ? 4u : 3u); ++round) {
    l = layOut(a.problem, candidate, budgets,
               effort ? std::nullopt : std::optional<uint64_t>(quickSteps));
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

/// Where the addresses of a tier other than the device do not fit, less of it
/// is offered.
void Attempt::lowerOthers() {
  for (uint32_t t = 0; t < budgets.size(); ++t) {
    if (excess[t] == 0 || excess[t] == unlimited || target[t] == unlimited)
      continue;
    tier = t;
    if (t > 0)
      target[t] -=
          std::min(target[t], std::max<uint64_t>(excess[t], target[t] / 200));
  }
  reason = "the addresses of the best plan do not fit into " +
           std::to_string(budgets[tier]) + " bytes of " +
           a.problem.machine.tiers[tier].name;
}
