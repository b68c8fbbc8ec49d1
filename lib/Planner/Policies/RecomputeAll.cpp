//===- RecomputeAll.cpp - Recompute all but segment borders -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Activation checkpointing as frameworks offer it for whole models: the forward
// operators are cut into sqrt(n) segments of as many operators each; what one
// segment reads of an earlier one is kept, everything else that the backward
// pass needs is dropped and made again. Nothing is swapped, whatever the
// budget, and the plan is the same for every budget.
//
//===----------------------------------------------------------------------===//

#include "../ForwardPart.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

PolicyAnswer spillway::planner::planRecomputeAll(const PolicyRequest &request) {
  const Analysis &a = request.analysis;
  ForwardPart part(a);
  uint32_t length = std::max<uint32_t>(
      1, uint32_t(std::ceil(std::sqrt(double(part.turn + 1)))));
  std::vector<bool> keep = part.table;
  for (uint32_t s = 0; s < keep.size(); ++s)
    if (uint32_t p = a.producer[s]; p != none && p <= part.turn)
      keep[s] = keep[s] || part.lastForwardUse[s] / length != p / length;
  return answerOfRuns(request, {runsKeeping(a, part, keep)}, "");
}
