//===- Emitter.h - From decisions to a plan ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks the operators in their order and makes what each one needs be there:
// already on the device, loaded, or recomputed. What a gap is decided to do is
// done where the gap begins; where memory is short all the same, what is needed
// last is moved out of the way. So every set of decisions gives a plan within
// the budgets, or the reason why it cannot.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_EMITTER_H
#define SPILLWAY_LIB_PLANNER_EMITTER_H

#include "Trailing.h"

namespace spillway::planner {

enum class GapChoice : uint8_t { Keep, Swap, Drop };

struct Decisions {
  std::vector<GapChoice> gaps; ///< by gap of the analysis
  /// By storage. Persistent: the tier of the copy that is there all along, 0
  /// for none. Temporary: where its copy goes if there is room; 0: the first
  /// tier that has some.
  std::vector<uint32_t> home;
  /// By operator: the engine of its first run, 0 or one off the device (where
  /// then the home of every persistent operand must be). Empty: all on the
  /// device. What cannot run there when its turn comes runs on the device.
  std::vector<uint32_t> engine;
  /// By storage: the tier that it should go to if it goes and there is room, 0
  /// for no wish. Empty: none.
  std::vector<uint32_t> wish;
  /// By operator, when its first run is expected to start, in nanoseconds from
  /// the step's start. Empty: when all before it have run with no stall.
  std::vector<int64_t> clock;
  /// Bytes of the device that operators leave free for loads ahead of their
  /// time, but for those that take much of it by themselves.
  uint64_t reserve = 0;
  /// Updates that run off the device at the step's end after all. For what they
  /// need there that much is kept free; their state is to be behind it.
  std::vector<TrailingUpdate> trailing;
  /// Bytes of the device for what has no home elsewhere, where such were chosen
  /// (Residence.h).
  uint64_t stays = 0;
  /// What may be done where memory is short in spite of the decisions.
  bool maySwap = true, mayDrop = true;
  /// Leave nothing on the device between two operators. Slow, but then
  /// addresses need no more than the most demanding operator.
  bool isolate = false;
};

struct Emission {
  bool ok = false;
  Plan plan;
  std::string reason; ///< where it is not ok
  uint32_t tier = 0;  ///< whose budget is too small
  /// Persistent storages that had to move without a home: deciding on one
  /// saves a copy.
  std::vector<uint32_t> wantHome;
};

Emission emitPlan(const Analysis &analysis, const Decisions &decisions,
                  const std::vector<uint64_t> &budgets);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_EMITTER_H
