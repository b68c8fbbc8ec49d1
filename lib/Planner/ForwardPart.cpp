//===- ForwardPart.cpp - Where a training step turns ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ForwardPart.h"

#include <algorithm>

using namespace spillway::planner;

/// By storage: its first access if it is a temporary, else none.
static std::vector<uint32_t> birthsOf(const Analysis &a) {
  std::vector<uint32_t> births(a.problem.storages.size(), none);
  for (uint32_t s = 0; s < births.size(); ++s) {
    const auto &uses = a.uses[a.slot(s, -1)];
    if (a.problem.storages[s].kind == StorageKind::Temporary && !uses.empty())
      births[s] = uses.front();
  }
  return births;
}

static uint32_t findTurn(const Analysis &a,
                         const std::vector<uint32_t> &births) {
  bool updates = false;
  for (const auto &list : a.updates)
    updates |= !list.empty();
  uint32_t firstOutput = none;
  for (uint32_t s = 0; s < births.size(); ++s)
    if (a.problem.storages[s].output && births[s] != none)
      firstOutput = std::min(firstOutput, births[s]);
  if (updates && firstOutput != none)
    return firstOutput;
  std::vector<int64_t> change(a.numOps + 1);
  for (const Gap &g : a.gaps) {
    uint32_t s = a.slotStorage[g.slot];
    if (g.wraps || births[s] == none || g.to >= a.numOps ||
        g.to == g.from + 1 || a.producer[s] == none)
      continue; // nothing is kept over an operator
    change[g.from] += int64_t(a.slotBytes[g.slot]);
    change[g.to] -= int64_t(a.slotBytes[g.slot]);
  }
  uint32_t turn = 0;
  int64_t kept = 0, most = -1;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    kept += change[at];
    if (kept >= most)
      most = kept, turn = at;
  }
  return turn;
}

ForwardPart::ForwardPart(const Analysis &a) {
  uint32_t numStorages = uint32_t(a.problem.storages.size());
  std::vector<uint32_t> births = birthsOf(a);
  turn = a.numOps ? findTurn(a, births) : 0;
  lastForwardUse.assign(numStorages, none);
  table.assign(numStorages, false);
  std::vector<bool> root(a.numOps, true);
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Operand &o : a.operands[at])
      if (o.read && births[o.storage] != none && births[o.storage] != at)
        root[at] = false;
  // At a position inside a foreign value's life the chain is not cut.
  std::vector<int32_t> change(a.numOps + 1);
  std::vector<bool> feeds(a.numOps);
  for (uint32_t s = 0; s < numStorages; ++s) {
    if (births[s] == none || births[s] > turn)
      continue;
    const auto &uses = a.uses[a.slot(s, -1)];
    auto end = std::upper_bound(uses.begin(), uses.end(), turn);
    lastForwardUse[s] = *(end - 1);
    table[s] = root[births[s]] && end - uses.begin() > 3;
    if (table[s] || lastForwardUse[s] == births[s])
      continue;
    feeds[births[s]] = true;
    ++change[births[s] + 1];
    --change[lastForwardUse[s]];
  }
  int32_t foreign = 0;
  for (uint32_t at = 0; at < turn; ++at) {
    foreign += change[at];
    if (foreign == 0 && feeds[at])
      cuts.push_back(at);
  }
}

Runs spillway::planner::runsKeeping(const Analysis &a, const ForwardPart &part,
                                    const std::vector<bool> &keep) {
  Runs runs;
  uint32_t numStorages = uint32_t(a.problem.storages.size());
  std::vector<bool> there(numStorages, true);
  for (uint32_t at = 0; at < a.numOps; ++at) {
    if (at == part.turn + 1)
      for (uint32_t s = 0; s < numStorages; ++s) {
        uint32_t p = a.producer[s];
        bool next = std::binary_search(a.uses[a.slot(s, -1)].begin(),
                                       a.uses[a.slot(s, -1)].end(), at);
        // What is read at once is not worth it.
        bool drops = p != none && p <= part.turn && !keep[s] &&
                     !a.problem.storages[s].output && canRemake(a, s) &&
                     !(next && part.lastForwardUse[s] == part.turn);
        there[s] = !drops;
      }
    // Depth first, operands in order.
    std::vector<uint32_t> stack{at};
    while (!stack.empty()) {
      uint32_t op = stack.back();
      bool ready = true;
      for (const Operand &o : a.operands[op])
        if (ready && (o.read || o.updated) && !there[o.storage]) {
          stack.push_back(a.producer[o.storage]);
          ready = false;
        }
      if (!ready)
        continue;
      runs.push_back(op);
      stack.pop_back();
      for (const Operand &o : a.operands[op])
        if (o.written)
          there[o.storage] = true;
    }
  }
  return runs;
}
