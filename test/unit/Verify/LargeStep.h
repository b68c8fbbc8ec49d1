//===- LargeStep.h - A valid plan of any size -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_UNIT_VERIFY_LARGESTEP_H
#define SPILLWAY_TEST_UNIT_VERIFY_LARGESTEP_H

#include "Support/PlanBuilder.h"

namespace spillway::test {

/// A chain of `layers`: every activation is stored to the host in the forward
/// pass and loaded in the backward pass, every second one is computed again
/// instead; the optimizer's state lives on the host and is streamed in `slices`
/// slices a layer. Has 5 + layers * (4 + 3 * slices) instructions or a few
/// less.
PlanBuilder largeStep(int layers, int slices);

} // namespace spillway::test

#endif // SPILLWAY_TEST_UNIT_VERIFY_LARGESTEP_H
