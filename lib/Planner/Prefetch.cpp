//===- Prefetch.cpp - When loads are issued ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prefetch.h"
#include "Occupancy.h"

#include <algorithm>
#include <map>

using namespace spillway::planner;

namespace {

/// A transfer's bytes on the wire that it takes for as long as it lasts.
struct OnWire {
  uint32_t wire = 0; ///< links in a group take turns
  int64_t ns = 0;
};

OnWire onWire(const Problem &problem, const Action &a) {
  const Machine &machine = problem.machine;
  bool load = a.kind == ActionKind::Load;
  uint32_t from = load ? a.tier : a.from, to = load ? 0 : a.tier;
  uint32_t link = machine.way(from, to).link;
  if (link == Machine::Way::none)
    return {};
  uint32_t group = machine.links[link].group;
  uint64_t bytes = problem.storages[a.storage].partBytes(a.part);
  return {group ? group + (1u << 20) : link,
          machine.transferNs(from, to, bytes)};
}

/// What a wire does, told backwards: stores as soon as they may, loads as late
/// as the others let them.
struct WireTime {
  std::vector<std::pair<int64_t, int64_t>> stores; ///< in sequence
  int64_t free = INT64_MAX;                        ///< loads begin from here on

  /// The latest start of a load of `time` that ends by `end`.
  int64_t before(int64_t end, int64_t time) {
    free = std::min(free, end);
    for (;; stores.pop_back()) {
      int64_t since = stores.empty() ? INT64_MIN / 2 : stores.back().second;
      if (free - time >= since)
        return free -= time;
      time -= std::max<int64_t>(free - since, 0);
      free = std::min(free, stores.back().first);
    }
  }
};

/// By action: when it is due if loads are there in time wherever their wires
/// can bring all that is needed until then, in turn with what leaves.
std::vector<int64_t> dueTimes(const Problem &problem, const Plan &plan) {
  std::vector<int64_t> clock;
  std::map<uint32_t, int64_t> busy;
  int64_t now = 0;
  for (const Action &a : plan.actions) {
    if (a.kind == ActionKind::Load || a.kind == ActionKind::Store) {
      OnWire x = onWire(problem, a);
      busy[x.wire] += x.ns;
      if (a.kind == ActionKind::Load)
        now = std::max(now, busy[x.wire]);
    }
    clock.push_back(now);
    if (a.kind == ActionKind::Run && a.engine == 0)
      now += problem.operators[a.op].costNs[0];
  }
  return clock;
}

} // namespace

void spillway::planner::hoistLoads(const Problem &problem, Plan &plan,
                                   uint64_t budget) {
  size_t n = plan.actions.size();
  if (std::none_of(plan.actions.begin(), plan.actions.end(),
                   [](const Action &a) { return a.kind == ActionKind::Load; }))
    return;
  std::vector<int64_t> clock = dueTimes(problem, plan);
  std::map<uint32_t, WireTime> wires;
  for (size_t i = 0; i < n; ++i)
    if (plan.actions[i].kind == ActionKind::Store) {
      OnWire x = onWire(problem, plan.actions[i]);
      auto &stores = wires[x.wire].stores;
      int64_t begin =
          stores.empty() ? clock[i] : std::max(clock[i], stores.back().second);
      stores.push_back({begin, begin + x.ns});
    }
  // Backwards: the latest start of each load that is in time for all. A quarter
  // more than its time is set aside, for the clock is an estimate.
  std::vector<int64_t> start(n);
  for (size_t i = n; i-- > 0;)
    if (plan.actions[i].kind == ActionKind::Load) {
      OnWire x = onWire(problem, plan.actions[i]);
      start[i] = wires[x.wire].before(clock[i], x.ns + x.ns / 4);
    }
  MaxTree tree(occupancy(problem, plan));
  LastTouch last(problem);
  std::vector<std::vector<size_t>> before(n);
  std::vector<bool> moved(n);
  // What waits for an operator off the device holds up what is behind it: it
  // was issued when that was expected to be done.
  std::vector<bool> elsewhere(problem.storages.size());
  for (size_t i = 0; i < n; ++i) {
    const Action &a = plan.actions[i];
    if (a.kind == ActionKind::Run && a.engine != 0)
      for (const Access &u : problem.operators[a.op].updates)
        elsewhere[u.storage] = true;
    if (a.kind == ActionKind::Load && !elsewhere[a.storage]) {
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
