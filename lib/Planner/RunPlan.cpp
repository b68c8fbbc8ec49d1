//===- RunPlan.cpp - From a sequence of runs to a plan ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunPlan.h"

#include "Prefetch.h"
#include "spillway/Planner/Verify.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

class RunPlanner {
public:
  RunPlanner(const Analysis &a, const Runs &runs)
      : a(a), problem(a.problem), runs(runs) {}

  Plan make() {
    begin();
    findDeaths();
    std::vector<bool> loaded(problem.storages.size());
    for (uint32_t i = 0; i < runs.size(); ++i) {
      for (const Operand &o : a.operands[runs[i]]) {
        const Storage &s = problem.storages[o.storage];
        if (s.kind != StorageKind::Fed || s.home == 0u || loaded[o.storage])
          continue;
        loaded[o.storage] = true;
        plan.actions.push_back(Action::load(o.storage, -1, s.home.value_or(1)));
      }
      plan.actions.push_back(Action::run(runs[i]));
      takeOver(i, plan.actions.back());
      for (uint32_t slot : dies[i])
        plan.actions.push_back(
            Action::free(a.slotStorage[slot], a.slotPart[slot], 0));
      for (uint32_t s : goesHome[i])
        plan.actions.push_back(Action::store(s, -1, *problem.storages[s].home));
    }
    return std::move(plan);
  }

private:
  /// The instance that an operand uses.
  uint32_t slotOf(const Operand &o) const {
    const Storage &s = problem.storages[o.storage];
    bool whole = s.kind != StorageKind::Temporary || s.parts.empty() ||
                 a.wholeAccess[o.storage];
    return a.slot(o.storage, whole ? -1 : o.part);
  }

  void begin() {
    for (uint32_t s = 0; s < problem.storages.size(); ++s) {
      const Storage &storage = problem.storages[s];
      if (storage.kind == StorageKind::Fed)
        plan.initial.push_back({s, -1, storage.home.value_or(1)});
      if (storage.kind != StorageKind::Persistent)
        continue;
      plan.initial.push_back({s, -1, 0});
      if (storage.home.value_or(0))
        plan.initial.push_back({s, -1, *storage.home});
    }
    std::sort(plan.initial.begin(), plan.initial.end());
  }

  /// Backwards: an instance ends with its last use before it is made again.
  void findDeaths() {
    dies.resize(runs.size());
    goesHome.resize(runs.size());
    std::vector<bool> wanted(a.numSlots()), home(problem.storages.size());
    for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
      wanted[slot] = problem.storages[a.slotStorage[slot]].output;
    for (uint32_t i = uint32_t(runs.size()); i-- > 0;) {
      const auto &operands = a.operands[runs[i]];
      for (const Operand &o : operands) {
        const Storage &s = problem.storages[o.storage];
        if (o.updated && s.home.value_or(0) && !home[o.storage]) {
          home[o.storage] = true;
          goesHome[i].push_back(o.storage);
        }
        uint32_t slot = slotOf(o);
        bool stays = s.kind == StorageKind::Persistent ||
                     (s.kind == StorageKind::Fed && s.home == 0u);
        if (stays || wanted[slot])
          continue;
        dies[i].push_back(slot);
        wanted[slot] = true;
      }
      for (const Operand &o : operands)
        if (o.written && !o.read && !o.updated && makesAll(o) &&
            problem.storages[o.storage].kind == StorageKind::Temporary)
          wanted[slotOf(o)] = false;
    }
  }
  /// What is made in one instance by several operators lives from the first.
  bool makesAll(const Operand &o) const {
    return o.part < 0 || a.slotPart[slotOf(o)] >= 0;
  }

  void takeOver(uint32_t i, Action &action) {
    auto &list = dies[i];
    for (const InPlacePair &p : problem.operators[runs[i]].inPlace) {
      uint32_t from = a.slot(p.read, -1);
      auto it = std::find(list.begin(), list.end(), from);
      if (it == list.end() || p.read == p.written ||
          problem.storages[p.read].kind != StorageKind::Temporary ||
          problem.storages[p.written].kind != StorageKind::Temporary)
        continue;
      bool taken = false;
      for (const InPlacePair &q : action.inPlace)
        taken |= q.written == p.written;
      if (taken)
        continue;
      action.inPlace.push_back(p);
      list.erase(it);
    }
  }

  const Analysis &a;
  const Problem &problem;
  const Runs &runs;
  Plan plan;
  std::vector<std::vector<uint32_t>> dies;     ///< by run: slots
  std::vector<std::vector<uint32_t>> goesHome; ///< by run: storages
};

} // namespace

Plan spillway::planner::planOfRuns(const Analysis &a, const Runs &runs) {
  return RunPlanner(a, runs).make();
}

int64_t spillway::planner::costOfRuns(const Analysis &a, const Runs &runs) {
  int64_t cost = 0;
  for (uint32_t op : runs)
    cost += a.problem.operators[op].costNs[0];
  return cost;
}

PolicyAnswer spillway::planner::answerOfRuns(const PolicyRequest &request,
                                             const std::vector<Runs> &sequences,
                                             const std::string &reason) {
  const Analysis &a = request.analysis;
  std::vector<std::pair<int64_t, uint32_t>> order;
  for (uint32_t i = 0; i < sequences.size(); ++i)
    order.push_back({costOfRuns(a, sequences[i]), i});
  std::sort(order.begin(), order.end());
  PolicyAnswer answer;
  answer.reason = reason;
  for (auto [cost, i] : order) {
    if (answer.plans.size() == 6)
      break;
    Plan plan = planOfRuns(a, sequences[i]);
    Verdict verdict = verifyPlan(a.problem, plan, request.budgets);
    if (!verdict.ok()) {
      if (answer.reason.empty())
        answer.reason = verdict.error;
      continue;
    }
    hoistLoads(a.problem, plan, request.budgets[0]);
    answer.plans.push_back(std::move(plan));
  }
  answer.ok = !answer.plans.empty();
  return answer;
}

Runs spillway::planner::withoutUnread(const Analysis &a, const Runs &runs) {
  std::vector<uint32_t> firstRun(a.numOps, none);
  for (uint32_t i = uint32_t(runs.size()); i-- > 0;)
    firstRun[runs[i]] = i;
  std::vector<bool> wanted(a.problem.storages.size());
  for (uint32_t s = 0; s < wanted.size(); ++s)
    wanted[s] = a.problem.storages[s].output;
  Runs kept;
  for (uint32_t i = uint32_t(runs.size()); i-- > 0;) {
    bool needed = firstRun[runs[i]] == i;
    for (const Operand &o : a.operands[runs[i]])
      needed |= o.written && wanted[o.storage];
    if (!needed)
      continue;
    kept.push_back(runs[i]);
    for (const Operand &o : a.operands[runs[i]])
      if (o.written && o.part < 0)
        wanted[o.storage] = false;
    for (const Operand &o : a.operands[runs[i]])
      if (o.read || o.updated)
        wanted[o.storage] = true;
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

uint64_t spillway::planner::residentBytes(const Analysis &a) {
  uint64_t bytes = 0;
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s)
    if (a.problem.storages[s].kind != StorageKind::Temporary)
      bytes += a.slotBytes[a.slot(s, -1)];
  return bytes;
}

bool spillway::planner::canRemake(const Analysis &a, uint32_t storage) {
  uint32_t p = a.producer[storage];
  return p != none &&
         a.problem.storages[storage].kind == StorageKind::Temporary &&
         a.rerunUntil[p] >= int64_t(std::min(a.lastUse[storage], a.numOps));
}
