//===- Joint.cpp - Recompute and swap in one search -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A greedy over gaps proposes; the emitter makes a whole plan of each proposal,
// and the simulator says what it costs. Several settings of the greedy are
// tried, then single decisions are changed for as long as iterations last.
//
//===----------------------------------------------------------------------===//

#include "../Emitter.h"
#include "../GapGreedy.h"
#include "../GapGroups.h"
#include "../Policy.h"
#include "../Prefetch.h"
#include "../Random.h"
#include "../RematPortfolio.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

struct Candidate {
  Decisions decisions;
  Plan plan;
  int64_t stepNs = 0;
  uint64_t linkBytes = 0;
  bool better(const Candidate &other) const {
    return std::pair(stepNs, linkBytes) <
           std::pair(other.stepNs, other.linkBytes);
  }
};

class Joint {
public:
  explicit Joint(const PolicyRequest &r)
      : request(r), a(r.analysis), problem(a.problem) {}

  PolicyAnswer run() {
    PolicyAnswer answer;
    if (keepAll()) {
      answer = finish();
      answer.again = nullptr; // nothing that more room could make faster
      return answer;
    }
    bool swap = problem.machine.tiers.size() > 1;
    bool oneTier = canSearchRemat(problem);
    if (oneTier)
      anneal();
    else
      greedy({.swap = swap});
    if (!oneTier && request.iterations) {
      // A large problem takes long for each: every second setting will do.
      uint32_t stride = a.gaps.size() > 4000 ? 2 : 1;
      const double margins[] = {0.0, 0.05, 0.1, 0.2};
      const double links[] = {0.015, 0.05, 0.1, 0.2};
      const double recomputes[] = {0.25, 0.5, 2.0, 4.0};
      for (uint32_t m = 0; m < 4; m += stride)
        for (uint32_t k = 0; k < 4; k += stride) {
          greedy({.linkWeight = links[k], .margin = margins[m], .swap = swap});
          greedy({.recomputeWeight = recomputes[k],
                  .margin = margins[m],
                  .swap = swap});
        }
      GapPrices prices = priceGaps(a, request.budgets, false, 800);
      for (double trust : {0.3, 0.5, 0.7})
        for (double margin : {0.0, 0.05, 0.1})
          greedy({.prices = &prices,
                  .trust = trust,
                  .margin = margin,
                  .swap = swap});
      if (swap)
        for (double margin : {0.0, 0.05, 0.1})
          greedy({.margin = margin, .recompute = false});
      greedy({.swap = false});
      improve();
    }
    if (found.empty())
      fallback(swap);
    if (found.empty()) {
      answer.reason = reason;
      answer.tier = tier;
      return answer;
    }
    return finish();
  }

private:
  bool keepAll() {
    Decisions d;
    d.gaps.assign(a.gaps.size(), GapChoice::Keep);
    d.home.assign(problem.storages.size(), 0);
    d.maySwap = d.mayDrop = false;
    return attempt(d);
  }

  /// On one tier all that can be done is to recompute and to reorder.
  void anneal() {
    RematRequest remat{request.budgets[0], request.iterations,
                       request.fixedOrder, request.deadline};
    for (const auto &sequence : findRematPlans(a, remat)) {
      Candidate c;
      c.plan = planOfSequence(a, sequence);
      for (uint32_t op : sequence)
        c.stepNs += problem.operators[op].costNs[0];
      keep(std::move(c));
    }
  }

  void greedy(const GreedyOptions &options) {
    if (!found.empty() && (request.late() || (huge && ++asked % 3)))
      return;
    attempt(chooseGaps(a, options, request.budgets));
  }

  Decisions everythingLeaves(GapChoice how) {
    Decisions d;
    d.gaps.assign(a.gaps.size(), how);
    d.home.assign(problem.storages.size(), 0);
    assignHomes(a, d, request.budgets);
    return d;
  }

  /// For budgets so small that the choices above fail: everything leaves the
  /// device as soon as it may.
  void fallback(bool swap) {
    for (int way = 0; way < 3; ++way) {
      if (!swap && way != 1)
        continue;
      Decisions d =
          everythingLeaves(way == 1 ? GapChoice::Drop : GapChoice::Swap);
      d.mayDrop = way != 0;
      d.maySwap = swap;
      attempt(d);
    }
  }

  bool attempt(Decisions d) {
    Emission e = emitPlan(a, d, request.budgets);
    if (!e.ok) {
      if (reason.empty()) {
        reason = e.reason;
        tier = e.tier;
      }
      return false;
    }
    // What had to move had better have a home.
    bool changed = false;
    for (uint32_t s : e.wantHome)
      if (d.maySwap && d.home[s] == 0) {
        d.home[s] = 1;
        changed = true;
      }
    if (changed)
      if (Emission again = emitPlan(a, d, request.budgets); again.ok)
        e = std::move(again);
    hoistLoads(problem, e.plan, request.budgets[0]);
    SimulationOptions options;
    options.budgets = request.budgets;
    options.maxRounds = 6;
    Simulation sim = simulate(problem, e.plan, options);
    Candidate c{std::move(d), std::move(e.plan), sim.stepNs, 0};
    for (uint64_t bytes : sim.linkBytes)
      c.linkBytes += bytes;
    keep(std::move(c));
    return true;
  }

  /// The best few, best first.
  void keep(Candidate c) {
    for (const Candidate &o : found)
      if (o.stepNs == c.stepNs && o.linkBytes == c.linkBytes)
        return;
    auto at = std::find_if(found.begin(), found.end(),
                           [&](const Candidate &o) { return c.better(o); });
    found.insert(at, std::move(c));
    if (found.size() > 3)
      found.pop_back();
  }

  void improve();

  PolicyAnswer finish() {
    PolicyAnswer answer;
    answer.ok = true;
    if (problem.machine.tiers.size() > 1 && found.front().linkBytes) {
      for (bool isolate : {false, true}) {
        Decisions d = everythingLeaves(GapChoice::Swap);
        d.mayDrop = false;
        d.isolate = isolate;
        if (Emission e = emitPlan(a, d, request.budgets); e.ok)
          answer.lastResorts.push_back(std::move(e.plan));
      }
    }
    if (found.front().linkBytes)
      answer.again = [d = found.front().decisions, budgets = request.budgets](
                         const Analysis &other) -> std::optional<Plan> {
        Emission e = emitPlan(other, d, budgets);
        if (!e.ok)
          return std::nullopt;
        hoistLoads(other.problem, e.plan, budgets[0]);
        return std::move(e.plan);
      };
    for (Candidate &c : found)
      answer.plans.push_back(std::move(c.plan));
    return answer;
  }

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  /// A setting takes a second or more: one of three must do.
  const bool huge = a.gaps.size() > 50000;
  uint32_t asked = 0;
  std::vector<Candidate> found;
  std::string reason;
  uint32_t tier = 0;
};

/// Changes what a group of gaps that look alike, or a stretch of one, does, and
/// keeps what is better.
void Joint::improve() {
  if (found.empty())
    return;
  std::vector<GapGroup> groups = groupGaps(a);
  if (groups.empty())
    return;
  int64_t compute = 0;
  for (const Operator &op : problem.operators)
    compute += op.costNs[0];
  // An iteration takes time in proportion to the plan's length.
  uint32_t length = uint32_t(found.front().plan.actions.size()) + 1;
  uint64_t left =
      request.deadline
          ? UINT64_MAX
          : std::min<uint64_t>(request.iterations * uint64_t(3),
                               (huge ? 4 : 16) +
                                   request.iterations * 6000ull / length);
  auto done = [&] {
    return left == 0 || request.late() ||
           found.front().stepNs <= compute + compute / 1000;
  };
  auto set = [&](Decisions &d, const GapGroup &group, size_t begin, size_t end,
                 GapChoice choice) {
    bool changes = false;
    for (size_t k = begin; k < end; ++k) {
      changes |= d.gaps[group.gaps[k]] != choice;
      d.gaps[group.gaps[k]] = choice;
    }
    return changes;
  };
  auto tryOut = [&](Decisions d) {
    --left;
    int64_t before = found.front().stepNs;
    assignHomes(a, d, request.budgets);
    attempt(std::move(d));
    return found.front().stepNs < before;
  };
  // First each group as a whole, and its earlier and later half.
  for (const GapGroup &group : groups) {
    size_t n = group.gaps.size(), half = n / 2;
    for (GapChoice choice : group.choices)
      for (auto [begin, end] :
           {std::pair(size_t(0), n), std::pair(size_t(0), half),
            std::pair(half, n)}) {
        if (done())
          return;
        Decisions d = found.front().decisions;
        if (begin < end && set(d, group, begin, end, choice))
          tryOut(std::move(d));
      }
  }
  Xorshift random;
  while (!done()) {
    Decisions d = found.front().decisions;
    uint32_t count = 1 + random.below(2);
    bool changes = false;
    for (uint32_t k = 0; k < count; ++k) {
      const GapGroup &group = groups[random.below(uint32_t(groups.size()))];
      uint32_t n = uint32_t(group.gaps.size());
      uint32_t begin = random.below(n),
               end = begin + 1 + random.below(n - begin);
      changes |=
          set(d, group, begin, end,
              group.choices[random.below(uint32_t(group.choices.size()))]);
    }
    if (changes)
      tryOut(std::move(d));
    else
      --left;
  }
}

} // namespace

PolicyAnswer spillway::planner::planJoint(const PolicyRequest &request) {
  return Joint(request).run();
}
