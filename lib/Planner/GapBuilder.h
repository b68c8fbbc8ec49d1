//===- GapBuilder.h - Builds the linear program over gaps -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// GapProgram.cpp makes the gaps' items, GapReach.cpp chooses pivots and finds
// what comes before and after them, GapRemake.cpp says what it takes to make
// something again.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GAPBUILDER_H
#define SPILLWAY_LIB_PLANNER_GAPBUILDER_H

#include "GapProgram.h"
#include "Precedence.h"

#include <bit>

namespace spillway::planner {

class GapBuilder {
public:
  GapBuilder(const Analysis &a, bool anyOrder)
      : a(a), problem(a.problem), anyOrder(anyOrder) {}
  GapProgram build();

private:
  bool onDevice(uint32_t op) const { return runsOnDevice(problem, op); }
  /// It runs on the first engine or off the device.
  bool onEither(uint32_t op) const {
    return !onDevice(op) && problem.operators[op].cost(0) >= 0;
  }
  /// Its time is the first engine's, whatever the plan.
  bool onFirstEngine(uint32_t op) const { return runsOnFirstOnly(problem, op); }
  int32_t count() const { return int32_t(program.pivots.size()); }
  /// The first pivot that comes after an operator in every order, or `count`.
  int32_t firstAfter(uint32_t op) const {
    return after[op] ? std::countr_zero(after[op]) : count();
  }
  /// The last pivot that comes before it, or -1.
  int32_t lastBefore(uint32_t op) const {
    return 63 - std::countl_zero(before[op]);
  }
  int32_t lowWindow(uint32_t op) const {
    return self[op] ? std::countr_zero(self[op]) : lastBefore(op);
  }
  int32_t highWindow(uint32_t op) const {
    return self[op] ? std::countr_zero(self[op]) : firstAfter(op) - 1;
  }

  /// Windows in which other repetitions do what `op` does: pivots of their own
  /// repetition say nothing of them.
  WindowWork elsewhere(uint32_t op) const {
    uint64_t apart = ~inRepeat[uint32_t(repeatOf[op])];
    return {63 - std::countl_zero(before[op] & apart),
            after[op] & apart ? std::countr_zero(after[op] & apart) - 1
                              : count() - 1,
            double(problem.operators[op].costNs[0])};
  }
  double others(int32_t repeat) const {
    return repeat < 0 ? 0 : otherRepetitions[uint32_t(repeat)];
  }

  /// Time that an operator takes to be run again, and from which window on what
  /// it takes may have been stored.
  ///
  /// What it reads has to be there. A result that no other operator reads, and
  /// that takes no less than all that is made of it, is not worth holding: who
  /// keeps it, or swaps it, could as well do so with what is made of it. So its
  /// operator, of which the same holds, runs again each time.
  struct Again {
    double ns = 0;
    int32_t from = 0;
    bool possible = true;
  };
  Again runAgain(uint32_t op) const;
  uint32_t onlyFor(uint32_t storage, uint32_t reader) const;
  double writtenBytes(uint32_t op) const;

  std::vector<bool> longestPath() const;
  void choosePivots();
  void findReach();
  void addPart(uint32_t storage, uint32_t part,
               const std::vector<uint32_t> &uses);
  void addFloating(uint32_t storage, uint32_t part, uint32_t user);
  bool hasUpdate(uint32_t op) const;
  bool hasGap(const std::vector<uint32_t> &uses) const;
  bool addState(uint32_t storage, uint32_t part, uint32_t user);
  GapUpdate &updateOf(uint32_t op);
  int32_t nextStepAfter(uint32_t op) const;
  bool addItem(uint32_t storage, uint32_t part, uint32_t from, GapItem item,
               uint64_t users, uint32_t extraUsers);

  const Analysis &a;
  const Problem &problem;
  bool anyOrder;
  GapProgram program;
  double inRate = 0, outRate = 0;          ///< bytes a ns, all links together
  std::vector<std::vector<uint32_t>> from; ///< who must come before
  std::vector<uint32_t> writer;            ///< by cell, of temporaries
  std::vector<uint32_t> updateIndex;       ///< by operator: of the program
  /// By cell, users: on the first engine, beside it, and there or elsewhere.
  std::vector<std::vector<uint32_t>> deviceUses, floating, either;
  // By operator: pivots (then extras) that surely come before or after it, and
  // its own bit if it is one.
  std::vector<uint64_t> before, after, self;
  std::vector<uint32_t> beforeX, afterX, selfX;
  std::vector<int32_t> repeatOf;        ///< by operator, or -1
  std::vector<int32_t> repeatOfStorage; ///< likewise
  std::vector<uint64_t> inRepeat;       ///< by repeat: its pivots
  std::vector<double> otherRepetitions; ///< by repeat
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GAPBUILDER_H
