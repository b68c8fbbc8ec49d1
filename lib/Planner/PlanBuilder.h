//===- PlanBuilder.h - Appends actions and keeps the books ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For policies that place every action themselves. The builder knows what is
// where, what is up to date and what is left of each tier, so that a policy
// says only what its paper says: when to send something away, when to fetch it,
// what to evict where memory is short. What it appends is always a right plan
// so far; what cannot be done returns false and leaves the reason in `error`.
//
//   PlanBuilder b(analysis, request.budgets);
//   b.makeRoom = [&](uint64_t) { return b.sendAway(myVictim(), 1); };
//   if (!b.placeAll()) return b.fail();
//   while (b.position() < analysis.numOps) {
//     if (!b.perform(b.position())) return b.fail();
//     ... b.sendAway(slot, tier), b.prefetch(slot) ...
//   }
//   return b.answer();
//
// Slots are those of the Analysis: a whole storage, or one part of it.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_PLANBUILDER_H
#define SPILLWAY_LIB_PLANNER_PLANBUILDER_H

#include "Policy.h"

#include <functional>
#include <set>

namespace spillway::planner {

class PlanBuilder {
public:
  PlanBuilder(const Analysis &analysis, const std::vector<uint64_t> &budgets);

  /// Asked for room on the device when dead slots are gone and all stores under
  /// way are waited for. Takes at least one slot off the device (`sendAway`,
  /// `forget`) and returns true, or returns false. None: nothing is evicted.
  std::function<bool(uint64_t missing)> makeRoom;
  /// Told of every slot that an operator has used, once it has run.
  std::function<void(uint32_t slot)> used;
  /// What is needed and is nowhere may be made again, with what that needs.
  bool mayRecompute = false;
  /// A persistent storage that has its home off the device is stored there
  /// right after the operator that changes it, else when the step ends.
  bool writeBack = true;

  // Where things are when the step starts.

  /// Puts one storage on a tier, as a whole. More than one tier may hold it.
  bool place(uint32_t storage, uint32_t tier);
  /// Fed storages where the host writes them; persistent ones not placed yet at
  /// their home, if they have one, and on the device.
  bool placeAll();

  // The state.

  /// The operator whose first run is next.
  uint32_t position() const { return pos; }
  /// When the compute stream gets here if it never waits, in nanoseconds.
  int64_t now() const { return clock; }
  /// Bytes in use on a tier; on the device those whose store is under way
  /// count as in use.
  uint64_t inUse(uint32_t tier) const { return bytes[tier]; }
  uint64_t room() const { return limit[0] - std::min(limit[0], bytes[0]); }
  /// What an operator would take beyond what is on the device already:
  /// operands, results and workspace.
  uint64_t newBytes(uint32_t op) const;
  bool present(uint32_t slot) const { return there[slot]; }
  /// In use by an operator that is about to run.
  bool pinned(uint32_t slot) const { return pins[slot] != 0; }
  /// Its store is under way; the bytes will be free when it is done.
  bool leaving(uint32_t slot) const { return leaveEnd[slot] >= 0; }
  /// Present, not pinned, not leaving, all of it valid.
  bool movable(uint32_t slot) const;
  /// An up-to-date copy is off the device.
  bool copied(uint32_t slot) const;
  /// The tier of the copy off the device, up to date or not; 0: none.
  uint32_t copyTier(uint32_t storage) const { return away[storage]; }
  /// The position of the next access; numOps where only the step's end needs
  /// it; beyond that, numOps + 1 + position, for the next step; none: dead.
  uint32_t nextNeed(uint32_t slot) const;
  /// Its producer may be run again whenever it is needed.
  bool remakeable(uint32_t slot) const;
  /// The first tier with a way there and back and room for the slot's storage
  /// (or with its copy already), or 0.
  uint32_t tierFor(uint32_t slot) const;
  /// The slot in which an operand is, or would come to be.
  uint32_t slotOf(const Operand &operand) const;

  // Actions. Each checks that it leaves a right plan.

  /// Runs an operator for the first time (at `position`) or again, with all
  /// that it needs: operands are loaded or, if allowed, made again; results
  /// take over operands that die. Then what is dead ends.
  bool perform(uint32_t op);
  /// Runs the next operator on an engine of another tier, which must hold what
  /// it reads (`copy`). Device instances of what it updates end.
  bool performOff(uint32_t op, uint32_t engine);
  /// Makes or refreshes the copy on a tier; the slot stays on the device.
  bool copy(uint32_t slot, uint32_t tier);
  /// Takes the slot off the device: at once if it is dead or copied, else
  /// with a store, and then its bytes are free when that is expected to be done
  /// or when somebody cannot do without.
  bool sendAway(uint32_t slot, uint32_t tier);
  /// Waits for the store of a leaving slot here (or for all of them).
  void waitFor(uint32_t slot);
  void waitForAll();
  /// Takes the slot off the device without a store: dead, copied or remakeable.
  bool forget(uint32_t slot);
  /// Loads a slot; true at once if it is there. Evicts if `evict`.
  bool prefetch(uint32_t slot, bool evict = false);
  /// Makes sure that so many bytes of the device are free.
  bool makeFree(uint64_t wanted, bool evict = true);

  // The end.

  std::string error;
  uint32_t errorTier = 0;
  PolicyAnswer fail() const;
  /// Brings everything to where the next step expects it.
  bool finish();
  /// `finish`, and the plan or the reason.
  PolicyAnswer answer();

private:
  struct Cells {
    uint32_t begin, end;
  };
  Cells cells(uint32_t slot) const;
  bool refuse(uint32_t tier, std::string text);
  const Storage &storageOf(uint32_t slot) const {
    return a.problem.storages[a.slotStorage[slot]];
  }
  uint64_t wholeBytes(uint32_t storage) const {
    return a.slotBytes[a.slot(storage, -1)];
  }
  std::string describe(uint32_t op) const;
  void enter(uint32_t slot);
  void remove(uint32_t slot, bool takenOver = false);
  void stay(uint32_t slot);
  void dropCopy(uint32_t storage);
  bool roomOff(uint32_t tier, uint64_t wanted);
  bool fetch(const Operand &operand);
  bool gather(uint32_t op, std::vector<uint32_t> &mine, bool presentFirst);
  bool issue(uint32_t op, std::vector<uint32_t> &mine);
  void changed(const Operand &o, uint32_t slot);
  void settle();

  const Analysis &a;
  std::vector<uint64_t> limit, bytes; ///< by tier
  Plan plan;
  uint32_t pos = 0, depth = 0;
  int64_t clock = 0;
  std::vector<int64_t> outFree; ///< by tier: when its way out is free
  // By slot.
  std::vector<bool> there, resident;
  std::vector<uint32_t> pins;
  std::vector<int64_t> leaveEnd;
  std::set<std::pair<int64_t, uint32_t>> queue; ///< leaving slots
  // By cell.
  std::vector<bool> freshHere, freshAway;
  // By storage.
  std::vector<uint32_t> away;
  std::vector<bool> atHome; ///< its copy is in `initial`
  std::vector<uint32_t> touched;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_PLANBUILDER_H
