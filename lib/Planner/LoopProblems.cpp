//===- LoopProblems.cpp - The parts of a step with a loop -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopProblems.h"
#include "Analysis.h"
#include "RepeatOrder.h"

#include <algorithm>
#include <numeric>
#include <set>

using namespace spillway::planner;

/// By storage: whether an operator of the range accesses it.
static std::vector<bool> touchedBy(const Problem &problem, const Repeat &r) {
  std::vector<bool> touched(problem.storages.size());
  for (uint32_t at = r.first; at <= r.last; ++at)
    for (auto *list :
         {&problem.operators[at].reads, &problem.operators[at].writes,
          &problem.operators[at].updates})
      for (const Access &a : *list)
        touched[a.storage] = true;
  return touched;
}

LoopRoom spillway::planner::shareRoom(const Problem &problem, uint32_t repeat,
                                      const std::vector<uint64_t> &budgets) {
  const Repeat &r = problem.repeats[repeat];
  std::vector<bool> touched = touchedBy(problem, r);
  std::vector<int32_t> repeatOf = repeatOfStorages(problem);
  uint32_t numTiers = uint32_t(budgets.size());
  LoopRoom out;
  out.bodyBudgets = budgets;
  out.homes.resize(problem.storages.size());
  auto take = [&](uint32_t tier, uint64_t bytes) {
    if (tier == 0 || tier >= numTiers || budgets[tier] == unlimited)
      return;
    uint64_t &left = out.bodyBudgets[tier];
    left -= std::min(left, bytes);
  };
  uint64_t shared = 0; // what the body may have off the device
  std::vector<uint32_t> others;
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &x = problem.storages[s];
    uint64_t bytes = problem.aligned(x.bytes);
    if (x.kind == StorageKind::Fed) {
      uint64_t n = repeatOf[s] == int32_t(repeat) ? r.count - 1
                   : touched[s]                   ? 0
                                                  : 1;
      take(x.home.value_or(1), bytes * n);
    } else if (touched[s]) {
      shared += repeatOf[s] < 0 ? bytes : 0;
    } else if (x.kind == StorageKind::Persistent) {
      if (x.home)
        take(*x.home, bytes);
      else
        others.push_back(s);
    }
  }
  // Tier by tier, as plans fill them: what the body needs goes first. Where
  // something has to go behind the host, some of a large device may be for what
  // the body has there only: half of it, less several times what one operator
  // needs.
  if (numTiers > 2 && budgets[0] != unlimited) {
    uint64_t most = 0;
    for (uint64_t bytes :
         Analysis(makeBody(problem, repeat).problem).workingSet)
      most = std::max(most, bytes);
    uint64_t stays = budgets[0] / 2 - std::min(budgets[0] / 2, 6 * most);
    shared -= std::min(shared, stays);
  }
  uint32_t tier = 1;
  auto left = [&](uint32_t t) {
    if (out.bodyBudgets[t] == unlimited)
      return unlimited;
    uint64_t reserved = t == 1 ? shared : 0;
    return out.bodyBudgets[t] - std::min(out.bodyBudgets[t], reserved);
  };
  for (uint32_t s : others) {
    uint64_t bytes = problem.aligned(problem.storages[s].bytes);
    while (tier + 1 < numTiers && left(tier) < bytes)
      ++tier;
    if (tier >= numTiers)
      break; // one tier only
    if (tier > 1 && left(tier) >= bytes)
      out.homes[s] = tier;
    take(tier, bytes);
  }
  return out;
}

BodyProblem spillway::planner::makeBody(const Problem &problem,
                                        uint32_t repeat) {
  const Repeat &r = problem.repeats[repeat];
  std::vector<bool> touched = touchedBy(problem, r);
  std::vector<int32_t> repeatOf = repeatOfStorages(problem);
  BodyProblem out;
  Problem &p = out.problem;
  p.name = problem.name;
  p.machine = problem.machine;
  p.alignment = problem.alignment;
  std::vector<uint32_t> index(problem.storages.size(), none);
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    if (!touched[s])
      continue;
    index[s] = uint32_t(p.storages.size());
    out.storages.push_back(s);
    Storage copy = problem.storages[s];
    copy.output = false;
    if (repeatOf[s] < 0 && copy.kind != StorageKind::Fed) {
      copy.kind = StorageKind::Persistent;
      copy.home.reset();
    }
    p.storages.push_back(std::move(copy));
  }
  for (uint32_t at = r.first; at <= r.last; ++at) {
    Operator copy = problem.operators[at];
    for (auto *list : {&copy.reads, &copy.writes, &copy.updates})
      for (Access &a : *list)
        a.storage = index[a.storage];
    for (InPlacePair &pair : copy.inPlace)
      pair = {index[pair.written], index[pair.read]};
    // What repetitions share must not end in one of them.
    std::erase_if(copy.inPlace, [&](const InPlacePair &pair) {
      return p.storages[pair.read].kind == StorageKind::Persistent;
    });
    p.operators.push_back(std::move(copy));
  }
  return out;
}

OuterProblem spillway::planner::makeOuter(const Problem &problem,
                                          uint32_t repeat,
                                          const BodyProblem &bodyProblem,
                                          const Plan &body, uint64_t bodyHeight,
                                          const LoopRoom &room, bool fixedOrder,
                                          bool clear) {
  OuterProblem out;
  std::vector<uint32_t> counts;
  for (const Repeat &r : problem.repeats)
    counts.push_back(r.count);
  counts[repeat] = 2;
  out.unrolled = unroll(problem, counts);
  const Unrolled &u = out.unrolled;
  std::vector<uint32_t> order(u.problem.operators.size());
  std::iota(order.begin(), order.end(), 0u);
  if (!fixedOrder)
    order = orderAroundRepeats(u);
  uint32_t lastOfFirst = u.op(problem.repeats[repeat].last, 0);
  out.gap = uint32_t(std::find(order.begin(), order.end(), lastOfFirst) -
                     order.begin()) +
            1;
  // What the body finds where, and what it changes.
  std::set<uint32_t> changed;
  for (const Operator &op : bodyProblem.problem.operators)
    for (const Access &a : op.updates)
      changed.insert(a.storage);
  Operator gap;
  gap.id = UINT32_MAX;
  gap.name = "other repetitions";
  gap.costNs.assign(problem.machine.engines.size(), -1);
  gap.costNs[0] = 0;
  gap.recomputable = false;
  uint64_t resident = 0;
  std::vector<std::optional<uint32_t>> homes = room.homes;
  for (const Instance &i : body.initial) {
    const Storage &x = bodyProblem.problem.storages[i.storage];
    uint32_t s = bodyProblem.storages[i.storage];
    if (x.kind != StorageKind::Persistent)
      continue;
    if (i.tier != 0) {
      if (problem.storages[s].kind == StorageKind::Persistent)
        homes[s] = i.tier;
      continue;
    }
    if (clear)
      continue;
    resident += problem.aligned(x.partBytes(i.part));
    auto &list = changed.count(i.storage) ? gap.updates : gap.reads;
    list.push_back({u.storage(s, 0), i.part});
  }
  gap.workspace = bodyHeight - std::min(bodyHeight, resident);

  out.problem = inOrder(u.problem, order);
  Problem &p = out.problem;
  p.operators.insert(p.operators.begin() + out.gap, std::move(gap));
  out.order = std::move(order);
  out.order.insert(out.order.begin() + out.gap, none);
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    if (problem.storages[s].kind == StorageKind::Persistent && homes[s] &&
        !problem.storages[s].home)
      p.storages[u.storage(s, 0)].home = homes[s];
  return out;
}
