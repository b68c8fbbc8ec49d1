//===- EmitterState.h - What the emitter knows at each moment ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to Emitter*.cpp: Emitter.cpp walks the operators, EmitterRun.cpp
// issues one with what it needs, EmitterHost.cpp one that runs off the device,
// EmitterRoom.cpp says what leaves the device and where it goes.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_EMITTERSTATE_H
#define SPILLWAY_LIB_PLANNER_EMITTERSTATE_H

#include "Emitter.h"

#include <set>

namespace spillway::planner {

class Emitter {
public:
  Emitter(const Analysis &a, const Decisions &d,
          const std::vector<uint64_t> &budgets)
      : a(a), problem(a.problem), machine(a.problem.machine), d(d),
        limit(budgets) {}

  Emission run();

private:
  // An eviction candidate: what is dead goes first, then what is here against
  // its decision, then what is needed last.
  struct Rank {
    uint32_t order = 0, use = 0, slot = 0;
    auto operator<=>(const Rank &) const = default;
  };
  /// One operator on its way to its run.
  struct Turn {
    uint32_t op;
    bool first; ///< not a recomputation
    uint32_t depth;
    std::vector<uint32_t> pinned, made, takenOver; ///< slots
    Action action;
  };

  // Emitter.cpp
  void begin();
  void chooseEngines();
  void placePersistent(uint32_t storage);
  void initially(uint32_t storage, uint32_t tier);
  void stay(uint32_t slot);
  void settle();
  void settle(uint32_t slot);
  void finish();
  void removeUseless();

  // EmitterRun.cpp
  bool runOp(uint32_t op, bool first, uint32_t depth);
  bool gather(Turn &turn);
  bool fetch(const Operand &operand, uint32_t depth);
  bool loadSlot(uint32_t slot);
  bool shrink(uint32_t op);
  void takeOver(Turn &turn, bool force);
  uint64_t wants(Turn &turn) const;
  bool makeRoomFor(Turn &turn);
  void issue(Turn &turn);
  void release(Turn &turn);
  bool noRoom(Turn &turn, const std::string &what);
  /// The slot in which an operand is, or would come to be.
  uint32_t slotOf(const Operand &o) const {
    uint32_t whole = a.slot(o.storage, -1);
    if (present[whole] || o.part < 0 || (o.written && a.wholeAccess[o.storage]))
      return whole;
    return a.slot(o.storage, o.part);
  }
  void pin(uint32_t slot) {
    ++pins[slot];
    rank(slot);
  }
  void unpin(uint32_t slot) {
    --pins[slot];
    rank(slot);
  }

  // EmitterHost.cpp
  bool runOff(uint32_t op);
  bool gatherOff(uint32_t op, uint32_t tier, int64_t &ready);
  bool changes(uint32_t op, uint32_t slot) const;
  bool onDevice(uint32_t slot) const;
  bool goesOff(uint32_t slot) const;
  void bringBack();

  // EmitterRoom.cpp
  bool room(uint64_t bytes);
  bool evict(uint32_t slot);
  bool storeSlot(uint32_t slot, bool &stored, uint32_t tier = 0);
  void freeSlot(uint32_t slot, bool silently = false);
  void enter(uint32_t slot);
  void rank(uint32_t slot);
  void drain(uint32_t slot, int64_t end);
  void stopDraining(uint32_t slot);
  void setOff(uint32_t storage, uint32_t tier) {
    offTier[storage] = tier;
    if (problem.storages[storage].kind == StorageKind::Temporary)
      offTemporaries.insert({tier, storage});
  }
  void dropOff(uint32_t storage);
  bool roomOff(uint32_t storage, uint32_t tier);
  uint32_t offTierFor(uint32_t storage);
  uint32_t need(uint32_t slot) const;
  bool wanted(uint32_t slot) const;
  bool dead(uint32_t slot) const;
  bool remakable(uint32_t storage, uint32_t until) const;
  bool offValid(uint32_t slot) const;
  std::pair<uint32_t, uint32_t> cells(uint32_t slot) const {
    uint32_t s = a.slotStorage[slot];
    if (a.slotPart[slot] < 0)
      return {a.cellBegin[s], a.cellBegin[s + 1]};
    uint32_t cell = a.cellBegin[s] + uint32_t(a.slotPart[slot]);
    return {cell, cell + 1};
  }

  const Storage &storageOf(uint32_t slot) const {
    return problem.storages[a.slotStorage[slot]];
  }
  GapChoice choice(uint32_t slot, uint32_t position) const {
    uint32_t gap = position == none ? none : a.gapAt(slot, position);
    return gap == none ? GapChoice::Keep : d.gaps[gap];
  }
  bool fail(uint32_t tier, std::string text) {
    if (error.empty()) {
      error = std::move(text);
      errorTier = tier;
    }
    return false;
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
  std::set<std::pair<uint32_t, uint32_t>> offTemporaries; ///< tier, storage
  std::vector<bool> offFresh;       ///< by cell: that copy is up to date
  std::vector<uint32_t> lastAccess; ///< by slot: position
  std::vector<Rank> ranks;
  std::set<Rank> victims;
  // Slots whose store is under way; they are freed when it is expected done.
  std::set<std::pair<int64_t, uint32_t>> draining;
  std::vector<int64_t> drainEnd; ///< by slot, -1 if not draining
  std::vector<uint32_t> toSettle;
  int64_t now = 0;
  std::vector<int64_t> outFree; ///< by tier: when its way out is free
  struct Copies {
    std::vector<size_t> stores; ///< actions
    bool read = false;
  };
  std::vector<Copies> copies;  ///< by storage: of its copy off the device
  std::vector<size_t> useless; ///< stores that nobody reads
  std::vector<int64_t> storeEnd; ///< by storage: when its last store is done
  // Operators off the device.
  bool anyOff = false;
  std::vector<uint32_t> engine;    ///< by operator, for its first run
  std::vector<int64_t> engineFree; ///< by engine
  /// Slots that stay over the step's end and are changed off the device, by
  /// when they can be loaded again.
  std::set<std::pair<int64_t, uint32_t>> returning;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_EMITTERSTATE_H
