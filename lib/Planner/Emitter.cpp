//===- Emitter.cpp - From decisions to a plan -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterState.h"

#include <algorithm>

using namespace spillway::planner;

Emission Emitter::run() {
  begin();
  for (pos = 0; error.empty() && pos < a.numOps; ++pos) {
    if (engine[pos] && runOff(pos))
      continue;
    engine[pos] = 0; // it did not work out
    if (runOp(pos, true, 0))
      settle();
  }
  if (error.empty())
    finish();
  removeUseless();
  Emission out;
  out.ok = error.empty();
  out.reason = error;
  out.tier = errorTier;
  out.plan = std::move(plan);
  std::sort(wantHome.begin(), wantHome.end());
  wantHome.erase(std::unique(wantHome.begin(), wantHome.end()), wantHome.end());
  out.wantHome = std::move(wantHome);
  return out;
}

/// A persistent operand of what runs off the device has its home there.
void Emitter::chooseEngines() {
  engine = d.engine;
  engine.resize(a.numOps, 0);
  engineFree.assign(machine.engines.size(), 0);
  for (uint32_t at = 0; at < a.numOps; ++at) {
    uint32_t tier = machine.engines[engine[at]].tier;
    bool can = tier != 0 && problem.operators[at].cost(engine[at]) >= 0 &&
               !machine.route(0, tier).empty() &&
               !machine.route(tier, 0).empty();
    for (const Operand &o : a.operands[at]) {
      const Storage &s = problem.storages[o.storage];
      if (s.kind == StorageKind::Fed)
        can &= s.home.value_or(1) == tier;
      else if (s.kind == StorageKind::Persistent)
        can &= s.home.value_or(d.home[o.storage]) == tier;
    }
    engine[at] = can ? engine[at] : 0;
    anyOff |= can;
  }
}

void Emitter::initially(uint32_t s, uint32_t tier) {
  plan.initial.push_back({s, -1, tier});
  setOff(s, tier);
  copies[s].read = true;
  used[tier] += a.slotBytes[a.slot(s, -1)];
  for (uint32_t c = a.cellBegin[s]; c < a.cellBegin[s + 1]; ++c)
    offFresh[c] = true;
}

void Emitter::stay(uint32_t slot) {
  plan.initial.push_back({a.slotStorage[slot], a.slotPart[slot], 0});
  resident[slot] = present[slot] = true;
  used[0] += a.slotBytes[slot];
}

/// What stays over the step's end: the whole, or those parts that do.
void Emitter::placePersistent(uint32_t s) {
  const Storage &storage = problem.storages[s];
  uint32_t home = storage.home.value_or(d.home[s]);
  if (home)
    initially(s, home);
  std::vector<uint32_t> kept;
  uint32_t deciding = 0;
  bool always = true;
  for (uint32_t slot = a.slotBegin[s]; slot < a.slotBegin[s + 1]; ++slot) {
    if (a.firstGap[slot] == none)
      continue;
    ++deciding;
    uint32_t last = a.firstGap[slot] + uint32_t(a.uses[slot].size()) - 1;
    bool here = !home || onDevice(slot);
    if (d.gaps[last] == GapChoice::Keep && here)
      kept.push_back(slot);
    always &= here;
    for (uint32_t g = a.firstGap[slot]; g <= last; ++g)
      always &= d.gaps[g] == GapChoice::Keep;
  }
  // A part that no operator touches moves with nobody.
  bool allParts = storage.parts.empty() || a.wholeAccess[s] ||
                  deciding == storage.numParts();
  if (home == 0 || (always && allParts && deciding))
    stay(a.slot(s, -1));
  else
    for (uint32_t slot : kept)
      stay(slot);
}

void Emitter::begin() {
  uint32_t numTiers = uint32_t(machine.tiers.size());
  used.assign(numTiers, 0);
  outFree.assign(numTiers, 0);
  storeEnd.assign(problem.storages.size(), 0);
  copies.assign(problem.storages.size(), {});
  present.assign(a.numSlots(), false);
  resident.assign(a.numSlots(), false);
  pins.assign(a.numSlots(), 0);
  ranks.assign(a.numSlots(), {});
  drainEnd.assign(a.numSlots(), -1);
  lastAccess.assign(a.numSlots(), none);
  offTier.assign(problem.storages.size(), 0);
  offFresh.assign(a.cellBegin.back(), false);
  chooseEngines();
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    uint32_t whole = a.slot(s, -1);
    if (storage.kind == StorageKind::Persistent)
      placePersistent(s);
    if (storage.kind != StorageKind::Fed)
      continue;
    if (uint32_t home = storage.home.value_or(1))
      initially(s, home);
    else
      stay(whole), ++pins[whole]; // the host writes it there
  }
  std::sort(plan.initial.begin(), plan.initial.end());
  for (uint32_t t = 0; t < numTiers; ++t)
    if (used[t] > limit[t])
      fail(t, "what is there all along needs " + std::to_string(used[t]) +
                  " bytes of " + machine.tiers[t].name + ", expected at most " +
                  std::to_string(limit[t]));
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
    rank(slot);
}

/// After an operator and the recomputations for it: ends what is dead, carries
/// out the decisions of the gaps that begin here.
void Emitter::settle() {
  after = true;
  std::sort(toSettle.begin(), toSettle.end());
  toSettle.erase(std::unique(toSettle.begin(), toSettle.end()), toSettle.end());
  for (uint32_t slot : toSettle)
    if (present[slot])
      settle(slot);
  toSettle.clear();
  while (!draining.empty() && draining.begin()->first <= now)
    freeSlot(draining.begin()->second);
  bringBack();
  after = false;
}

void Emitter::settle(uint32_t slot) {
  uint32_t s = a.slotStorage[slot];
  const Storage &storage = problem.storages[s];
  if (dead(slot))
    return freeSlot(slot);
  // A changed persistent storage must get home some time: now. And what is
  // needed next off the device had better be on its way.
  bool sent = false, stored = false;
  if (storage.kind == StorageKind::Persistent && offTier[s])
    storeSlot(slot, sent);
  bool goes = goesOff(slot);
  uint32_t next = need(slot);
  GapChoice c = lastAccess[slot] == pos ? choice(slot, pos) : GapChoice::Keep;
  if (goes && (next == none || c == GapChoice::Drop))
    c = GapChoice::Swap;
  if (c == GapChoice::Drop && storage.kind == StorageKind::Temporary &&
      remakable(s, next))
    return freeSlot(slot);
  // A part of a storage that is decided on as a whole stays no longer than
  // its operator: the whole will be loaded.
  bool stray = a.firstGap[slot] == none && !resident[slot] &&
               storage.kind == StorageKind::Persistent && offTier[s];
  if (c == GapChoice::Swap || stray) {
    if (!storeSlot(slot, stored))
      return rank(slot);
    // Its store, if it needed one, is the last on its way out by now.
    int64_t end = outFree[offTier[s]];
    if (end <= now || !(sent || stored))
      return freeSlot(slot);
    drain(slot, end);
  }
  rank(slot);
  if (d.isolate && present[slot] && !pins[slot])
    evict(slot);
}

void Emitter::finish() {
  pos = a.numOps;
  after = false;
  while (!draining.empty()) {
    uint32_t slot = draining.begin()->second;
    if (!resident[slot]) {
      freeSlot(slot);
      continue;
    }
    stopDraining(slot);
    rank(slot);
  }
  // What does not stay goes, its content brought home first.
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    if (!present[slot] || resident[slot])
      continue;
    const Storage &storage = storageOf(slot);
    bool stored;
    if (storage.kind == StorageKind::Persistent && !storeSlot(slot, stored)) {
      fail(1, "no tier has room for storage " + std::to_string(storage.id));
      return;
    }
    if (!storage.output || need(slot) == none)
      freeSlot(slot);
  }
  auto keep = [&](uint32_t slot) {
    Operand o{a.slotStorage[slot], a.slotPart[slot], true, false, false};
    if (!present[slot] && !fetch(o, 0))
      fail(0, "what stays over the step's end does not fit");
    else if (pins[slot] == 0)
      pin(slot);
  };
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
    if (resident[slot] && (present[slot] || !anyOff))
      keep(slot);
  // First what can be loaded first.
  for (auto [ready, slot] : returning)
    keep(slot);
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
    if (resident[slot])
      keep(slot);
  if (!error.empty())
    return;
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    if (storage.kind == StorageKind::Temporary && !storage.output && offTier[s])
      dropOff(s);
    if (storage.kind != StorageKind::Persistent || offTier[s] == 0)
      continue;
    bool atHome = storage.home.value_or(d.home[s]) == offTier[s];
    bool stored;
    if (!atHome)
      dropOff(s);
    else
      for (uint32_t slot = a.slotBegin[s]; slot < a.slotBegin[s + 1]; ++slot)
        if (present[slot])
          storeSlot(slot, stored);
  }
}

/// Stores of what was needed here again before it was gone.
void Emitter::removeUseless() {
  std::sort(useless.begin(), useless.end());
  size_t kept = 0, next = 0;
  for (size_t i = 0; i < plan.actions.size(); ++i)
    if (next < useless.size() && useless[next] == i)
      ++next;
    else
      plan.actions[kept++] = plan.actions[i];
  plan.actions.resize(kept);
}

Emission spillway::planner::emitPlan(const Analysis &analysis,
                                     const Decisions &decisions,
                                     const std::vector<uint64_t> &budgets) {
  Emission e = Emitter(analysis, decisions,
                       lessTrailing(analysis, decisions.trailing, budgets))
                   .run();
  if (e.ok)
    trailUpdates(analysis, decisions.trailing, e.plan);
  return e;
}
