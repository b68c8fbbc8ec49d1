//===- ZeroInfinity.cpp - All model states off the device -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rajbhandari et al., "ZeRO-Infinity: Breaking the GPU Memory Wall for Extreme
// Scale Deep Learning", SC 2021, with the defaults of its code (DeepSpeed).
// Parameters, gradients and optimizer state are on the host; what the host
// cannot hold goes to NVMe, state first. The operators' parameters are known
// from a trace: while one runs, those of the next ones are fetched, up to a
// bucket of bytes; a parameter is kept after its use if it is used again within
// a distance of bytes; small parameters persist. Gradients leave as they are
// made. State on the host is updated there, other state passes through the
// device. Activation checkpoints, one a layer, go to the host.
//
//===----------------------------------------------------------------------===//

#include "../Placement.h"
#include "../Policy.h"
#include "../TrainingGraph.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

/// DeepSpeed's defaults, in elements of four bytes; and shares of the device
/// budget that they may not exceed, for models and devices much smaller than
/// those that the defaults were chosen for.
struct Limits {
  uint64_t persist, prefetch, reuse;
  explicit Limits(uint64_t budget)
      : persist(std::min<uint64_t>(4 * 100000, budget / 1024)),
        prefetch(std::min<uint64_t>(4ull * 50000000, budget / 16)),
        reuse(std::min<uint64_t>(4ull * 1000000000, budget / 4)) {}
};

class Infinity {
public:
  explicit Infinity(const PolicyRequest &r)
      : request(r), a(r.analysis), problem(a.problem), graph(a),
        limits(r.budgets[0]) {}

  PolicyAnswer run();

private:
  void chooseHomes();
  void chooseEngines();
  void fetchParameters();

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  TrainingGraph graph;
  Limits limits;
  Placement place;
  std::vector<uint32_t> engine;
};

/// State to the last tier that parameters do not fill.
void Infinity::chooseHomes() {
  uint32_t tiers = uint32_t(problem.machine.tiers.size());
  std::vector<uint64_t> left(tiers);
  for (uint32_t t = 1; t < tiers; ++t)
    left[t] = request.budgets[t];
  // Checkpoints and gradients are there, too, if only for a while.
  uint64_t checkpoints = 0;
  std::vector<int64_t> change(a.numOps + 1);
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    uint64_t bytes = a.slotBytes[a.slot(s, -1)];
    if (storage.kind == StorageKind::Fed)
      left[storage.home.value_or(1)] -=
          std::min(left[storage.home.value_or(1)], bytes);
    else if (graph.role[s] == Role::Activation && !graph.inner[s] &&
             a.producer[s] < graph.turn && a.lastUse[s] >= graph.turn)
      checkpoints += bytes;
    else if (graph.role[s] == Role::Gradient) {
      change[a.uses[a.slot(s, -1)].front()] += int64_t(bytes);
      change[std::min(a.lastUse[s] + 1, a.numOps)] -= int64_t(bytes);
    }
  }
  int64_t gradients = 0, most = 0;
  for (int64_t c : change)
    most = std::max(most, gradients += c);
  left[1] -= std::min(left[1], checkpoints + uint64_t(most));
  place.home.assign(problem.storages.size(), 0);
  place.resident.assign(problem.storages.size(), false);
  for (Role wanted : {Role::Parameter, Role::State})
    for (uint32_t s = 0; s < problem.storages.size(); ++s) {
      if (graph.role[s] != wanted || a.uses[a.slot(s, -1)].empty())
        continue;
      uint64_t bytes = a.slotBytes[a.slot(s, -1)];
      uint32_t tier = 1;
      while (tier + 1 < tiers &&
             (left[tier] < bytes || problem.machine.route(tier, 0).empty()))
        ++tier;
      if (problem.machine.route(tier, 0).empty() ||
          problem.machine.route(0, tier).empty())
        continue;
      place.home[s] = tier;
      left[tier] -= std::min(left[tier], bytes);
      place.resident[s] = wanted == Role::Parameter && bytes < limits.persist;
    }
}

void Infinity::chooseEngines() {
  engine.assign(a.numOps, 0);
  for (uint32_t at = 0; at < a.numOps; ++at) {
    uint32_t e = graph.isUpdate[at] ? hostEngine(problem, at) : 0;
    for (const Access &u : problem.operators[at].updates)
      if (place.home[u.storage] != problem.machine.engines[e].tier)
        e = 0;
    engine[at] = e;
  }
}

/// Stays of parameters and state, and how far ahead each is fetched.
void Infinity::fetchParameters() {
  auto uses = placedUses(a, place.runs);
  // Bytes of parameters that runs before each use, to tell distances by.
  std::vector<uint64_t> passed(place.runs.size() + 1);
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
    if (place.home[a.slotStorage[slot]] &&
        graph.role[a.slotStorage[slot]] == Role::Parameter)
      for (uint32_t u : uses[slot])
        passed[u + 1] += a.slotBytes[slot];
  for (size_t i = 1; i < passed.size(); ++i)
    passed[i] += passed[i - 1];
  std::vector<Stay> stays;
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    uint32_t s = a.slotStorage[slot];
    if (!place.home[s] || place.resident[s] ||
        problem.storages[s].kind != StorageKind::Persistent)
      continue;
    const auto &list = uses[slot];
    for (size_t i = 0; i < list.size(); ++i)
      if (i && passed[list[i]] - passed[list[i - 1] + 1] <= limits.reuse)
        stays.back().last = list[i];
      else
        stays.push_back({slot, list[i], list[i], list[i]});
  }
  std::sort(stays.begin(), stays.end(), [](const Stay &x, const Stay &y) {
    return std::pair(x.first, x.slot) < std::pair(y.first, y.slot);
  });
  size_t from = 0;
  uint64_t bytes = 0; // of stays (from, i]
  for (size_t i = 0; i < stays.size(); ++i) {
    bytes += a.slotBytes[stays[i].slot];
    while (from < i && bytes > limits.prefetch)
      bytes -= a.slotBytes[stays[from++].slot];
    // With the operator before the bucket's first under way.
    stays[i].issue = bytes > limits.prefetch ? stays[i].first
                     : from                  ? stays[from - 1].first
                                             : 0;
  }
  // A slot's stay may not begin before the one before ends.
  std::vector<uint32_t> ended(a.numSlots());
  for (Stay &s : stays) {
    s.issue = std::max(s.issue, ended[s.slot]);
    ended[s.slot] = s.last + 1;
  }
  place.stays.insert(place.stays.end(), stays.begin(), stays.end());
}

PolicyAnswer Infinity::run() {
  PolicyAnswer answer;
  if (problem.machine.tiers.size() < 2) {
    answer.applies = false;
    answer.reason = "zero-infinity needs a tier besides the device";
    return answer;
  }
  chooseHomes();
  chooseEngines();
  Placement homes = place;
  for (bool away : {false, true}) {
    place = homes;
    for (uint32_t op :
         graph.trace(std::vector<bool>(problem.storages.size(), true)))
      place.runs.push_back({op, engine[op]});
    fetchParameters();
    if (away)
      offloadCheckpoints(graph, place, limits.persist);
    addPlan(a, place, request.budgets, answer);
  }
  return answer;
}

} // namespace

PolicyAnswer spillway::planner::planZeroInfinity(const PolicyRequest &request) {
  return Infinity(request).run();
}
