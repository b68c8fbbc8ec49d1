//===- Bounds.cpp - What no plan can beat -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Budgets.h"
#include "EngineBound.h"
#include "GapDual.h"
#include "TierBound.h"
#include "WindowProgram.h"
#include "spillway/Planner/Planner.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

namespace {

uint64_t saturatingAdd(uint64_t x, uint64_t y) {
  return x > unlimited - y ? unlimited : x + y;
}

/// What an operator needs of the device at once, split in the bytes of
/// persistent slots and the rest.
struct Need {
  uint64_t persistent = 0, other = 0;
};

Need needOf(const Analysis &a, uint32_t at) {
  Need n;
  for (const Operand &o : a.operands[at])
    if (a.problem.storages[o.storage].kind == StorageKind::Persistent)
      n.persistent += a.slotBytes[a.slot(o.storage, o.part)];
  n.persistent = std::min(n.persistent, a.workingSet[at]);
  n.other = a.workingSet[at] - n.persistent;
  return n;
}

bool onlyOnDevice(const Problem &problem, const Operator &op) {
  for (uint32_t e = 0; e < op.costNs.size(); ++e)
    if (op.costNs[e] >= 0 && problem.machine.engines[e].tier != 0)
      return false;
  return true;
}

} // namespace

std::vector<uint64_t> spillway::planner::floorBytes(const Problem &problem) {
  Analysis a(problem);
  std::vector<uint64_t> floor(problem.machine.tiers.size());
  // Some operators may run elsewhere: those demand nothing of the device.
  uint64_t persistent = 0, elsewhere = 0;
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    uint64_t bytes = a.slotBytes[a.slot(s, -1)];
    if (storage.kind == StorageKind::Fed)
      floor[storage.home.value_or(1)] += bytes;
    else if (storage.kind == StorageKind::Persistent) {
      if (storage.home)
        floor[*storage.home] += bytes;
      else
        persistent += bytes;
    }
  }
  for (uint32_t t = 1; t < floor.size(); ++t)
    elsewhere = saturatingAdd(
        elsewhere,
        problem.machine.tiers[t].capacity == unlimited
            ? unlimited
            : problem.machine.tiers[t].capacity -
                  std::min(problem.machine.tiers[t].capacity, floor[t]));
  uint64_t fixed = floor[0];
  for (uint32_t at = 0; at < a.numOps; ++at) {
    if (!onlyOnDevice(problem, problem.operators[at]))
      continue;
    Need n = needOf(a, at);
    // Every persistent byte that is not an operand must be somewhere.
    uint64_t rest = persistent - std::min(persistent, n.persistent);
    uint64_t must = rest - std::min(rest, elsewhere);
    floor[0] = std::max(floor[0], n.persistent + n.other + must);
  }
  floor[0] =
      std::max(floor[0], fixed + persistent - std::min(persistent, elsewhere));
  // The other tiers, likewise, must take what the device cannot.
  for (uint32_t t = 1; t < floor.size(); ++t) {
    uint64_t others = 0;
    for (uint32_t o = 0; o < floor.size(); ++o)
      if (o != t)
        others = saturatingAdd(others, problem.machine.tiers[o].capacity);
    if (persistent > others)
      floor[t] = std::max(floor[t], floor[t] + persistent - others);
  }
  return floor;
}

static int64_t bound(const Problem &problem,
                     const std::vector<uint64_t> &budgets, bool anyOrder) {
  Analysis a(problem);
  std::vector<uint64_t> full = fullBudgets(problem, budgets);
  double ns =
      std::max({priceGaps(a, full, anyOrder).boundNs,
                windowBoundNs(a, full, anyOrder), tierBoundNs(problem, full),
                mergedTiersBoundNs(problem, full, anyOrder)});
  // Found in floating point: a millionth covers what that loses. A step takes
  // whole ns. Below the floor there is no plan, and no end to what is proven.
  ns = std::ceil(std::min(ns * (1 - 1e-6), 9e18));
  return std::max(int64_t(ns), engineBoundNs(problem));
}

int64_t spillway::planner::lowerBoundNs(const Problem &problem,
                                        const std::vector<uint64_t> &budgets) {
  return bound(problem, budgets, true);
}

int64_t spillway::planner::fixedOrderLowerBoundNs(
    const Problem &problem, const std::vector<uint64_t> &budgets) {
  return bound(problem, budgets, false);
}
