//===- Trailing.cpp - Updates while the next step has begun -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Trailing.h"

#include "Placement.h"

#include <algorithm>
#include <optional>

using namespace spillway::planner;

static std::optional<TrailingUpdate> look(const Analysis &a, uint32_t op) {
  const Problem &problem = a.problem;
  TrailingUpdate u;
  u.op = op;
  u.engine = hostEngine(problem, op);
  if (u.engine == 0)
    return std::nullopt;
  uint32_t tier = u.tier = problem.machine.engines[u.engine].tier;
  bool found = false;
  for (const Operand &o : a.operands[op]) {
    const Storage &s = problem.storages[o.storage];
    if (s.numParts() != 1 || (o.written && !o.updated))
      return std::nullopt;
    uint64_t bytes = problem.aligned(s.bytes);
    if (s.kind == StorageKind::Fed) {
      if (s.home.value_or(1) != tier)
        return std::nullopt;
    } else if (s.kind == StorageKind::Temporary) {
      if (o.updated)
        return std::nullopt;
      u.waits.push_back(o.storage);
      u.waitingBytes += bytes;
    } else if (!o.updated || s.home) {
      return std::nullopt;
    } else if (a.uses[a.slot(o.storage, -1)] == std::vector<uint32_t>{op}) {
      u.state.push_back(o.storage);
      u.stateBytes += bytes;
    } else if (!found && a.updates[a.cellBegin[o.storage]].size() == 1) {
      u.parameter = o.storage;
      u.neededAt = a.uses[a.slot(o.storage, -1)].front();
      found = true;
    } else {
      return std::nullopt;
    }
  }
  if (!found || u.state.empty() || u.neededAt >= op)
    return std::nullopt;
  const Machine &machine = problem.machine;
  for (uint32_t t = tier + 1; t < machine.tiers.size(); ++t)
    if (machine.route(t, tier).size() == 1 &&
        machine.route(tier, t).size() == 1)
      u.behind = t;
  if (u.behind == 0)
    return std::nullopt;
  for (uint32_t s : u.state) {
    uint64_t bytes = problem.storages[s].bytes;
    u.linkNs += machine.transferNs(u.behind, tier, bytes) +
                machine.transferNs(tier, u.behind, bytes);
  }
  return u;
}

std::vector<TrailingUpdate> spillway::planner::findTrailing(const Analysis &a) {
  std::vector<TrailingUpdate> out;
  for (uint32_t op = 0; op < a.numOps; ++op)
    if (!a.problem.operators[op].updates.empty())
      if (auto u = look(a, op);
          u && (out.empty() || u->tier == out.front().tier))
        out.push_back(std::move(*u));
  std::sort(out.begin(), out.end(),
            [](const TrailingUpdate &x, const TrailingUpdate &y) {
              return std::pair(x.neededAt, x.op) > std::pair(y.neededAt, y.op);
            });
  return out;
}

std::vector<uint64_t>
spillway::planner::lessTrailing(const Analysis &a,
                                const std::vector<TrailingUpdate> &updates,
                                std::vector<uint64_t> budgets) {
  uint64_t waiting = 0, most = 0, workspace = 0;
  for (const TrailingUpdate &u : updates) {
    waiting += u.waitingBytes;
    most = std::max(most, u.stateBytes);
    workspace = std::max(
        workspace, a.problem.aligned(a.problem.operators[u.op].workspace));
  }
  if (!updates.empty()) {
    uint64_t &budget = budgets[updates[0].tier];
    budget -= std::min(budget, waiting + 2 * most + workspace);
  }
  return budgets;
}

namespace {

class Trail {
public:
  Trail(const Analysis &a, Plan &plan)
      : problem(a.problem), plan(plan), touches(problem.storages.size()),
        runAt(a.numOps, none), gone(plan.actions.size()),
        stores(plan.actions.size()) {
    for (uint32_t i = 0; i < plan.actions.size(); ++i)
      if (const Action &x = plan.actions[i]; x.kind == ActionKind::Run)
        runAt[x.op] = i;
      else
        touches[x.storage].push_back(i);
  }
  /// Nothing happens where the plan is not as it should be for that.
  void defer(const TrailingUpdate &u);
  void finish();

private:
  bool initially(uint32_t s, uint32_t tier) const {
    return std::binary_search(plan.initial.begin(), plan.initial.end(),
                              Instance{s, -1, tier});
  }
  /// The tier that state comes from and goes back to, or none.
  uint32_t behind(uint32_t s, uint32_t at, uint32_t tier) const;

  const Problem &problem;
  Plan &plan;
  std::vector<std::vector<uint32_t>> touches; ///< by storage: but for runs
  std::vector<uint32_t> runAt;
  std::vector<bool> gone;                  ///< by action
  std::vector<std::vector<Action>> stores; ///< in an action's place
  struct Deferred {
    const TrailingUpdate *update;
    std::vector<uint32_t> tiers; ///< of its state
  };
  std::vector<Deferred> deferred;
  std::vector<uint32_t> waiting; ///< storages that have been stored
};

uint32_t Trail::behind(uint32_t s, uint32_t at, uint32_t tier) const {
  const auto &list = touches[s];
  if (list.size() != 3 || list[0] > at || list[1] < at || initially(s, 0))
    return none;
  const Action &load = plan.actions[list[0]], &store = plan.actions[list[1]];
  if (load.kind != ActionKind::Load || store.kind != ActionKind::Store ||
      plan.actions[list[2]].kind != ActionKind::Free ||
      load.tier != store.tier || load.tier <= tier ||
      !initially(s, load.tier) ||
      problem.machine.route(load.tier, tier).size() != 1 ||
      problem.machine.route(tier, load.tier).size() != 1)
    return none;
  return load.tier;
}

void Trail::defer(const TrailingUpdate &u) {
  uint32_t at = runAt[u.op], tier = u.tier;
  if (at == none || plan.actions[at].engine != 0)
    return;
  Deferred d{&u, {}};
  for (uint32_t s : u.state) {
    d.tiers.push_back(behind(s, at, tier));
    if (d.tiers.back() == none)
      return;
  }
  // The parameter goes home after its update, and leaves the device.
  uint32_t home = none, leaves = none;
  for (uint32_t i : touches[u.parameter]) {
    const Action &x = plan.actions[i];
    if (i < at)
      continue;
    if (x.kind == ActionKind::Store && x.tier == tier && home == none)
      home = i;
    else if (x.kind == ActionKind::Free && x.tier == 0 && home != none &&
             leaves == none)
      leaves = i;
    else
      return;
  }
  if (leaves == none || !initially(u.parameter, tier) ||
      initially(u.parameter, 0))
    return;
  std::vector<uint32_t> fresh;
  for (uint32_t s : u.waits) {
    if (std::find(waiting.begin(), waiting.end(), s) != waiting.end())
      continue;
    for (uint32_t i : touches[s])
      if (plan.actions[i].kind == ActionKind::Store)
        return;
    fresh.push_back(s);
  }
  waiting.insert(waiting.end(), fresh.begin(), fresh.end());
  for (uint32_t s : fresh)
    stores[at].push_back(Action::store(s, -1, tier));
  gone[at] = gone[home] = true;
  for (uint32_t s : u.state)
    for (uint32_t i : touches[s])
      gone[i] = true;
  deferred.push_back(std::move(d));
}

void Trail::finish() {
  if (deferred.empty())
    return;
  std::sort(deferred.begin(), deferred.end(),
            [](const Deferred &x, const Deferred &y) {
              return std::pair(x.update->neededAt, x.update->op) <
                     std::pair(y.update->neededAt, y.update->op);
            });
  std::vector<Action> actions;
  for (uint32_t i = 0; i < plan.actions.size(); ++i) {
    actions.insert(actions.end(), stores[i].begin(), stores[i].end());
    if (!gone[i])
      actions.push_back(std::move(plan.actions[i]));
  }
  auto bring = [&](const Deferred &d) {
    for (size_t k = 0; k < d.tiers.size(); ++k)
      actions.push_back(
          Action::store(d.update->state[k], -1, d.update->tier, d.tiers[k]));
  };
  // The next one's state comes while one is updated.
  bring(deferred.front());
  for (size_t i = 0; i < deferred.size(); ++i) {
    const Deferred &d = deferred[i];
    if (i + 1 < deferred.size())
      bring(deferred[i + 1]);
    actions.push_back(Action::run(d.update->op, d.update->engine));
    for (size_t k = 0; k < d.tiers.size(); ++k)
      actions.push_back(
          Action::store(d.update->state[k], -1, d.tiers[k], d.update->tier));
    for (uint32_t s : d.update->waits) {
      bool last = true;
      for (size_t j = i + 1; j < deferred.size(); ++j) {
        const auto &others = deferred[j].update->waits;
        last &= std::find(others.begin(), others.end(), s) == others.end();
      }
      if (last)
        actions.push_back(Action::free(s, -1, d.update->tier));
    }
    for (uint32_t s : d.update->state)
      actions.push_back(Action::free(s, -1, d.update->tier));
  }
  plan.actions = std::move(actions);
}

} // namespace

void spillway::planner::trailUpdates(const Analysis &a,
                                     const std::vector<TrailingUpdate> &updates,
                                     Plan &plan) {
  Trail trail(a, plan);
  for (const TrailingUpdate &u : updates)
    trail.defer(u);
  trail.finish();
}
