//===- LayerView.cpp - A problem as papers about layers see it --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerView.h"

#include <algorithm>

using namespace spillway::planner;

static uint64_t operandBytes(const Analysis &a, uint32_t op) {
  uint64_t bytes = 0;
  for (const Operand &o : a.operands[op])
    bytes += a.problem.storages[o.storage].partBytes(o.part);
  return std::max<uint64_t>(bytes, 1);
}

static std::vector<bool> findHeavy(const Analysis &a) {
  const auto &ops = a.problem.operators;
  std::vector<bool> heavy(a.numOps);
  if (std::any_of(ops.begin(), ops.end(),
                  [](const Operator &op) { return op.flops != 0; })) {
    for (uint32_t i = 0; i < a.numOps; ++i)
      heavy[i] = ops[i].flops / 8 >= operandBytes(a, i);
    return heavy;
  }
  std::vector<double> density;
  double sum = 0;
  for (uint32_t i = 0; i < a.numOps; ++i) {
    density.push_back(double(ops[i].cost(0)) / double(operandBytes(a, i)));
    sum += double(ops[i].cost(0));
  }
  std::vector<double> sorted = density;
  auto middle = sorted.begin() + sorted.size() / 2;
  if (middle == sorted.end())
    return heavy;
  std::nth_element(sorted.begin(), middle, sorted.end());
  for (uint32_t i = 0; i < a.numOps; ++i)
    heavy[i] =
        density[i] >= 4 * *middle && double(ops[i].cost(0)) * a.numOps >= sum;
  return heavy;
}

LayerView::LayerView(const Analysis &a) : heavy(findHeavy(a)) {
  // What waits between two operators, and the gaps of temporaries among it.
  std::vector<int64_t> all(a.numOps + 1), temporary(a.numOps + 1);
  for (const Gap &g : a.gaps) {
    if (g.wraps || g.from + 1 >= g.to)
      continue;
    uint32_t end = std::min(g.to, a.numOps);
    if (a.problem.storages[a.slotStorage[g.slot]].kind !=
        StorageKind::Temporary)
      continue;
    temporary[g.from + 1] += int64_t(a.slotBytes[g.slot]);
    temporary[end] -= int64_t(a.slotBytes[g.slot]);
  }
  int64_t live = 0, most = -1;
  startNs.push_back(0);
  for (uint32_t at = 0; at < a.numOps; ++at) {
    live += temporary[at];
    if (live > most)
      most = live, turn = at;
    startNs.push_back(startNs.back() +
                      std::max<int64_t>(a.problem.operators[at].cost(0), 0));
  }

  std::vector<uint32_t> lastForward(a.numSlots(), none);
  uint32_t current = turn;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    if (forward(at)) {
      layer.push_back(at);
      // What the last one makes is a gradient: no layer's.
      for (const Operand &o : a.operands[at])
        if (at < turn || !o.written)
          lastForward[a.slot(o.storage, -1)] = at;
      continue;
    }
    uint32_t mine = none;
    for (const Operand &o : a.operands[at]) {
      uint32_t last = lastForward[a.slot(o.storage, -1)];
      if (o.read && last != none && (mine == none || last > mine))
        mine = last;
    }
    if (mine != none)
      current = mine;
    layer.push_back(current);
  }

  // Keep-all: what stays for ever, what is alive, and workspace.
  uint64_t always = 0;
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s) {
    const Storage &storage = a.problem.storages[s];
    uint64_t bytes = a.slotBytes[a.slot(s, -1)];
    const auto &uses = a.uses[a.slot(s, -1)];
    if (storage.kind == StorageKind::Persistent || storage.home == 0u) {
      always += bytes;
    } else if (!uses.empty()) {
      all[uses.front()] += int64_t(bytes);
      all[std::min(a.lastUse[s] + 1, a.numOps)] -= int64_t(bytes);
    }
  }
  live = 0;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    live += all[at];
    keepAllBytes.push_back(
        always + uint64_t(live) +
        a.problem.aligned(a.problem.operators[at].workspace));
  }
}
