//===- HomeTiers.h - Which tier what moves is on ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of what leaves the device, the host gets what moves most often for its bytes;
// the rest goes to the tiers behind it. Parameters that are read in both passes
// come before optimizer state, which comes and goes once a step; of two that
// move as often, the one that is there for a shorter time goes first, as others
// can have its room afterwards: activations before optimizer state.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_HOMETIERS_H
#define SPILLWAY_LIB_PLANNER_HOMETIERS_H

#include "Emitter.h"

namespace spillway::planner {

/// Sets `home` for the decisions on gaps and engines, within the tiers'
/// budgets. Where a persistent storage finds no room, its gaps are kept after
/// all; where an operator off the device cannot have its operands there, it is
/// on the device.
void assignHomes(const Analysis &analysis, Decisions &decisions,
                 const std::vector<uint64_t> &budgets);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_HOMETIERS_H
