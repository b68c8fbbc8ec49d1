//===- EmitterHost.cpp - Operators off the device ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterState.h"

#include <algorithm>

using namespace spillway::planner;

/// Whether an operator leaves other content in (a part of) the slot.
bool Emitter::changes(uint32_t op, uint32_t slot) const {
  uint32_t s = a.slotStorage[slot];
  int32_t part = a.slotPart[slot];
  return std::any_of(a.operands[op].begin(), a.operands[op].end(),
                     [&](const Operand &o) {
                       return o.storage == s && (o.updated || o.written) &&
                              (part < 0 || o.part < 0 || o.part == part);
                     });
}

/// Whether any operator uses the slot on the device.
bool Emitter::onDevice(uint32_t slot) const {
  return std::any_of(a.uses[slot].begin(), a.uses[slot].end(),
                     [&](uint32_t use) { return engine[use] == 0; });
}

/// Whether the next operator that uses the slot runs elsewhere.
bool Emitter::goesOff(uint32_t slot) const {
  if (!anyOff)
    return false;
  uint32_t next = a.nextUse(slot, after ? pos + 1 : pos);
  return next != none && engine[next] != 0;
}

/// Makes sure that a tier has what an operator reads there, and that the device
/// has nothing to lose where the operator changes it. `ready`: when that is
/// expected to be there.
bool Emitter::gatherOff(uint32_t op, uint32_t tier, int64_t &ready) {
  for (const Operand &o : a.operands[op]) {
    uint32_t s = o.storage, target = a.slot(s, o.part);
    // On the device it may be as a whole or in parts.
    for (uint32_t slot = a.slotBegin[s]; slot < a.slotBegin[s + 1]; ++slot) {
      bool meets =
          o.part < 0 || a.slotPart[slot] < 0 || a.slotPart[slot] == o.part;
      if (!present[slot] || !meets)
        continue;
      bool stored;
      if (pins[slot] || !storeSlot(slot, stored, tier))
        return false;
      if (stored)
        ready = std::max(ready, outFree[tier]);
    }
    if (o.written && !o.read && !o.updated) {
      if (offTier[s] == 0) {
        if (!roomOff(s, tier))
          return false;
        setOff(s, tier);
        used[tier] += a.slotBytes[a.slot(s, -1)];
      }
    } else if (!offValid(target)) {
      return false;
    }
    if (offTier[s] != tier)
      return false;
  }
  uint64_t workspace = problem.aligned(problem.operators[op].workspace);
  return used[tier] + workspace <= limit[tier];
}

/// Runs the operator at its turn on its engine off the device. What it changes
/// ends on the device. False, and nothing lost, if it cannot.
bool Emitter::runOff(uint32_t op) {
  uint32_t on = engine[op], tier = machine.engines[on].tier;
  int64_t ready = std::max(now, outFree[tier]);
  after = false;
  if (!gatherOff(op, tier, ready))
    return false;
  plan.actions.push_back(Action::run(op, on));
  engineFree[on] =
      std::max(engineFree[on], ready) + problem.operators[op].costNs[on];
  after = true;
  for (const Operand &o : a.operands[op]) {
    uint32_t s = o.storage;
    copies[s].read = true;
    auto [begin, end] = cells(a.slot(s, o.part));
    for (uint32_t c = begin; c < end; ++c)
      offFresh[c] = true; // read there, or made
    for (uint32_t slot = a.slotBegin[s]; slot < a.slotBegin[s + 1]; ++slot) {
      if (changes(op, slot)) {
        if (present[slot])
          freeSlot(slot);
        if (resident[slot])
          returning.insert({engineFree[on], slot});
      } else if (present[slot]) {
        lastAccess[slot] = pos;
        toSettle.push_back(slot);
      }
    }
    if (problem.storages[s].kind == StorageKind::Temporary && offTier[s] &&
        !wanted(a.slot(s, -1)))
      dropOff(s);
  }
  settle();
  return true;
}

/// Loads what stays over the step's end as soon as it has been changed, if
/// there is room: the more evenly the link is used. Not sooner, for what is
/// behind it in the link's queue would wait as well.
void Emitter::bringBack() {
  for (auto it = returning.begin();
       it != returning.end() && it->first <= now;) {
    uint32_t slot = it->second, s = a.slotStorage[slot];
    bool here = false; // the whole and its parts cannot both be there
    for (uint32_t other = a.slotBegin[s]; other < a.slotBegin[s + 1]; ++other)
      here |= present[other] &&
              (other == slot || a.slotPart[slot] < 0 || a.slotPart[other] < 0);
    bool waits = !here && (need(slot) == none || !offValid(slot));
    if (!here && !waits && used[0] + a.slotBytes[slot] > limit[0])
      return; // what is ready later comes later
    if (!here && !waits) {
      plan.actions.push_back(Action::load(s, a.slotPart[slot], offTier[s]));
      copies[s].read = true;
      enter(slot);
    }
    it = returning.erase(it);
  }
}
