//===- TierBound.h - What the slow tiers' links must carry ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_TIERBOUND_H
#define SPILLWAY_LIB_PLANNER_TIERBOUND_H

#include "spillway/Planner/Problem.h"

namespace spillway::planner {

/// A bound on the step, in ns, from state that does not fit into the first
/// tiers. Take any first k tiers such that all engines that update are on them.
/// When a step starts, what lies on them is at most their capacities, so of the
/// persistent bytes that the step updates at least the rest is valid beyond
/// them only. The step updates it on the first k, from what it was: so much
/// comes in. And as every step starts alike, so much goes out again. What is
/// only read may lie beyond and counts nothing. 0 where all fits. Holds for any
/// order; `budgets` by tier, all of them.
double tierBoundNs(const Problem &problem,
                   const std::vector<uint64_t> &budgets);

/// The gap program's bound where the first k tiers are one, for each k > 1. A
/// plan for the machine is one for that: a copy on any of the tiers is there,
/// several count once, and only links to the tiers behind matter.
double mergedTiersBoundNs(const Problem &problem,
                          const std::vector<uint64_t> &budgets, bool anyOrder);

/// The problem where the first k tiers are one of what they hold together.
Problem mergeTiers(const Problem &problem, uint32_t k);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_TIERBOUND_H
