//===- HostSplit.h - Operators that may run off the device ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Optimizer updates, above all: with its state on the host an update there
// moves the gradient out and the parameter in, where one on the device moves
// the state both ways as well. The host is slower; so the two share the work.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_HOSTSPLIT_H
#define SPILLWAY_LIB_PLANNER_HOSTSPLIT_H

#include "Analysis.h"

namespace spillway::planner {

/// Operators that look alike and have a cost on an engine off the device, in
/// order; groups with the most device time first.
struct HostGroup {
  std::vector<uint32_t> ops;
  std::vector<uint32_t> engines; ///< by operator: the fastest one there
};
std::vector<HostGroup> groupHostable(const Analysis &analysis);

/// Which of a group's operators go first: every k-th; the earliest ones, whose
/// parameters a model needs last in its next step; or the latest.
enum class SplitOrder : uint8_t { Spread, Earliest, Latest };

/// By operator, the engine, with `share` of each group off the device.
std::vector<uint32_t> splitEngines(const Analysis &analysis,
                                   const std::vector<HostGroup> &groups,
                                   double share, SplitOrder order);

/// The problem where operators that `engine` has off the device run only there,
/// and all others only on the device.
Problem withEngines(const Problem &problem,
                    const std::vector<uint32_t> &engine);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_HOSTSPLIT_H
