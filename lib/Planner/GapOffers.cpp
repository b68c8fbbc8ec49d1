//===- GapOffers.cpp - What a gap relieves, and what it costs --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapOffers.h"

#include <algorithm>

using namespace spillway::planner;

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
