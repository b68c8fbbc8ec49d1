//===- RematMoves.h - Moves of the search over sequences --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each move edits the state and says whether it may be kept; the caller judges
// cost and memory and commits or reverts. None of them leaves an operator
// without its operands, or out of the sequence.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REMATMOVES_H
#define SPILLWAY_LIB_PLANNER_REMATMOVES_H

#include "Random.h"
#include "RematState.h"

namespace spillway::planner {

struct RematRandom : Xorshift {
  explicit RematRandom(uint64_t seed) {
    state = seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
  }
};

class RematMoves {
public:
  RematMoves(const RematGraph &graph, RematState &state, RematRandom &random,
             bool fixedOrder);

  /// The move is given up as soon as the sequence costs more than this.
  int64_t costBound = INT64_MAX;

  /// Makes a storage again before one of its reads, and with it (or not) what
  /// that needs and is gone by then. `across` is a slot that the gap must
  /// cover, or none.
  bool insert(uint32_t across);
  /// Drops one of several runs of an operator, and the runs that served only
  /// that.
  bool remove();
  /// Moves one run; `near` a slot, or anywhere (none).
  bool move(uint32_t near);
  /// Moves one run further than its neighbours allow, and them with it.
  bool shift(uint32_t near);

private:
  bool insertRun(uint32_t op, uint32_t slot);
  void dropUnread(uint32_t op, uint32_t slot);
  bool mayGo(uint32_t slot) const;
  uint32_t pick(uint32_t near);
  bool collect(uint32_t slot, uint32_t target, bool up);

  const RematGraph &graph;
  RematState &state;
  RematRandom &random;
  bool fixedOrder;
  std::vector<uint32_t> makers; ///< by storage
  std::vector<uint32_t> group, stack;
  std::vector<uint32_t> choosable; ///< storages that can be made again
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REMATMOVES_H
