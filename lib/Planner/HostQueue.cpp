//===- HostQueue.cpp - Runs off the device that may wait --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostQueue.h"

#include <algorithm>

using namespace spillway::planner;

HostQueue::HostQueue(const Problem &problem, const Plan &plan,
                     const std::vector<uint64_t> &budgets)
    : problem(problem), plan(plan) {
  enabled = std::any_of(plan.actions.begin(), plan.actions.end(),
                        [&](const Action &a) { return isHostRun(a); });
  if (!enabled)
    return;
  uint32_t cells = 0;
  for (const Storage &s : problem.storages) {
    cellBegin.push_back(cells);
    cells += s.numParts();
  }
  cellBegin.push_back(cells);
  users.assign(cells, {});
  // What waits keeps what it reads.
  std::vector<uint64_t> most(budgets.size());
  for (const Lifetime &l : lifetimes(problem, plan))
    most[l.instance.tier] += problem.aligned(
        problem.storages[l.instance.storage].partBytes(l.instance.part));
  for (size_t t = 1; t < budgets.size(); ++t)
    enabled &= budgets[t] == unlimited || most[t] <= budgets[t];
  if (enabled)
    findNeeds();
}

template <class Visit>
void HostQueue::eachCell(uint32_t storage, int32_t part, Visit visit) const {
  uint32_t c = cellBegin[storage] + uint32_t(std::max(part, 0));
  uint32_t end = part < 0 ? cellBegin[storage + 1] : c + 1;
  for (; c < end; ++c)
    visit(c);
}

/// The cells that a run uses, and whether it changes them.
template <class Visit>
void HostQueue::eachAccess(const Action &run, Visit visit) const {
  const Operator &op = problem.operators[run.op];
  for (auto *list : {&op.reads, &op.writes, &op.updates})
    for (const Access &access : *list)
      eachCell(access.storage, access.part,
               [&](uint32_t c) { visit(c, list != &op.reads); });
}

/// Backwards, twice: what comes first in a step is needed by the step before.
void HostQueue::findNeeds() {
  size_t n = plan.actions.size();
  std::vector<size_t> nextLoad(cellBegin.back(), SIZE_MAX);
  needs.assign(n, {SIZE_MAX, 0, 0});
  for (size_t round = 2; round-- > 0;)
    for (size_t i = n; i-- > 0;) {
      const Action &a = plan.actions[i];
      if (a.kind == ActionKind::Load)
        eachCell(a.storage, a.part,
                 [&](uint32_t c) { nextLoad[c] = round * n + i; });
      if (round > 0 || !isHostRun(a))
        continue;
      needs[i].run = uint32_t(i);
      eachAccess(a, [&](uint32_t c, bool changes) {
        if (changes)
          needs[i].needed = std::min(needs[i].needed, nextLoad[c]);
      });
    }
}

void HostQueue::add(uint32_t run, int64_t ready) {
  needs[run].ready = ready;
  waiting.insert(needs[run]);
  eachAccess(plan.actions[run], [&](uint32_t c, bool changes) {
    users[c].push_back({run, changes});
  });
}

void HostQueue::remove(uint32_t run) {
  waiting.erase(needs[run]);
  eachAccess(plan.actions[run], [&](uint32_t c, bool) {
    std::erase_if(users[c], [&](const User &u) { return u.run == run; });
  });
}

std::vector<uint32_t> HostQueue::before(const Action &a) const {
  std::vector<uint32_t> out;
  if (waiting.empty())
    return out;
  auto meet = [&](uint32_t cell, bool changes) {
    for (const User &u : users[cell])
      if (changes || u.changes)
        out.push_back(u.run);
  };
  // The device's copy is not theirs.
  if (a.kind == ActionKind::Free && a.tier == 0)
    return out;
  if (a.kind == ActionKind::Run)
    eachAccess(a, meet);
  else
    eachCell(a.storage, a.part,
             [&](uint32_t c) { meet(c, a.kind != ActionKind::Load); });
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}
