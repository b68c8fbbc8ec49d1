//===- Residence.h - What stays on the device, where the host is short -*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What has a home off the device and is on the device for some of the time
// takes room twice. Where the host cannot hold what leaves the device, each
// byte that is there twice is one more that a slower tier carries in every
// step. So some persistent storages stay on the device and have no copy
// anywhere; all others are there only while they are used.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_RESIDENCE_H
#define SPILLWAY_LIB_PLANNER_RESIDENCE_H

#include "Emitter.h"

#include <functional>

namespace spillway::planner {

enum class Residence : uint8_t { Open, Stays, Leaves };

/// Whether the tiers behind the device, but for the last, cannot hold all that
/// could leave it: what is persistent, and the most that is live of the rest.
bool hostIsShort(const Analysis &analysis,
                 const std::vector<uint64_t> &budgets);

/// By storage. Of those that are persistent and have no given home, `bytes`
/// stay, spread evenly over the step: first of what several operators use, then
/// of what one updates. What `trailing` updates use leaves.
std::vector<Residence>
chooseResidence(const Analysis &analysis, uint64_t bytes,
                const std::vector<TrailingUpdate> &trailing = {});

/// The bytes of the most demanding operator.
uint64_t mostUsed(const Analysis &analysis);

/// Decisions of `searchResidence` with so many bytes less of what stays: some
/// of each stretch of the step leaves.
Decisions stayLess(const Analysis &analysis, Decisions decisions,
                   uint64_t bytes, const std::vector<uint64_t> &budgets);

struct ResidenceTrial {
  int64_t stepNs = INT64_MAX;
  int64_t firstUpdateNs = INT64_MAX; ///< when the first update starts
};

/// What stays gets the device but for a reserve, which is some times what the
/// most demanding operator needs; then some updates trail. How large the
/// reserve is, and how many trail, is climbed by what `attempt` says of the
/// decisions. Returns the shortest step.
int64_t
searchResidence(const Analysis &analysis, const std::vector<uint64_t> &budgets,
                const std::function<ResidenceTrial(Decisions)> &attempt);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_RESIDENCE_H
