//===- GroupPlanner.cpp - Plans for groups of repetitions -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GroupPlanner.h"
#include "Attempt.h"
#include "LoopLayout.h"
#include "RepeatGroups.h"
#include "RepeatOrder.h"
#include "RepeatPlanner.h"
#include "Residence.h"
#include "spillway/Planner/Verify.h"

#include <algorithm>
#include <numeric>

using namespace spillway::planner;

/// How many sizes of groups are tried.
static constexpr uint32_t mostGroupSizes = 6;
/// Shares of the device: what the operands of one operator may take for all
/// repetitions that it runs for, and the same where blocks take turns; what a
/// block may share.
static constexpr double operandShare = 0.4, inTurnsShare = 0.25,
                        blockShare = 0.125;
/// Larger groups are tried at once where a step takes so much longer than it
/// must.
static constexpr double farFromBound = 1.15;

std::vector<uint32_t> spillway::planner::orderToPlan(const Unrolled &u,
                                                     bool fixed) {
  if (!fixed)
    return orderAroundRepeats(u);
  std::vector<uint32_t> order(u.problem.operators.size());
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

GroupPlanner::GroupPlanner(const Problem &problem, const Policy &policy,
                           const PlanOptions &options,
                           std::vector<uint64_t> budgets)
    : problem(problem), policy(policy), options(options),
      budgets(std::move(budgets)), repeat(uint32_t(onlyRepeat(problem))) {}

bool GroupPlanner::mayGroup() const {
  return policy.name == std::string("joint") && !options.fixedOrder &&
         problem.machine.tiers.size() > 1;
}

bool GroupPlanner::loops(uint32_t repetitions) const {
  const Repeat &r = problem.repeats[repeat];
  uint64_t ops = problem.operators.size() +
                 uint64_t(r.last - r.first + 1) * (r.count / repetitions - 1);
  return r.count / repetitions >= 3 && ops > mostWrittenOut;
}

/// One repetition and what is around it.
static Problem onceOf(const Problem &problem) {
  return unroll(problem, std::vector<uint32_t>(problem.repeats.size(), 1))
      .problem;
}

LoopPlan GroupPlanner::writtenOut(const Problem &grouped,
                                  uint32_t iterations) const {
  Unrolled u = unroll(grouped);
  std::vector<uint32_t> order = orderToPlan(u, options.fixedOrder);
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

std::optional<GroupPlanner::Shaped> GroupPlanner::make(GroupShape shape) const {
  Shaped out{groupRepetitions(problem, repeat, shape.size), {}};
  if (shape.turns == 1)
    return out;
  out.blocks = interleaveRepetitions(out.grouped, repeat, shape.turns,
                                     uint64_t(double(budgets[0]) * blockShare));
  if (!out.blocks)
    return std::nullopt;
  return out;
}

GroupPlan GroupPlanner::finish(const Shaped &shaped, uint32_t size,
                               LoopPlan plan) const {
  GroupPlan out;
  static_cast<LoopPlan &>(out) = std::move(plan);
  if (!out.ok)
    return out;
  if (shaped.blocks)
    out.plan = splitBlocks(shaped.grouped, repeat, *shaped.blocks, out.plan,
                           out.layout);
  if (size > 1)
    out.plan = splitGroups(problem, repeat, size, shaped.grouped, out.plan,
                           out.layout);
  return check(std::move(out));
}

/// A plan in terms of the problem, with what it takes.
GroupPlan GroupPlanner::check(GroupPlan out) const {
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

GroupPlan GroupPlanner::find(GroupShape shape, uint32_t iterations) const {
  std::optional<Shaped> shaped = make(shape);
  if (!shaped)
    return {};
  const Problem &p = shaped->problem();
  return finish(*shaped, shape.size,
                loops(shape.repetitions())
                    ? planLoop(p, policy, options, budgets, iterations)
                    : writtenOut(p, iterations));
}

/// State that goes behind the host should do so once for as many repetitions
/// as have room.
std::vector<GroupShape> GroupPlanner::largeShapes() const {
  const Repeat &r = problem.repeats[repeat];
  uint64_t most = 1;
  Problem once = onceOf(problem);
  Analysis a(once);
  for (uint32_t at = r.first; at <= r.last; ++at)
    most = std::max(most, a.workingSet[at]);
  auto largest = [&](double share) {
    uint32_t size = r.count;
    while (size > 1 &&
           (r.count % size || double(most) * size > share * double(budgets[0])))
      --size;
    return size;
  };
  std::vector<GroupShape> out{{largest(operandShare), 1}};
  uint32_t size = largest(inTurnsShare), turns = r.count / size;
  if (out[0].size < r.count &&
      uint64_t(r.last - r.first + 1) * turns <= mostInTurns)
    out.push_back({size, turns});
  return out;
}

/// What a shape promises: the time of a step, or of the repetitions alone where
/// there is a loop.
GroupPlanner::Candidate GroupPlanner::look(GroupShape shape, uint32_t effort,
                                           GroupPlan &best) const {
  Candidate c;
  c.shape = shape;
  c.ns = INT64_MAX;
  bool one = shape.repetitions() == 1;
  if (!loops(shape.repetitions())) {
    GroupPlan found = find(shape, effort);
    if (found.ok)
      c.ns = found.stepNs;
    if (found.stepNs < best.stepNs || (one && !best.ok))
      best = std::move(found);
    return c;
  }
  std::optional<Shaped> shaped = make(shape);
  if (!shaped)
    return c;
  c.body = planBody(shaped->problem(), policy, options, budgets, effort);
  if (c.body.ok)
    c.ns = c.body.stepNs *
           int64_t(problem.repeats[repeat].count / shape.repetitions());
  else if (one)
    best.reason = c.body.reason, best.tier = c.body.tier,
    best.applies = c.body.applies;
  return c;
}

/// Plans what is around bodies, from the most promising on.
void GroupPlanner::finish(std::vector<Candidate> &candidates, uint32_t effort,
                          LoopHopes &hopes, GroupPlan &best) const {
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate &x, const Candidate &y) {
              return std::pair(x.ns, x.shape) < std::pair(y.ns, y.shape);
            });
  for (const Candidate &c : candidates) {
    // What the loop alone takes is more than some plan takes in all.
    if (!c.body.ok || c.ns >= best.stepNs)
      continue;
    Shaped shaped = *make(c.shape);
    hopes.worthNs = best.stepNs;
    GroupPlan found = finish(shaped, c.shape.size,
                             planAround(shaped.problem(), policy, options,
                                        budgets, c.body, effort, hopes));
    if (found.stepNs < best.stepNs || (!best.ok && c.shape.repetitions() == 1))
      best = std::move(found);
    if (best.ok && best.stepNs < c.ns + c.ns / 20)
      break;
  }
}

/// Bodies are planned first, for what they promise; then what is around them.
GroupPlan GroupPlanner::findBest(int64_t boundNs,
                                 std::optional<int64_t> oneNs) const {
  const Repeat &r = problem.repeats[repeat];
  bool groups = mayGroup();
  int64_t least = 0; // what computing the repetitions takes by itself
  for (uint32_t at = r.first; at <= r.last; ++at)
    least += std::max<int64_t>(problem.operators[at].costNs[0], 0) * r.count;
  // Searching on takes long, and changes less than the size of groups does.
  uint32_t effort =
      groups ? std::min(options.iterations, quick) : options.iterations;
  Problem once = onceOf(problem);
  bool behindHost = groups && hostIsShort(Analysis(once), budgets);
  std::vector<Candidate> candidates;
  GroupPlan best;
  uint32_t tried = 0;
  if (oneNs) {
    best.stepNs = *oneNs;
    candidates.push_back({*oneNs, {}, {}});
    tried = 1;
  }
  bool isFused = false;
  if (behindHost) {
    GroupPlan fused = findFused();
    isFused = fused.ok;
    if (fused.stepNs < best.stepNs)
      best = std::move(fused);
  }
  for (uint32_t s = tried + 1; s <= r.count && tried < mostGroupSizes; ++s) {
    // Twice as many at least, or hardly anything changes.
    if (r.count % s ||
        (tried && (!groups || s < 2 * candidates.back().shape.size)))
      continue;
    // Where planning takes long, state goes behind the host once a step at
    // most, if there is no loop.
    if (behindHost && s < r.count && !loops(s) &&
        writtenOutOps(problem) / s > mostWrittenOut)
      continue;
    ++tried;
    Candidate c = look({s, 1}, effort, best);
    // Each doubling halves what parameters cost and doubles what activations
    // do: where one wins little, the next loses. A loop's time is without what
    // is around it: no measure for a whole step.
    bool alike =
        !candidates.empty() && loops(s) == loops(candidates.back().shape.size);
    int64_t last = alike ? candidates.back().ns : INT64_MAX;
    bool enough = last < INT64_MAX && c.ns > last - last / 100;
    int64_t limit = loops(s) ? least : boundNs;
    enough |= c.ns - limit < limit / 200;
    candidates.push_back(std::move(c));
    if (enough)
      break;
  }
  LoopHopes hopes;
  finish(candidates, effort, hopes, best);
  // With blocks as operators, larger groups are seldom better, and take
  // longest.
  if (!behindHost || (isFused && writtenOutOps(problem) > mostInTurns))
    return best;
  auto far = [&] {
    return double(best.stepNs) >
           farFromBound * double(std::max(boundNs, least));
  };
  for (GroupShape shape : largeShapes()) {
    bool known =
        std::any_of(candidates.begin(), candidates.end(),
                    [&](const Candidate &c) { return c.shape == shape; });
    if (known || !far())
      continue;
    std::vector<Candidate> one;
    one.push_back(look(shape, effort, best));
    finish(one, effort, hopes, best);
  }
  return best;
}
