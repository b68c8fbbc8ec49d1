//===- EmitterRoom.cpp - What leaves the device, and where to ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterState.h"

#include <algorithm>

using namespace spillway::planner;

/// When the slot is needed next on the device as it is; past the last operator
/// where only the step's end needs it; none if never again, or not before it is
/// changed elsewhere.
uint32_t Emitter::need(uint32_t slot) const {
  const std::vector<uint32_t> &uses = a.uses[slot];
  auto it = std::lower_bound(uses.begin(), uses.end(), after ? pos + 1 : pos);
  for (; anyOff && it != uses.end() && engine[*it]; ++it)
    if (changes(*it, slot))
      return none;
  uint32_t next = it == uses.end() ? none : *it;
  const Storage &s = storageOf(slot);
  if (next != none)
    return next;
  if (s.kind == StorageKind::Temporary)
    return s.output ? a.numOps : none;
  if (resident[slot])
    return a.numOps;
  if (s.kind == StorageKind::Fed)
    return none;
  for (uint32_t use : uses)
    if (!engine[use])
      return a.numOps + 1 + use;
    else if (changes(use, slot))
      return none;
  return uses.empty() ? a.numOps : none;
}

/// Whether somebody needs the content, here or elsewhere.
bool Emitter::wanted(uint32_t slot) const {
  const Storage &s = storageOf(slot);
  return s.kind == StorageKind::Persistent || s.output ||
         a.nextUse(slot, after ? pos + 1 : pos) != none;
}

/// Nothing is lost if the slot ends.
bool Emitter::dead(uint32_t slot) const {
  return need(slot) == none && (!anyOff || !wanted(slot) || offValid(slot) ||
                                storageOf(slot).kind == StorageKind::Fed);
}

bool Emitter::offValid(uint32_t slot) const {
  if (offTier[a.slotStorage[slot]] == 0)
    return false;
  auto [begin, end] = cells(slot);
  for (uint32_t c = begin; c < end; ++c)
    if (!offFresh[c])
      return false;
  return true;
}

/// Whether a storage can be made again as late as before operator `until`.
bool Emitter::remakable(uint32_t storage, uint32_t until) const {
  uint32_t p = a.producer[storage];
  return until < a.numOps && p != none && problem.operators[p].cost(0) >= 0 &&
         a.rerunUntil[p] >= int64_t(until);
}

void Emitter::rank(uint32_t slot) {
  Rank &r = ranks[slot];
  if (r.order)
    victims.erase(r);
  r.order = 0;
  if (!present[slot] || pins[slot] || drainEnd[slot] >= 0)
    return;
  uint32_t next = need(slot);
  bool kept = choice(slot, lastAccess[slot]) == GapChoice::Keep;
  r = {next == none ? 3u : kept ? 1u : 2u, next, slot};
  victims.insert(r);
}

void Emitter::enter(uint32_t slot) {
  present[slot] = true;
  used[0] += a.slotBytes[slot];
  rank(slot);
}

void Emitter::drain(uint32_t slot, int64_t end) {
  stopDraining(slot);
  drainEnd[slot] = end;
  draining.insert({end, slot});
}

void Emitter::stopDraining(uint32_t slot) {
  if (drainEnd[slot] < 0)
    return;
  draining.erase({drainEnd[slot], slot});
  drainEnd[slot] = -1;
}

void Emitter::freeSlot(uint32_t slot, bool silently) {
  if (!silently) {
    plan.actions.push_back(
        Action::free(a.slotStorage[slot], a.slotPart[slot], 0));
    used[0] -= a.slotBytes[slot];
  }
  present[slot] = false;
  stopDraining(slot);
  rank(slot);
  // The copy of a dead temporary goes as well.
  uint32_t s = a.slotStorage[slot];
  if (storageOf(slot).kind == StorageKind::Temporary && offTier[s] &&
      !wanted(a.slot(s, -1)))
    dropOff(s);
}

/// Ends the off-device copy of a temporary storage. What nobody has read was
/// needed here again before it was gone: it need not be stored.
void Emitter::dropOff(uint32_t storage) {
  Copies &c = copies[storage];
  if (c.read)
    plan.actions.push_back(Action::free(storage, -1, offTier[storage]));
  else
    useless.insert(useless.end(), c.stores.begin(), c.stores.end());
  c = {};
  used[offTier[storage]] -= a.slotBytes[a.slot(storage, -1)];
  offTemporaries.erase({offTier[storage], storage});
  offTier[storage] = 0;
  for (uint32_t k = a.cellBegin[storage]; k < a.cellBegin[storage + 1]; ++k)
    offFresh[k] = false;
}

/// Whether a copy of the storage can be put there. Copies of temporaries that
/// are on the device as well are a luxury.
bool Emitter::roomOff(uint32_t s, uint32_t t) {
  uint64_t bytes = a.slotBytes[a.slot(s, -1)];
  if (machine.route(0, t).empty() || machine.route(t, 0).empty())
    return false;
  for (auto it = offTemporaries.lower_bound({t, 0});
       it != offTemporaries.end() && it->first == t &&
       used[t] + bytes > limit[t];) {
    uint32_t other = (it++)->second, slot = a.slot(other, -1);
    if (present[slot] && drainEnd[slot] < 0 && !pins[slot] && !goesOff(slot))
      dropOff(other);
  }
  return used[t] + bytes <= limit[t];
}

/// Where a copy of the storage can be put, or 0.
uint32_t Emitter::offTierFor(uint32_t s) {
  if (offTier[s])
    return offTier[s];
  if (d.home[s] && roomOff(s, d.home[s]))
    return d.home[s];
  for (uint32_t t = 1; t < machine.tiers.size(); ++t)
    if (roomOff(s, t))
      return t;
  return 0;
}

/// Brings the off-device copy of a slot up to date, on `tier` if there is none
/// yet (0: wherever there is room). False if there is no room.
bool Emitter::storeSlot(uint32_t slot, bool &stored, uint32_t tier) {
  stored = false;
  if (offValid(slot))
    return true;
  uint32_t s = a.slotStorage[slot];
  if (storageOf(slot).kind == StorageKind::Fed)
    return false;
  if (offTier[s])
    tier = offTier[s];
  else if (tier == 0)
    tier = offTierFor(s);
  else if (!roomOff(s, tier))
    return false;
  if (tier == 0)
    return false;
  if (offTier[s] == 0) {
    setOff(s, tier);
    used[tier] += a.slotBytes[a.slot(s, -1)];
    if (storageOf(slot).kind == StorageKind::Persistent)
      wantHome.push_back(s);
  }
  auto [begin, end] = cells(slot);
  bool anyFresh = false;
  for (uint32_t c = begin; c < end; ++c)
    anyFresh |= offFresh[c];
  auto copy = [&](int32_t part) {
    copies[s].stores.push_back(plan.actions.size());
    plan.actions.push_back(Action::store(s, part, tier));
    outFree[tier] =
        std::max(outFree[tier], now) +
        machine.transferNs(0, tier, problem.storages[s].partBytes(part));
  };
  if (!anyFresh) {
    copy(a.slotPart[slot]);
  } else {
    for (uint32_t c = begin; c < end; ++c)
      if (!offFresh[c])
        copy(int32_t(c - a.cellBegin[s]));
  }
  for (uint32_t c = begin; c < end; ++c)
    offFresh[c] = true;
  storeEnd[s] = outFree[tier];
  stored = true;
  return true;
}

/// Takes a slot off the device at once, whatever that needs. False if what it
/// holds would be lost.
bool Emitter::evict(uint32_t slot) {
  uint32_t next = need(slot), s = a.slotStorage[slot];
  const Storage &storage = problem.storages[s];
  bool stored;
  if (dead(slot) || offValid(slot)) {
    freeSlot(slot);
    return true;
  }
  bool mayDrop = d.mayDrop && storage.kind == StorageKind::Temporary &&
                 !goesOff(slot) && remakable(s, next);
  bool preferDrop = !d.maySwap;
  if (mayDrop && d.maySwap && machine.tiers.size() > 1) {
    GapChoice c = choice(slot, lastAccess[slot]);
    preferDrop =
        c == GapChoice::Drop ||
        (c == GapChoice::Keep && problem.operators[a.producer[s]].costNs[0] <=
                                     machine.transferNs(1, 0, storage.bytes));
  }
  bool saved = mayDrop && preferDrop;
  if (!saved && d.maySwap)
    saved = storeSlot(slot, stored);
  if (!saved && !mayDrop)
    return false;
  freeSlot(slot);
  return true;
}

/// Makes sure that so many bytes of the device are free.
bool Emitter::room(uint64_t bytes) {
  while (!draining.empty() && draining.begin()->first <= now)
    freeSlot(draining.begin()->second);
  while (!draining.empty() && used[0] + bytes > limit[0])
    freeSlot(draining.begin()->second);
  std::vector<uint32_t> stuck;
  while (used[0] + bytes > limit[0] && !victims.empty()) {
    uint32_t slot = std::prev(victims.end())->slot;
    if (evict(slot))
      continue;
    stuck.push_back(slot);
    victims.erase(ranks[slot]);
    ranks[slot].order = 0;
  }
  // With one tier, what cannot leave cannot until it has been accessed, and is
  // ranked then.
  if (machine.tiers.size() > 1)
    for (uint32_t slot : stuck)
      rank(slot);
  return used[0] + bytes <= limit[0];
}
