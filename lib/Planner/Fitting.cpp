//===- Fitting.cpp - Plans with addresses -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fitting.h"
#include "Prefetch.h"
#include "TwoThreads.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>

using namespace spillway::planner;

/// Of finding addresses an item, while it is only asked whether there are any.
static constexpr uint64_t quickSteps = 2000;

/// How often loads are issued later where addresses do not fit.
static constexpr uint32_t quickRounds = 3, rounds = 4;

void Fitting::begin(const std::vector<uint64_t> &given) {
  budgets = given;
  known.clear();
}

Fitting::Known *Fitting::find(const FittingRequest &r) {
  for (Known &k : known)
    if (k.order == r.order && k.effort == r.effort &&
        k.actions == r.plan->actions && k.initial == r.plan->initial)
      return &k;
  return nullptr;
}

Fitted &Fitting::fit(const FittingRequest &request) {
  prepare({request});
  return find(request)->fitted;
}

void Fitting::prepare(const std::vector<FittingRequest> &requests) {
  std::vector<std::pair<const FittingRequest *, Known *>> open;
  for (const FittingRequest &r : requests)
    if (!find(r)) {
      known.push_back(
          {r.order, r.effort, r.plan->actions, r.plan->initial, {}});
      open.push_back({&r, &known.back()});
    }
  onTwoThreads(open.size(), [&](size_t k) {
    open[k].second->fitted = make(*open[k].first);
  });
}

Fitted Fitting::make(const FittingRequest &request) const {
  Fitted out;
  out.excess.assign(budgets.size(), unlimited);
  out.plan = *request.plan;
  if (request.order == IssueOrder::Later)
    orderLoads(problem, out.plan, budgets, {budgets[0] / 100 * 97, 1.1});
  else if (request.order == IssueOrder::Latest)
    orderLoads(problem, out.plan, budgets, {budgets[0] / 100 * 94, 1.0});
  if (request.order != IssueOrder::AsIs &&
      !orderByTime(problem, out.plan, budgets))
    return out;
  SimulationOptions sim;
  sim.budgets = budgets;
  sim.maxRounds = 6;
  if (!offsets) {
    out.layout.lives = lifetimes(problem, out.plan);
  } else {
    if (!placeWithin(out, request.effort))
      return out;
    sim.offsets = &out.layout.offsets;
    sim.workspaceOffsets = &out.layout.workspaces;
  }
  out.stepNs = simulate(problem, out.plan, sim).stepNs;
  return out;
}

/// Issues loads later where the addresses do not fit.
bool Fitting::placeWithin(Fitted &out, bool effort) const {
  for (uint32_t round = 0; round < (effort ? rounds : quickRounds); ++round) {
    out.layout =
        layOut(problem, out.plan, budgets,
               effort ? std::nullopt : std::optional<uint64_t>(quickSteps));
    bool fits = true;
    for (uint32_t t = 0; t < budgets.size(); ++t) {
      uint64_t height = out.layout.heights[t];
      uint64_t over = height - std::min(height, budgets[t]);
      out.excess[t] = std::min(out.excess[t], over);
      fits &= over == 0;
    }
    if (fits)
      return true;
    if (out.layout.heights[0] <= budgets[0] ||
        !postponeLoads(problem, out.plan, out.layout.lives, out.layout.offsets,
                       budgets[0]))
      return false;
  }
  return false;
}
