//===- Spacing.cpp - Room in time between users of the same bytes -*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Occupancy.h"
#include "Prefetch.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>

using namespace spillway::planner;

/// Moves actions: `target` by action, the position before which it is issued
/// (its own where it stays).
static void reorder(Plan &plan, const std::vector<size_t> &target) {
  size_t n = plan.actions.size();
  std::vector<std::vector<size_t>> before(n + 1);
  for (size_t i = 0; i < n; ++i)
    if (target[i] != i)
      before[target[i]].push_back(i);
  std::vector<Action> actions;
  actions.reserve(n);
  for (size_t i = 0; i <= n; ++i) {
    for (size_t moved : before[i])
      actions.push_back(std::move(plan.actions[moved]));
    if (i < n && target[i] == i)
      actions.push_back(std::move(plan.actions[i]));
  }
  plan.actions = std::move(actions);
}

/// By action that loads, or frees on the device: the next one that touches the
/// storage (or the step's end).
static std::vector<size_t> nextTouches(const Problem &problem,
                                       const Plan &plan) {
  size_t n = plan.actions.size();
  LastTouch next(problem); // from the end: positions count backwards
  std::vector<size_t> out(n, n);
  for (size_t i = n; i-- > 0;) {
    const Action &a = plan.actions[i];
    if (a.kind == ActionKind::Load)
      out[i] = n - next.after(a.storage, a.part);
    else if (a.kind == ActionKind::Free && a.tier == 0)
      out[i] = n - next.after(a.storage, -1);
    next.touch(a, n - 1 - i);
  }
  return out;
}

/// What is still on its way home when the step ends: its bytes are free some
/// time into the next step only, and had better not be given to whoever comes
/// first there. So it stays over the step's end, and ends where it is done.
/// False if there is nothing like that.
static bool freeInNextStep(const Problem &problem, Plan &plan,
                           std::vector<std::pair<int64_t, size_t>> &keys,
                           int64_t stepNs) {
  std::vector<int64_t> first(problem.storages.size(), INT64_MAX);
  std::vector<int64_t> lastLoad(problem.storages.size(), -1);
  std::vector<bool> elsewhere(problem.storages.size()); // the copy is stale
  auto touch = [&](uint32_t s, int64_t key) {
    first[s] = std::min(first[s], key);
  };
  for (auto [key, i] : keys) {
    const Action &a = plan.actions[i];
    if (a.kind != ActionKind::Run) {
      touch(a.storage, key);
      if (a.kind == ActionKind::Load)
        lastLoad[a.storage] = std::max(lastLoad[a.storage], key);
      continue;
    }
    const Operator &op = problem.operators[a.op];
    if (problem.machine.engines[a.engine].tier != 0)
      for (const Access &u : op.updates)
        elsewhere[u.storage] = true;
    for (auto *list : {&op.reads, &op.writes, &op.updates})
      for (const Access &access : *list)
        touch(access.storage, key);
  }
  size_t before = plan.initial.size();
  for (auto &[key, i] : keys) {
    const Action &a = plan.actions[i];
    Instance instance{a.storage, a.part, 0};
    // It must be gone before the next step loads it, as a whole or in parts.
    if (a.kind != ActionKind::Free || a.tier != 0 || key <= stepNs ||
        key - stepNs >= first[a.storage] || lastLoad[a.storage] >= key ||
        elsewhere[a.storage] ||
        problem.storages[a.storage].kind != StorageKind::Persistent ||
        std::binary_search(plan.initial.begin(), plan.initial.begin() + before,
                           instance))
      continue;
    key -= stepNs;
    plan.initial.push_back(instance);
  }
  bool any = plan.initial.size() > before;
  std::sort(plan.initial.begin(), plan.initial.end());
  return any;
}

bool spillway::planner::orderByTime(const Problem &problem, Plan &plan,
                                    const std::vector<uint64_t> &budgets) {
  SimulationOptions options;
  options.budgets = budgets;
  options.timeline = true;
  options.maxRounds = 6;
  Simulation sim = simulate(problem, plan, options);
  size_t n = plan.actions.size();
  // When each storage was last touched in the new order, on the device and off
  // it, and since when its bytes there are idle: what touches one copy stays in
  // its order.
  struct Times {
    int64_t touched = 0, idle = 0;
  };
  std::vector<Times> here(problem.storages.size()), away(here);
  std::vector<std::pair<int64_t, size_t>> keys;
  for (size_t i = 0; i < n; ++i) {
    const Action &a = plan.actions[i];
    int64_t key = sim.startNs[i], end = key + sim.durationNs[i];
    auto visit = [&](const Times &t) { key = std::max(key, t.touched); };
    auto leave = [&](Times &t) {
      t.touched = std::max(t.touched, key);
      t.idle = std::max(t.idle, end);
    };
    if (a.kind == ActionKind::Free) {
      Times &t = (a.tier ? away : here)[a.storage];
      key = t.touched = std::max(t.touched, t.idle);
    } else if (a.kind == ActionKind::Run) {
      const Operator &op = problem.operators[a.op];
      bool off = problem.machine.engines[a.engine].tier != 0;
      // What runs elsewhere makes the device's copy stale: it comes after all
      // who read that, but the copy's bytes do not wait for it.
      for (auto *list : {&op.reads, &op.writes, &op.updates})
        for (const Access &access : *list) {
          visit(here[access.storage]);
          if (off)
            visit(away[access.storage]);
        }
      for (auto *list : {&op.reads, &op.writes, &op.updates})
        for (const Access &access : *list)
          leave((off ? away : here)[access.storage]);
    } else {
      visit(here[a.storage]);
      visit(away[a.storage]);
      leave(here[a.storage]);
      leave(away[a.storage]);
    }
    keys.push_back({key, i});
  }
  for (bool late : {true, false}) {
    auto order = keys;
    Plan sorted = plan;
    if (late && !freeInNextStep(problem, sorted, order, sim.stepNs))
      continue;
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < n; ++i)
      sorted.actions[i] = plan.actions[order[i].second];
    uint64_t most = 0;
    for (uint64_t bytes : occupancy(problem, sorted))
      most = std::max(most, bytes);
    if (most > budgets[0])
      continue;
    plan = std::move(sorted);
    return true;
  }
  return false;
}

bool spillway::planner::postponeLoads(const Problem &problem, Plan &plan,
                                      const std::vector<Lifetime> &lives,
                                      const std::vector<uint64_t> &offsets,
                                      uint64_t budget) {
  size_t n = plan.actions.size();
  std::vector<size_t> limit = nextTouches(problem, plan), target(n);
  for (size_t i = 0; i < n; ++i)
    target[i] = i;
  auto bytesOf = [&](const Lifetime &l) {
    return problem.aligned(
        problem.storages[l.instance.storage].partBytes(l.instance.part));
  };
  std::vector<uint32_t> early; // lives that begin with a load
  for (uint32_t l = 0; l < lives.size(); ++l)
    if (const Lifetime &life = lives[l];
        life.instance.tier == 0 && life.first < n &&
        plan.actions[life.first].kind == ActionKind::Load &&
        plan.actions[life.first].storage == life.instance.storage &&
        limit[life.first] > life.first + 1)
      early.push_back(l);
  // Those that wait longest for their use first.
  std::sort(early.begin(), early.end(), [&](uint32_t x, uint32_t y) {
    size_t dx = limit[lives[x].first] - lives[x].first;
    size_t dy = limit[lives[y].first] - lives[y].first;
    return dx != dy ? dx > dy : x < y;
  });
  bool any = false;
  for (uint32_t b = 0; b < lives.size(); ++b) {
    const Lifetime &bad = lives[b];
    if (bad.instance.tier != 0 || offsets[b] + bytesOf(bad) <= budget)
      continue;
    uint64_t over = offsets[b] + bytesOf(bad) - budget;
    uint64_t moved = 0;
    size_t end = bad.wraps ? n : bad.end;
    for (uint32_t l : early) {
      if (moved >= over)
        break;
      size_t from = lives[l].first, to = limit[from];
      if (target[from] != from || from >= end || to <= bad.first)
        continue;
      // Behind what is too high, or else half the way.
      size_t at = l != b && end < to ? end : from + (to - from + 1) / 2;
      target[from] = std::max(at, from + 2);
      if (target[from] > to)
        target[from] = to;
      moved += bytesOf(lives[l]);
      any = true;
    }
  }
  if (any)
    reorder(plan, target);
  return any;
}
