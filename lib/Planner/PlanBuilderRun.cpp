//===- PlanBuilderRun.cpp - Runs operators for a PlanBuilder ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an operator needs is fetched or made again, and what it has changed is
// stored; when all have run, everything goes back to where it was first.
//
//===----------------------------------------------------------------------===//

#include "PlanBuilder.h"

#include <algorithm>

using namespace spillway::planner;

/// Brings one operand to the device.
bool PlanBuilder::fetch(const Operand &o) {
  uint32_t slot = slotOf(o), s = o.storage;
  if (there[slot]) {
    stay(slot);
    auto [begin, end] = cells(o.part < 0 ? slot : a.slot(s, o.part));
    bool fresh = true;
    for (uint32_t c = begin; c < end; ++c)
      fresh &= freshHere[c];
    if (fresh)
      return true;
    if (pins[slot] || !copied(slot))
      return false;
    remove(slot);
  }
  // The whole and its parts cannot both be there.
  for (uint32_t part = slot + 1;
       a.slotPart[slot] < 0 && part < a.slotBegin[s + 1]; ++part)
    if (there[part]) {
      if (pins[part] || !copy(part, tierFor(part)))
        return false;
      remove(part);
    }
  if (copied(slot))
    return prefetch(slot, true);
  uint32_t p = a.producer[s];
  return mayRecompute && p != none && p < pos &&
         a.rerunUntil[p] >= int64_t(pos) && perform(p);
}

/// Pins all operands. With `presentFirst`, those that are there are not evicted
/// for the others.
bool PlanBuilder::gather(uint32_t op, std::vector<uint32_t> &mine,
                         bool presentFirst) {
  for (int pass = presentFirst ? 0 : 1; pass < 3; ++pass)
    for (const Operand &o : a.operands[op]) {
      uint32_t slot = slotOf(o);
      if (!o.read && !o.updated)
        continue;
      // First what is there, then what must be made again, then what is loaded.
      if ((pass == 0 && !there[slot]) ||
          (pass == 1 && (there[slot] || copied(slot))) ||
          std::find(mine.begin(), mine.end(), slot) != mine.end())
        continue;
      if (!fetch(o))
        return false;
      ++pins[slot = slotOf(o)];
      mine.push_back(slot);
      touched.push_back(slot);
    }
  return true;
}

/// The books after a write or an update of a slot that is there.
void PlanBuilder::changed(const Operand &o, uint32_t slot) {
  auto [begin, end] = cells(o.part < 0 ? slot : a.slot(o.storage, o.part));
  for (uint32_t c = begin; c < end; ++c) {
    freshHere[c] = true;
    if (o.updated)
      freshAway[c] = false;
  }
}

bool PlanBuilder::issue(uint32_t index, std::vector<uint32_t> &mine) {
  const Operator &op = a.problem.operators[index];
  bool first = index == pos;
  if (op.cost(0) < 0)
    return false;
  std::vector<uint32_t> made;
  for (const Operand &o : a.operands[index]) {
    uint32_t slot = slotOf(o);
    if (!o.written)
      continue;
    if (there[slot]) {
      stay(slot);
      ++pins[slot];
      mine.push_back(slot);
    } else if (std::find(made.begin(), made.end(), slot) == made.end()) {
      made.push_back(slot);
    }
  }
  // A result takes over the buffer of an operand that dies here.
  Action action = Action::run(index);
  std::vector<uint32_t> over;
  for (const InPlacePair &p : op.inPlace) {
    uint32_t from = a.slot(p.read, -1), to = a.slot(p.written, -1);
    const Storage &storage = a.problem.storages[p.read];
    bool parts = std::any_of(op.reads.begin(), op.reads.end(), [&](Access r) {
      return r.storage == p.read && r.part >= 0;
    });
    if (!there[from] || pins[from] != 1 || there[to] || parts ||
        storage.kind != StorageKind::Temporary || storage.output ||
        a.nextUse(from, pos + first) != none ||
        std::find(over.begin(), over.end(), from) != over.end() ||
        std::any_of(
            action.inPlace.begin(), action.inPlace.end(),
            [&](const InPlacePair &q) { return q.written == p.written; }))
      continue;
    action.inPlace.push_back(p);
    over.push_back(from);
  }
  uint64_t wanted = a.problem.aligned(op.workspace);
  for (uint32_t slot : made)
    wanted += a.slotBytes[slot];
  for (uint32_t slot : over)
    wanted -= a.slotBytes[slot];
  if (!makeFree(wanted))
    return false;
  plan.actions.push_back(std::move(action));
  clock += op.cost(0);
  pos += first;
  for (uint32_t slot : mine)
    --pins[slot];
  mine.clear();
  for (uint32_t slot : over)
    remove(slot, true);
  for (uint32_t slot : made)
    enter(slot);
  for (const Operand &o : a.operands[index]) {
    uint32_t slot = slotOf(o);
    if (o.written || o.updated)
      changed(o, slot);
    touched.push_back(slot);
    if (o.updated && writeBack && atHome[o.storage])
      copy(slot, away[o.storage]);
    if (used && there[slot])
      used(slot);
  }
  return true;
}

bool PlanBuilder::perform(uint32_t op) {
  if (op > pos || op >= a.numOps || depth > 2000 ||
      (op < pos && a.rerunUntil[op] < int64_t(pos)))
    return false;
  // A plan that makes everything again and again is no plan.
  if (plan.actions.size() > 200 * size_t(a.numOps) + 10000)
    return refuse(0, describe(op) + " is not reached: what is evicted is made "
                                    "again over and over");
  ++depth;
  std::vector<uint32_t> mine;
  auto attempt = [&](bool presentFirst) {
    if (gather(op, mine, presentFirst) && issue(op, mine))
      return true;
    for (uint32_t slot : mine)
      --pins[slot];
    mine.clear();
    return false;
  };
  bool ok = attempt(true) || (depth == 1 && attempt(false));
  if (--depth == 0) {
    settle();
    if (!ok)
      refuse(0, describe(op) +
                    " does not fit with its operands and results "
                    "within " +
                    std::to_string(limit[0]) + " bytes of " +
                    a.problem.machine.tiers[0].name);
  }
  return ok;
}

bool PlanBuilder::performOff(uint32_t index, uint32_t engine) {
  const Operator &op = a.problem.operators[index];
  const Machine &machine = a.problem.machine;
  if (index != pos || engine >= machine.engines.size() || op.cost(engine) < 0)
    return refuse(0, describe(index) + " does not run on that engine");
  uint32_t tier = machine.engines[engine].tier;
  for (const Operand &o : a.operands[index]) {
    uint32_t s = o.storage, slot = a.slot(s, o.part);
    if ((o.read || o.updated) && (away[s] != tier || !copied(slot)))
      return refuse(tier, describe(index) + " has an operand that is not on " +
                              machine.tiers[tier].name);
    // What the device alone knows of an updated storage must get there first.
    for (uint32_t d = a.slotBegin[s]; o.updated && d < a.slotBegin[s + 1]; ++d)
      if (there[d] && (pins[d] || !copy(d, tier)))
        return refuse(0, describe(index) + " would lose what is on the device");
    if (!o.written || away[s])
      continue;
    if (!roomOff(tier, wholeBytes(s)))
      return refuse(tier, describe(index) +
                              " does not fit with its results "
                              "within " +
                              std::to_string(limit[tier]) + " bytes of " +
                              machine.tiers[tier].name);
    away[s] = tier;
    bytes[tier] += wholeBytes(s);
  }
  plan.actions.push_back(Action::run(index, engine));
  ++pos;
  for (const Operand &o : a.operands[index]) {
    uint32_t s = o.storage;
    for (auto [c, end] = cells(a.slot(s, o.part)); c < end; ++c)
      if (o.written || o.updated)
        freshAway[c] = true;
    for (uint32_t d = a.slotBegin[s]; d < a.slotBegin[s + 1]; ++d)
      if (there[d]) {
        if (o.updated)
          remove(d);
        else
          touched.push_back(d);
      }
    if (a.problem.storages[s].kind == StorageKind::Temporary && away[s] &&
        nextNeed(a.slot(s, -1)) == none)
      dropCopy(s);
  }
  settle();
  return true;
}

//===----------------------------------------------------------------------===//
// The end
//===----------------------------------------------------------------------===//

bool PlanBuilder::finish() {
  if (!error.empty())
    return false;
  if (pos < a.numOps)
    return refuse(0, describe(pos) + " has not run");
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    if (!there[slot])
      continue;
    if (resident[slot] || storageOf(slot).output) {
      stay(slot);
      continue;
    }
    if (storageOf(slot).kind == StorageKind::Persistent && !copied(slot) &&
        !copy(slot, tierFor(slot)))
      return refuse(1, "no tier has room for storage " +
                           std::to_string(storageOf(slot).id));
    remove(slot);
  }
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    if (!resident[slot])
      continue;
    if (!fetch({a.slotStorage[slot], -1, true, false, false}))
      return refuse(0, "what stays over the step's end does not fit");
    ++pins[slot];
  }
  for (uint32_t s = 0; s < away.size(); ++s) {
    const Storage &storage = a.problem.storages[s];
    if (away[s] == 0 || storage.kind == StorageKind::Fed || storage.output)
      continue;
    if (!atHome[s])
      dropCopy(s);
    else if (uint32_t slot = a.slot(s, -1); there[slot] && !copied(slot))
      copy(slot, away[s]);
  }
  return true;
}

PolicyAnswer PlanBuilder::fail() const {
  PolicyAnswer out;
  out.reason = error;
  out.tier = errorTier;
  return out;
}

PolicyAnswer PlanBuilder::answer() {
  if (!finish())
    return fail();
  PolicyAnswer out;
  out.ok = true;
  std::sort(plan.initial.begin(), plan.initial.end());
  out.plans.push_back(std::move(plan));
  return out;
}
