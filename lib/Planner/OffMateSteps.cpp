//===- OffMateSteps.cpp - What the step is made of --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OffMate.h"

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::offmate;

/// Blocks of the program; longer models have several layers a block.
static constexpr uint32_t maxBlocks = 20;

/// Forward of each block, then backward from the last to the first.
void OffMate::findSteps() {
  blocks = std::min(graph.numBlocks(), maxBlocks);
  steps = 2 * blocks;
  for (uint32_t b = 0; b < graph.numBlocks(); ++b)
    blockOf.push_back(uint64_t(b) * blocks / graph.numBlocks());
  stepOf.assign(a.numOps, none);
  // A backward operator belongs to the first block that one up to it shows by
  // the activations or parameters that it reads.
  uint32_t back = steps - blocks;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    if (at < graph.turn) {
      stepOf[at] = blockOf[graph.blockOf[at]];
      continue;
    }
    // Of all that it reads, what the forward pass used last counts.
    uint32_t earliest = none;
    for (const Operand &o : a.operands[at]) {
      const auto &uses = a.uses[a.slot(o.storage, -1)];
      auto back = std::lower_bound(uses.begin(), uses.end(), graph.turn);
      bool tells = graph.role[o.storage] == Role::Parameter
                       ? !graph.isUpdate[at]
                       : bool(graph.inner[o.storage]);
      if (tells && back != uses.begin())
        earliest = std::min(earliest,
                            backStep(blockOf[graph.blockOf[*std::prev(back)]]));
    }
    if (earliest != none)
      back = std::max(back, earliest);
    stepOf[at] = std::min(back, steps - 1);
  }
}

void OffMate::findGroups() {
  groupOf.assign(a.numSlots(), none);
  // By kind and block; made where the first slot comes.
  std::vector<std::vector<uint32_t>> index(4,
                                           std::vector<uint32_t>(blocks, none));
  auto group = [&](uint32_t kind, uint32_t block) -> Group & {
    uint32_t &g = index[kind][block];
    if (g == none) {
      g = uint32_t(groups.size());
      groups.emplace_back();
    }
    return groups[g];
  };
  // State goes with the parameter that is updated along with it.
  std::vector<uint32_t> blockOfState(problem.storages.size(), none);
  auto parameterBlock = [&](uint32_t s) {
    uint32_t first = a.uses[a.slot(s, -1)].front();
    return first < graph.turn ? stepOf[first] : steps - 1 - stepOf[first];
  };
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Access &u : problem.operators[at].updates)
      if (graph.role[u.storage] == Role::Parameter)
        for (const Access &m : problem.operators[at].updates)
          blockOfState[m.storage] = parameterBlock(u.storage);
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    uint32_t kind = none, block = none;
    uint32_t p = a.producer[s];
    if (a.uses[a.slot(s, -1)].empty())
      continue;
    if (graph.role[s] == Role::Parameter || graph.role[s] == Role::State) {
      kind = graph.role[s] == Role::State;
      block = kind ? blockOfState[s] : parameterBlock(s);
    } else if (graph.role[s] == Role::Activation && p != none &&
               p < graph.turn && a.lastUse[s] >= graph.turn &&
               !problem.storages[s].output) {
      block = stepOf[p];
      kind = graph.inner[s] && block + 1 < blocks ? 2 : 3;
    }
    if (block == none || block >= blocks)
      continue;
    Group &g = group(kind, block);
    g.persistent = kind < 2;
    g.isState = kind == 1;
    g.block = kind == 2 ? block : none;
    bool parts = !a.wholeAccess[s] && !problem.storages[s].parts.empty();
    for (uint32_t slot = a.slotBegin[s] + (parts ? 1 : 0);
         slot < (parts ? a.slotBegin[s + 1] : a.slotBegin[s] + 1); ++slot) {
      g.slots.push_back(slot);
      g.bytes += double(a.slotBytes[slot]);
      groupOf[slot] = index[kind][block];
      for (uint32_t u : a.uses[slot])
        g.steps.push_back(stepOf[u]);
    }
  }
  for (uint32_t at = 0; at < a.numOps; ++at) {
    if (!graph.isUpdate[at])
      continue;
    for (const Operand &o : a.operands[at])
      if (graph.role[o.storage] == Role::Parameter && o.updated) {
        uint32_t g = groupOf[placedSlot(a, o.storage, o.part)];
        if (g == none)
          continue;
        uint32_t e = hostEngine(problem, at);
        for (const Operand &r : a.operands[at])
          if (graph.role[r.storage] == Role::Gradient)
            groups[g].gradient +=
                double(problem.storages[r.storage].partBytes(r.part));
        if (e)
          groups[g].hostNs += double(problem.operators[at].cost(e));
        break;
      }
  }
  for (uint32_t b = 0; b < blocks; ++b)
    if (index[0][b] != none)
      groups[index[0][b]].state = index[1][b];
  for (Group &g : groups) {
    std::sort(g.steps.begin(), g.steps.end());
    g.steps.erase(std::unique(g.steps.begin(), g.steps.end()), g.steps.end());
    // By first use, so that what is fetched first is used first.
    std::sort(g.slots.begin(), g.slots.end(), [&](uint32_t x, uint32_t y) {
      return std::pair(a.uses[x].front(), x) < std::pair(a.uses[y].front(), y);
    });
  }
}

/// By step: compute, and the most bytes that are in no group. By block: the
/// time to make its activations again.
void OffMate::findLoads() {
  compute.assign(steps, 0);
  others.assign(steps, 0);
  remake.assign(blocks, 0);
  std::vector<int64_t> change(a.numOps + 1);
  int64_t always = 0;
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    uint32_t s = a.slotStorage[slot];
    // What is accessed by parts is there by parts, never as a whole besides.
    bool whole = a.wholeAccess[s] || problem.storages[s].parts.empty();
    if (groupOf[slot] != none || a.uses[slot].empty() ||
        (a.slotPart[slot] < 0) != whole)
      continue;
    int64_t bytes = int64_t(a.slotBytes[slot]);
    if (problem.storages[s].kind == StorageKind::Persistent) {
      always += bytes;
      continue;
    }
    change[a.uses[slot].front()] += bytes;
    change[std::min(a.uses[slot].back() + 1, a.numOps)] -=
        problem.storages[s].output ? 0 : bytes;
  }
  int64_t live = always;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    live += change[at];
    const Operator &op = problem.operators[at];
    double now = double(live) + double(problem.aligned(op.workspace));
    others[stepOf[at]] = std::max(others[stepOf[at]], now);
    compute[stepOf[at]] += double(op.costNs[0]);
  }
  std::vector<bool> all(problem.storages.size(), true);
  std::vector<bool> ran(a.numOps);
  for (uint32_t op : graph.trace(all)) {
    if (ran[op])
      remake[stepOf[op]] += double(problem.operators[op].costNs[0]);
    ran[op] = true;
  }
}
