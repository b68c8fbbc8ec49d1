//===- RepeatBound.cpp - Bounds where operators repeat ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/RepeatBound.h"
#include "RepeatPlanner.h"
#include "spillway/Planner/Planner.h"
#include "spillway/Planner/Repeats.h"

#include <algorithm>

using namespace spillway::planner;

/// In the given order repetitions follow each other, and what that means for
/// shared state only the problem written out tells: so many executions take two
/// seconds. In any order it tells little, for few pivots are of one repetition.
static constexpr uint64_t mostInOrder = 50'000;

/// The problem less what operators outside of a range do with what one
/// repetition of it has left.
static Problem anyRepetition(const Problem &problem) {
  Problem p = problem;
  std::vector<int32_t> of = repeatOfStorages(p);
  std::vector<int32_t> repeatAt(p.operators.size(), -1);
  for (uint32_t r = 0; r < p.repeats.size(); ++r)
    std::fill(repeatAt.begin() + p.repeats[r].first,
              repeatAt.begin() + p.repeats[r].last + 1, int32_t(r));
  for (uint32_t at = 0; at < p.operators.size(); ++at) {
    auto theirs = [&](uint32_t s) {
      return of[s] >= 0 && of[s] != repeatAt[at];
    };
    Operator &op = p.operators[at];
    for (auto *list : {&op.reads, &op.writes, &op.updates})
      std::erase_if(*list, [&](const Access &a) { return theirs(a.storage); });
    std::erase_if(op.inPlace, [&](const InPlacePair &x) {
      return theirs(x.written) || theirs(x.read);
    });
  }
  return p;
}

int64_t
spillway::planner::anyRepetitionBoundNs(const Problem &problem,
                                        const std::vector<uint64_t> &budgets,
                                        bool anyOrder) {
  auto bound = anyOrder ? lowerBoundNs : fixedOrderLowerBoundNs;
  return bound(anyRepetition(problem), budgets);
}

int64_t
spillway::planner::stepLowerBoundNs(const Problem &problem,
                                    const std::vector<uint64_t> &budgets,
                                    bool anyOrder) {
  auto bound = anyOrder ? lowerBoundNs : fixedOrderLowerBoundNs;
  if (!hasRepeats(problem))
    return bound(problem, budgets);
  int64_t ns = anyRepetitionBoundNs(problem, budgets, anyOrder);
  if (writtenOutOps(problem) <= (anyOrder ? mostWrittenOut : mostInOrder))
    ns = std::max(ns, bound(unroll(problem).problem, budgets));
  return ns;
}
