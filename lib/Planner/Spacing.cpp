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
#include <set>

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

void spillway::planner::issueLate(const Problem &problem, Plan &plan) {
  std::vector<size_t> target = nextTouches(problem, plan);
  for (size_t i = 0; i < target.size(); ++i)
    if (plan.actions[i].kind != ActionKind::Load || target[i] == i + 1)
      target[i] = i;
  reorder(plan, target);
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

/// Where an order by time needs more than the budget: what has had its last
/// touch is freed although somebody is not done with it yet, soonest done
/// first; who takes the bytes waits for him, then. `touched`: by action, the
/// last key at which what it frees was touched. False if that is not enough.
static bool freeInTime(const Problem &problem, const Plan &plan,
                       std::vector<std::pair<int64_t, size_t>> &order,
                       const std::vector<int64_t> &touched, uint64_t budget) {
  size_t n = plan.actions.size();
  std::vector<uint64_t> begins(n), ends(n);
  uint64_t used = 0;
  for (const Lifetime &l : lifetimes(problem, plan)) {
    if (l.instance.tier != 0)
      continue;
    uint64_t bytes = problem.aligned(
        problem.storages[l.instance.storage].partBytes(l.instance.part));
    used += l.wraps ? bytes : 0;
    if (l.wraps && l.first == l.end)
      continue;
    if (l.takesOver < 0)
      begins[l.first] += bytes;
    if (l.end < n && plan.actions[l.end].kind == ActionKind::Free)
      ends[l.end] += bytes;
  }
  std::vector<std::pair<int64_t, size_t>> frees; // by last touch
  for (size_t i = 0; i < n; ++i)
    if (ends[i])
      frees.push_back({touched[i], i});
  std::sort(frees.begin(), frees.end());
  std::vector<int64_t> key(n);
  for (auto [k, i] : order)
    key[i] = k;
  std::vector<bool> issued(n);
  std::set<std::pair<int64_t, size_t>> ready;
  std::vector<std::pair<int64_t, size_t>> out;
  size_t next = 0;
  for (auto [k, i] : order) {
    if (issued[i])
      continue;
    for (; next < frees.size() && frees[next].first < k; ++next)
      ready.insert({key[frees[next].second], frees[next].second});
    const Action &a = plan.actions[i];
    uint64_t wants = begins[i];
    if (a.kind == ActionKind::Run &&
        problem.machine.engines[a.engine].tier == 0)
      wants += problem.aligned(problem.operators[a.op].workspace);
    while (used + wants > budget && !ready.empty()) {
      size_t f = ready.begin()->second;
      ready.erase(ready.begin());
      if (issued[f])
        continue;
      issued[f] = true;
      out.push_back({k, f});
      used -= ends[f];
    }
    if (used + wants > budget)
      return false;
    issued[i] = true;
    out.push_back({k, i});
    used += begins[i];
    used -= ends[i];
  }
  order = std::move(out);
  return true;
}

bool spillway::planner::orderByTime(const Problem &problem, Plan &plan,
                                    const std::vector<uint64_t> &budgets) {
  SimulationOptions options;
  options.budgets = budgets;
  options.timeline = true;
  options.maxRounds = 6;
  Simulation sim = simulate(problem, plan, options);
  size_t n = plan.actions.size();
  // When each part was last read and last changed in the new order, on the
  // device and off it, and since when its bytes there are idle. What reads a
  // copy comes after what made it, and what changes or ends it after both:
  // those who only read it need not wait for one another.
  struct Times {
    int64_t read = 0, changed = 0, idle = 0;
  };
  std::vector<uint32_t> begin(1);
  for (const Storage &s : problem.storages)
    begin.push_back(begin.back() + s.numParts());
  std::vector<Times> here(begin.back()), away(here);
  // What is there when the step starts may be under way since the step before.
  auto each = [&](uint32_t storage, int32_t part, auto &&then) {
    uint32_t c = begin[storage] + uint32_t(std::max(part, 0));
    for (uint32_t stop = part < 0 ? begin[storage + 1] : c + 1; c < stop; ++c)
      then(c);
  };
  std::vector<int64_t> carried(begin.back());
  for (size_t i = 0; i < n; ++i)
    if (const Action &a = plan.actions[i];
        a.kind == ActionKind::Store && a.from == 0)
      each(a.storage, a.part, [&](uint32_t c) {
        carried[c] = std::max(carried[c],
                              sim.startNs[i] + sim.durationNs[i] - sim.stepNs);
      });
  for (const Instance &i : plan.initial)
    if (i.tier == 0)
      each(i.storage, i.part, [&](uint32_t c) { here[c].idle = carried[c]; });
  std::vector<std::pair<int64_t, size_t>> keys;
  std::vector<int64_t> touched; ///< by action: the last key of what it touches
  struct Touch {
    std::vector<Times> *where;
    uint32_t cell;
    bool changes, uses; ///< uses: not only comes after those who do
  };
  std::vector<Touch> touches;
  for (size_t i = 0; i < n; ++i) {
    const Action &a = plan.actions[i];
    int64_t key = a.kind == ActionKind::Free ? 0 : sim.startNs[i];
    int64_t lastTouch = 0;
    touches.clear();
    auto touch = [&](std::vector<Times> &where, uint32_t storage, int32_t part,
                     bool changes, bool uses = true) {
      each(storage, part,
           [&](uint32_t c) { touches.push_back({&where, c, changes, uses}); });
    };
    if (a.kind == ActionKind::Free) {
      touch(a.tier ? away : here, a.storage, a.part, true);
      for (const Touch &t : touches)
        key = std::max(key, (*t.where)[t.cell].idle);
    } else if (a.kind == ActionKind::Run) {
      const Operator &op = problem.operators[a.op];
      bool off = problem.machine.engines[a.engine].tier != 0;
      for (auto *list : {&op.reads, &op.writes, &op.updates})
        for (const Access &access : *list) {
          bool changes = list != &op.reads;
          touch(off ? away : here, access.storage, access.part, changes);
          // It makes the device's copy stale: that has been read by then.
          if (off && changes)
            touch(here, access.storage, access.part, true, false);
        }
    } else {
      bool load = a.kind == ActionKind::Load;
      if (load || a.from == 0)
        touch(here, a.storage, a.part, load);
      touch(away, a.storage, a.part, !load);
    }
    for (const Touch &t : touches) {
      const Times &times = (*t.where)[t.cell];
      key = std::max({key, times.changed, t.changes ? times.read : 0});
      lastTouch = std::max({lastTouch, times.changed, times.read});
    }
    int64_t end = key + (a.kind == ActionKind::Free ? 0 : sim.durationNs[i]);
    for (const Touch &t : touches) {
      if (!t.uses)
        continue;
      Times &times = (*t.where)[t.cell];
      int64_t &last = t.changes ? times.changed : times.read;
      last = std::max(last, key);
      times.idle = std::max(times.idle, end);
    }
    keys.push_back({key, i});
    touched.push_back(lastTouch);
  }
  for (bool late : {true, false}) {
    auto order = keys;
    Plan sorted = plan;
    if (late && !freeInNextStep(problem, sorted, order, sim.stepNs))
      continue;
    std::sort(order.begin(), order.end());
    if (!late && !freeInTime(problem, plan, order, touched, budgets[0]))
      return false;
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
