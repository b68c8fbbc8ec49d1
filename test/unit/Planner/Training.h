//===- Training.h - Training-shaped problems for tests ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A chain of layers forward, a loss, the chain backward, and updates of
// parameters and state, with random sizes, costs and skips. The same seed gives
// the same problem everywhere.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_PLANNER_TRAINING_H
#define SPILLWAY_TEST_PLANNER_TRAINING_H

#include "spillway/Planner/Planner.h"

namespace spillway::planner::testing {

struct Random {
  uint64_t state;
  explicit Random(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  uint64_t in(uint64_t low, uint64_t high) {
    return low + (next() >> 11) % (high - low + 1);
  }
  bool chance(uint64_t percent) { return in(0, 99) < percent; }
};

struct TrainingOptions {
  uint32_t layers = 6;
  uint64_t seed = 1;
  bool host = true; ///< a second tier with links
  bool nvme = false;
  uint64_t activationBytes = 4000; ///< about
  uint64_t parameterBytes = 3000;  ///< about
  uint32_t parts = 3;              ///< of parameters and state, at most
  int64_t opNs = 1000;             ///< about
  uint64_t bytesPerSecond = 4000000000;
};

Problem makeTraining(const TrainingOptions &options);

/// Device, host (and nvme) with the links between.
Machine makeMachine(bool host, bool nvme, uint64_t bytesPerSecond);

} // namespace spillway::planner::testing

#endif // SPILLWAY_TEST_PLANNER_TRAINING_H
