//===- PlanBuilder.cpp - Appends actions and keeps the books ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanBuilder.h"

#include <algorithm>

using namespace spillway::planner;

PlanBuilder::PlanBuilder(const Analysis &analysis,
                         const std::vector<uint64_t> &budgets)
    : a(analysis), limit(budgets), bytes(budgets.size()),
      outFree(budgets.size()), there(a.numSlots()), resident(a.numSlots()),
      pins(a.numSlots()), leaveEnd(a.numSlots(), -1),
      freshHere(a.cellBegin.back()), freshAway(a.cellBegin.back()),
      away(a.problem.storages.size()), atHome(a.problem.storages.size()) {}

//===----------------------------------------------------------------------===//
// The state
//===----------------------------------------------------------------------===//

PlanBuilder::Cells PlanBuilder::cells(uint32_t slot) const {
  uint32_t s = a.slotStorage[slot];
  if (a.slotPart[slot] < 0)
    return {a.cellBegin[s], a.cellBegin[s + 1]};
  uint32_t begin = a.cellBegin[s] + uint32_t(a.slotPart[slot]);
  return {begin, begin + 1};
}

bool PlanBuilder::refuse(uint32_t tier, std::string text) {
  if (error.empty()) {
    error = std::move(text);
    errorTier = tier;
  }
  return false;
}

std::string PlanBuilder::describe(uint32_t op) const {
  const Operator &o = a.problem.operators[op];
  return "operator " + std::to_string(o.id) +
         (o.name.empty() ? "" : " '" + o.name + "'") +
         (op < pos ? ", run again," : "");
}

uint64_t PlanBuilder::newBytes(uint32_t op) const {
  uint64_t sum = a.problem.aligned(a.problem.operators[op].workspace);
  std::vector<uint32_t> seen;
  for (const Operand &o : a.operands[op]) {
    uint32_t slot = slotOf(o);
    if (there[slot] || std::find(seen.begin(), seen.end(), slot) != seen.end())
      continue;
    seen.push_back(slot);
    sum += a.slotBytes[slot];
  }
  return sum;
}

bool PlanBuilder::movable(uint32_t slot) const {
  if (!there[slot] || pins[slot] || leaving(slot))
    return false;
  for (auto [c, end] = cells(slot); c < end; ++c)
    if (!freshHere[c])
      return false;
  return true;
}

bool PlanBuilder::copied(uint32_t slot) const {
  if (away[a.slotStorage[slot]] == 0)
    return false;
  for (auto [c, end] = cells(slot); c < end; ++c)
    if (!freshAway[c])
      return false;
  return true;
}

uint32_t PlanBuilder::nextNeed(uint32_t slot) const {
  if (uint32_t next = a.nextUse(slot, pos); next != none)
    return next;
  const Storage &s = storageOf(slot);
  if (s.kind == StorageKind::Temporary)
    return s.output ? a.numOps : none;
  if (resident[slot])
    return a.numOps;
  if (s.kind == StorageKind::Fed)
    return none;
  return a.uses[slot].empty() ? a.numOps : a.numOps + 1 + a.uses[slot].front();
}

bool PlanBuilder::remakeable(uint32_t slot) const {
  uint32_t next = nextNeed(slot), s = a.slotStorage[slot];
  return mayRecompute && next < a.numOps && a.producer[s] != none &&
         a.producer[s] < pos &&
         storageOf(slot).kind == StorageKind::Temporary &&
         a.rerunUntil[a.producer[s]] >= int64_t(next);
}

uint32_t PlanBuilder::tierFor(uint32_t slot) const {
  uint32_t s = a.slotStorage[slot];
  if (away[s])
    return away[s];
  const Machine &m = a.problem.machine;
  for (uint32_t t = 1; t < limit.size(); ++t)
    if (!m.route(0, t).empty() && !m.route(t, 0).empty() &&
        bytes[t] + wholeBytes(s) <= limit[t])
      return t;
  return 0;
}

uint32_t PlanBuilder::slotOf(const Operand &o) const {
  uint32_t whole = a.slot(o.storage, -1);
  if (there[whole] || o.part < 0 || (o.written && a.wholeAccess[o.storage]))
    return whole;
  return a.slot(o.storage, o.part);
}

//===----------------------------------------------------------------------===//
// Where things are when the step starts
//===----------------------------------------------------------------------===//

bool PlanBuilder::place(uint32_t s, uint32_t tier) {
  uint32_t whole = a.slot(s, -1);
  if (tier == 0 ? bool(there[whole]) : away[s] != 0)
    return refuse(tier, "storage " + std::to_string(a.problem.storages[s].id) +
                            " is placed twice");
  plan.initial.push_back({s, -1, tier});
  bytes[tier] += a.slotBytes[whole];
  if (tier == 0)
    there[whole] = resident[whole] = true;
  else
    away[s] = tier, atHome[s] = true;
  for (auto [c, end] = cells(whole); c < end; ++c)
    (tier == 0 ? freshHere : freshAway)[c] = true;
  return true;
}

bool PlanBuilder::placeAll() {
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s) {
    const Storage &storage = a.problem.storages[s];
    if (storage.kind == StorageKind::Temporary)
      continue;
    bool here = there[a.slot(s, -1)], placed = here || away[s];
    if (storage.kind == StorageKind::Fed) {
      if (!placed && !place(s, storage.home.value_or(1)))
        return false;
      // The host writes it there: it cannot end.
      if (storage.home == 0u)
        pins[a.slot(s, -1)] = 1;
      continue;
    }
    uint32_t home = storage.home.value_or(0);
    if ((!placed && !place(s, 0)) || (home && !away[s] && !place(s, home)))
      return false;
  }
  for (uint32_t t = 0; t < limit.size(); ++t)
    if (bytes[t] > limit[t])
      return refuse(t, "what is there all along needs " +
                           std::to_string(bytes[t]) + " bytes of " +
                           a.problem.machine.tiers[t].name +
                           ", expected at most " + std::to_string(limit[t]));
  return true;
}

//===----------------------------------------------------------------------===//
// Coming and going
//===----------------------------------------------------------------------===//

void PlanBuilder::enter(uint32_t slot) {
  there[slot] = true;
  bytes[0] += a.slotBytes[slot];
  touched.push_back(slot);
}

void PlanBuilder::stay(uint32_t slot) {
  if (leaving(slot)) {
    queue.erase({leaveEnd[slot], slot});
    leaveEnd[slot] = -1;
  }
}

void PlanBuilder::remove(uint32_t slot, bool takenOver) {
  uint32_t s = a.slotStorage[slot];
  stay(slot);
  if (!takenOver)
    plan.actions.push_back(Action::free(s, a.slotPart[slot], 0));
  bytes[0] -= a.slotBytes[slot];
  there[slot] = false;
  for (auto [c, end] = cells(slot); c < end; ++c)
    freshHere[c] = false;
  // The copy of a dead temporary goes as well.
  if (storageOf(slot).kind == StorageKind::Temporary && away[s] &&
      nextNeed(a.slot(s, -1)) == none)
    dropCopy(s);
}

void PlanBuilder::dropCopy(uint32_t s) {
  plan.actions.push_back(Action::free(s, -1, away[s]));
  bytes[away[s]] -= wholeBytes(s);
  away[s] = 0;
  for (uint32_t c = a.cellBegin[s]; c < a.cellBegin[s + 1]; ++c)
    freshAway[c] = false;
}

/// Ends what is dead of what was touched since.
void PlanBuilder::settle() {
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  std::vector<uint32_t> later;
  for (uint32_t slot : touched) {
    if (pins[slot])
      later.push_back(slot);
    else if (there[slot] && nextNeed(slot) == none)
      remove(slot);
  }
  touched = std::move(later);
}

bool PlanBuilder::makeFree(uint64_t wanted, bool evict) {
  auto isShort = [&] { return bytes[0] + wanted > limit[0]; };
  while (!queue.empty() && queue.begin()->first <= clock)
    remove(queue.begin()->second);
  if (isShort())
    settle();
  while (evict && isShort()) {
    if (!queue.empty()) {
      remove(queue.begin()->second);
      continue;
    }
    uint64_t before = bytes[0];
    if (!makeRoom || !makeRoom(before + wanted - limit[0]) ||
        (bytes[0] >= before && queue.empty()))
      return false;
  }
  return !isShort();
}

/// Room on another tier. Copies of temporaries that are on the device as well
/// are a luxury there.
bool PlanBuilder::roomOff(uint32_t tier, uint64_t wanted) {
  for (uint32_t s = 0; s < away.size() && bytes[tier] + wanted > limit[tier];
       ++s) {
    uint32_t slot = a.slot(s, -1);
    if (away[s] == tier && there[slot] && !leaving(slot) &&
        a.problem.storages[s].kind == StorageKind::Temporary)
      dropCopy(s);
  }
  return bytes[tier] + wanted <= limit[tier];
}

bool PlanBuilder::copy(uint32_t slot, uint32_t tier) {
  if (copied(slot))
    return true;
  uint32_t s = a.slotStorage[slot];
  const Machine &machine = a.problem.machine;
  for (auto [c, end] = cells(slot); c < end; ++c)
    if (!there[slot] || !freshHere[c])
      return false;
  if (storageOf(slot).kind == StorageKind::Fed)
    return false;
  if (away[s] == 0) {
    if (tier == 0 || tier >= limit.size() || machine.route(0, tier).empty() ||
        machine.route(tier, 0).empty() || !roomOff(tier, wholeBytes(s)))
      return false;
    away[s] = tier;
    bytes[tier] += wholeBytes(s);
  }
  tier = away[s];
  auto send = [&](int32_t part) {
    plan.actions.push_back(Action::store(s, part, tier));
    outFree[tier] =
        std::max(outFree[tier], clock) +
        machine.transferNs(0, tier, a.problem.storages[s].partBytes(part));
  };
  auto [begin, end] = cells(slot);
  bool any = false;
  for (uint32_t c = begin; c < end; ++c)
    any |= freshAway[c];
  if (!any)
    send(a.slotPart[slot]);
  for (uint32_t c = begin; c < end; ++c) {
    if (any && !freshAway[c])
      send(int32_t(c - a.cellBegin[s]));
    freshAway[c] = true;
  }
  return true;
}

bool PlanBuilder::sendAway(uint32_t slot, uint32_t tier) {
  if (!there[slot] || pins[slot])
    return false;
  if (leaving(slot))
    return true;
  if (nextNeed(slot) == none || copied(slot)) {
    remove(slot);
    return true;
  }
  if (!copy(slot, tier))
    return false;
  leaveEnd[slot] = outFree[away[a.slotStorage[slot]]];
  queue.insert({leaveEnd[slot], slot});
  return true;
}

void PlanBuilder::waitFor(uint32_t slot) {
  if (leaving(slot))
    remove(slot);
}

void PlanBuilder::waitForAll() {
  while (!queue.empty())
    remove(queue.begin()->second);
}

bool PlanBuilder::forget(uint32_t slot) {
  if (!there[slot] || pins[slot] ||
      (nextNeed(slot) != none && !copied(slot) && !remakeable(slot)))
    return false;
  remove(slot);
  return true;
}

bool PlanBuilder::prefetch(uint32_t slot, bool evict) {
  uint32_t s = a.slotStorage[slot], whole = a.slot(s, -1);
  if (there[slot] || there[whole]) {
    stay(there[slot] ? slot : whole);
    return true;
  }
  for (uint32_t part = whole + 1; slot == whole && part < a.slotBegin[s + 1];
       ++part)
    if (there[part])
      return false;
  if (!copied(slot) || !makeFree(a.slotBytes[slot], evict))
    return false;
  plan.actions.push_back(Action::load(s, a.slotPart[slot], away[s]));
  enter(slot);
  for (auto [c, end] = cells(slot); c < end; ++c)
    freshHere[c] = true;
  return true;
}
