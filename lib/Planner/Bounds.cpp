//===- Bounds.cpp - What no plan can beat -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Analysis.h"
#include "spillway/Planner/Planner.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

uint64_t budgetOf(const Problem &problem, const std::vector<uint64_t> &budgets,
                  uint32_t tier) {
  return tier < budgets.size() ? budgets[tier]
                               : problem.machine.tiers[tier].capacity;
}

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

int64_t spillway::planner::lowerBoundNs(const Problem &problem,
                                        const std::vector<uint64_t> &budgets) {
  Analysis a(problem);
  const Machine &machine = problem.machine;
  // Compute. What may run on one of several engines is counted on none here.
  std::vector<int64_t> engine(machine.engines.size());
  for (const Operator &op : problem.operators) {
    uint32_t where = none, places = 0;
    for (uint32_t e = 0; e < op.costNs.size(); ++e)
      if (op.costNs[e] >= 0)
        where = e, ++places;
    if (places == 1)
      engine[where] += op.costNs[where];
  }
  int64_t bound = 0;
  for (int64_t busy : engine)
    bound = std::max(bound, busy);
  // Links. Look at the moment when an operator runs: of the persistent bytes
  // that the step needs on the device, those that are not there then must
  // arrive once a step, and those of them that are updated must leave once.
  uint64_t usedBytes = 0, updatedBytes = 0, fedBytes = 0;
  std::vector<bool> reads(a.cellBegin.back()), updates(a.cellBegin.back());
  for (uint32_t at = 0; at < a.numOps; ++at) {
    if (!onlyOnDevice(problem, problem.operators[at]))
      continue;
    for (const Operand &o : a.operands[at])
      for (uint32_t c = a.cellBegin[o.storage]; c < a.cellBegin[o.storage + 1];
           ++c)
        if (o.part < 0 || c == a.cellBegin[o.storage] + uint32_t(o.part)) {
          reads[c] = true;
          updates[c] = updates[c] || o.updated;
        }
  }
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    for (uint32_t k = 0; k < storage.numParts(); ++k) {
      uint64_t bytes = storage.partBytes(int32_t(k));
      uint32_t c = a.cellBegin[s] + k;
      if (storage.kind == StorageKind::Persistent) {
        usedBytes += reads[c] ? bytes : 0;
        updatedBytes += updates[c] ? bytes : 0;
      } else if (storage.kind == StorageKind::Fed && reads[c] &&
                 storage.home.value_or(1) != 0) {
        fedBytes += bytes;
      }
    }
  }
  uint64_t device = budgetOf(problem, budgets, 0);
  uint64_t leastRoom = device; // for persistent bytes, at the worst operator
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (onlyOnDevice(problem, problem.operators[at]))
      leastRoom =
          std::min(leastRoom, device - std::min(device, needOf(a, at).other));
  auto atLeast = [&](bool in, uint64_t bytes) {
    // All ways in (or out) together, as if each were always busy.
    unsigned __int128 rate = 0;
    for (const Link &l : machine.links)
      if ((in ? l.to : l.from) == 0)
        rate += l.bytesPerSecond;
    if (rate == 0)
      return int64_t(0);
    return int64_t((unsigned __int128)(bytes) * 1000000000u / rate);
  };
  uint64_t in = usedBytes - std::min(usedBytes, leastRoom) + fedBytes;
  uint64_t out = updatedBytes - std::min(updatedBytes, leastRoom);
  bound = std::max({bound, atLeast(true, in), atLeast(false, out)});
  return bound;
}
