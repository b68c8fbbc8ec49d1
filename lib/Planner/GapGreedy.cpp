//===- GapGreedy.cpp - Which gaps to bridge how -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapGreedy.h"

#include "BytesOver.h"

#include <algorithm>
#include <queue>

using namespace spillway::planner;

namespace {

class Greedy {
public:
  Greedy(const Analysis &a, const GreedyOptions &options,
         const std::vector<uint64_t> &budgets)
      : a(a), problem(a.problem), options(options), budgets(budgets) {}

  Decisions run();

private:
  struct Offer {
    GapChoice choice = GapChoice::Keep;
    double ratio = -1;
    uint32_t low = 0, high = 0; ///< buckets relieved, [low, high), may wrap
  };
  struct Remake {
    double cost = 0;              ///< ns
    std::vector<uint32_t> pulled; ///< gaps that end earlier for it
  };
  struct Entry {
    double ratio;
    uint32_t gap;
    bool operator<(const Entry &o) const {
      return ratio != o.ratio ? ratio < o.ratio : gap > o.gap;
    }
  };

  void profile();
  void trust();
  Offer swapOffer(uint32_t gap);
  Offer dropOffer(uint32_t gap);
  Offer bestOffer(uint32_t gap);
  void accept(uint32_t gap, const Offer &offer);
  double relief(uint32_t low, uint32_t high, uint64_t bytes) const {
    return over.relief(low, high, int64_t(bytes));
  }
  bool storeNeeded(uint32_t gap) const;
  uint32_t gapOver(uint32_t slot, uint32_t at) const;
  uint32_t remakeTime(uint32_t gap) const;
  void remake(uint32_t storage, uint32_t at, Remake &out);
  double burden(uint32_t at, uint32_t gap) const;

  uint32_t bucketOf(uint32_t position) const { return position / width; }
  /// A bucket of this step or the next as an index. Divisions would take most
  /// of the time that the greedy takes.
  uint32_t at(uint32_t bucket) const {
    return bucket < buckets ? bucket : bucket - buckets;
  }
  /// Buckets wholly inside a gap.
  std::pair<uint32_t, uint32_t> interior(const Gap &g) const {
    return {(g.from + width) / width, g.to / width};
  }

  const Analysis &a;
  const Problem &problem;
  const GreedyOptions &options;
  const std::vector<uint64_t> &budgets;
  uint32_t width = 1, buckets = 1;
  BytesOver over;               ///< by bucket: bytes above the budget
  std::vector<int64_t> in, out; ///< by bucket: ns the links have left
  std::vector<int64_t> time;    ///< by bucket: ns of compute
  /// By gap that is dropped: the operator before which it is made again. That
  /// is its next use, or an earlier one of something made from it.
  std::vector<uint32_t> remadeAt;
  std::vector<uint32_t> visited; ///< by storage: the visit that saw it
  uint32_t visit = 0;
  Decisions d;
  uint64_t offLeft = 0;   ///< bytes left off the device
  std::vector<bool> away; ///< by slot: some gap of it is swapped already
};

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
  for (const Gap &g : a.gaps) {
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
    most[b] = std::max(most[b], live + int64_t(a.workingSet[at]) - target);
    time[b] += problem.operators[at].costNs[0];
  }
  over = BytesOver(most);
  in = out = time;
}

bool Greedy::storeNeeded(uint32_t gap) const {
  const Gap &g = a.gaps[gap];
  const Storage &s = problem.storages[a.slotStorage[g.slot]];
  if (s.kind == StorageKind::Fed)
    return false;
  if (s.kind == StorageKind::Temporary)
    return !away[g.slot];
  return g.dirty; // a changed one must get home anyway
}

Greedy::Offer Greedy::swapOffer(uint32_t gap) {
  Offer offer;
  const Gap &g = a.gaps[gap];
  const Storage &s = problem.storages[a.slotStorage[g.slot]];
  if (!options.swap || (g.to >= a.numOps && !g.wraps))
    return offer;
  uint64_t off = problem.aligned(s.bytes);
  if (s.kind != StorageKind::Fed && !away[g.slot] && off > offLeft)
    return offer;
  auto [low, high] = interior(g);
  if (low >= high)
    return offer;
  uint64_t bytes = s.partBytes(a.slotPart[g.slot]);
  int64_t load = problem.machine.transferNs(1, 0, bytes);
  int64_t store =
      storeNeeded(gap) ? problem.machine.transferNs(0, 1, bytes) : 0;
  double cost = double(load + store) * options.linkWeight;
  uint32_t first = low, last = high;
  int64_t left = store;
  while (left > 0 && first < last)
    left -= std::min(left, out[at(first++)]);
  int64_t missing = left;
  left = load;
  while (left > 0 && last > first)
    left -= std::min(left, in[at(--last)]);
  missing += left;
  if (missing > 0) {
    // It cannot hide: the gap is as long as the transfers, then.
    cost += double(missing);
    first = low, last = high;
  }
  offer.choice = GapChoice::Swap;
  offer.low = first, offer.high = last;
  offer.ratio = relief(first, last, a.slotBytes[g.slot]) / (cost + 1);
  return offer;
}

/// The gap of a slot that an operator falls into, or none.
uint32_t Greedy::gapOver(uint32_t slot, uint32_t at) const {
  const auto &uses = a.uses[slot];
  auto next = std::lower_bound(uses.begin(), uses.end(), at);
  if (a.firstGap[slot] == none || next == uses.begin() ||
      (next != uses.end() && *next == at))
    return none;
  uint32_t g = a.firstGap[slot] + uint32_t(next - uses.begin()) - 1;
  return g < a.gaps.size() && a.gaps[g].slot == slot ? g : none;
}

uint32_t Greedy::remakeTime(uint32_t gap) const {
  const Gap &g = a.gaps[gap];
  uint32_t time = g.to;
  for (uint32_t use : a.uses[g.slot])
    for (const Operand &o : a.operands[use]) {
      uint32_t slot = a.slot(o.storage, -1);
      if (!o.written || a.producer[o.storage] != use ||
          a.firstGap[slot] == none)
        continue;
      for (uint32_t c = a.firstGap[slot];
           c < a.gaps.size() && a.gaps[c].slot == slot; ++c)
        if (d.gaps[c] == GapChoice::Drop && remadeAt[c] > g.from)
          time = std::min(time, remadeAt[c]);
    }
  return time;
}

/// What it takes to make a storage again before operator `at`. What of its
/// sources is dropped until later is made again then already, and stays: it
/// costs no time, but memory. What is dead costs its time.
void Greedy::remake(uint32_t storage, uint32_t at, Remake &out) {
  uint32_t p = a.producer[storage];
  if (p == none) {
    out.cost = 1e18;
    return;
  }
  for (const Operand &o : a.operands[p]) {
    if (!o.read || visited[o.storage] == visit)
      continue;
    visited[o.storage] = visit;
    const Storage &s = problem.storages[o.storage];
    uint32_t slot = a.slot(o.storage, -1);
    uint32_t g = gapOver(slot, at);
    GapChoice c = g == none ? GapChoice::Keep : d.gaps[g];
    bool dead = a.lastUse[o.storage] < at;
    if (s.kind != StorageKind::Temporary) {
      if (c == GapChoice::Swap || (s.kind == StorageKind::Fed && dead))
        out.cost += double(problem.machine.transferNs(1, 0, s.bytes)) / 4;
      continue;
    }
    if (dead) {
      if (uint32_t q = a.producer[o.storage]; q != none)
        out.cost += double(problem.operators[q].costNs[0]);
      remake(o.storage, at, out);
    } else if (c == GapChoice::Swap) {
      out.cost += double(problem.machine.transferNs(1, 0, s.bytes)) / 4;
    } else if (c == GapChoice::Drop && remadeAt[g] > at) {
      out.pulled.push_back(g);
      remake(o.storage, at, out);
    }
  }
}

Greedy::Offer Greedy::dropOffer(uint32_t gap) {
  Offer offer;
  const Gap &g = a.gaps[gap];
  uint32_t s = a.slotStorage[g.slot], p = a.producer[s];
  if (!options.recompute || g.wraps || g.to >= a.numOps || p == none ||
      problem.storages[s].kind != StorageKind::Temporary ||
      a.rerunUntil[p] < int64_t(g.to))
    return offer;
  uint32_t at = remakeTime(gap);
  uint32_t low = (g.from + width) / width, high = at / width;
  if (low >= high)
    return offer;
  double gain = relief(low, high, a.slotBytes[g.slot]);
  if (gain <= 0)
    return offer;
  Remake r;
  r.cost = double(problem.operators[p].costNs[0]);
  ++visit;
  remake(s, at, r);
  for (uint32_t other : r.pulled)
    gain -= burden(at, other);
  offer.choice = GapChoice::Drop;
  offer.low = low, offer.high = high;
  offer.ratio = gain / (r.cost * options.recomputeWeight + 1);
  return offer;
}

/// What it costs in memory that a dropped gap ends at `at` already.
double Greedy::burden(uint32_t at, uint32_t gap) const {
  const Gap &g = a.gaps[gap];
  int64_t bytes = int64_t(a.slotBytes[g.slot]);
  double sum = 0;
  for (uint32_t b = std::max(at / width, (g.from + width) / width);
       b < remadeAt[gap] / width; ++b)
    if (int64_t o = over[b] + bytes; o > 0)
      sum += double(std::min(o, bytes));
  return sum;
}

Greedy::Offer Greedy::bestOffer(uint32_t gap) {
  Offer swap = swapOffer(gap), drop = dropOffer(gap);
  return drop.ratio > swap.ratio ? drop : swap;
}

void Greedy::accept(uint32_t gap, const Offer &offer) {
  const Gap &g = a.gaps[gap];
  const Storage &s = problem.storages[a.slotStorage[g.slot]];
  d.gaps[gap] = offer.choice;
  over.add(offer.low, offer.high, -int64_t(a.slotBytes[g.slot]));
  if (offer.choice == GapChoice::Drop) {
    uint32_t at = remadeAt[gap] = remakeTime(gap);
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
  auto [low, high] = interior(g);
  uint64_t bytes = s.partBytes(a.slotPart[g.slot]);
  int64_t left = storeNeeded(gap) ? problem.machine.transferNs(0, 1, bytes) : 0;
  auto take = [&](std::vector<int64_t> &link, uint32_t b) {
    int64_t now = std::min(left, link[at(b)]);
    link[at(b)] -= now;
    left -= now;
  };
  for (uint32_t b = low; b < high && left > 0; ++b)
    take(out, b);
  left = problem.machine.transferNs(1, 0, bytes);
  for (uint32_t b = high; b > low && left > 0; --b)
    take(in, b - 1);
  if (!away[g.slot]) {
    away[g.slot] = true;
    offLeft -= std::min(offLeft, problem.aligned(s.bytes));
  }
}

/// Takes over what the prices decided for most of a gap.
void Greedy::trust() {
  for (uint32_t g = 0; g < a.gaps.size(); ++g) {
    float swapped = options.prices->swapped[g];
    float remade = options.prices->remade[g];
    if (swapped + remade < options.trust)
      continue;
    Offer offer = swapped > remade ? swapOffer(g) : dropOffer(g);
    if (offer.choice != GapChoice::Keep)
      accept(g, offer);
  }
}

Decisions Greedy::run() {
  d.gaps.assign(a.gaps.size(), GapChoice::Keep);
  d.home.assign(problem.storages.size(), 0);
  d.maySwap = options.swap;
  d.mayDrop = options.recompute;
  away.assign(a.numSlots(), false);
  remadeAt.assign(a.gaps.size(), 0);
  visited.assign(problem.storages.size(), 0);
  for (uint32_t t = 1; t < budgets.size(); ++t)
    offLeft =
        budgets[t] > unlimited - offLeft ? unlimited : offLeft + budgets[t];
  profile();
  if (options.prices)
    trust();
  std::priority_queue<Entry> queue;
  for (uint32_t g = 0; g < a.gaps.size(); ++g)
    if (Offer o = bestOffer(g); o.ratio > 0)
      queue.push({o.ratio, g});
  // Of very many gaps, most are looked at again and again only because some
  // other has taken a little of their relief: nearly the best will do.
  double enough = a.gaps.size() > 50000 ? 0.98 : 1;
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
  assignHomes(a, d, budgets);
  return std::move(d);
}

} // namespace

Decisions spillway::planner::chooseGaps(const Analysis &analysis,
                                        const GreedyOptions &options,
                                        const std::vector<uint64_t> &budgets) {
  return Greedy(analysis, options, budgets).run();
}

void spillway::planner::assignHomes(const Analysis &a, Decisions &d,
                                    const std::vector<uint64_t> &budgets) {
  const Problem &problem = a.problem;
  std::vector<uint64_t> used(budgets.size());
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    if (storage.kind == StorageKind::Fed)
      used[storage.home.value_or(1)] += a.slotBytes[a.slot(s, -1)];
    else if (storage.home)
      used[*storage.home] += a.slotBytes[a.slot(s, -1)];
  }
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    d.home[s] = 0;
    if (storage.kind != StorageKind::Persistent)
      continue;
    if (storage.home) {
      d.home[s] = *storage.home;
      continue;
    }
    bool moves = false, accessed = false;
    auto eachGap = [&](auto visit) {
      for (uint32_t slot = a.slotBegin[s]; slot < a.slotBegin[s + 1]; ++slot)
        if (a.firstGap[slot] != none)
          for (uint32_t g = a.firstGap[slot];
               g < a.gaps.size() && a.gaps[g].slot == slot; ++g)
            visit(d.gaps[g]);
    };
    eachGap([&](GapChoice &c) {
      accessed = true;
      if (c == GapChoice::Drop) // there is nothing to make it again from
        c = GapChoice::Swap;
      moves |= c != GapChoice::Keep;
    });
    uint64_t bytes = a.slotBytes[a.slot(s, -1)];
    for (uint32_t t = 1; t < budgets.size() && (moves || !accessed); ++t)
      if (d.home[s] == 0 && used[t] + bytes <= budgets[t] &&
          !problem.machine.route(0, t).empty() &&
          !problem.machine.route(t, 0).empty()) {
        d.home[s] = t;
        used[t] += bytes;
      }
    if (moves && d.home[s] == 0)
      eachGap([](GapChoice &c) { c = GapChoice::Keep; });
  }
}
