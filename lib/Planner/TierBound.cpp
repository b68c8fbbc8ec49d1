//===- TierBound.cpp - What the slow tiers' links must carry ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TierBound.h"

#include "GapDual.h"

#include <algorithm>

using namespace spillway::planner;

/// The bytes of persistent storages of which every part is updated.
static uint64_t updatedBytes(const Problem &problem) {
  std::vector<std::vector<bool>> updated;
  for (const Storage &s : problem.storages)
    updated.emplace_back(s.numParts());
  for (const Operator &op : problem.operators)
    for (const Access &x : op.updates) {
      auto &parts = updated[x.storage];
      if (x.part < 0)
        parts.assign(parts.size(), true);
      else
        parts[uint32_t(x.part)] = true;
    }
  uint64_t bytes = 0;
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    if (problem.storages[s].kind == StorageKind::Persistent &&
        std::find(updated[s].begin(), updated[s].end(), false) ==
            updated[s].end())
      bytes += problem.storages[s].bytes;
  return bytes;
}

double spillway::planner::tierBoundNs(const Problem &problem,
                                      const std::vector<uint64_t> &budgets) {
  const Machine &machine = problem.machine;
  uint32_t first = 1; // so many tiers have all engines that update
  for (const Operator &op : problem.operators)
    if (!op.updates.empty())
      for (uint32_t e = 0; e < op.costNs.size(); ++e)
        if (op.costNs[e] >= 0)
          first = std::max(first, machine.engines[e].tier + 1);
  uint64_t persistent = updatedBytes(problem), capacity = 0;
  double most = 0;
  for (uint32_t k = 1; k < machine.tiers.size(); ++k) {
    if (budgets[k - 1] >= persistent - capacity)
      break;
    capacity += budgets[k - 1];
    if (k < first)
      continue;
    // Over all links that cross, and over the wires that several share.
    double in = 0, out = 0, wire = 0;
    uint32_t group = 0;
    bool oneWire = true;
    for (const Link &l : machine.links) {
      bool enters = l.from >= k && l.to < k, leaves = l.from < k && l.to >= k;
      if (!enters && !leaves)
        continue;
      (enters ? in : out) += double(l.bytesPerSecond);
      oneWire &= l.group != 0 && (group == 0 || group == l.group);
      group = l.group;
    }
    if (in == 0 || out == 0)
      continue;
    double bytes = double(persistent - capacity);
    wire = oneWire ? bytes / in + bytes / out : bytes / std::min(in, out);
    most = std::max(most, wire * 1e9);
  }
  return most;
}

Problem spillway::planner::mergeTiers(const Problem &problem, uint32_t k) {
  Problem out = problem;
  Machine &m = out.machine;
  auto merged = [&](uint32_t tier) { return tier < k ? 0 : tier - k + 1; };
  m.tiers.erase(m.tiers.begin() + 1, m.tiers.begin() + k);
  m.links.clear();
  for (Link l : problem.machine.links) {
    l.from = merged(l.from), l.to = merged(l.to);
    if (l.from != l.to)
      m.links.push_back(l);
  }
  for (Engine &e : m.engines)
    e.tier = merged(e.tier);
  for (Storage &s : out.storages)
    if (s.kind == StorageKind::Fed || s.home)
      s.home = merged(s.home.value_or(1));
  return out;
}

double
spillway::planner::mergedTiersBoundNs(const Problem &problem,
                                      const std::vector<uint64_t> &budgets,
                                      bool anyOrder) {
  uint64_t all = 0;
  for (const Storage &s : problem.storages)
    all += problem.aligned(s.bytes);
  double most = 0;
  uint64_t together = budgets[0];
  for (uint32_t k = 2; k < budgets.size(); ++k) {
    if (budgets[k - 1] >= all - std::min(all, together))
      break;
    together += budgets[k - 1];
    std::vector<uint64_t> merged{together};
    merged.insert(merged.end(), budgets.begin() + k, budgets.end());
    Problem one = mergeTiers(problem, k);
    most = std::max(most, priceGaps(Analysis(one), merged, anyOrder).boundNs);
  }
  return most;
}
