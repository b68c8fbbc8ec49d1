//===- Transformer.h - Transformer training steps for tests -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shapes and rates of real models and machines, without the compiler.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_PLANNER_TRANSFORMER_H
#define SPILLWAY_TEST_PLANNER_TRANSFORMER_H

#include "spillway/Planner/Planner.h"

namespace spillway::planner::testing {

struct TransformerOptions {
  uint32_t layers = 12, width = 768, hidden = 3072, vocabulary = 50257;
  uint32_t heads = 12;
  uint64_t batch = 4, sequence = 512;
  double flopsPerSecond = 20e12, memoryBytesPerSecond = 500e9;
  uint64_t linkBytesPerSecond = 12000000000;
  uint64_t deviceBytes = unlimited, hostBytes = unlimited;
  uint64_t partBytes = 64 << 20; ///< of updates
};

/// f32, AdamW, each update as soon as its gradient is there.
Problem makeTransformer(const TransformerOptions &options);

} // namespace spillway::planner::testing

#endif // SPILLWAY_TEST_PLANNER_TRANSFORMER_H
