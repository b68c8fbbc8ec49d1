//===- KeepAll.cpp - Everything stays on the device -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every framework does by default, and the yardstick for all others: all
// parameters and state on the device, every tensor until its last use.
//
//===----------------------------------------------------------------------===//

#include "../Emitter.h"
#include "../Policy.h"
#include "../Prefetch.h"

using namespace spillway::planner;

PolicyAnswer spillway::planner::planKeepAll(const PolicyRequest &request) {
  const Analysis &a = request.analysis;
  Decisions d;
  d.gaps.assign(a.gaps.size(), GapChoice::Keep);
  d.home.assign(a.problem.storages.size(), 0);
  d.maySwap = d.mayDrop = false;
  Emission e = emitPlan(a, d, request.budgets);
  PolicyAnswer answer;
  answer.ok = e.ok;
  answer.reason = e.reason;
  answer.tier = e.tier;
  if (e.ok) {
    hoistLoads(a.problem, e.plan, request.budgets[0]);
    answer.plans.push_back(std::move(e.plan));
  }
  return answer;
}
