//===- Attempt.cpp - A policy's plan with addresses -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attempt.h"
#include "EngineBound.h"
#include "Residence.h"
#include "TwoThreads.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>

using namespace spillway::planner;

/// Thousandths of the budget that are kept free for the addresses' sake.
static constexpr uint32_t paddings[] = {0,  5,   10,  20,  35,  50,
                                        75, 100, 140, 190, 250, 330};

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
  fitting.begin(budgets);
  behindHost = hostIsShort(a, budgets);
  engineNs = engineBoundNs(a.problem);
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
  if (found && whenFound)
    whenFound();
  if (!found || iterations == 0 || onlyComputes())
    return found;
  if (options.deadline) {
    improveUntilLate(padding, iterations);
    return true;
  }
  search(padding, iterations);
  return true;
}

bool Attempt::onlyComputes() const {
  return isOnlyEngines(stepNs, engineNs, behindHost && a.large());
}

/// Searches with what a policy is told, on two threads where it is told several
/// things. The answers do not depend on that.
std::vector<PolicyAnswer> Attempt::askAll(const std::vector<uint32_t> &permille,
                                          uint32_t iterations) const {
  std::vector<PolicyAnswer> answers(permille.size());
  onTwoThreads(permille.size(),
               [&](size_t k) { answers[k] = ask(permille[k], iterations); });
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
  bool large = a.large() || iterations < 2;
  // Where the host is short, each byte that is kept free goes over the drive's
  // link; but what moves all the time finds no addresses without some.
  bool drive = large && behindHost;
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
  std::vector<uint32_t> more;
  for (uint32_t p : paddings)
    if (p > permille)
      more.push_back(p);
  uint32_t worse = 0;
  for (size_t at = 0; at < more.size(); at += 2) {
    std::vector<Plan> pair;
    for (size_t k = at; k < std::min(at + 2, more.size()); ++k) {
      std::unique_ptr<Padded> other = padded(more[k]);
      std::optional<Plan> plan = answer.again(other ? other->analysis : a);
      if (!plan)
        break;
      pair.push_back(std::move(*plan));
    }
    prepare(pair, true);
    for (const Plan &plan : pair) {
      int64_t before = stepNs;
      bool fits = offer(plan, true);
      worse += fits && stepNs >= before;
      if (worse >= 2 || onlyComputes())
        return;
    }
    if (pair.size() < 2)
      return;
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

/// Whether the order in which a plan is issued is left to the simulator.
bool Attempt::ordersByTime(const Plan &plan, bool effort) const {
  return options.offsets && (effort || early) &&
         std::any_of(
             plan.actions.begin(), plan.actions.end(),
             [](const Action &x) { return x.kind == ActionKind::Load; });
}

void Attempt::prepare(const std::vector<Plan> &plans, bool effort) {
  std::vector<FittingRequest> requests;
  for (const Plan &p : plans)
    requests.push_back(
        {&p, ordersByTime(p, effort) ? IssueOrder::ByTime : IssueOrder::AsIs,
         effort});
  fitting.prepare(requests);
}

/// True if the addresses of any of the plans fit; else `excess` says what was
/// missing.
bool Attempt::take(const std::vector<Plan> &plans, bool effort) {
  excess.assign(budgets.size(), unlimited);
  prepare(plans, effort);
  bool any = false;
  for (const Plan &p : plans)
    any |= offer(p, effort);
  return any;
}

/// Keeps the plan if its addresses fit and it is faster than what is kept.
bool Attempt::offer(const Plan &candidate, bool effort) {
  int64_t fastest = INT64_MAX; // with addresses
  auto compare = [&](IssueOrder order) {
    Fitted &f = fitting.fit({&candidate, order, effort});
    for (uint32_t t = 0; t < excess.size(); ++t)
      excess[t] = std::min(excess[t], f.excess[t]);
    fastest = std::min(fastest, f.stepNs);
    lastNs = std::min(lastNs, f.stepNs);
    if (f.stepNs < stepNs) {
      stepNs = f.stepNs;
      plan = std::move(f.plan);
      layout = std::move(f.layout);
    }
    f.plan = {};
    f.layout = {};
  };
  if (ordersByTime(candidate, effort)) {
    compare(IssueOrder::ByTime);
    // What is ordered by time hardly ever waits for an address; where it does,
    // or had to be changed to get any, other orders are tried, a few times.
    bool more = retries > 0 || fastest == INT64_MAX;
    if (early && effort && !behindHost && more) {
      SimulationOptions sim;
      sim.budgets = budgets;
      sim.maxRounds = 6;
      int64_t step = simulate(a.problem, candidate, sim).stepNs;
      for (IssueOrder order : {IssueOrder::Later, IssueOrder::Latest}) {
        if (fastest < INT64_MAX &&
            (fastest <= step / 100 * 103 || retries == 0))
          break;
        retries -= fastest < INT64_MAX;
        if (order == IssueOrder::Later)
          fitting.prepare({{&candidate, IssueOrder::Later, effort},
                           {&candidate, IssueOrder::Latest, effort}});
        compare(order);
      }
    }
  }
  // Where there is a drive that seldom helps, and takes long to find out.
  bool helps = !behindHost || !a.large() || stepNs == INT64_MAX;
  if (fastest == INT64_MAX && helps)
    compare(IssueOrder::AsIs);
  return fastest < INT64_MAX;
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
