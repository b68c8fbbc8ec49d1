//===- Planner.cpp - From a problem to a plan with addresses ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Planner.h"

#include "Policy.h"
#include "spillway/Planner/Offsets.h"
#include "spillway/Planner/Verify.h"

#include <algorithm>
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

namespace {

std::vector<uint64_t> fullBudgets(const Problem &problem,
                                  const std::vector<uint64_t> &budgets) {
  std::vector<uint64_t> out;
  for (uint32_t t = 0; t < problem.machine.tiers.size(); ++t)
    out.push_back(t < budgets.size() ? budgets[t]
                                     : problem.machine.tiers[t].capacity);
  return out;
}

/// The addresses of one plan.
struct Layout {
  std::vector<Lifetime> lives;
  std::vector<uint64_t> offsets;        ///< by life
  std::vector<uint64_t> workspaces;     ///< by action
  std::vector<uint64_t> heights, loads; ///< by tier
};

Layout layOut(const Problem &problem, const Plan &plan,
              const std::vector<uint64_t> &budgets) {
  Layout out;
  out.lives = lifetimes(problem, plan);
  uint32_t n = uint32_t(plan.actions.size());
  uint32_t numTiers = uint32_t(problem.machine.tiers.size());
  // Lives that share a buffer are one item. A life takes over from an earlier
  // one but where the chain wraps around, so roots are found by walking.
  auto root = [&](uint32_t l) {
    for (uint32_t steps = 0; out.lives[l].takesOver >= 0 && steps <= n; ++steps)
      l = uint32_t(out.lives[l].takesOver);
    return l;
  };
  std::vector<std::vector<OffsetItem>> items(numTiers);
  std::vector<uint32_t> itemOf(out.lives.size(), none);
  for (uint32_t l = 0; l < out.lives.size(); ++l) {
    uint32_t r = root(l);
    const Lifetime &life = out.lives[l];
    auto &list = items[life.instance.tier];
    if (itemOf[r] == none) {
      itemOf[r] = uint32_t(list.size());
      list.emplace_back();
    }
    itemOf[l] = itemOf[r];
    OffsetItem &item = list[itemOf[l]];
    item.bytes = std::max(
        item.bytes,
        problem.storages[life.instance.storage].partBytes(life.instance.part));
    if (!life.wraps) {
      item.live.push_back({life.first, life.end});
    } else if (life.first == life.end) {
      item.live.push_back({0, n});
    } else {
      item.live.push_back({life.first, n});
      item.live.push_back({0, life.end});
    }
  }
  std::vector<std::pair<uint32_t, uint32_t>> workspaceItem(n, {0, none});
  for (uint32_t at = 0; at < n; ++at) {
    const Action &a = plan.actions[at];
    if (a.kind != ActionKind::Run || problem.operators[a.op].workspace == 0)
      continue;
    uint32_t tier = problem.machine.engines[a.engine].tier;
    workspaceItem[at] = {tier, uint32_t(items[tier].size())};
    items[tier].push_back(
        {problem.operators[a.op].workspace, {{at, at + 1}}, std::nullopt});
  }
  std::vector<OffsetResult> results;
  for (uint32_t t = 0; t < numTiers; ++t) {
    OffsetOptions options;
    options.alignment = problem.alignment;
    options.target = budgets[t] == unlimited ? 0 : budgets[t];
    results.push_back(assignOffsets(items[t], options));
    out.heights.push_back(results.back().height);
    out.loads.push_back(results.back().maxLoad);
  }
  for (uint32_t l = 0; l < out.lives.size(); ++l)
    out.offsets.push_back(
        results[out.lives[l].instance.tier].offsets[itemOf[l]]);
  out.workspaces.assign(n, 0);
  for (uint32_t at = 0; at < n; ++at)
    if (workspaceItem[at].second != none)
      out.workspaces[at] =
          results[workspaceItem[at].first].offsets[workspaceItem[at].second];
  return out;
}

/// Everything a result tells about a plan that is known to be right.
void describe(const Problem &problem, PlanResult &result, Layout layout,
              const std::vector<uint64_t> &budgets, bool addresses) {
  const Plan &plan = result.plan;
  SimulationOptions options;
  options.budgets = budgets;
  options.timeline = true;
  options.maxRounds = 24;
  if (addresses) {
    options.offsets = &layout.offsets;
    options.workspaceOffsets = &layout.workspaces;
  }
  result.simulation = simulate(problem, plan, options);
  result.peakBytes = addresses ? layout.heights : result.simulation.peakBytes;
  for (uint32_t l = 0; l < layout.lives.size(); ++l) {
    const Instance &i = layout.lives[l].instance;
    result.buffers.push_back({layout.lives[l],
                              addresses ? layout.offsets[l] : 0,
                              problem.storages[i.storage].partBytes(i.part)});
  }
  result.workspaceOffsets = std::move(layout.workspaces);
  std::vector<bool> ran(problem.operators.size());
  std::set<uint32_t> moved;
  for (const Action &a : plan.actions) {
    if (a.kind == ActionKind::Load || a.kind == ActionKind::Store)
      if (problem.storages[a.storage].kind != StorageKind::Fed)
        moved.insert(a.storage);
    if (a.kind != ActionKind::Run)
      continue;
    const Operator &op = problem.operators[a.op];
    result.totalFlops += op.flops;
    if (ran[a.op]) {
      ++result.numRecomputed;
      result.recomputedFlops += op.flops;
      result.recomputedNs += op.costNs[a.engine];
    }
    ran[a.op] = true;
  }
  result.numSwapped = uint32_t(moved.size());
  result.lowerBoundNs = lowerBoundNs(problem, budgets);
  // A prediction below a bound that holds for every plan is a fault of ours,
  // and must not be passed on as good news.
  if (result.simulation.stepNs < result.lowerBoundNs) {
    result.feasible = false;
    result.infeasible.reason = "internal fault: predicted step of " +
                               std::to_string(result.simulation.stepNs) +
                               " ns is below the lower bound of " +
                               std::to_string(result.lowerBoundNs) +
                               " ns; please report it";
  }
}

/// One budget, tried in earnest: is there a plan whose addresses fit?
class Attempt {
public:
  Attempt(const Analysis &a, const Policy &policy, const PlanOptions &options)
      : a(a), policy(policy), options(options) {}

  /// The best plan found that fits; none: `reason` says why. Whether there is
  /// one does not depend on `iterations`.
  bool run(const std::vector<uint64_t> &budgets, uint32_t iterations) {
    // Quickly, how much below the budget the sum of live bytes has to stay for
    // the addresses to fit; then with effort at that target.
    std::vector<uint64_t> target = budgets;
    std::vector<Plan> lastResorts;
    bool found = false, more = true;
    for (uint32_t round = 0; round < 10 && more && !found; ++round) {
      PolicyAnswer answer = policy.plan({a, target, 0, options.fixedOrder});
      if (round == 0) {
        lastResorts = std::move(answer.lastResorts);
        reason = answer.reason;
        tier = answer.tier;
        applies = answer.applies;
      }
      if (!answer.ok)
        break;
      found = takeBest(answer.plans, budgets);
      if (!found)
        more = lower(target, budgets);
    }
    if (!found)
      return takeBest(lastResorts, budgets);
    if (iterations && !options.deadline)
      improve(target, budgets, iterations);
    else if (iterations)
      improveUntilLate(target, budgets, iterations);
    return true;
  }

  Plan plan;
  Layout layout;
  std::string reason;
  uint32_t tier = 0;
  bool applies = true;

private:
  /// With effort, at a target with which a plan was found.
  void improve(std::vector<uint64_t> &target,
               const std::vector<uint64_t> &budgets, uint32_t iterations) {
    for (uint32_t round = 0; round < 3; ++round) {
      PolicyAnswer answer = policy.plan(
          {a, target, iterations, options.fixedOrder, options.deadline});
      if (!answer.ok || takeBest(answer.plans, budgets) ||
          !lower(target, budgets))
        break;
    }
  }

  /// More effort, in doubling steps, for as long as there is time and something
  /// to win.
  void improveUntilLate(const std::vector<uint64_t> &target,
                        const std::vector<uint64_t> &budgets,
                        uint32_t iterations) {
    auto late = [&] {
      return std::chrono::steady_clock::now() >= *options.deadline;
    };
    auto step = [&](const Plan &p, const Layout &l) {
      SimulationOptions sim;
      sim.budgets = budgets;
      if (options.offsets) {
        sim.offsets = &l.offsets;
        sim.workspaceOffsets = &l.workspaces;
      }
      return simulate(a.problem, p, sim).stepNs;
    };
    int64_t bound = lowerBoundNs(a.problem, budgets);
    int64_t best = step(plan, layout);
    for (; iterations && best > bound && !late();
         iterations = iterations > UINT32_MAX / 2 ? 0 : iterations * 2) {
      Plan bestPlan = plan;
      Layout bestLayout = layout;
      std::vector<uint64_t> lowered = target;
      improve(lowered, budgets, iterations);
      if (int64_t now = step(plan, layout); now < best) {
        best = now;
      } else {
        plan = std::move(bestPlan);
        layout = std::move(bestLayout);
      }
    }
  }

  /// Keeps the plan that is fastest with its addresses, of those whose
  /// addresses fit. Sets `excess` if none does.
  bool takeBest(std::vector<Plan> &plans,
                const std::vector<uint64_t> &budgets) {
    excess.assign(budgets.size(), unlimited);
    int64_t best = INT64_MAX;
    for (Plan &p : plans) {
      Layout l;
      SimulationOptions sim;
      sim.budgets = budgets;
      sim.maxRounds = 6;
      if (options.offsets) {
        l = layOut(a.problem, p, budgets);
        bool fits = true;
        for (uint32_t t = 0; t < budgets.size(); ++t) {
          uint64_t over = l.heights[t] - std::min(l.heights[t], budgets[t]);
          fits &= over == 0;
          excess[t] = std::min(excess[t], over);
        }
        if (!fits)
          continue;
        sim.offsets = &l.offsets;
        sim.workspaceOffsets = &l.workspaces;
      } else {
        l.lives = lifetimes(a.problem, p);
      }
      int64_t step = plans.size() > 1 ? simulate(a.problem, p, sim).stepNs : 0;
      if (step < best) {
        best = step;
        plan = std::move(p);
        layout = std::move(l);
      }
    }
    return best != INT64_MAX;
  }

  /// Addresses need more than the sum of live bytes: asks for a plan that
  /// leaves them that much.
  bool lower(std::vector<uint64_t> &target,
             const std::vector<uint64_t> &budgets) {
    bool lowered = false;
    for (uint32_t t = 0; t < budgets.size(); ++t)
      if (excess[t] != 0 && excess[t] != unlimited && target[t] != unlimited) {
        uint64_t step = std::max<uint64_t>(excess[t], target[t] / 200);
        target[t] -= std::min(target[t], step);
        lowered = true;
        tier = t;
      }
    reason = "the addresses of the best plan do not fit into " +
             std::to_string(budgets[tier]) + " bytes of " +
             a.problem.machine.tiers[tier].name;
    return lowered;
  }

  const Analysis &a;
  const Policy &policy;
  const PlanOptions &options;
  std::vector<uint64_t> excess;
};

/// The storages that the most demanding operator needs at once.
void findCulprits(const Analysis &a, Infeasible &out) {
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (a.workingSet[at] > a.workingSet[out.peakOperator])
      out.peakOperator = at;
  if (a.numOps == 0)
    return;
  std::set<uint32_t> storages;
  for (const Operand &o : a.operands[out.peakOperator])
    storages.insert(o.storage);
  out.peakStorages.assign(storages.begin(), storages.end());
  std::sort(out.peakStorages.begin(), out.peakStorages.end(),
            [&](uint32_t x, uint32_t y) {
              uint64_t bx = a.problem.storages[x].bytes;
              uint64_t by = a.problem.storages[y].bytes;
              return bx != by ? bx > by : x < y;
            });
}

/// The smallest budget of a tier with which planning succeeds, by bisection.
uint64_t findSmallest(Attempt &attempt, const std::vector<uint64_t> &budgets,
                      uint32_t tier, uint64_t floor, uint64_t align) {
  auto works = [&](uint64_t bytes) {
    std::vector<uint64_t> b = budgets;
    b[tier] = bytes;
    return attempt.run(b, 0);
  };
  floor = (std::max(floor, align) + align - 1) / align * align;
  // Up in growing steps from what is known to be too little, then down.
  uint64_t low = floor, high = 0;
  if (works(floor))
    return floor;
  for (uint64_t step = std::max(floor / 16, align);; step *= 2) {
    uint64_t next = low + (step + align - 1) / align * align;
    if (next > (uint64_t(1) << 60))
      return 0;
    if (works(next)) {
      high = next;
      break;
    }
    low = next;
  }
  uint64_t grain = std::max(align, high / 256);
  while (high - low > grain) {
    uint64_t mid = low + (high - low) / 2 / align * align;
    if (mid == low)
      break;
    (works(mid) ? high : low) = mid;
  }
  return high;
}

} // namespace

PlanResult spillway::planner::plan(const Problem &problem,
                                   const PlanOptions &options) {
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
  std::vector<uint64_t> floors;
  {
    Problem view = problem;
    for (uint32_t t = 0; t < budgets.size(); ++t)
      view.machine.tiers[t].capacity = budgets[t];
    floors = floorBytes(view);
  }
  Attempt attempt(a, *policy, options);
  Infeasible &no = result.infeasible;
  bool below = false;
  for (uint32_t t = 0; t < budgets.size() && !below; ++t)
    if (budgets[t] < floors[t]) {
      below = true;
      no.tier = t;
      no.reason = "the " + problem.machine.tiers[t].name + " budget of " +
                  std::to_string(budgets[t]) + " bytes is below the floor of " +
                  std::to_string(floors[t]) + " bytes, which every plan needs";
    }
  if (!below) {
    result.feasible = attempt.run(budgets, options.iterations);
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
    describe(problem, result, std::move(attempt.layout), budgets,
             options.offsets);
    return result;
  }
  no.floorBytes = floors[no.tier];
  findCulprits(a, no);
  if (options.findSmallest && no.applies)
    no.smallestFoundBytes = findSmallest(attempt, budgets, no.tier,
                                         floors[no.tier], problem.alignment);
  return result;
}

PlanResult spillway::planner::adopt(const Problem &problem, const Plan &plan,
                                    const std::vector<uint64_t> &given) {
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
  describe(problem, result, std::move(layout), budgets, true);
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
