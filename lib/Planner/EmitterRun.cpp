//===- EmitterRun.cpp - An operator with all that it needs ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterState.h"

#include <algorithm>

using namespace spillway::planner;

bool Emitter::loadSlot(uint32_t slot) {
  uint32_t s = a.slotStorage[slot];
  if (!room(a.slotBytes[slot]))
    return false;
  plan.actions.push_back(Action::load(s, a.slotPart[slot], offTier[s]));
  copies[s].read = true;
  enter(slot);
  return true;
}

/// Brings one operand to the device.
bool Emitter::fetch(const Operand &o, uint32_t depth) {
  uint32_t slot = slotOf(o), s = o.storage;
  if (present[slot]) {
    stopDraining(slot); // needed again before it was gone
    return true;
  }
  if (a.slotPart[slot] < 0)
    // The whole and its parts cannot both be there.
    for (uint32_t part = slot + 1; part < a.slotBegin[s + 1]; ++part)
      if (present[part]) {
        bool stored;
        if (!storeSlot(part, stored))
          return false;
        freeSlot(part);
      }
  if (offValid(slot))
    return loadSlot(slot);
  uint32_t p = a.producer[s];
  if (p == none || problem.operators[p].cost(0) < 0 ||
      a.rerunUntil[p] < int64_t(pos) || depth > 2000)
    return false;
  return runOp(p, false, depth + 1);
}

/// Takes wholes off the device of which the operator needs only a part.
bool Emitter::shrink(uint32_t op) {
  bool any = false, stored;
  for (const Operand &o : a.operands[op]) {
    uint32_t whole = a.slot(o.storage, -1);
    if (o.part < 0 || o.written || !present[whole] || pins[whole] ||
        !d.maySwap || !storeSlot(whole, stored))
      continue;
    freeSlot(whole);
    any = true;
  }
  return any;
}

void Emitter::release(Turn &turn) {
  for (uint32_t slot : turn.pinned)
    unpin(slot);
  turn.pinned.clear();
}

bool Emitter::noRoom(Turn &turn, const std::string &what) {
  const Operator &op = problem.operators[turn.op];
  release(turn);
  return fail(0, "operator " + std::to_string(op.id) +
                     (op.name.empty() ? "" : " '" + op.name + "'") +
                     (turn.first ? "" : ", run again,") + " " + what +
                     " within " + std::to_string(limit[0]) + " bytes of " +
                     machine.tiers[0].name);
}

/// First what must be recomputed, which takes most room; then what is loaded.
bool Emitter::gather(Turn &turn) {
  for (int pass = 0; pass < 2; ++pass)
    for (const Operand &o : a.operands[turn.op]) {
      if (!o.read && !o.updated)
        continue;
      uint32_t slot = slotOf(o);
      if (pass == 0 && (present[slot] || offValid(slot)))
        continue;
      if (pass == 1 && std::find(turn.pinned.begin(), turn.pinned.end(),
                                 slot) != turn.pinned.end())
        continue;
      if (!fetch(o, turn.depth))
        return false;
      slot = slotOf(o);
      pin(slot);
      turn.pinned.push_back(slot);
    }
  after = false;
  return true;
}

/// Results go in place where the operand is not needed here any more; with
/// `force`, where it can be got again.
void Emitter::takeOver(Turn &turn, bool force) {
  const Operator &op = problem.operators[turn.op];
  for (const InPlacePair &p : op.inPlace) {
    uint32_t from = a.slot(p.read, -1), to = a.slot(p.written, -1);
    auto &over = turn.takenOver;
    auto &pairs = turn.action.inPlace;
    if (present[to] || !present[from] || pins[from] != 1 ||
        std::find(over.begin(), over.end(), from) != over.end() ||
        std::any_of(pairs.begin(), pairs.end(), [&](const InPlacePair &q) {
          return q.written == p.written;
        }))
      continue;
    bool again =
        std::any_of(op.reads.begin(), op.reads.end(), [&](const Access &r) {
          return r.storage == p.read && r.part >= 0;
        });
    after = turn.first;
    uint32_t next = need(from);
    bool dies = dead(from), goes = goesOff(from);
    after = false;
    GapChoice c = turn.first ? choice(from, pos) : GapChoice::Keep;
    bool droppable = problem.storages[p.read].kind == StorageKind::Temporary &&
                     !goes && remakable(p.read, next);
    dies |= (c == GapChoice::Drop && droppable) ||
            (c == GapChoice::Swap && offValid(from) &&
             storeEnd[p.read] <= now); // else it would wait for the store
    bool stored;
    if (!dies && force && turn.first)
      dies = (d.maySwap && storeSlot(from, stored)) || (d.mayDrop && droppable);
    if (!dies || again)
      continue;
    pairs.push_back(p);
    over.push_back(from);
  }
}

static bool takesOver(const Analysis &a, const Action &action, uint32_t slot) {
  return std::any_of(
      action.inPlace.begin(), action.inPlace.end(),
      [&](const InPlacePair &p) { return a.slot(p.written, -1) == slot; });
}

/// The bytes that a run takes beyond its operands; what it makes goes to
/// `made`.
uint64_t Emitter::wants(Turn &turn) const {
  turn.made.clear();
  uint64_t sum = problem.aligned(problem.operators[turn.op].workspace);
  for (const Operand &o : a.operands[turn.op]) {
    uint32_t slot = slotOf(o);
    if (!o.written || present[slot] ||
        std::find(turn.made.begin(), turn.made.end(), slot) != turn.made.end())
      continue;
    turn.made.push_back(slot);
    sum += takesOver(a, turn.action, slot) ? 0 : a.slotBytes[slot];
  }
  return sum;
}

bool Emitter::makeRoomFor(Turn &turn) {
  takeOver(turn, false);
  for (const Operand &o : a.operands[turn.op])
    if (o.written)
      if (uint32_t slot = slotOf(o); present[slot]) {
        stopDraining(slot);
        pin(slot);
        turn.pinned.push_back(slot);
      }
  bool large = a.workingSet[turn.op] >= limit[0] / 5 * 2;
  if (room(wants(turn) + (large ? 0 : d.reserve)))
    return true;
  takeOver(turn, true);
  if (room(wants(turn)))
    return true;
  release(turn);
  return shrink(turn.op) && gather(turn) && room(wants(turn));
}

void Emitter::issue(Turn &turn) {
  bool first = turn.first;
  plan.actions.push_back(turn.action);
  if (first && !d.clock.empty())
    now = std::max(now, d.clock[turn.op]);
  now += problem.operators[turn.op].costNs[0];
  release(turn);
  after = first;
  for (uint32_t slot : turn.takenOver)
    freeSlot(slot, true);
  after = false;
  for (uint32_t slot : turn.made) {
    if (takesOver(a, turn.action, slot))
      used[0] -= a.slotBytes[slot];
    enter(slot);
  }
  for (const Operand &o : a.operands[turn.op]) {
    uint32_t slot = slotOf(o);
    if (o.updated && offTier[o.storage]) {
      auto [begin, end] = cells(a.slot(o.storage, o.part));
      for (uint32_t c = begin; c < end; ++c)
        offFresh[c] = false;
    }
    // What was made again early is there for a use that is near.
    if (first)
      lastAccess[slot] = pos;
    else if (o.written)
      lastAccess[slot] = none;
    if (present[slot])
      toSettle.push_back(slot);
  }
  for (uint32_t slot : turn.made)
    if (present[slot])
      toSettle.push_back(slot);
}

/// Issues an operator with all that it needs. `first`: not a recomputation.
bool Emitter::runOp(uint32_t op, bool first, uint32_t depth) {
  Turn turn{op, first, depth, {}, {}, {}, Action::run(op)};
  after = false;
  if (plan.actions.size() > 100000 + 100 * size_t(a.numOps))
    return noRoom(turn, "does not come to its turn without runs over and over");
  if (!gather(turn)) {
    // A whole that is here by habit may leave where a part of it will do.
    release(turn);
    error.clear();
    if (!shrink(op) || !gather(turn))
      return noRoom(turn, "cannot get its operands");
  }
  if (!makeRoomFor(turn))
    return noRoom(turn, "does not fit with its operands and results");
  issue(turn);
  return true;
}
