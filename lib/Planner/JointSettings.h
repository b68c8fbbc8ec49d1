//===- JointSettings.h - Settings that joint asks the greedy for -*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_JOINTSETTINGS_H
#define SPILLWAY_LIB_PLANNER_JOINTSETTINGS_H

#include "GapGreedy.h"

namespace spillway::planner {

/// How dear recompute and links are, how much memory to leave for prefetching,
/// what goes before all else, how long the step will be. `few`: where each one
/// takes long. `engine`: as in `GreedyOptions`.
std::vector<GreedyOptions> greedySettings(bool swap, bool few,
                                          const std::vector<uint32_t> *engine);

/// The few that say whether `engine` is worth all of them.
std::vector<GreedyOptions> probes(const std::vector<uint32_t> *engine);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_JOINTSETTINGS_H
