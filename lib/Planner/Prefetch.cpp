//===- Prefetch.cpp - When loads are issued ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prefetch.h"
#include "Occupancy.h"

#include <map>

using namespace spillway::planner;

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
