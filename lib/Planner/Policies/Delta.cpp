//===- Delta.cpp - Filter, director, prefetcher -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tang, Wang, Zhang, Liu, Zhang, Qiao, Lai, Li, "DELTA: Dynamically optimizing
// GPU memory beyond tensor recomputation", 2022.
//
// Online, when an allocation does not fit. The filter picks the tensor with the
// least cost over bytes times staleness. The director compares, for it, what a
// swap costs (the way out, for which the allocation waits, and of the way back
// what the compute time until its next use does not hide) with what making it
// again costs (it, and what it is made from that is gone), and takes the
// lesser. The prefetcher loads what was swapped, in order of need, as soon as
// its time is due and there is room.
//
//===----------------------------------------------------------------------===//

#include "../LayerView.h"
#include "../PlanBuilder.h"

#include <algorithm>
#include <set>

using namespace spillway::planner;

namespace {

class Delta {
public:
  explicit Delta(const PolicyRequest &request)
      : a(request.analysis), layers(a), b(a, request.budgets),
        host(request.budgets.size() > 1), lastUsed(a.numSlots()),
        seen(a.problem.storages.size()) {
    b.mayRecompute = true;
    b.used = [this](uint32_t slot) {
      lastUsed[slot] = b.now();
      candidates.insert(slot);
    };
    b.makeRoom = [this](uint64_t) { return release(); };
  }
  PolicyAnswer run();

private:
  int64_t swapCost(uint32_t slot) const;
  int64_t remakeCost(uint32_t slot);
  void ancestors(uint32_t storage, int64_t &cost, uint32_t depth);
  bool release();
  void prefetch();
  int64_t transferNs(uint32_t slot) const {
    uint32_t tier = b.tierFor(slot);
    return a.problem.machine.transferNs(
        tier, 0,
        a.problem.storages[a.slotStorage[slot]].partBytes(a.slotPart[slot]));
  }

  const Analysis &a;
  LayerView layers;
  PlanBuilder b;
  bool host;
  std::vector<int64_t> lastUsed;
  std::set<uint32_t> candidates; ///< used so far and on the device
  std::set<std::pair<uint32_t, uint32_t>> away; ///< swapped: next use, slot
  std::vector<uint32_t> seen;
  uint32_t stamp = 0;
};

int64_t Delta::swapCost(uint32_t slot) const {
  if (!host || (!b.copied(slot) && !b.tierFor(slot)))
    return INT64_MAX;
  int64_t ns = transferNs(slot), out = b.copied(slot) ? 0 : ns;
  // `now` is ahead of the profile by what was run again.
  uint32_t next = std::min(b.nextNeed(slot), a.numOps);
  int64_t hides = layers.startNs[next] - layers.startNs[b.position()];
  return out + std::max<int64_t>(0, ns - hides);
}

void Delta::ancestors(uint32_t s, int64_t &cost, uint32_t depth) {
  uint32_t p = a.producer[s];
  if (p == none || depth > 200)
    return;
  cost += a.problem.operators[p].cost(0);
  for (const Operand &o : a.operands[p]) {
    uint32_t whole = a.slot(o.storage, -1);
    if (!o.read || seen[o.storage] == stamp || b.present(whole) ||
        b.copied(whole))
      continue;
    seen[o.storage] = stamp;
    ancestors(o.storage, cost, depth + 1);
  }
}

int64_t Delta::remakeCost(uint32_t slot) {
  if (!b.remakeable(slot))
    return INT64_MAX;
  ++stamp;
  int64_t cost = 0;
  ancestors(a.slotStorage[slot], cost, 0);
  return cost;
}

bool Delta::release() {
  uint32_t victim = none;
  double least = 0;
  int64_t swap = 0, remake = 0;
  for (auto it = candidates.begin(); it != candidates.end();) {
    uint32_t slot = *it;
    if (!b.present(slot)) {
      it = candidates.erase(it);
      continue;
    }
    ++it;
    if (!b.movable(slot) || a.slotBytes[slot] == 0 ||
        a.problem.storages[a.slotStorage[slot]].kind == StorageKind::Persistent)
      continue;
    int64_t s = swapCost(slot), r = remakeCost(slot);
    if (std::min(s, r) == INT64_MAX)
      continue;
    double stale = double(b.now() - lastUsed[slot] + 1);
    double value =
        double(std::min(s, r) + 1) / (double(a.slotBytes[slot]) * stale);
    if (victim == none || value < least)
      victim = slot, least = value, swap = s, remake = r;
  }
  if (victim == none)
    return false;
  if (remake < swap || !b.sendAway(victim, b.tierFor(victim)))
    return b.forget(victim);
  away.insert({b.nextNeed(victim), victim});
  return true;
}

void Delta::prefetch() {
  while (!away.empty()) {
    auto [next, slot] = *away.begin();
    bool gone = next < b.position() || next >= a.numOps ||
                (b.present(slot) && !b.leaving(slot)) || !b.copied(slot);
    if (!gone) {
      // Due when the transfer would end just in time, with one more like it
      // before it.
      if (layers.startNs[b.position()] + 2 * transferNs(slot) <
              layers.startNs[next] ||
          b.room() < a.slotBytes[slot] + b.newBytes(b.position()) ||
          !b.prefetch(slot))
        return;
      candidates.insert(slot);
      lastUsed[slot] = b.now();
    }
    away.erase(away.begin());
  }
}

PolicyAnswer Delta::run() {
  if (!b.placeAll())
    return b.fail();
  while (b.position() < a.numOps) {
    prefetch();
    if (!b.perform(b.position()))
      return b.fail();
  }
  return b.answer();
}

} // namespace

PolicyAnswer spillway::planner::planDelta(const PolicyRequest &request) {
  if (request.analysis.numOps == 0)
    return PlanBuilder(request.analysis, request.budgets).answer();
  return Delta(request).run();
}
