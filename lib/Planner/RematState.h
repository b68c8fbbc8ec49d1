//===- RematState.h - A sequence under edit, with its memory ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A sequence of operators with free slots between; an operator may stand in it
// more than once. Every edit keeps cost and memory up to date: each storage has
// a list of the slots at which it is made or read, a life runs from where it is
// made to the last read before it is made again, and lives are summed up in a
// tree, so that an edit costs a few logarithms.
//
// Edits are collected: `settle` brings the memory up to date or refuses, then
// `commit` or `revert` ends them.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REMATSTATE_H
#define SPILLWAY_LIB_PLANNER_REMATSTATE_H

#include "LoadTree.h"
#include "RematGraph.h"

namespace spillway::planner {

class RematState {
public:
  /// A slot at which a storage is made or read.
  struct Event {
    uint32_t slot;
    bool makes;
  };

  explicit RematState(const RematGraph &graph);

  /// Starts over with a valid sequence, spread evenly over `slots` (more than
  /// it is long).
  void reset(const std::vector<uint32_t> &sequence, uint32_t slots,
             double softness);

  // Edits. The slot of `place` is free, that of `unplace` is not. In between,
  // a read may stand before what makes it: see `valid`.
  void place(uint32_t op, uint32_t slot);
  void unplace(uint32_t slot);
  /// Brings memory up to date. False, if it would exceed `bound` somewhere that
  /// an edit touches; then the edits must be reverted.
  bool settle(double bound);
  void commit() {
    log.clear();
    undo.clear();
  }
  void revert();

  /// Whether what an operator at a slot reads is made before, and what it makes
  /// is not read before it is made.
  bool valid(uint32_t slot) const;

  int64_t cost() const { return totalCost; }
  const LoadTree &memory() const { return tree; }
  uint32_t numSlots() const { return uint32_t(at.size()); }
  std::vector<uint32_t> sequence() const;

  /// By slot: an operator or none.
  uint32_t opAt(uint32_t slot) const { return at[slot]; }
  /// By operator: its slots, ascending.
  const std::vector<uint32_t> &slotsOf(uint32_t op) const { return places[op]; }
  /// By storage, ascending.
  const std::vector<Event> &eventsOf(uint32_t s) const { return events[s]; }
  /// The index of the first event at `slot` or later.
  size_t eventFrom(uint32_t s, uint32_t slot) const;
  /// Whether a storage is live just before `slot`, for a later read.
  bool liveInto(uint32_t s, uint32_t slot) const;
  /// All that stand somewhere, in no order.
  const std::vector<uint32_t> &taken() const { return filled; }
  /// Operators that stand in more than one slot, in no order.
  const std::vector<uint32_t> &repeated() const { return multiple; }

  /// The next free slot below or from `slot` on, within some distance; or none.
  uint32_t freeBelow(uint32_t slot) const;
  uint32_t freeFrom(uint32_t slot) const;

private:
  struct Delta {
    uint32_t storage, begin, end;
    double bytes;
  };
  void change(uint32_t s, uint32_t begin, uint32_t end, double bytes);
  void addRead(uint32_t s, uint32_t slot);
  void removeRead(uint32_t s, uint32_t slot);
  void addMaker(uint32_t s, uint32_t slot);
  void removeMaker(uint32_t s, uint32_t slot);
  uint32_t endOfReads(uint32_t s, size_t from, uint32_t least) const;
  void enter(uint32_t op, uint32_t slot);
  void leave(uint32_t slot);
  uint32_t last() const { return numSlots() - 1; }

  const RematGraph &graph;
  LoadTree tree;
  int64_t totalCost = 0;
  std::vector<double> bytes;
  std::vector<std::vector<Event>> events;
  std::vector<uint32_t> at;
  std::vector<std::vector<uint32_t>> places;
  std::vector<uint32_t> filled, filledIndex;     ///< the latter by slot
  std::vector<uint32_t> multiple, multipleIndex; ///< the latter by operator
  std::vector<Delta> pending; ///< what the tree has yet to get
  struct Edit {
    uint32_t op, slot;
    bool placed;
  };
  std::vector<Edit> log;
  std::vector<Delta> undo; ///< what the tree got since the last commit
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REMATSTATE_H
