//===- RepeatBound.cpp - Bounds where operators repeat ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/RepeatBound.h"
#include "Budgets.h"
#include "EngineBound.h"
#include "RepeatPlanner.h"
#include "TierBound.h"
#include "spillway/Planner/Planner.h"
#include "spillway/Planner/Repeats.h"

#include <algorithm>

using namespace spillway::planner;

int64_t
spillway::planner::stepLowerBoundNs(const Problem &problem,
                                    const std::vector<uint64_t> &budgets,
                                    bool anyOrder) {
  auto bound = anyOrder ? lowerBoundNs : fixedOrderLowerBoundNs;
  if (!hasRepeats(problem))
    return bound(problem, budgets);
  if (writtenOutOps(problem) <= mostWrittenOut)
    return bound(unroll(problem).problem, budgets);
  // As many repetitions as the bound is quick for, if they can tell more than
  // the time of all operators: so far it is proportional to repetitions.
  std::vector<uint32_t> counts;
  bool tell = true;
  for (const Repeat &r : problem.repeats) {
    uint64_t ops = r.last - r.first + 1;
    uint64_t most = std::max<uint64_t>(1, 2 * mostWrittenOut / ops);
    counts.push_back(uint32_t(std::min<uint64_t>(r.count, most)));
    tell &= r.count <= 2 * counts.back();
  }
  // The state that is updated comes and goes at least once a step.
  int64_t least =
      std::max(engineBoundNs(problem),
               int64_t(tierBoundNs(problem, fullBudgets(problem, budgets))));
  return tell ? std::max(least, bound(unroll(problem, counts).problem, budgets))
              : least;
}
