//===- SwapAdvisorPlan.cpp - From a chromosome to a swap plan ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SwapAdvisor.h"

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::swapadvisor;

SwapPlanner::SwapPlanner(const Analysis &a, const std::vector<uint64_t> &limit,
                         const std::vector<uint64_t> &sizes,
                         const Chromosome &c)
    : a(a), c(c), pools(c.pooled ? sizes.size() : 1), b(a, limit),
      pooled(a.numSlots()) {
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    uint32_t k = 0;
    if (c.pooled) {
      k = uint32_t(
          std::lower_bound(sizes.begin(), sizes.end(), a.slotBytes[slot]) -
          sizes.begin());
      while (k + 1 < sizes.size() && !c.top[k])
        ++k;
    }
    poolOf.push_back(std::min<uint32_t>(k, uint32_t(pools.size()) - 1));
  }
  b.used = [this](uint32_t slot) { enter(slot); };
  b.makeRoom = [this](uint64_t) {
    return this->c.pooled ? evictAny() : evict(0, none);
  };
}

/// Belady: of what the operator does not need, the one used last goes.
bool SwapPlanner::evict(uint32_t pool, uint32_t op) {
  uint32_t victim = none, latest = 0;
  for (uint32_t slot : pools[pool]) {
    if (!b.movable(slot) || a.slotBytes[slot] == 0 ||
        (op < a.numOps && usedBy(slot, op)) ||
        !(b.copied(slot) || b.tierFor(slot)))
      continue;
    uint32_t next = b.nextNeed(slot);
    if (victim == none || next > latest)
      victim = slot, latest = next;
  }
  if (victim == none || !b.sendAway(victim, b.tierFor(victim)))
    return false;
  stays[a.slotStorage[victim]] = false;
  if (latest < a.numOps) {
    away.push_back({latest, victim});
    std::push_heap(away.begin(), away.end(), std::greater<>());
  }
  return true;
}

/// Blocks for all that an operator takes beyond what is there.
bool SwapPlanner::reserve(uint32_t op) {
  std::vector<uint32_t> fresh;
  for (const Operand &o : a.operands[op])
    if (uint32_t slot = b.slotOf(o); !b.present(slot))
      fresh.push_back(poolOf[slot]);
  for (uint32_t pool : fresh) {
    uint32_t wanted = uint32_t(std::count(fresh.begin(), fresh.end(), pool));
    while (inUse(pool) + wanted > c.blocks[pool]) {
      auto leaving =
          std::find_if(pools[pool].begin(), pools[pool].end(),
                       [&](uint32_t slot) { return b.leaving(slot); });
      if (leaving != pools[pool].end())
        b.waitFor(*leaving);
      else if (!evict(pool, op))
        return false;
    }
  }
  return true;
}

void SwapPlanner::prefetch() {
  const Problem &p = a.problem;
  while (!away.empty()) {
    auto [next, slot] = away.front();
    bool done = next < b.position() || b.present(slot) || !b.copied(slot);
    if (!done) {
      int64_t ns = p.machine.transferNs(
          b.copyTier(a.slotStorage[slot]), 0,
          p.storages[a.slotStorage[slot]].partBytes(a.slotPart[slot]));
      // The link is busy with what was asked for before; a block is needed.
      if (linkFree > b.now() + ns ||
          (c.pooled && inUse(poolOf[slot]) >= c.blocks[poolOf[slot]]) ||
          b.room() < a.slotBytes[slot] + b.newBytes(b.position()) ||
          !b.prefetch(slot))
        return;
      linkFree = std::max(linkFree, b.now()) + ns;
      enter(slot);
    }
    std::pop_heap(away.begin(), away.end(), std::greater<>());
    away.pop_back();
  }
}

PolicyAnswer SwapPlanner::run(const std::vector<bool> &residents) {
  const auto &storages = a.problem.storages;
  stays.assign(storages.size(), false);
  for (uint32_t s = 0; s < storages.size(); ++s) {
    if (storages[s].kind != StorageKind::Persistent)
      continue;
    stays[s] = true;
    uint32_t tier = residents[s] ? 0 : b.tierFor(a.slot(s, -1));
    if (!storages[s].home && !b.place(s, tier))
      return b.fail();
  }
  if (!b.placeAll())
    return b.fail();
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
    if (b.present(slot))
      enter(slot);
  while (b.position() < a.numOps) {
    prefetch();
    if (c.pooled && !reserve(b.position())) {
      PolicyAnswer out;
      out.reason = "no pool has blocks for operator " +
                   std::to_string(a.problem.operators[b.position()].id);
      return out;
    }
    if (!b.perform(b.position()))
      return b.fail();
  }
  return b.answer();
}
