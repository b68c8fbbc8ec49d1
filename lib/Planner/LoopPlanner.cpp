//===- LoopPlanner.cpp - Plans with a loop ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopPlanner.h"
#include "Attempt.h"
#include "LoopCompose.h"
#include "LoopLayout.h"
#include "Prefetch.h"
#include "spillway/Planner/Verify.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

/// How often room is made for addresses around the loop, and how much of what
/// was too much is kept free at once: what is kept free is not all of use.
constexpr uint32_t mostTries = 4;
constexpr uint32_t keptOfExcess = 2;
/// A search makes what is around the loop faster by one part of that many at
/// most, as good as always.
constexpr int64_t mostWon = 4;
constexpr uint32_t leastKept = 50,
                   mostKept = 300; ///< thousandths of the budget

class LoopPlanner {
public:
  LoopPlanner(const Problem &problem, const Policy &policy,
              const PlanOptions &options, const std::vector<uint64_t> &budgets,
              const BodyPlan &body, uint32_t iterations, LoopHopes &hopes)
      : problem(problem), policy(policy), options(options), budgets(budgets),
        iterations(iterations), repeat(uint32_t(onlyRepeat(problem))),
        mayStayNear(hopes.mayStayNear), worthNs(hopes.worthNs),
        bodyPlan(body.plan), bodyLayout(body.layout) {}

  LoopPlan run();

private:
  void noteExcess(uint32_t tier, uint64_t bytes) {
    if (tier == 0)
      excess =
          uint32_t(double(bytes - budgets[0]) * 1000 / double(budgets[0])) + 1;
  }
  bool planOuter(uint32_t permille, uint32_t effort, Plan &plan);
  bool offer(const Plan &outerPlan);

  const Problem &problem;
  const Policy &policy;
  PlanOptions options;
  std::vector<uint64_t> budgets;
  uint32_t iterations;
  uint32_t repeat;
  /// Thousandths of the device's budget that its addresses were above it.
  uint32_t excess = 0;
  /// By tier: what was too much of it elsewhere than on the device.
  std::vector<uint64_t> over;
  bool &mayStayNear;
  int64_t worthNs;
  int64_t outerNs = 0; ///< of the last plan of what is around
  LoopRoom room;
  BodyProblem body;
  const Plan &bodyPlan;
  const Layout &bodyLayout;
  OuterProblem outer;
  LoopPlan result;
  int64_t stepNs = INT64_MAX;
};

/// False if some tier is below what every plan needs of it.
bool holds(const Problem &problem, const std::vector<uint64_t> &bytes) {
  Problem view = problem;
  for (uint32_t t = 0; t < bytes.size(); ++t)
    view.machine.tiers[t].capacity = bytes[t];
  std::vector<uint64_t> floors = floorBytes(view);
  for (uint32_t t = 0; t < bytes.size(); ++t)
    if (bytes[t] < floors[t])
      return false;
  return true;
}

bool LoopPlanner::planOuter(uint32_t permille, uint32_t effort, Plan &plan) {
  // Addresses are given to all at once, later.
  PlanOptions without = options;
  without.offsets = false;
  Problem padded = outer.problem;
  if (permille && budgets[0] != unlimited) {
    Analysis plain(outer.problem);
    for (uint32_t at = 0; at < plain.numOps; ++at)
      if (at != outer.gap && plain.workingSet[at] < budgets[0] / 5 * 2)
        padded.operators[at].workspace += budgets[0] / 1000 * permille;
  }
  Analysis a(padded);
  Attempt attempt(a, policy, without);
  std::vector<uint64_t> outerBudgets = budgets;
  // The host has what is fed to the repetitions between as well.
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    if (problem.storages[s].kind == StorageKind::Fed &&
        outer.unrolled.repeatOfStorage(s) == int32_t(repeat)) {
      uint64_t &left = outerBudgets[problem.storages[s].home.value_or(1)];
      if (left != unlimited)
        left -= std::min(left, problem.aligned(problem.storages[s].bytes) *
                                   (problem.repeats[repeat].count - 2));
    }
  for (uint32_t t = 1; t < outerBudgets.size(); ++t)
    if (outerBudgets[t] != unlimited)
      outerBudgets[t] -= std::min(outerBudgets[t], over[t]);
  // What goes to a farther tier than the body keeps it on would have to come
  // back over the device: first without.
  std::vector<uint64_t> near = outerBudgets;
  for (uint32_t t = 2; t < near.size(); ++t) {
    uint64_t homes = 0;
    for (const Storage &s : outer.problem.storages)
      homes += s.home == t ? problem.aligned(s.bytes) : 0;
    near[t] = std::min(near[t], homes);
  }
  if (mayStayNear && near != outerBudgets) {
    mayStayNear = holds(outer.problem, near) && attempt.run(near, effort);
    if (mayStayNear) {
      plan = std::move(attempt.plan);
      outerNs = attempt.stepNs;
      orderByTime(padded, plan, near);
      return true;
    }
  }
  if (!attempt.run(outerBudgets, effort)) {
    result.reason = attempt.reason;
    result.tier = attempt.tier;
    result.applies = attempt.applies;
    return false;
  }
  plan = std::move(attempt.plan);
  outerNs = attempt.stepNs;
  orderByTime(padded, plan, outerBudgets);
  return true;
}

/// True if the whole fits with its addresses.
bool LoopPlanner::offer(const Plan &outerPlan) {
  std::string reason;
  auto plan =
      composeLoop(problem, repeat, body, bodyPlan, outer, outerPlan, reason);
  if (!plan) {
    result.reason = reason;
    return false;
  }
  Verdict verdict = verifyPlan(
      problem, *plan, std::vector<uint64_t>(budgets.size(), unlimited));
  if (!verdict.ok()) {
    result.reason = "the repetitions do not fit together: " + verdict.error;
    return false;
  }
  auto within = [&](const std::vector<uint64_t> &bytes, const char *who) {
    for (uint32_t t = 0; t < budgets.size(); ++t)
      if (bytes[t] > budgets[t]) {
        over[t] += t > 0 ? bytes[t] - budgets[t] : 0;
        noteExcess(t, bytes[t]);
        result.tier = t;
        result.reason = std::string(who) + " need " + std::to_string(bytes[t]) +
                        " bytes of " + problem.machine.tiers[t].name +
                        ", expected at most " + std::to_string(budgets[t]);
        return false;
      }
    return true;
  };
  if (!within(verdict.peakBytes, "the repetitions together"))
    return false;
  Layout layout;
  if (options.offsets) {
    LoopAddresses known{0, &bodyPlan, &bodyLayout, {}};
    Unrolled folded = unrollFor(problem, *plan);
    for (uint32_t s : body.storages)
      known.storages.push_back(folded.storage(s, 1));
    layout = layOutLoops(problem, *plan, budgets, &known);
    if (!within(layout.heights, "the addresses of the best plan"))
      return false;
  } else {
    layout.lives = lifetimes(unrollFor(problem, *plan).problem, *plan);
  }
  int64_t ns =
      simulateLoops(problem, *plan, options.offsets ? &layout : nullptr,
                    budgets, false)
          .stepNs;
  if (ns < stepNs) {
    stepNs = ns;
    result.ok = true;
    result.plan = std::move(*plan);
    result.layout = std::move(layout);
  }
  return true;
}

LoopPlan LoopPlanner::run() {
  room = shareRoom(problem, repeat, budgets);
  body = makeBody(problem, repeat);
  // What the body begins with stays where it has it, around the loop. Where no
  // addresses are found for the rest then, the device is cleared before and
  // behind the loop, which has the links fill it twice a step.
  for (bool clear : {false, true}) {
    outer = makeOuter(problem, repeat, body, bodyPlan, bodyLayout.heights[0],
                      room, options.fixedOrder, clear);
    uint32_t permille = 0, tooLittle = 0;
    over.assign(budgets.size(), 0);
    // Room on other tiers is found in few steps, each quick.
    for (uint32_t tried = 0, moved = 0; tried < mostTries; ++tried) {
      Plan plan;
      excess = 0;
      std::vector<uint64_t> before = over;
      if (!planOuter(permille, 0, plan)) {
        if (permille <= tooLittle + leastKept)
          break;
        permille = (tooLittle + permille) / 2; // that was too much
        continue;
      }
      if (!offer(plan)) {
        tooLittle = permille;
        if (over != before && ++moved < mostTries)
          --tried;
        else
          permille += std::clamp(keptOfExcess * excess, leastKept, mostKept);
        continue;
      }
      // Two repetitions of many need not be searched as hard.
      uint32_t effort = std::max(iterations / 4, std::min(iterations, 1u));
      if (effort && stepNs - outerNs / mostWon < worthNs &&
          planOuter(permille, effort, plan))
        offer(plan);
      return std::move(result);
    }
  }
  return std::move(result);
}

} // namespace

BodyPlan spillway::planner::planBody(const Problem &problem,
                                     const Policy &policy,
                                     const PlanOptions &options,
                                     const std::vector<uint64_t> &budgets,
                                     uint32_t iterations) {
  uint32_t repeat = uint32_t(onlyRepeat(problem));
  LoopRoom room = shareRoom(problem, repeat, budgets);
  BodyProblem body = makeBody(problem, repeat);
  Analysis a(body.problem);
  Attempt attempt(a, policy, options);
  BodyPlan out;
  // What a repetition has behind the host may cost it nothing, but the first
  // and the last one have the drive carry state besides: first without.
  std::vector<uint64_t> near = room.bodyBudgets;
  for (uint32_t t = 2; t < near.size(); ++t)
    near[t] = 0;
  bool tried = near != room.bodyBudgets && holds(body.problem, near);
  out.ok = (tried && attempt.run(near, iterations)) ||
           attempt.run(room.bodyBudgets, iterations);
  out.reason = attempt.reason;
  out.tier = attempt.tier;
  out.applies = attempt.applies;
  if (!out.ok)
    return out;
  out.plan = std::move(attempt.plan);
  out.layout = std::move(attempt.layout);
  out.stepNs = attempt.stepNs;
  if (!options.offsets) { // heights are loads then
    SimulationOptions sim;
    sim.budgets = room.bodyBudgets;
    out.layout.heights = simulate(body.problem, out.plan, sim).peakBytes;
  }
  return out;
}

LoopPlan spillway::planner::planAround(const Problem &problem,
                                       const Policy &policy,
                                       const PlanOptions &options,
                                       const std::vector<uint64_t> &budgets,
                                       const BodyPlan &body,
                                       uint32_t iterations, LoopHopes &hopes) {
  if (!body.ok)
    return body;
  return LoopPlanner(problem, policy, options, budgets, body, iterations, hopes)
      .run();
}

LoopPlan spillway::planner::planLoop(const Problem &problem,
                                     const Policy &policy,
                                     const PlanOptions &options,
                                     const std::vector<uint64_t> &budgets,
                                     uint32_t iterations) {
  LoopHopes hopes;
  return planAround(problem, policy, options, budgets,
                    planBody(problem, policy, options, budgets, iterations),
                    iterations, hopes);
}
