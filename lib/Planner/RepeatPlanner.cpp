//===- RepeatPlanner.cpp - Planning what repeats ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RepeatPlanner.h"
#include "Account.h"
#include "Attempt.h"
#include "Budgets.h"
#include "LoopLayout.h"
#include "LoopPlanner.h"
#include "RepeatGroups.h"
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

static std::vector<uint32_t> orderOf(const Unrolled &u, bool fixed) {
  if (!fixed)
    return orderAroundRepeats(u);
  std::vector<uint32_t> order(u.problem.operators.size());
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

/// How many sizes of groups are tried.
static constexpr uint32_t mostGroupSizes = 6;
/// Iterations while sizes are tried.
static constexpr uint32_t quick = 1;

/// All repetitions one after the other, as an ordinary problem.
static PlanResult planWrittenOut(const Problem &problem,
                                 const PlanOptions &options) {
  Unrolled u = unroll(problem);
  std::vector<uint32_t> order = orderOf(u, options.fixedOrder);
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

/// A plan of any kind for groups of repetitions.
struct Found : LoopPlan {
  int64_t stepNs = INT64_MAX;
};

class GroupPlanner {
public:
  GroupPlanner(const Problem &problem, const Policy &policy,
               const PlanOptions &options, std::vector<uint64_t> budgets)
      : problem(problem), policy(policy), options(options),
        budgets(std::move(budgets)), repeat(uint32_t(onlyRepeat(problem))) {}

  /// Groups of one: repetition by repetition.
  Found find(uint32_t size, uint32_t iterations) const;
  /// Whether repetitions may run operator by operator.
  bool mayGroup() const {
    return policy.name == std::string("joint") && !options.fixedOrder &&
           problem.machine.tiers.size() > 1;
  }
  /// Of the sizes that promise most, what is fastest. No plan is faster than
  /// `boundNs`; `oneNs`: what repetition by repetition takes, where that has
  /// been planned.
  Found findBest(int64_t boundNs, std::optional<int64_t> oneNs) const;
  bool loops(uint32_t size) const {
    const Repeat &r = problem.repeats[repeat];
    uint64_t ops = problem.operators.size() +
                   uint64_t(r.last - r.first + 1) * (r.count / size - 1);
    return r.count / size >= 3 && ops > mostWrittenOut;
  }

private:
  Found finish(const Problem &grouped, uint32_t size, LoopPlan plan) const;
  LoopPlan writtenOut(const Problem &grouped, uint32_t iterations) const;

  const Problem &problem;
  const Policy &policy;
  const PlanOptions &options;
  std::vector<uint64_t> budgets;
  uint32_t repeat;
};

LoopPlan GroupPlanner::writtenOut(const Problem &grouped,
                                  uint32_t iterations) const {
  Unrolled u = unroll(grouped);
  std::vector<uint32_t> order = orderOf(u, options.fixedOrder);
  Problem ordered = inOrder(u.problem, order);
  Analysis a(ordered);
  Attempt attempt(a, policy, options);
  LoopPlan out;
  out.ok = attempt.run(budgets, iterations);
  out.plan = std::move(attempt.plan);
  for (Action &action : out.plan.actions)
    if (action.kind == ActionKind::Run)
      action.op = order[action.op];
  out.layout = std::move(attempt.layout);
  out.reason = attempt.reason;
  out.tier = attempt.tier;
  out.applies = attempt.applies;
  return out;
}

Found GroupPlanner::finish(const Problem &grouped, uint32_t size,
                           LoopPlan plan) const {
  Found out;
  static_cast<LoopPlan &>(out) = std::move(plan);
  if (!out.ok)
    return out;
  if (size > 1)
    out.plan =
        splitGroups(problem, repeat, size, grouped, out.plan, out.layout);
  Verdict verdict = verifyPlan(problem, out.plan, budgets);
  if (!verdict.ok()) {
    out.ok = false;
    out.reason =
        "internal fault: a wrong plan of repetitions: " + verdict.error +
        "; please report it";
    return out;
  }
  out.stepNs =
      simulateLoops(problem, out.plan, options.offsets ? &out.layout : nullptr,
                    budgets, false)
          .stepNs;
  return out;
}

Found GroupPlanner::find(uint32_t size, uint32_t iterations) const {
  Problem grouped = groupRepetitions(problem, repeat, size);
  return finish(grouped, size,
                loops(size)
                    ? planLoop(grouped, policy, options, budgets, iterations)
                    : writtenOut(grouped, iterations));
}

/// Bodies are planned first, for what they promise; then what is around them,
/// from the most promising on.
Found GroupPlanner::findBest(int64_t boundNs,
                             std::optional<int64_t> oneNs) const {
  const Repeat &r = problem.repeats[repeat];
  bool groups = mayGroup();
  int64_t least = 0; // what computing the repetitions takes by itself
  for (uint32_t at = r.first; at <= r.last; ++at)
    least += std::max<int64_t>(problem.operators[at].costNs[0], 0) * r.count;
  // Searching on takes long, and changes less than the size of groups does.
  uint32_t effort =
      groups ? std::min(options.iterations, quick) : options.iterations;
  struct Candidate {
    int64_t ns = 0;
    uint32_t size = 0;
    BodyPlan body;
  };
  std::vector<Candidate> candidates;
  Found best;
  uint32_t tried = 0;
  if (oneNs) {
    best.stepNs = *oneNs;
    candidates.push_back({*oneNs, 1, {}});
    tried = 1;
  }
  for (uint32_t s = tried + 1; s <= r.count && tried < mostGroupSizes; ++s) {
    // Twice as many at least, or hardly anything changes.
    if (r.count % s || (tried && s < 2 * candidates.back().size) ||
        (tried && !groups))
      continue;
    ++tried;
    Candidate c;
    c.size = s;
    if (loops(s)) {
      Problem grouped = groupRepetitions(problem, repeat, s);
      c.body = planBody(grouped, policy, options, budgets, effort);
      if (!c.body.ok && s == 1)
        best.reason = c.body.reason, best.tier = c.body.tier,
        best.applies = c.body.applies;
      c.ns = c.body.ok ? c.body.stepNs * int64_t(r.count / s) : INT64_MAX;
    } else {
      Found found = find(s, effort);
      c.ns = found.ok ? found.stepNs : INT64_MAX;
      if (found.stepNs < best.stepNs || (s == 1 && !best.ok))
        best = std::move(found);
    }
    // Each doubling halves what parameters cost and doubles what activations
    // do: where one wins little, the next loses.
    int64_t last = candidates.empty() ? INT64_MAX : candidates.back().ns;
    // A loop's time is without what is around it: no measure for a whole step.
    bool alike =
        !candidates.empty() && loops(s) == loops(candidates.back().size);
    bool enough = alike && last < INT64_MAX && c.ns > last - last / 100;
    int64_t limit = loops(s) ? least : boundNs;
    enough |= c.ns - limit < limit / 200;
    candidates.push_back(std::move(c));
    if (enough)
      break;
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate &x, const Candidate &y) {
              return std::pair(x.ns, x.size) < std::pair(y.ns, y.size);
            });
  LoopHopes hopes;
  for (const Candidate &c : candidates) {
    // What the loop alone takes is more than some plan takes in all.
    if (!c.body.ok || c.ns >= best.stepNs)
      continue;
    Problem grouped = groupRepetitions(problem, repeat, c.size);
    hopes.worthNs = best.stepNs;
    Found found = finish(
        grouped, c.size,
        planAround(grouped, policy, options, budgets, c.body, effort, hopes));
    if (found.stepNs < best.stepNs || (!best.ok && c.size == 1))
      best = std::move(found);
    if (best.ok && best.stepNs < c.ns + c.ns / 20)
      break;
  }
  return best;
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
    return GroupPlanner(problem, policy, options, b).find(1, 0).ok;
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
  int64_t boundNs = oneNs && result.feasible
                        ? result.lowerBoundNs
                        : stepLowerBoundNs(problem, budgets, true);
  Found found = groups.findBest(boundNs, oneNs);
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
  Infeasible &no = result.infeasible;
  no.reason = found.reason;
  no.tier = found.tier;
  no.applies = found.applies;
  if (!no.applies)
    return result;
  no.floorBytes =
      floorsOf(problem, uint32_t(onlyRepeat(problem)), budgets)[no.tier];
  if (options.findSmallest)
    no.smallestFoundBytes = findSmallest(problem, *policy, options, budgets,
                                         no.tier, no.floorBytes);
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
