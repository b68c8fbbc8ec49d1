//===- Random.h - Numbers for searches --------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The same numbers on every machine, which the distributions of <random> are
// not.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_RANDOM_H
#define SPILLWAY_LIB_PLANNER_RANDOM_H

#include <cstdint>

namespace spillway::planner {

/// Marsaglia's xorshift with 64 bits ("Xorshift RNGs", 2003).
struct Xorshift {
  uint64_t state = 0x9e3779b97f4a7c15u; ///< not 0
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  /// In [0, n).
  uint32_t below(uint32_t n) { return uint32_t((next() >> 32) * n >> 32); }
  /// In [0, 1).
  double unit() { return double(next() >> 11) * 0x1p-53; }
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_RANDOM_H
