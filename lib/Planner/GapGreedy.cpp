//===- GapGreedy.cpp - Which gaps to bridge how -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapGreedy.h"

#include "BytesOver.h"
#include "HomeTiers.h"
#include "LinkWindows.h"

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
  void leaveForOthers();
  bool open(uint32_t gap) const {
    return !options.residence ||
           (*options.residence)[a.slotStorage[a.gaps[gap].slot]] ==
               Residence::Open;
  }
  void leaveByResidence();
  Offer swapOffer(uint32_t gap);
  Offer dropOffer(uint32_t gap);
  Offer bestOffer(uint32_t gap);
  void promote(uint32_t gap, Offer &offer) const;
  bool isState(uint32_t slot) const;
  void accept(uint32_t gap, const Offer &offer);
  void keepAfterAll();
  double relief(uint32_t low, uint32_t high, uint64_t bytes) const {
    return over.relief(low, high, int64_t(bytes));
  }
  bool storeNeeded(uint32_t gap) const;
  bool loadNeeded(uint32_t gap) const {
    return !off(a.gaps[gap].to) && !returns(gap);
  }
  bool leaves(uint32_t gap) const;
  bool returns(uint32_t gap) const;
  bool off(uint32_t position) const {
    return options.engine && position < 2 * a.numOps &&
           (*options.engine)[position % a.numOps] != 0;
  }
  uint32_t tierFor(uint32_t slot) const;
  uint32_t gapOver(uint32_t slot, uint32_t at) const;
  uint32_t remakeTime(uint32_t gap) const;
  void remake(uint32_t storage, uint32_t at, Remake &out);
  double burden(uint32_t at, uint32_t gap) const;

  uint32_t bucketOf(uint32_t position) const { return position / width; }
  /// Buckets wholly inside a gap.
  std::pair<uint32_t, uint32_t> interior(const Gap &g) const {
    return {(g.from + width) / width, g.to / width};
  }

  const Analysis &a;
  const Problem &problem;
  const GreedyOptions &options;
  const std::vector<uint64_t> &budgets;
  uint32_t width = 1, buckets = 1;
  BytesOver over;            ///< by bucket: bytes above the budget
  std::vector<int64_t> time; ///< by bucket: ns of compute
  LinkWindows links;         ///< by bucket: ns the links have left
  /// By gap that is dropped: the operator before which it is made again. That
  /// is its next use, or an earlier one of something made from it.
  std::vector<uint32_t> remadeAt;
  std::vector<uint8_t> makesDropped; ///< by operator: any of its results is
  std::vector<uint32_t> visited;     ///< by storage: the visit that saw it
  uint32_t visit = 0;
  Decisions d;
  std::vector<uint64_t> left;   ///< by tier: bytes
  std::vector<uint32_t> awayTo; ///< by storage: the tier of its copy, or 0
  std::vector<bool> state;      ///< by slot: `isState`
  std::vector<bool> away;       ///< by slot: some gap of it is swapped already
  struct Swapped {
    uint32_t gap, low, high; ///< buckets relieved
  };
  std::vector<Swapped> swapped; ///< by choice, not by need
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

/// Whether a gap ends with an operator off the device that leaves nothing to
/// stay here for: it changes the content, or it is the last one to read it.
bool Greedy::leaves(uint32_t gap) const {
  const Gap &g = a.gaps[gap];
  if ((g.to >= a.numOps && !g.wraps) || !off(g.to))
    return false;
  uint32_t op = g.to % a.numOps, s = a.slotStorage[g.slot];
  for (const Operand &o : a.operands[op])
    if (o.storage == s && (o.updated || o.written))
      return true;
  if (problem.storages[s].kind != StorageKind::Temporary)
    return false;
  const auto &uses = a.uses[g.slot];
  return std::all_of(std::lower_bound(uses.begin(), uses.end(), op), uses.end(),
                     [&](uint32_t use) { return off(use); });
}

/// Whether a gap begins with an operator off the device that changes the
/// content, and ends with one here: it is loaded, stay or not.
bool Greedy::returns(uint32_t gap) const {
  const Gap &g = a.gaps[gap];
  return options.engine && off(g.from) && !off(g.to) && g.dirty &&
         (g.wraps || g.to < a.numOps);
}

/// The tier that a copy would go to: where it has its home, or the first with
/// room.
uint32_t Greedy::tierFor(uint32_t slot) const {
  uint32_t s = a.slotStorage[slot];
  const Storage &storage = problem.storages[s];
  if (awayTo[s])
    return awayTo[s];
  if (storage.home || storage.kind == StorageKind::Fed)
    return storage.home.value_or(1);
  uint64_t bytes = problem.aligned(storage.bytes);
  for (uint32_t t = 1; t < left.size(); ++t)
    if (bytes <= left[t] && links.reaches(t))
      return t;
  return 0;
}

bool Greedy::storeNeeded(uint32_t gap) const {
  const Gap &g = a.gaps[gap];
  const Storage &s = problem.storages[a.slotStorage[g.slot]];
  if (s.kind == StorageKind::Fed)
    return false;
  if (s.kind == StorageKind::Temporary)
    return !away[g.slot] && !off(g.from);
  return g.dirty && !off(g.from); // a changed one must get home anyway
}

Greedy::Offer Greedy::swapOffer(uint32_t gap) {
  Offer offer;
  const Gap &g = a.gaps[gap];
  const Storage &s = problem.storages[a.slotStorage[g.slot]];
  if (!options.swap || (g.to >= a.numOps && !g.wraps))
    return offer;
  if (!options.swapActivations && s.kind == StorageKind::Temporary &&
      a.updates[a.cellBegin[a.slotStorage[g.slot]]].empty())
    return offer;
  uint32_t tier = tierFor(g.slot);
  auto [low, high] = interior(g);
  if (tier == 0 || low >= high)
    return offer;
  uint64_t bytes = s.partBytes(a.slotPart[g.slot]);
  int64_t load = loadNeeded(gap) ? links.loadNs(tier, bytes) : 0;
  int64_t store = storeNeeded(gap) ? links.storeNs(tier, bytes) : 0;
  double cost = double(load + store) * options.linkWeight;
  uint32_t first = low, last = high;
  int64_t missing = links.store(tier, store, first, last);
  missing += links.load(tier, load, first, last);
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
  for (uint32_t use : a.uses[g.slot]) {
    if (!makesDropped[use])
      continue;
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
  return over.burden(std::max(at / width, (g.from + width) / width),
                     remadeAt[gap] / width, int64_t(a.slotBytes[g.slot]));
}

/// Whether only operators that update it use a slot.
bool Greedy::isState(uint32_t slot) const {
  return std::all_of(
      a.uses[slot].begin(), a.uses[slot].end(), [&](uint32_t use) {
        return std::any_of(a.operands[use].begin(), a.operands[use].end(),
                           [&](const Operand &o) {
                             return o.storage == a.slotStorage[slot] &&
                                    o.updated;
                           });
      });
}

/// Offers of a class that goes first have ratios beyond those of others.
void Greedy::promote(uint32_t gap, Offer &offer) const {
  if (offer.ratio <= 0 || options.first.empty())
    return;
  uint32_t slot = a.gaps[gap].slot;
  bool persistent =
      problem.storages[a.slotStorage[slot]].kind == StorageKind::Persistent;
  GapClass c = offer.choice == GapChoice::Drop ? GapClass::Drop
               : !persistent                   ? GapClass::Swap
               : state[slot]                   ? GapClass::State
                                               : GapClass::Parameter;
  auto it = std::find(options.first.begin(), options.first.end(), c);
  for (auto k = it; k != options.first.end(); ++k)
    offer.ratio *= 1e6;
}

Greedy::Offer Greedy::bestOffer(uint32_t gap) {
  Offer swap = swapOffer(gap), drop = dropOffer(gap);
  promote(gap, swap);
  promote(gap, drop);
  return drop.ratio > swap.ratio ? drop : swap;
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

} // namespace

Decisions spillway::planner::chooseGaps(const Analysis &analysis,
                                        const GreedyOptions &options,
                                        const std::vector<uint64_t> &budgets) {
  return Greedy(analysis, options, budgets).run();
}
