//===- GapGreedy.cpp - Which gaps to bridge how ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapOffers.h"

#include "HomeTiers.h"

#include <algorithm>
#include <queue>

using namespace spillway::planner;

void Greedy::profile() {
  uint32_t n = std::max(a.numOps, 1u);
  width = (n + 1023) / 1024;
  // The last bucket must end where the step ends, or wrapping gaps would see
  // a step that is longer than it is.
  buckets = (n + width - 1) / width;
  std::vector<int64_t> most(buckets, INT64_MIN);
  time.assign(buckets, 0);
  std::vector<int64_t> change(n + 1);
  int64_t live = 0;
  for (uint32_t i = 0; i < a.gaps.size(); ++i) {
    const Gap &g = a.gaps[i];
    // It is not there at all.
    if (leaves(i) && !storeNeeded(i)) {
      d.gaps[i] = GapChoice::Swap;
      continue;
    }
    int64_t bytes = int64_t(a.slotBytes[g.slot]);
    if (!g.wraps) {
      if (g.from + 1 < g.to) {
        change[g.from + 1] += bytes;
        change[std::min(g.to, n)] -= bytes;
      }
      continue;
    }
    live += bytes; // at position 0, unless it is accessed there
    change[std::min(g.to - n, n)] -= bytes;
    change[std::min(g.from + 1, n)] += bytes;
  }
  // What never moves: persistent storages that nobody accesses have no gaps.
  int64_t target = budgets[0] == unlimited
                       ? INT64_MAX / 2
                       : int64_t(double(budgets[0]) * (1 - options.margin));
  for (uint32_t at = 0; at < a.numOps; ++at) {
    live += change[at];
    uint32_t b = bucketOf(at);
    int64_t needs = off(at) ? 0 : int64_t(a.workingSet[at]);
    most[b] = std::max(most[b], live + needs - target);
    time[b] += off(at) ? 0 : problem.operators[at].costNs[0];
  }
  over = BytesOver(most);
  std::vector<int64_t> linkTime = time;
  for (int64_t &ns : linkTime)
    ns = int64_t(double(ns) * options.stretch);
  links = LinkWindows(problem.machine, linkTime);
}

void Greedy::accept(uint32_t gap, const Offer &offer) {
  const Gap &g = a.gaps[gap];
  const Storage &s = problem.storages[a.slotStorage[g.slot]];
  d.gaps[gap] = offer.choice;
  over.add(offer.low, offer.high, -int64_t(a.slotBytes[g.slot]));
  if (offer.choice == GapChoice::Drop) {
    uint32_t at = remadeAt[gap] = remakeTime(gap);
    makesDropped[a.producer[a.slotStorage[g.slot]]] = true;
    Remake r;
    ++visit;
    remake(a.slotStorage[g.slot], at, r);
    for (uint32_t other : r.pulled) {
      const Gap &o = a.gaps[other];
      over.add(std::max(at / width, (o.from + width) / width),
               remadeAt[other] / width, int64_t(a.slotBytes[o.slot]));
      remadeAt[other] = at;
    }
    return;
  }
  swapped.push_back({gap, offer.low, offer.high});
  auto [low, high] = interior(g);
  uint32_t tier = tierFor(g.slot);
  uint64_t bytes = s.partBytes(a.slotPart[g.slot]);
  if (storeNeeded(gap))
    links.takeStore(tier, links.storeNs(tier, bytes), low, high);
  if (loadNeeded(gap))
    links.takeLoad(tier, links.loadNs(tier, bytes), low, high);
  away[g.slot] = true;
  uint32_t &to = awayTo[a.slotStorage[g.slot]];
  if (to == 0 && s.kind != StorageKind::Fed) {
    to = tier;
    left[tier] -= std::min(left[tier], problem.aligned(s.bytes));
  }
}

/// What operators off the device need goes there, and what they change comes
/// back.
void Greedy::leaveForOthers() {
  for (uint32_t g = 0; g < a.gaps.size(); ++g) {
    if (returns(g)) {
      auto [low, high] = interior(a.gaps[g]);
      uint32_t slot = a.gaps[g].slot, tier = tierFor(slot);
      uint64_t bytes =
          problem.storages[a.slotStorage[slot]].partBytes(a.slotPart[slot]);
      if (tier)
        links.takeLoad(tier, links.loadNs(tier, bytes), low, high);
    }
    if (!leaves(g) || !storeNeeded(g))
      continue;
    Offer offer = swapOffer(g);
    if (offer.choice != GapChoice::Keep)
      accept(g, offer);
    d.gaps[g] = GapChoice::Swap;
  }
}

/// What is to be here for its uses only leaves wherever that takes no longer
/// than it has; what moves more than once a step goes to the nearest tier.
void Greedy::leaveByResidence() {
  std::vector<uint32_t> gaps;
  for (uint32_t g = 0; g < a.gaps.size(); ++g)
    if (!open(g) && d.gaps[g] == GapChoice::Keep &&
        (*options.residence)[a.slotStorage[a.gaps[g].slot]] ==
            Residence::Leaves)
      gaps.push_back(g);
  std::sort(gaps.begin(), gaps.end(), [&](uint32_t x, uint32_t y) {
    size_t dx = a.uses[a.gaps[x].slot].size();
    size_t dy = a.uses[a.gaps[y].slot].size();
    return dx != dy ? dx > dy : x < y;
  });
  std::vector<int64_t> clock(2 * buckets + 1);
  for (uint32_t b = 0; b < 2 * buckets; ++b)
    clock[b + 1] = clock[b] + time[b % buckets];
  for (uint32_t g : gaps) {
    auto [low, high] = interior(a.gaps[g]);
    uint32_t tier = tierFor(a.gaps[g].slot);
    if (tier == 0 || low >= high)
      continue;
    uint64_t bytes = problem.storages[a.slotStorage[a.gaps[g].slot]].partBytes(
        a.slotPart[a.gaps[g].slot]);
    int64_t ns = links.loadNs(tier, bytes) +
                 (storeNeeded(g) ? links.storeNs(tier, bytes) : 0);
    if (clock[high] - clock[low] < ns)
      continue;
    if (Offer offer = swapOffer(g); offer.choice != GapChoice::Keep)
      accept(g, offer);
  }
}

/// Takes over what the prices decided for most of a gap.
void Greedy::trust() {
  for (uint32_t g = 0; g < a.gaps.size(); ++g) {
    float swapped = options.prices->swapped[g];
    float remade = options.prices->remade[g];
    if (swapped + remade < options.trust || d.gaps[g] != GapChoice::Keep)
      continue;
    Offer offer = swapped > remade ? swapOffer(g) : dropOffer(g);
    if (offer.choice != GapChoice::Keep)
      accept(g, offer);
  }
}

/// What was chosen when all was short may not be needed any more with what was
/// chosen after it. What takes room for the shortest time stays first.
void Greedy::keepAfterAll() {
  std::sort(swapped.begin(), swapped.end(),
            [](const Swapped &x, const Swapped &y) {
              return std::pair(x.high - x.low, x.gap) <
                     std::pair(y.high - y.low, y.gap);
            });
  for (const Swapped &s : swapped) {
    auto bytes = int64_t(a.slotBytes[a.gaps[s.gap].slot]);
    if (leaves(s.gap) || over.burden(s.low, s.high, bytes) > 0)
      continue;
    over.add(s.low, s.high, bytes);
    d.gaps[s.gap] = GapChoice::Keep;
  }
}

Decisions Greedy::run() {
  d.gaps.assign(a.gaps.size(), GapChoice::Keep);
  d.home.assign(problem.storages.size(), 0);
  if (options.engine)
    d.engine = *options.engine;
  d.maySwap = options.swap;
  if (budgets[0] != unlimited)
    d.reserve = uint64_t(double(budgets[0]) * options.margin);
  d.mayDrop = options.recompute;
  away.assign(a.numSlots(), false);
  awayTo.assign(problem.storages.size(), 0);
  remadeAt.assign(a.gaps.size(), 0);
  makesDropped.assign(a.numOps, 0);
  visited.assign(problem.storages.size(), 0);
  left = budgets;
  // What stays off the device for operators there takes its room all along.
  for (uint32_t at = 0; options.engine && at < a.numOps; ++at)
    if (off(at))
      for (const Operand &o : a.operands[at]) {
        const Storage &s = problem.storages[o.storage];
        uint32_t tier = problem.machine.engines[(*options.engine)[at]].tier;
        if (s.kind != StorageKind::Persistent || awayTo[o.storage])
          continue;
        awayTo[o.storage] = tier;
        left[tier] -= std::min(left[tier], problem.aligned(s.bytes));
      }
  state.assign(a.numSlots(), false);
  for (uint32_t slot = 0; slot < a.numSlots() && !options.first.empty(); ++slot)
    state[slot] = isState(slot);
  profile();
  leaveForOthers();
  if (options.prices)
    trust();
  if (options.residence)
    leaveByResidence();
  std::priority_queue<Entry> queue;
  for (uint32_t g = 0; g < a.gaps.size(); ++g)
    if (d.gaps[g] == GapChoice::Keep && open(g))
      if (Offer o = bestOffer(g); o.ratio > 0)
        queue.push({o.ratio, g});
  // Of very many gaps, most are looked at again and again only because some
  // other has taken a little of their relief: nearly the best will do.
  double enough = a.huge() ? 0.9 : 1;
  while (!queue.empty()) {
    Entry top = queue.top();
    queue.pop();
    // Relief only shrinks and cost only grows: an offer that is still the best
    // after a fresh look is the best of all.
    Offer o = bestOffer(top.gap);
    if (o.ratio <= 0)
      continue;
    if (!queue.empty() && o.ratio < queue.top().ratio * enough) {
      queue.push({o.ratio, top.gap});
      continue;
    }
    accept(top.gap, o);
  }
  if (options.prune)
    keepAfterAll();
  if (options.trailing)
    d.trailing = *options.trailing;
  assignHomes(a, d, budgets);
  return std::move(d);
}

Decisions spillway::planner::chooseGaps(const Analysis &analysis,
                                        const GreedyOptions &options,
                                        const std::vector<uint64_t> &budgets) {
  return Greedy(analysis, options, budgets).run();
}
