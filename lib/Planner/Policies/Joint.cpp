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
// tried, with everything on the device and with shares of the optimizer's
// updates off it; then decisions are changed for as long as iterations last.
//
//===----------------------------------------------------------------------===//

#include "../Emitter.h"
#include "../EngineBound.h"
#include "../GapGreedy.h"
#include "../HomeTiers.h"
#include "../HostSplit.h"
#include "../JointMoves.h"
#include "../JointSettings.h"
#include "../Placement.h"
#include "../Policy.h"
#include "../Prefetch.h"
#include "../Random.h"
#include "../RematPortfolio.h"
#include "../TierBound.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

/// Of loads: a quarter more than their time is set aside.
static constexpr double slack = 1.25;

namespace {

struct Candidate {
  Decisions decisions;
  Plan plan;
  std::vector<int64_t> clock; ///< by operator, when the plan first runs it
  int64_t stepNs = INT64_MAX;
  uint64_t linkBytes = 0;
  bool better(const Candidate &other) const {
    return std::pair(stepNs, linkBytes) <
           std::pair(other.stepNs, other.linkBytes);
  }
};

/// Where state goes to a drive, what is ordered by simulation mostly ends with
/// addresses that cost more time than the order wins.
void placeLoads(const Problem &problem, Plan &plan,
                const std::vector<uint64_t> &budgets, bool behindHost) {
  if (behindHost)
    hoistLoads(problem, plan, budgets[0]);
  else
    orderLoads(problem, plan, budgets, {budgets[0], slack});
}

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
    if (!oneTier && request.iterations && !onlyComputes()) {
      if (!tryResidence()) {
        chooseBase();
        trySettings(swap);
        trySplits();
      }
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
      c.stepNs = 0;
      for (uint32_t op : sequence)
        c.stepNs += problem.operators[op].costNs[0];
      keep(std::move(c));
    }
  }

  void greedy(const GreedyOptions &options) {
    if (!found.empty() && (request.late() || (huge && ++asked % 5)))
      return;
    int64_t before = found.empty() ? INT64_MAX : found.front().stepNs;
    uint32_t again = request.iterations && !huge ? 1 : 0;
    attempt(chooseGaps(a, options, request.budgets), again);
    if (!found.empty() && found.front().stepNs < before)
      best = options;
  }

  bool onlyComputes() const {
    return !found.empty() && isOnlyEngines(found.front().stepNs, engineNs,
                                           behindHost && a.large());
  }

  void chooseBase();
  void trySettings(bool swap);
  void trySplits();
  bool tryResidence();
  void trust(GreedyOptions options);

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

  /// `again`: so many times more, by the clock of the plan before.
  bool attempt(Decisions d, uint32_t again = 0) {
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
      if (Emission other = emitPlan(a, d, request.budgets); other.ok)
        e = std::move(other);
    placeLoads(problem, e.plan, request.budgets, behindHost);
    SimulationOptions options;
    options.budgets = request.budgets;
    options.maxRounds = 6;
    options.timeline = true;
    Simulation sim = simulate(problem, e.plan, options);
    Candidate c{std::move(d), std::move(e.plan), {}, sim.stepNs, 0};
    c.clock.assign(a.numOps, 0);
    for (size_t i = c.plan.actions.size(); i-- > 0;)
      if (const Action &x = c.plan.actions[i]; x.kind == ActionKind::Run)
        c.clock[x.op] = sim.startNs[i];
    for (uint64_t bytes : sim.linkBytes)
      c.linkBytes += bytes;
    // What runs elsewhere, and what stores take, is seen by the clock only.
    // What is far behind does not catch up by it.
    if (again && (found.empty() || c.stepNs / 4 * 3 < found.front().stepNs)) {
      Decisions timed = c.decisions;
      timed.clock = c.clock;
      tried = {c.decisions, {}, c.clock, c.stepNs, c.linkBytes};
      Candidate first = tried;
      keep(std::move(c));
      attempt(std::move(timed), again - 1);
      if (first.better(tried))
        tried = std::move(first);
      return true;
    }
    tried = {c.decisions, {}, c.clock, c.stepNs, c.linkBytes};
    const std::vector<uint32_t> &engine = tried.decisions.engine;
    if (std::count(engine.begin(), engine.end(), 0u) ==
            ptrdiff_t(engine.size()) &&
        tried.better(onDevice))
      onDevice = tried;
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
  void improve(Candidate at, const JointMoves &moves, uint64_t effort);

  PolicyAnswer finish() {
    PolicyAnswer answer;
    answer.ok = answer.searches = true;
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
      answer.again = [d = found.front().decisions, budgets = request.budgets,
                      most = mostUsed(a), drive = behindHost](
                         const Analysis &other) -> std::optional<Plan> {
        Emission e = emitPlan(other, d, budgets);
        if (!e.ok && d.stays)
          e = emitPlan(other,
                       stayLess(other, d, mostUsed(other) - most, budgets),
                       budgets);
        if (!e.ok)
          return std::nullopt;
        placeLoads(other.problem, e.plan, budgets, drive);
        return std::move(e.plan);
      };
    for (Candidate &c : found)
      answer.plans.push_back(std::move(c.plan));
    return answer;
  }

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  /// A setting takes a second or more: one of five must do.
  const bool huge = a.huge();
  const bool behindHost = hostIsShort(a, request.budgets);
  const int64_t engineNs = engineBoundNs(problem);
  uint32_t asked = 0;
  std::vector<Candidate> found;
  GreedyOptions best; ///< what the first of them came from, but for prices
  /// By operator, where it runs in all settings; none: all on the device.
  std::vector<uint32_t> base;
  Candidate onDevice;    ///< the best with nothing off the device, without plan
  Candidate tried;       ///< the last attempt, without its plan
  bool distrust = false; ///< prices have led astray
  std::string reason;
  uint32_t tier = 0;
};

/// Where the device would be much slower with all updates than with none, the
/// settings are tried with none.
void Joint::chooseBase() {
  std::vector<HostGroup> groups = groupHostable(a);
  if (groups.empty() || found.empty())
    return;
  int64_t here = found.front().stepNs;
  base = splitEngines(a, groups, 1, SplitOrder::Spread);
  int64_t there = INT64_MAX;
  for (const GreedyOptions &options : probes(&base)) {
    tried.stepNs = INT64_MAX;
    greedy(options);
    there = std::min(there, tried.stepNs);
  }
  if (there >= here - here / 8)
    base.clear();
}

void Joint::trySettings(bool swap) {
  // A large problem takes long for each: every second setting will do.
  bool few = a.large() || request.iterations < 2;
  const std::vector<uint32_t> *engine = base.empty() ? nullptr : &base;
  for (const GreedyOptions &options : greedySettings(swap, few, engine))
    greedy(options);
  if (request.iterations > 1)
    trust({.swap = swap, .engine = engine});
}

/// Starts from what the gap program does with most of each gap.
void Joint::trust(GreedyOptions options) {
  GapPrices prices;
  std::vector<uint32_t> device(a.numOps, 0);
  Problem view =
      withEngines(problem, options.engine ? *options.engine : device);
  prices = priceGaps(Analysis(view), request.budgets, false, 800);
  options.prices = &prices;
  GreedyOptions before = best;
  int64_t first = found.empty() ? INT64_MAX : found.front().stepNs;
  for (double trust : {0.3, 0.5, 0.7})
    for (double margin : {0.0, 0.05, 0.1}) {
      options.trust = trust;
      options.margin = margin;
      greedy(options);
      // Where the program knows little of what costs most, it is not asked
      // again, if that takes long.
      if (a.gaps.size() > 2000 && margin == 0 && !found.empty() &&
          tried.stepNs > first + first / 4)
        distrust = true;
      if (distrust)
        break;
    }
  best = before;
}

/// Shares of the updates off the device.
void Joint::trySplits() {
  std::vector<HostGroup> groups = groupHostable(a);
  if (groups.empty())
    return;
  GreedyOptions device = best;
  std::vector<uint32_t> engine, bestEngine = base;
  double bestShare = base.empty() ? 0 : 1;
  int64_t level = INT64_MAX; // the best with one share
  SplitOrder bestOrder = SplitOrder::Spread;
  auto split = [&](double share, SplitOrder order) {
    engine = splitEngines(a, groups, share, order);
    int64_t before = found.empty() ? INT64_MAX : found.front().stepNs;
    for (double margin : {0.0, 0.05}) {
      GreedyOptions options = device;
      options.margin = margin;
      options.engine = &engine;
      tried.stepNs = INT64_MAX;
      greedy(options);
      level = std::min(level, tried.stepNs);
    }
    if (!found.empty() && found.front().stepNs < before) {
      bestEngine = engine;
      bestShare = share;
      bestOrder = order;
    }
  };
  for (double share : {1.0, 0.75, 0.5, 0.25}) {
    level = INT64_MAX;
    for (SplitOrder order :
         {SplitOrder::Spread, SplitOrder::Earliest, SplitOrder::Latest}) {
      split(share, order);
      if (share == 1.0)
        break; // they are all the same
    }
    // From here on it only gets worse.
    if (!base.empty() && level > found.front().stepNs / 4 * 5)
      break;
  }
  for (double step : {0.125, 0.0625}) {
    double center = bestShare;
    for (double share : {center - step, center + step})
      if (bestShare > 0 && share > 0 && share < 1)
        split(share, bestOrder);
  }
  best.engine = nullptr;
  if (bestEngine.empty())
    return;
  GreedyOptions options = device;
  options.engine = &bestEngine;
  if (!distrust && request.iterations > 1 && bestEngine != base)
    trust(options);
}

/// Where the host is short. True if that is better than what was found
/// before, and state has to be behind the host in any case: nothing else comes
/// near, then.
bool Joint::tryResidence() {
  if (!behindHost || found.empty())
    return false;
  int64_t first = found.front().stepNs;
  int64_t least = searchResidence(a, request.budgets, [&](Decisions d) {
    ResidenceTrial trial;
    if (request.late() || (huge && ++asked % 5))
      return trial;
    tried.stepNs = INT64_MAX;
    attempt(std::move(d), huge ? 0 : 1);
    trial.stepNs = tried.stepNs;
    for (uint32_t op = 0; op < a.numOps && tried.stepNs < INT64_MAX; ++op)
      if (!problem.operators[op].updates.empty())
        trial.firstUpdateNs = std::min(trial.firstUpdateNs, tried.clock[op]);
    return trial;
  });
  return least < first - first / 64 &&
         tierBoundNs(problem, request.budgets) > 0;
}

/// Changes what a stretch of alike things does, and goes on from what is
/// better, or not much worse: less and less so, until only the better counts.
void Joint::improve(Candidate at, const JointMoves &moves, uint64_t effort) {
  uint64_t left = effort;
  auto done = [&] { return left == 0 || request.late() || onlyComputes(); };
  auto tryOut = [&](Decisions d, double allowance) {
    --left;
    d.clock = at.clock;
    assignHomes(a, d, request.budgets);
    if (attempt(std::move(d)) &&
        (tried.better(at) ||
         double(tried.stepNs) < double(found.front().stepNs) * (1 + allowance)))
      at = tried;
  };
  for (const JointMove &move : moves.systematic()) {
    if (left < effort / 2 || done())
      break;
    Decisions d = at.decisions;
    if (moves.apply(move, d))
      tryOut(std::move(d), 0);
  }
  uint64_t rest = std::max<uint64_t>(left, 1);
  Xorshift random;
  while (!done()) {
    Decisions d = at.decisions;
    bool changes = false;
    for (uint32_t k = 1 + random.below(2); k > 0; --k)
      changes |= moves.apply(moves.random(random), d);
    if (changes)
      tryOut(std::move(d), 0.01 * double(left) / double(rest));
    else
      --left;
  }
}

void Joint::improve() {
  if (found.empty())
    return;
  JointMoves moves(a, request.budgets);
  if (moves.empty())
    return;
  // An iteration takes time in proportion to the plan's length.
  uint32_t length = uint32_t(found.front().plan.actions.size()) + 1;
  uint64_t effort =
      request.deadline
          ? UINT32_MAX
          : std::min<uint64_t>(
                request.iterations * uint64_t(3),
                huge ? 4 : 16 + request.iterations * 6000ull / length);
  // From either side, where that takes little: shares in between are far from
  // what the greedy makes of all or nothing.
  Candidate start = found.front();
  start.plan = {};
  if (onDevice.stepNs > start.stepNs && onDevice.stepNs < INT64_MAX &&
      a.gaps.size() < 1000)
    improve(onDevice, moves, effort);
  improve(std::move(start), moves, effort);
}

} // namespace

PolicyAnswer spillway::planner::planJoint(const PolicyRequest &request) {
  return Joint(request).run();
}
