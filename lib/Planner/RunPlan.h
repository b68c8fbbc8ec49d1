//===- RunPlan.h - From a sequence of runs to a plan ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a policy that only recomputes has to say is in which order operators
// run, and run again. Everything else follows: parameters, optimizer state and
// step inputs are resident, every other storage lives from the run that makes
// it to the last one that reads it before it is made again.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_RUNPLAN_H
#define SPILLWAY_LIB_PLANNER_RUNPLAN_H

#include "Policy.h"

namespace spillway::planner {

using Runs = std::vector<uint32_t>; ///< operators by position, with repetition

/// Results take over the buffers of operands that die where that is allowed.
/// Step inputs are loaded before their first reader; parameters with a home off
/// the device are stored there after their last update.
Plan planOfRuns(const Analysis &analysis, const Runs &runs);

/// Compute time of a sequence.
int64_t costOfRuns(const Analysis &analysis, const Runs &runs);

/// Without second and later runs whose results nobody reads before they are
/// made again.
Runs withoutUnread(const Analysis &analysis, const Runs &runs);

/// Of the sequences, those whose plans are right and within the budgets,
/// the six cheapest, cheapest first; where there is none, `reason`.
PolicyAnswer answerOfRuns(const PolicyRequest &request,
                          const std::vector<Runs> &sequences,
                          const std::string &reason);

/// Bytes of what is not temporary: always there.
uint64_t residentBytes(const Analysis &analysis);

/// Whether a storage can be made again by running its producer again.
bool canRemake(const Analysis &analysis, uint32_t storage);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_RUNPLAN_H
