//===- LoadOrder.cpp - Loads in the order that suits the links --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A link takes transfers in the order of their issue: one that waits, for an
// update on the host or for a store, holds up all behind it. So loads are
// ordered by a simulation: whenever their link is free, and memory allows, the
// one that is needed first, of those that can start. So are runs off the device
// (HostQueue.h).
//
//===----------------------------------------------------------------------===//

#include "Execution.h"
#include "HostQueue.h"
#include "Occupancy.h"
#include "Prefetch.h"

#include <queue>
#include <set>

using namespace spillway::planner;

namespace {

class LoadOrder {
public:
  LoadOrder(const Problem &problem, const Plan &plan,
            const std::vector<uint64_t> &budgets, const Earliness &early)
      : problem(problem), plan(plan), early(early), program(problem, plan),
        queue(problem, plan, budgets), tree({}) {
    options.budgets = budgets;
  }

  /// The actions by index, in their new order.
  std::vector<uint32_t> make() {
    findLimits();
    Execution e(program, options);
    execution = &e;
    // The second step finds links and memory as a step before leaves them, and
    // knows when everything will be needed.
    release.assign(plan.actions.size(), INT64_MIN);
    walk();
    findReleases();
    walk();
    return std::move(order);
  }

private:
  struct Waiting {
    int64_t ready;
    uint32_t load;
    bool operator>(const Waiting &o) const {
      return std::pair(ready, load) > std::pair(o.ready, o.load);
    }
  };

  bool isLoad(uint32_t i) const {
    return plan.actions[i].kind == ActionKind::Load;
  }
  uint64_t bytesOf(uint32_t load) const {
    const Action &a = plan.actions[load];
    return problem.aligned(problem.storages[a.storage].partBytes(a.part));
  }

  /// Behind which action each load may be issued.
  void findLimits() {
    size_t n = plan.actions.size();
    behind.assign(n + 1, {});
    LastTouch last(problem);
    for (uint32_t i = 0; i < n; ++i) {
      const Action &a = plan.actions[i];
      if (a.kind == ActionKind::Load)
        behind[last.after(a.storage, a.part)].push_back(i);
      last.touch(a, i);
    }
    held = occupancy(problem, plan);
  }

  /// Backwards: the latest start of each load that is in time for all, if
  /// transfers take somewhat longer.
  void findReleases() {
    int64_t period = lastEnd, free = INT64_MAX;
    for (uint32_t i = uint32_t(plan.actions.size()); i-- > 0;)
      if (isLoad(i)) {
        int64_t end = std::min(free, needed[i] + period);
        free = release[i] =
            end - int64_t(double(program.steps[i].duration) * early.slack);
      }
  }

  void walk() {
    needed.assign(plan.actions.size(), 0);
    uint32_t n = uint32_t(plan.actions.size());
    tree = MaxTree(held);
    done.assign(n, false);
    ready.clear();
    waiting = {};
    order.clear();
    behindRun.clear();
    unfinished.clear();
    uint32_t noted = 0;
    for (position = 0; position < n; ++position) {
      for (uint32_t load : behind[position])
        if (!waitsForRuns(load))
          offer(load);
      if (done[position])
        continue;
      const Action &a = plan.actions[position];
      if (a.kind == ActionKind::Run && a.engine == 0)
        fillHost(execution->earliest(position));
      if (a.kind == ActionKind::Free && waitsForRuns(position))
        continue;
      for (uint32_t run : queue.before(a))
        issueRun(run);
      if (queue.mayWait(position)) {
        queue.add(position, execution->readsReady(position));
      } else if (a.kind == ActionKind::Load) {
        // What is needed now comes now; what can be done before it is ready is.
        fill(execution->readsReady(position), true);
        issue(position);
      } else {
        if (a.kind == ActionKind::Run && a.engine == 0)
          fill(execution->earliest(position), false);
        int64_t start = execution->run(position);
        order.push_back(position);
        if (a.kind == ActionKind::Run && a.engine == 0) {
          lastEnd = start + program.steps[position].duration;
          for (; noted <= position; ++noted)
            needed[noted] = start;
        }
      }
    }
    fillHost(INT64_MAX);
    for (; noted < n; ++noted)
      needed[noted] = lastEnd;
  }

  void offer(uint32_t load) {
    waiting.push({std::max(release[load], execution->readsReady(load)), load});
  }

  /// Whether runs that wait must come before a load or a free: it follows the
  /// last of them, then.
  bool waitsForRuns(uint32_t action) {
    std::vector<uint32_t> runs = queue.before(plan.actions[action]);
    for (uint32_t run : runs)
      behindRun[run].push_back(action);
    if (!runs.empty())
      unfinished[action] = runs.size();
    return !runs.empty();
  }

  void issueRun(uint32_t run) {
    queue.remove(run);
    execution->run(run);
    order.push_back(run);
    auto it = behindRun.find(run);
    if (it == behindRun.end())
      return;
    for (uint32_t action : it->second) {
      if (--unfinished[action] > 0)
        continue;
      if (isLoad(action)) {
        offer(action);
        continue;
      }
      execution->run(action);
      order.push_back(action);
    }
    behindRun.erase(it);
  }

  /// Issues runs off the device that start before `until`, those that are
  /// needed first first.
  void fillHost(int64_t until) {
    while (!queue.empty()) {
      const HostQueue::Waiting *best = nullptr;
      int64_t start = until;
      for (const HostQueue::Waiting &w : queue.all())
        if (int64_t t = std::max(execution->streamsFree(w.run), w.ready);
            t < start)
          best = &w, start = t;
      if (!best)
        return;
      issueRun(best->run);
    }
  }

  /// Issues loads that start before `until`; with `half`, those half done then.
  void fill(int64_t until, bool half) {
    for (;;) {
      while (!waiting.empty() && done[waiting.top().load])
        waiting.pop();
      while (!ready.empty() && done[*ready.begin()])
        ready.erase(ready.begin());
      if (ready.empty() && waiting.empty())
        return;
      uint32_t any = ready.empty() ? waiting.top().load : *ready.begin();
      int64_t now = execution->streamsFree(any);
      if (ready.empty())
        now = std::max(now, waiting.top().ready);
      if (now >= until)
        return;
      while (!waiting.empty() && waiting.top().ready <= now) {
        ready.insert(waiting.top().load);
        waiting.pop();
      }
      bool issued = false;
      for (uint32_t load : ready) {
        if (done[load] || load == position)
          continue;
        int64_t start = std::max(now, execution->bytesFree(load));
        int64_t late = half ? start + program.steps[load].duration / 2 : start;
        uint64_t bytes = bytesOf(load);
        if (late >= until || bytes > early.bytes ||
            tree.afterLastAbove(position, load, early.bytes - bytes) !=
                position)
          break;
        tree.add(position, load, bytes);
        issue(load);
        ready.erase(load);
        issued = true;
        break;
      }
      if (!issued)
        return;
    }
  }

  void issue(uint32_t load) {
    done[load] = true;
    execution->run(load);
    order.push_back(load);
  }

  const Problem &problem;
  const Plan &plan;
  const Earliness &early;
  Program program;
  SimulationOptions options;
  Execution *execution = nullptr;
  HostQueue queue;
  std::vector<std::vector<uint32_t>> behind; ///< by position: loads
  /// By run that waits: loads and frees that follow it; by those, how many such
  /// runs are left.
  std::map<uint32_t, std::vector<uint32_t>> behindRun;
  std::map<uint32_t, size_t> unfinished;
  std::vector<uint64_t> held; ///< by action: bytes
  MaxTree tree;
  uint32_t position = 0;
  int64_t lastEnd = 0;          ///< of the runs so far
  std::vector<int64_t> needed;  ///< by action: when the next run starts
  std::vector<int64_t> release; ///< by action: when it may start at the soonest
  std::vector<bool> done;
  std::set<uint32_t> ready; ///< what is needed first first
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<Waiting>>
      waiting;
  std::vector<uint32_t> order;
};

} // namespace

void spillway::planner::orderLoads(const Problem &problem, Plan &plan,
                                   const std::vector<uint64_t> &budgets,
                                   const Earliness &earliness) {
  if (std::none_of(plan.actions.begin(), plan.actions.end(),
                   [](const Action &a) { return a.kind == ActionKind::Load; }))
    return;
  Plan late = plan;
  issueLate(problem, late);
  std::vector<uint32_t> order =
      LoadOrder(problem, late, budgets, earliness).make();
  plan.actions.clear();
  for (uint32_t i : order)
    plan.actions.push_back(std::move(late.actions[i]));
}
