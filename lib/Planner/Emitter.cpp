//===- Emitter.cpp - From decisions to a plan -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include <algorithm>
#include <set>

using namespace spillway::planner;

namespace {

class Emitter {
public:
  Emitter(const Analysis &a, const Decisions &d,
          const std::vector<uint64_t> &budgets)
      : a(a), problem(a.problem), machine(a.problem.machine), d(d),
        limit(budgets) {}

  Emission run() {
    begin();
    for (pos = 0; error.empty() && pos < a.numOps; ++pos)
      if (runOp(pos, true, 0))
        settle();
    if (error.empty())
      finish();
    Emission out;
    out.ok = error.empty();
    out.reason = error;
    out.tier = errorTier;
    out.plan = std::move(plan);
    std::sort(wantHome.begin(), wantHome.end());
    wantHome.erase(std::unique(wantHome.begin(), wantHome.end()),
                   wantHome.end());
    out.wantHome = std::move(wantHome);
    return out;
  }

private:
  // An eviction candidate: what is dead goes first, then what is here against
  // its decision, then what is needed last.
  struct Rank {
    uint32_t order = 0, use = 0, slot = 0;
    auto operator<=>(const Rank &) const = default;
  };

  const Storage &storageOf(uint32_t slot) const {
    return problem.storages[a.slotStorage[slot]];
  }
  bool fail(uint32_t tier, std::string text) {
    if (error.empty()) {
      error = std::move(text);
      errorTier = tier;
    }
    return false;
  }

  void begin();
  void finish();
  void settle();
  bool runOp(uint32_t op, bool first, uint32_t depth);
  bool fetch(const Operand &operand, bool first, uint32_t depth);
  bool loadSlot(uint32_t slot);
  bool shrink(uint32_t index);
  bool room(uint64_t bytes);
  bool evict(uint32_t slot);
  bool storeSlot(uint32_t slot, bool &stored);
  void freeSlot(uint32_t slot, bool silently = false);
  void enter(uint32_t slot);
  void rank(uint32_t slot);
  void dropOff(uint32_t storage);
  uint32_t offTierFor(uint32_t storage);

  uint32_t need(uint32_t slot) const;
  bool cells(uint32_t slot, uint32_t &begin, uint32_t &end) const {
    uint32_t s = a.slotStorage[slot];
    begin = a.cellBegin[s], end = a.cellBegin[s + 1];
    if (a.slotPart[slot] >= 0)
      begin += uint32_t(a.slotPart[slot]), end = begin + 1;
    return true;
  }
  bool offValid(uint32_t slot) const {
    if (offTier[a.slotStorage[slot]] == 0)
      return false;
    uint32_t begin, end;
    cells(slot, begin, end);
    for (uint32_t c = begin; c < end; ++c)
      if (!offFresh[c])
        return false;
    return true;
  }
  /// The slot in which an operand is, or would come to be.
  uint32_t slotOf(const Operand &o) const {
    uint32_t whole = a.slot(o.storage, -1);
    if (present[whole] || o.part < 0 || (o.written && a.wholeAccess[o.storage]))
      return whole;
    return a.slot(o.storage, o.part);
  }
  GapChoice choice(uint32_t slot, uint32_t position) const {
    uint32_t gap = a.gapAt(slot, position);
    return gap == none ? GapChoice::Keep : d.gaps[gap];
  }
  void pin(uint32_t slot) {
    ++pins[slot];
    rank(slot);
  }
  void unpin(uint32_t slot) {
    --pins[slot];
    rank(slot);
  }

  const Analysis &a;
  const Problem &problem;
  const Machine &machine;
  const Decisions &d;
  std::vector<uint64_t> limit;

  Plan plan;
  std::string error;
  uint32_t errorTier = 0;
  std::vector<uint32_t> wantHome;

  uint32_t pos = 0;
  bool after = false;                  ///< the operator at `pos` has run
  std::vector<uint64_t> used;          ///< by tier
  std::vector<bool> present, resident; ///< by slot; resident: in `initial`
  std::vector<uint32_t> pins;
  std::vector<uint32_t> offTier; ///< by storage: where its other copy is, or 0
  std::vector<bool> offFresh;    ///< by cell: that copy is up to date
  std::vector<uint32_t> lastAccess; ///< by slot: position
  std::vector<Rank> ranks;
  std::set<Rank> victims;
  // Slots whose store is under way; they are freed when it is expected done.
  std::set<std::pair<int64_t, uint32_t>> draining;
  std::vector<int64_t> drainEnd; ///< by slot, -1 if not draining
  std::vector<uint32_t> toSettle;
  int64_t now = 0;
  std::vector<int64_t> outFree; ///< by tier: when its way out is free
};

/// When the slot is needed next; past the last operator where only the step's
/// end needs it; none if never again.
uint32_t Emitter::need(uint32_t slot) const {
  uint32_t next = a.nextUse(slot, after ? pos + 1 : pos);
  const Storage &s = storageOf(slot);
  if (next != none)
    return next;
  if (s.kind == StorageKind::Temporary)
    return s.output ? a.numOps : none;
  if (resident[slot])
    return a.numOps;
  if (s.kind == StorageKind::Fed)
    return none;
  return a.uses[slot].empty() ? a.numOps : a.numOps + 1 + a.uses[slot].front();
}

void Emitter::rank(uint32_t slot) {
  Rank &r = ranks[slot];
  if (r.order)
    victims.erase(r);
  r.order = 0;
  if (!present[slot] || pins[slot] || drainEnd[slot] >= 0)
    return;
  uint32_t next = need(slot);
  bool kept = lastAccess[slot] == none ||
              choice(slot, lastAccess[slot]) == GapChoice::Keep;
  r = {next == none ? 3u : kept ? 1u : 2u, next, slot};
  victims.insert(r);
}

void Emitter::enter(uint32_t slot) {
  present[slot] = true;
  used[0] += a.slotBytes[slot];
  rank(slot);
}

void Emitter::freeSlot(uint32_t slot, bool silently) {
  if (!silently) {
    plan.actions.push_back(
        Action::free(a.slotStorage[slot], a.slotPart[slot], 0));
    used[0] -= a.slotBytes[slot];
  }
  present[slot] = false;
  if (drainEnd[slot] >= 0) {
    draining.erase({drainEnd[slot], slot});
    drainEnd[slot] = -1;
  }
  rank(slot);
  // The copy of a dead temporary goes as well.
  uint32_t s = a.slotStorage[slot];
  if (storageOf(slot).kind == StorageKind::Temporary && offTier[s] &&
      need(a.slot(s, -1)) == none)
    dropOff(s);
}

/// Ends the off-device copy of a storage.
void Emitter::dropOff(uint32_t storage) {
  plan.actions.push_back(Action::free(storage, -1, offTier[storage]));
  used[offTier[storage]] -= a.slotBytes[a.slot(storage, -1)];
  offTier[storage] = 0;
  for (uint32_t c = a.cellBegin[storage]; c < a.cellBegin[storage + 1]; ++c)
    offFresh[c] = false;
}

void Emitter::begin() {
  uint32_t numTiers = uint32_t(machine.tiers.size());
  used.assign(numTiers, 0);
  outFree.assign(numTiers, 0);
  present.assign(a.numSlots(), false);
  resident.assign(a.numSlots(), false);
  pins.assign(a.numSlots(), 0);
  ranks.assign(a.numSlots(), {});
  drainEnd.assign(a.numSlots(), -1);
  lastAccess.assign(a.numSlots(), none);
  offTier.assign(problem.storages.size(), 0);
  offFresh.assign(a.cellBegin.back(), false);
  auto away = [&](uint32_t s, uint32_t tier) {
    plan.initial.push_back({s, -1, tier});
    offTier[s] = tier;
    used[tier] += a.slotBytes[a.slot(s, -1)];
    for (uint32_t c = a.cellBegin[s]; c < a.cellBegin[s + 1]; ++c)
      offFresh[c] = true;
  };
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    if (storage.kind == StorageKind::Temporary)
      continue;
    auto stay = [&](uint32_t slot) {
      plan.initial.push_back({s, a.slotPart[slot], 0});
      resident[slot] = present[slot] = true;
      used[0] += a.slotBytes[slot];
    };
    uint32_t whole = a.slot(s, -1);
    if (storage.kind == StorageKind::Fed) {
      if (uint32_t home = storage.home.value_or(1))
        away(s, home);
      else
        stay(whole), ++pins[whole]; // the host writes it there
      continue;
    }
    uint32_t home = storage.home.value_or(d.home[s]);
    if (home)
      away(s, home);
    // What stays over the step's end: the whole, or those parts that do.
    std::vector<uint32_t> kept;
    uint32_t deciding = 0;
    bool always = true;
    for (uint32_t slot = a.slotBegin[s]; slot < a.slotBegin[s + 1]; ++slot) {
      if (a.firstGap[slot] == none)
        continue;
      ++deciding;
      uint32_t last = a.firstGap[slot] + uint32_t(a.uses[slot].size()) - 1;
      if (d.gaps[last] == GapChoice::Keep)
        kept.push_back(slot);
      for (uint32_t g = a.firstGap[slot]; g <= last; ++g)
        always &= d.gaps[g] == GapChoice::Keep;
    }
    // A part that no operator touches moves with nobody.
    bool allParts = storage.parts.empty() || a.wholeAccess[s] ||
                    deciding == storage.numParts();
    if (home == 0 || (deciding == 0 && !home) ||
        (always && allParts && deciding))
      stay(whole);
    else
      for (uint32_t slot : kept)
        stay(slot);
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

/// Where a copy of the storage can be put, or 0.
uint32_t Emitter::offTierFor(uint32_t s) {
  if (offTier[s])
    return offTier[s];
  uint64_t bytes = a.slotBytes[a.slot(s, -1)];
  for (uint32_t t = 1; t < machine.tiers.size(); ++t) {
    if (machine.route(0, t).empty() || machine.route(t, 0).empty())
      continue;
    if (used[t] + bytes <= limit[t])
      return t;
    // Copies of temporaries that are on the device as well are a luxury.
    for (uint32_t other = 0;
         other < problem.storages.size() && used[t] + bytes > limit[t]; ++other)
      if (offTier[other] == t &&
          problem.storages[other].kind == StorageKind::Temporary) {
        uint32_t slot = a.slot(other, -1);
        if (present[slot] && drainEnd[slot] < 0 && !pins[slot])
          dropOff(other);
      }
    if (used[t] + bytes <= limit[t])
      return t;
  }
  return 0;
}

/// Brings the off-device copy of a slot up to date. False if there is no room.
bool Emitter::storeSlot(uint32_t slot, bool &stored) {
  stored = false;
  if (offValid(slot))
    return true;
  uint32_t s = a.slotStorage[slot];
  uint32_t tier = offTierFor(s);
  if (tier == 0)
    return false;
  if (offTier[s] == 0) {
    offTier[s] = tier;
    used[tier] += a.slotBytes[a.slot(s, -1)];
    if (storageOf(slot).kind == StorageKind::Persistent)
      wantHome.push_back(s);
  }
  uint32_t begin, end;
  cells(slot, begin, end);
  bool anyFresh = false;
  for (uint32_t c = begin; c < end; ++c)
    anyFresh |= offFresh[c];
  auto copy = [&](int32_t part) {
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
  stored = true;
  return true;
}

/// Takes a slot off the device at once, whatever that needs. False if what it
/// holds would be lost.
bool Emitter::evict(uint32_t slot) {
  uint32_t next = need(slot), s = a.slotStorage[slot];
  const Storage &storage = problem.storages[s];
  bool stored;
  if (next == none || offValid(slot)) {
    freeSlot(slot);
    return true;
  }
  bool mayDrop = d.mayDrop && storage.kind == StorageKind::Temporary &&
                 next < a.numOps && a.producer[s] != none &&
                 a.rerunUntil[a.producer[s]] >= int64_t(next);
  bool preferDrop = false;
  if (mayDrop && d.maySwap && machine.tiers.size() > 1) {
    GapChoice c = lastAccess[slot] == none ? GapChoice::Keep
                                           : choice(slot, lastAccess[slot]);
    preferDrop =
        c == GapChoice::Drop ||
        (c == GapChoice::Keep && problem.operators[a.producer[s]].costNs[0] <=
                                     machine.transferNs(1, 0, storage.bytes));
  }
  if (mayDrop && (preferDrop || !d.maySwap)) {
    freeSlot(slot);
    return true;
  }
  if (d.maySwap && storeSlot(slot, stored)) {
    freeSlot(slot);
    return true;
  }
  if (mayDrop) {
    freeSlot(slot);
    return true;
  }
  return false;
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
  for (uint32_t slot : stuck)
    rank(slot);
  return used[0] + bytes <= limit[0];
}

bool Emitter::loadSlot(uint32_t slot) {
  uint32_t s = a.slotStorage[slot];
  if (!room(a.slotBytes[slot]))
    return false;
  plan.actions.push_back(Action::load(s, a.slotPart[slot], offTier[s]));
  enter(slot);
  return true;
}

/// Brings one operand to the device.
bool Emitter::fetch(const Operand &o, bool first, uint32_t depth) {
  uint32_t slot = slotOf(o), s = o.storage;
  if (present[slot]) {
    if (drainEnd[slot] >= 0) { // needed again before it was gone
      draining.erase({drainEnd[slot], slot});
      drainEnd[slot] = -1;
    }
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
  if (a.producer[s] == none || a.rerunUntil[a.producer[s]] < int64_t(pos) ||
      depth > 2000)
    return false;
  return runOp(a.producer[s], false, depth + 1);
}

/// Takes wholes off the device of which the operator needs only a part.
bool Emitter::shrink(uint32_t index) {
  bool any = false, stored;
  for (const Operand &o : a.operands[index]) {
    uint32_t whole = a.slot(o.storage, -1);
    if (o.part < 0 || o.written || !present[whole] || pins[whole] ||
        !d.maySwap || !storeSlot(whole, stored))
      continue;
    freeSlot(whole);
    any = true;
  }
  return any;
}

/// Issues an operator with all that it needs. `first`: not a recomputation.
bool Emitter::runOp(uint32_t index, bool first, uint32_t depth) {
  const Operator &op = problem.operators[index];
  after = false;
  std::vector<uint32_t> mine; // slots pinned here
  auto release = [&] {
    for (uint32_t slot : mine)
      unpin(slot);
    mine.clear();
  };
  auto noRoom = [&](const std::string &what) {
    release();
    return fail(0, "operator " + std::to_string(op.id) +
                       (op.name.empty() ? "" : " '" + op.name + "'") +
                       (first ? "" : ", run again,") + " " + what + " within " +
                       std::to_string(limit[0]) + " bytes of " +
                       machine.tiers[0].name);
  };
  if (plan.actions.size() > 100000 + 100 * size_t(a.numOps))
    return noRoom("does not come to its turn without runs over and over");
  // First what must be recomputed, which takes most room; then what is loaded.
  auto gather = [&] {
    for (int pass = 0; pass < 2; ++pass)
      for (const Operand &o : a.operands[index]) {
        if (!o.read && !o.updated)
          continue;
        uint32_t slot = slotOf(o);
        if (pass == 0 && (present[slot] || offValid(slot)))
          continue;
        if (pass == 1 &&
            std::find(mine.begin(), mine.end(), slot) != mine.end())
          continue;
        if (!fetch(o, first, depth))
          return false;
        slot = slotOf(o);
        pin(slot);
        mine.push_back(slot);
      }
    return true;
  };
  if (!gather()) {
    // A whole that is here by habit may leave where a part of it will do.
    release();
    error.clear();
    if (!shrink(index) || !gather())
      return noRoom("cannot get its operands");
  }
  after = false;
  // Results: in place where the operand is not needed here any more.
  uint64_t bytes = problem.aligned(op.workspace);
  std::vector<uint32_t> made;
  Action action = Action::run(index);
  std::vector<uint32_t> takenOver;
  auto takeOver = [&](bool force) {
    for (const InPlacePair &p : op.inPlace) {
      uint32_t from = a.slot(p.read, -1), to = a.slot(p.written, -1);
      if (present[to] || !present[from] || pins[from] != 1 ||
          std::find(takenOver.begin(), takenOver.end(), from) !=
              takenOver.end() ||
          std::any_of(
              action.inPlace.begin(), action.inPlace.end(),
              [&](const InPlacePair &q) { return q.written == p.written; }))
        continue;
      bool again =
          std::any_of(op.reads.begin(), op.reads.end(), [&](const Access &r) {
            return r.storage == p.read && r.part >= 0;
          });
      after = first;
      uint32_t next = need(from);
      after = false;
      GapChoice c = first ? choice(from, pos) : GapChoice::Keep;
      bool droppable =
          next < a.numOps &&
          problem.storages[p.read].kind == StorageKind::Temporary &&
          a.producer[p.read] != none &&
          a.rerunUntil[a.producer[p.read]] >= int64_t(next);
      bool dies = next == none || (c == GapChoice::Drop && droppable) ||
                  (c == GapChoice::Swap && offValid(from));
      bool stored;
      if (!dies && force && first)
        dies =
            (d.maySwap && storeSlot(from, stored)) || (d.mayDrop && droppable);
      if (!dies || again)
        continue;
      action.inPlace.push_back(p);
      takenOver.push_back(from);
    }
  };
  takeOver(false);
  auto wanted = [&] {
    made.clear();
    uint64_t sum = bytes;
    for (const Operand &o : a.operands[index]) {
      uint32_t slot = slotOf(o);
      if (!o.written || present[slot] ||
          std::find(made.begin(), made.end(), slot) != made.end())
        continue;
      made.push_back(slot);
      bool inPlace = std::any_of(
          action.inPlace.begin(), action.inPlace.end(),
          [&](const InPlacePair &p) { return a.slot(p.written, -1) == slot; });
      sum += inPlace ? 0 : a.slotBytes[slot];
    }
    return sum;
  };
  for (const Operand &o : a.operands[index])
    if (o.written)
      if (uint32_t slot = slotOf(o); present[slot]) {
        if (drainEnd[slot] >= 0) {
          draining.erase({drainEnd[slot], slot});
          drainEnd[slot] = -1;
        }
        pin(slot);
        mine.push_back(slot);
      }
  if (!room(wanted())) {
    takeOver(true);
    if (!room(wanted()) &&
        (release(), !shrink(index) || !gather() || !room(wanted())))
      return noRoom("does not fit with its operands and results");
  }
  plan.actions.push_back(action);
  now += op.costNs[0];
  release();
  after = first;
  for (uint32_t slot : takenOver)
    freeSlot(slot, true);
  after = false;
  for (uint32_t slot : made) {
    bool inPlace = std::any_of(
        action.inPlace.begin(), action.inPlace.end(),
        [&](const InPlacePair &p) { return a.slot(p.written, -1) == slot; });
    if (inPlace)
      used[0] -= a.slotBytes[slot];
    enter(slot);
  }
  for (const Operand &o : a.operands[index]) {
    uint32_t slot = slotOf(o);
    if (o.updated && offTier[o.storage]) {
      uint32_t begin = a.cellBegin[o.storage], end = a.cellBegin[o.storage + 1];
      if (o.part >= 0)
        begin += uint32_t(o.part), end = begin + 1;
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
  for (uint32_t slot : made)
    if (present[slot])
      toSettle.push_back(slot);
  return true;
}

/// After an operator and the recomputations for it: ends what is dead, carries
/// out the decisions of the gaps that begin here.
void Emitter::settle() {
  after = true;
  std::sort(toSettle.begin(), toSettle.end());
  toSettle.erase(std::unique(toSettle.begin(), toSettle.end()), toSettle.end());
  for (uint32_t slot : toSettle) {
    if (!present[slot])
      continue;
    uint32_t next = need(slot), s = a.slotStorage[slot];
    const Storage &storage = problem.storages[s];
    bool stored;
    if (next == none) {
      freeSlot(slot);
      continue;
    }
    // A changed persistent storage must get home some time: now.
    bool sent = false;
    if (storage.kind == StorageKind::Persistent && offTier[s])
      storeSlot(slot, sent);
    GapChoice c = lastAccess[slot] == pos ? choice(slot, pos) : GapChoice::Keep;
    bool producedAgain = c == GapChoice::Drop && next < a.numOps &&
                         storage.kind == StorageKind::Temporary &&
                         a.producer[s] != none &&
                         a.rerunUntil[a.producer[s]] >= int64_t(next);
    if (producedAgain) {
      freeSlot(slot);
      continue;
    }
    // A part of a storage that is decided on as a whole stays no longer than
    // its operator: the whole will be loaded.
    bool stray = a.firstGap[slot] == none && !resident[slot] &&
                 storage.kind == StorageKind::Persistent && offTier[s];
    if (c == GapChoice::Swap || stray) {
      if (!storeSlot(slot, stored)) {
        rank(slot);
        continue;
      }
      // Its store, if it needed one, is the last on its way out by now.
      int64_t end = outFree[offTier[s]];
      if (end <= now || !(sent || stored)) {
        freeSlot(slot);
        continue;
      }
      if (drainEnd[slot] >= 0)
        draining.erase({drainEnd[slot], slot});
      drainEnd[slot] = end;
      draining.insert({end, slot});
    }
    rank(slot);
    if (d.isolate && present[slot] && !pins[slot])
      evict(slot);
  }
  toSettle.clear();
  while (!draining.empty() && draining.begin()->first <= now)
    freeSlot(draining.begin()->second);
  after = false;
}

void Emitter::finish() {
  pos = a.numOps;
  after = false;
  while (!draining.empty()) {
    uint32_t slot = draining.begin()->second;
    if (resident[slot]) {
      draining.erase(draining.begin());
      drainEnd[slot] = -1;
      rank(slot);
    } else {
      freeSlot(slot);
    }
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
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
    if (resident[slot]) {
      uint32_t s = a.slotStorage[slot];
      if (!present[slot]) {
        Operand o{s, a.slotPart[slot], true, false, false};
        if (!fetch(o, true, 0)) {
          fail(0, "what stays over the step's end does not fit");
          return;
        }
      }
      pin(slot);
    }
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

} // namespace

Emission spillway::planner::emitPlan(const Analysis &analysis,
                                     const Decisions &decisions,
                                     const std::vector<uint64_t> &budgets) {
  return Emitter(analysis, decisions, budgets).run();
}
