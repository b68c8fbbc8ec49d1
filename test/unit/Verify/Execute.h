//===- Execute.h - A hostile machine that runs small plans ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The verifier's judge: executes a plan on bytes, with every freedom that
// streams and waits leave, and compares with the program. An op's result is a
// hash of its operands, so any wrong byte anywhere shows up in the end. An
// instruction reads at its start and again at its end, and ruins its results
// and workspace in between, as a kernel may. Arenas start as garbage.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_UNIT_VERIFY_EXECUTE_H
#define SPILLWAY_TEST_UNIT_VERIFY_EXECUTE_H

#include "spillway/Plan/plan_generated.h"

#include <cstdint>

namespace spillway::test {

/// Runs `steps` steps in an order drawn from `seed`; returns whether all
/// fetched outputs and all bound tensors in the end are those that the program
/// gives. The plan's addresses must be in range.
bool computesItsProgram(const plan::Plan &plan, int steps, uint64_t seed);

} // namespace spillway::test

#endif // SPILLWAY_TEST_UNIT_VERIFY_EXECUTE_H
