//===- Prefetch.cpp - When loads are issued ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>
#include <map>

using namespace spillway::planner;

namespace {

/// Maximum over ranges, with addition to ranges.
class MaxTree {
public:
  explicit MaxTree(const std::vector<uint64_t> &values) {
    while (size < values.size())
      size *= 2;
    most.assign(2 * size, 0);
    plus.assign(2 * size, 0);
    std::copy(values.begin(), values.end(), most.begin() + size);
    for (size_t i = size; i-- > 1;)
      most[i] = std::max(most[2 * i], most[2 * i + 1]);
  }
  void add(size_t begin, size_t end, uint64_t value) {
    if (begin < end)
      add(1, 0, size, begin, end, value);
  }
  /// The end of the last position in [begin, end) above `limit`, else `begin`.
  size_t afterLastAbove(size_t begin, size_t end, uint64_t limit) const {
    return begin < end ? find(1, 0, size, begin, end, limit) : begin;
  }

private:
  void add(size_t node, size_t low, size_t high, size_t begin, size_t end,
           uint64_t value) {
    if (end <= low || high <= begin)
      return;
    if (begin <= low && high <= end) {
      most[node] += value;
      plus[node] += value;
      return;
    }
    size_t mid = (low + high) / 2;
    add(2 * node, low, mid, begin, end, value);
    add(2 * node + 1, mid, high, begin, end, value);
    most[node] = std::max(most[2 * node], most[2 * node + 1]) + plus[node];
  }
  size_t find(size_t node, size_t low, size_t high, size_t begin, size_t end,
              uint64_t limit) const {
    if (end <= low || high <= begin || most[node] <= limit)
      return begin;
    if (high - low == 1)
      return high;
    size_t mid = (low + high) / 2;
    // `plus` of this node counts below it, so it comes off the limit.
    if (plus[node] > limit) // everything here is above
      return std::min(end, high);
    size_t right =
        find(2 * node + 1, mid, high, begin, end, limit - plus[node]);
    return right != begin
               ? right
               : find(2 * node, low, mid, begin, end, limit - plus[node]);
  }
  size_t size = 1;
  std::vector<uint64_t> most, plus;
};

/// The device bytes in use while each action is issued.
std::vector<uint64_t> occupancy(const Problem &problem, const Plan &plan) {
  size_t n = plan.actions.size();
  std::vector<int64_t> change(n + 1);
  for (const Lifetime &l : lifetimes(problem, plan)) {
    if (l.instance.tier != 0)
      continue;
    int64_t bytes = int64_t(problem.aligned(
        problem.storages[l.instance.storage].partBytes(l.instance.part)));
    change[l.first] += bytes;
    if (l.wraps) {
      change[0] += bytes;
      change[l.end] -= bytes;
    } else {
      change[l.end] -= bytes;
    }
  }
  std::vector<uint64_t> out(n);
  int64_t live = 0;
  for (size_t i = 0; i < n; ++i) {
    live += change[i];
    const Action &a = plan.actions[i];
    out[i] = uint64_t(live);
    if (a.kind == ActionKind::Run &&
        problem.machine.engines[a.engine].tier == 0)
      out[i] += problem.aligned(problem.operators[a.op].workspace);
  }
  return out;
}

/// An action that is made of nothing a load may pass.
class LastTouch {
public:
  explicit LastTouch(const Problem &problem) : problem(problem) {
    begin.push_back(0);
    for (const Storage &s : problem.storages)
      begin.push_back(begin.back() + s.numParts());
    touched.assign(begin.back(), 0);
  }
  /// The first position that comes after every touch so far.
  size_t after(uint32_t storage, int32_t part) const {
    auto [c, end] = cells(storage, part);
    size_t at = 0;
    for (; c < end; ++c)
      at = std::max(at, touched[c]);
    return at;
  }
  void touch(const Action &a, size_t at) {
    auto mark = [&](uint32_t storage, int32_t part) {
      for (auto [c, end] = cells(storage, part); c < end; ++c)
        touched[c] = at + 1;
    };
    if (a.kind != ActionKind::Run)
      return mark(a.storage, a.part);
    const Operator &op = problem.operators[a.op];
    for (auto *list : {&op.reads, &op.writes, &op.updates})
      for (const Access &access : *list)
        mark(access.storage, access.part);
  }

private:
  std::pair<uint32_t, uint32_t> cells(uint32_t storage, int32_t part) const {
    if (part < 0)
      return {begin[storage], begin[storage + 1]};
    return {begin[storage] + uint32_t(part),
            begin[storage] + uint32_t(part) + 1};
  }
  const Problem &problem;
  std::vector<uint32_t> begin;
  std::vector<size_t> touched;
};

} // namespace

void spillway::planner::hoistLoads(const Problem &problem, Plan &plan,
                                   uint64_t budget) {
  size_t n = plan.actions.size();
  // When the compute stream gets to each action if nothing ever stalls.
  std::vector<int64_t> clock(n);
  int64_t now = 0;
  bool any = false;
  for (size_t i = 0; i < n; ++i) {
    const Action &a = plan.actions[i];
    clock[i] = now;
    any |= a.kind == ActionKind::Load;
    if (a.kind == ActionKind::Run && a.engine == 0)
      now += problem.operators[a.op].costNs[0];
  }
  if (!any)
    return;
  // Backwards: the latest start of each load that is in time for all. A quarter
  // more than its time is set aside, for the clock is an estimate.
  std::vector<int64_t> start(n);
  std::map<uint32_t, int64_t> wire;
  for (size_t i = n; i-- > 0;) {
    const Action &a = plan.actions[i];
    if (a.kind != ActionKind::Load)
      continue;
    auto route = problem.machine.route(a.tier, 0);
    uint32_t link = route.empty() ? 0 : route[0];
    const Link &l = problem.machine.links[link];
    uint32_t key = l.group ? l.group + (1u << 20) : link;
    int64_t time = problem.machine.transferNs(
        a.tier, 0, problem.storages[a.storage].partBytes(a.part));
    auto it = wire.find(key);
    int64_t end = it == wire.end() ? clock[i] : std::min(clock[i], it->second);
    start[i] = end - time - time / 4;
    wire[key] = start[i];
  }
  MaxTree tree(occupancy(problem, plan));
  LastTouch last(problem);
  std::vector<std::vector<size_t>> before(n);
  std::vector<bool> moved(n);
  for (size_t i = 0; i < n; ++i) {
    const Action &a = plan.actions[i];
    if (a.kind == ActionKind::Load) {
      uint64_t bytes =
          problem.aligned(problem.storages[a.storage].partBytes(a.part));
      size_t wanted =
          size_t(std::upper_bound(clock.begin(), clock.begin() + i, start[i]) -
                 clock.begin());
      wanted = wanted ? wanted - 1 : 0;
      wanted = std::max(wanted, last.after(a.storage, a.part));
      size_t at =
          budget < bytes ? i : tree.afterLastAbove(wanted, i, budget - bytes);
      // What a free gives back is there only after it.
      while (at < i && plan.actions[at].kind == ActionKind::Free)
        ++at;
      if (at < i) {
        tree.add(at, i, bytes);
        before[at].push_back(i);
        moved[i] = true;
      }
    }
    last.touch(a, i);
  }
  std::vector<Action> actions;
  actions.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t load : before[i])
      actions.push_back(plan.actions[load]);
    if (!moved[i])
      actions.push_back(plan.actions[i]);
  }
  plan.actions = std::move(actions);
}

void spillway::planner::delayFrees(const Problem &problem, Plan &plan,
                                   const std::vector<uint64_t> &budgets) {
  SimulationOptions options;
  options.budgets = budgets;
  options.timeline = true;
  options.maxRounds = 4;
  Simulation sim = simulate(problem, plan, options);
  size_t n = plan.actions.size();
  // When the last store of each storage is over, and where runs start.
  std::vector<int64_t> storeEnd(problem.storages.size());
  std::vector<std::pair<int64_t, size_t>> runs;
  for (size_t i = 0; i < n; ++i)
    if (plan.actions[i].kind == ActionKind::Run)
      runs.push_back({sim.startNs[i], i});
  MaxTree tree(occupancy(problem, plan));
  LastTouch next(problem); // from the end: positions count backwards
  std::vector<std::vector<size_t>> before(n + 1);
  std::vector<bool> moved(n);
  // What comes after may not be passed: first, the next touch of each storage.
  std::vector<size_t> limit(n, n);
  for (size_t i = n; i-- > 0;) {
    const Action &a = plan.actions[i];
    if (a.kind == ActionKind::Free && a.tier == 0)
      limit[i] = n - next.after(a.storage, -1);
    next.touch(a, n - 1 - i);
  }
  for (size_t i = 0; i < n; ++i) {
    const Action &a = plan.actions[i];
    if (a.kind == ActionKind::Store)
      storeEnd[a.storage] = sim.startNs[i] + sim.durationNs[i];
    if (a.kind != ActionKind::Free || a.tier != 0 || storeEnd[a.storage] == 0)
      continue;
    auto run = std::lower_bound(runs.begin(), runs.end(),
                                std::pair(storeEnd[a.storage], size_t(0)));
    size_t to = std::min(run == runs.end() ? n : run->second, limit[i]);
    uint64_t bytes =
        problem.aligned(problem.storages[a.storage].partBytes(a.part));
    if (to <= i + 1 || bytes > budgets[0] ||
        tree.afterLastAbove(i, to, budgets[0] - bytes) != i)
      continue;
    tree.add(i, to, bytes);
    before[to].push_back(i);
    moved[i] = true;
  }
  std::vector<Action> actions;
  actions.reserve(n);
  for (size_t i = 0; i <= n; ++i) {
    for (size_t f : before[i])
      actions.push_back(plan.actions[f]);
    if (i < n && !moved[i])
      actions.push_back(plan.actions[i]);
  }
  plan.actions = std::move(actions);
}
