//===- Analysis.h - What every policy asks of a problem ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Computed once a problem: who accesses what and when, in the problem's own
// order; which gaps between accesses could be bridged without the device; until
// when an operator may be run again.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_ANALYSIS_H
#define SPILLWAY_LIB_PLANNER_ANALYSIS_H

#include "spillway/Planner/Plan.h"

namespace spillway::planner {

/// No operator, storage, slot or position.
inline constexpr uint32_t none = UINT32_MAX;

/// One operand of an operator, each storage (or part) once.
struct Operand {
  uint32_t storage = 0;
  int32_t part = -1;
  bool read = false, written = false, updated = false;
};

/// The time between two accesses of a slot in which it need not be on the
/// device. A wrapping gap runs from the last access of one step to the first of
/// the next: `to` counts on past the number of operators.
struct Gap {
  uint32_t slot = 0;
  uint32_t from = 0, to = 0;
  bool wraps = false;
  /// The content was changed (or made) since the gap before began: an
  /// off-device copy made then is stale.
  bool dirty = false;
};

class Analysis {
public:
  explicit Analysis(const Problem &problem);

  const Problem &problem;
  uint32_t numOps;
  std::vector<bool> wholeAccess; ///< by storage

  // Slots: what can be on the device by itself. A storage has one slot for the
  // whole and, if it has cut points, one a part.
  std::vector<uint32_t> slotBegin; ///< by storage, one more at the end
  std::vector<uint32_t> slotStorage;
  std::vector<int32_t> slotPart;
  std::vector<uint64_t> slotBytes; ///< rounded up
  uint32_t slot(uint32_t storage, int32_t part) const {
    return slotBegin[storage] + uint32_t(part + 1);
  }
  uint32_t numSlots() const { return uint32_t(slotStorage.size()); }
  /// By slot: positions of operators that access any of it, ascending.
  std::vector<std::vector<uint32_t>> uses;
  /// The first use at `from` or later, or none.
  uint32_t nextUse(uint32_t slot, uint32_t from) const;

  // Cells: the parts of all storages in a row.
  std::vector<uint32_t> cellBegin;
  /// By cell: positions of its updates.
  std::vector<std::vector<uint32_t>> updates;

  std::vector<std::vector<Operand>> operands; ///< by operator

  /// By storage: the one operator that writes it as a whole and may do so
  /// again, if nothing updates it; else none.
  std::vector<uint32_t> producer;
  /// By storage: position of the last access; numOps for an output.
  std::vector<uint32_t> lastUse;
  /// By operator: the last position before whose operator it may still be run
  /// again, its operands being recomputed where they are dead; -1: never.
  std::vector<int64_t> rerunUntil;

  /// Gaps of the slots that plans decide on: parts where no operator accesses
  /// the whole, else wholes. In order of slots, then time.
  std::vector<Gap> gaps;
  /// Searches look at fewer alternatives, and are content sooner.
  bool large() const { return gaps.size() >= 4000; }
  /// So many that it takes a second or more to decide on all of them: searches
  /// look at fewer alternatives still.
  bool huge() const { return gaps.size() > 50000; }
  /// By slot, index of its first gap, or none.
  std::vector<uint32_t> firstGap;
  /// The gap of `slot` that begins with its use at `position`, or none.
  uint32_t gapAt(uint32_t slot, uint32_t position) const;

  /// By operator: bytes of operands, results and workspace at once, less what
  /// working in place saves.
  std::vector<uint64_t> workingSet;

private:
  void findUses();
  void findProducers();
  void findGaps();
  void findWorkingSets();
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_ANALYSIS_H
