//===- Ejection.h - Make room by throwing out -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A local search for a capacity that is given. What ends above it is taken out
// and put where what it displaces is easiest to place; that is taken out and
// placed in turn. Items that were hard to place are dearer to displace: guided
// ejection search (Nagata and Bräysy, "A powerful route minimization heuristic
// for the vehicle routing problem with time windows", 2009), where an item is a
// customer and the addresses are the route.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_OFFSETS_EJECTION_H
#define SPILLWAY_PLANNER_OFFSETS_EJECTION_H

#include "Packing.h"

namespace spillway::planner::offsets {

/// Lowers `start` to the capacity, or as far as that many steps lead; adds them
/// to `used`. What has a given address, in `start` as well, stays there.
Placement ejectToFit(const Packing &packing, const Placement &start,
                     uint64_t capacity, uint64_t steps, uint64_t &used);

} // namespace spillway::planner::offsets

#endif // SPILLWAY_PLANNER_OFFSETS_EJECTION_H
