//===- Repeated.h - Training in micro-batches for tests ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_PLANNER_REPEATED_H
#define SPILLWAY_TEST_PLANNER_REPEATED_H

#include "Training.h"

namespace spillway::planner::testing {

/// `makeTraining`, where forward and backward run `count` times and add up
/// gradients: zeros, the range, updates.
Problem makeRepeated(const TrainingOptions &options, uint32_t count);

/// One layer: zero g; count times: y = f(x, w), g += dw(y); update w by g. x is
/// fed. Storages x, w, g, y; operators zero, f, dw, update; 1 ns each; host
/// links of a byte a ns.
Problem makeOneLayer(uint32_t count);

/// A plan for it, with a loop of all repetitions.
Plan planOneLayer(uint32_t count);

} // namespace spillway::planner::testing

#endif // SPILLWAY_TEST_PLANNER_REPEATED_H
