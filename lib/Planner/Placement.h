//===- Placement.h - A plan from what stays where, and when -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A placement says what runs where in which order, and from when to when each
// thing that has a home off the device is on it. It decides everything: nothing
// is evicted, recomputed or prefetched that it does not say, and where it needs
// more memory than there is, there is no plan.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_PLACEMENT_H
#define SPILLWAY_LIB_PLANNER_PLACEMENT_H

#include "Emitter.h"
#include "Policy.h"

namespace spillway::planner {

struct TrainingGraph;

struct PlacedRun {
  uint32_t op = 0, engine = 0;
};

/// A slot is on the device for runs [first, last]. Its load is issued before
/// run `issue` <= first, unless run `first` makes it; it is freed after run
/// `last`. `issue` may lie before the end of the slot's stay before: then the
/// two are one.
struct Stay {
  uint32_t slot = 0;
  uint32_t issue = 0, first = 0, last = 0;
};

struct Placement {
  std::vector<PlacedRun> runs;
  /// By storage: where its other copy is, 0 for none. A persistent storage
  /// without one is on the device all along. Of a temporary the copy is written
  /// where it is made; it ends after its last load.
  std::vector<uint32_t> home;
  /// By storage, for persistent ones with a home: on the device all along, too.
  std::vector<bool> resident;
  /// Of slots with a home that are not resident.
  std::vector<Stay> stays;
};

/// The slot in which an access finds a storage: its part where no operator
/// accesses the whole, else the whole.
uint32_t placedSlot(const Analysis &analysis, uint32_t storage, int32_t part);

/// By slot, the runs on the device that access it, ascending.
std::vector<std::vector<uint32_t>>
placedUses(const Analysis &analysis, const std::vector<PlacedRun> &runs);

/// One stay for each run of uses between which no more than `distance` runs
/// lie, loaded right before it.
void addStays(Placement &placement, uint32_t slot,
              const std::vector<uint32_t> &uses, uint32_t distance = 0);

/// Writes of what lives on the home tier go home at once. What a run on another
/// engine reads is there: persistent storages by their home, temporaries are
/// sent. A device copy that such a run makes stale is freed before it and, if
/// its stay goes on, loaded again after the last such run.
Emission emitPlacement(const Analysis &analysis, const Placement &placement,
                       const std::vector<uint64_t> &budgets);

/// Emits and adds to the answer: the plan, and the same actions in the order of
/// time. Otherwise the reason, if there is no plan yet.
void addPlan(const Analysis &analysis, const Placement &placement,
             const std::vector<uint64_t> &budgets, PolicyAnswer &answer);

/// What the forward pass leaves for the backward pass and no block makes again,
/// but for what the last block reads, waits on tier 1, if it has so many bytes;
/// it comes back while the one before it is in use. `runs` are there already.
void offloadCheckpoints(const TrainingGraph &graph, Placement &placement,
                        uint64_t atLeast);

/// The engine off the device on which an operator is fastest, 0 for none.
uint32_t hostEngine(const Problem &problem, uint32_t op);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_PLACEMENT_H
