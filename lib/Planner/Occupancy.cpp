//===- Occupancy.cpp - What the actions of a plan hold ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Occupancy.h"

using namespace spillway::planner;

std::vector<uint64_t> spillway::planner::occupancy(const Problem &problem,
                                                   const Plan &plan) {
  size_t n = plan.actions.size();
  std::vector<int64_t> change(n + 1);
  for (const Lifetime &l : lifetimes(problem, plan)) {
    if (l.instance.tier != 0)
      continue;
    int64_t bytes = int64_t(problem.aligned(
        problem.storages[l.instance.storage].partBytes(l.instance.part)));
    change[l.first] += bytes;
    if (l.wraps) {
      change[0] += bytes;
      change[l.end] -= bytes;
    } else {
      change[l.end] -= bytes;
    }
  }
  std::vector<uint64_t> out(n);
  int64_t live = 0;
  for (size_t i = 0; i < n; ++i) {
    live += change[i];
    const Action &a = plan.actions[i];
    out[i] = uint64_t(live);
    if (a.kind == ActionKind::Run &&
        problem.machine.engines[a.engine].tier == 0)
      out[i] += problem.aligned(problem.operators[a.op].workspace);
  }
  return out;
}
