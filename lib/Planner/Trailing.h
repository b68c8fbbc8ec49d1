//===- Trailing.h - Updates while the next step has begun -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// State behind the host comes in and goes out once a step. What is updated on
// the device can only come between the first update and the last: the drive is
// idle in the forward pass, for what it brings then would take the room of what
// is needed first. Updates off the device may be done when the next step has
// begun. Their gradients wait on the host; their state comes from the drive and
// goes back to it without the device. Best are those of the parameters that the
// next step needs last.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_TRAILING_H
#define SPILLWAY_LIB_PLANNER_TRAILING_H

#include "Analysis.h"

namespace spillway::planner {

/// An update that may trail: of one parameter, with state that nothing else
/// uses.
struct TrailingUpdate {
  uint32_t op = 0;
  uint32_t engine = 0, tier = 0; ///< off the device
  uint32_t parameter = 0;
  uint32_t neededAt = 0;       ///< by which operator of the next step
  std::vector<uint32_t> state; ///< storages
  std::vector<uint32_t> waits; ///< temporaries that it reads
  uint64_t stateBytes = 0, waitingBytes = 0;
  uint32_t behind = 0; ///< the tier that its state is to be on
  int64_t linkNs = 0;  ///< for its state to come and go
};

/// All that may trail, with their state on the last tier that they can have it
/// from, on one tier; those of which the parameter is needed last first.
std::vector<TrailingUpdate> findTrailing(const Analysis &analysis);

/// Budgets less what they take on the tier of their engine: what waits, the
/// state of two, and workspace.
std::vector<uint64_t> lessTrailing(const Analysis &analysis,
                                   const std::vector<TrailingUpdate> &updates,
                                   std::vector<uint64_t> budgets);

/// Has them run at the end of the step, those first whose parameters are needed
/// first. The plan has to update them on the device, with their state from a
/// tier behind their engine's and the parameter from that; others stay where
/// they are.
void trailUpdates(const Analysis &analysis,
                  const std::vector<TrailingUpdate> &updates, Plan &plan);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_TRAILING_H
