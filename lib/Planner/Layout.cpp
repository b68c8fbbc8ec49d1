//===- Layout.cpp - A plan's addresses --------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layout.h"
#include "Analysis.h"
#include "spillway/Planner/Offsets.h"

#include <algorithm>

using namespace spillway::planner;

/// Of so many items, what no order brings as near to the target, effort seldom
/// does, and it takes long.
static constexpr size_t many = 1000;
static constexpr double tooFar = 1.12;

Layout spillway::planner::layOut(const Problem &problem, const Plan &plan,
                                 const std::vector<uint64_t> &budgets,
                                 std::optional<uint64_t> steps) {
  LifeBuffers buffers;
  buffers.lives = lifetimes(problem, plan);
  const std::vector<Lifetime> &lives = buffers.lives;
  // Lives that share a buffer are one item. A life takes over from an earlier
  // one but where the chain wraps around, so roots are found by walking.
  for (uint32_t l = 0; l < lives.size(); ++l) {
    uint32_t root = l;
    for (uint32_t steps = 0;
         lives[root].takesOver >= 0 && steps <= plan.actions.size(); ++steps)
      root = uint32_t(lives[root].takesOver);
    buffers.buffer.push_back(root);
    const Instance &i = lives[l].instance;
    buffers.bytes.push_back(problem.storages[i.storage].partBytes(i.part));
  }
  return place(problem, plan, std::move(buffers), budgets, steps);
}

Layout spillway::planner::place(const Problem &problem, const Plan &plan,
                                LifeBuffers buffers,
                                const std::vector<uint64_t> &budgets,
                                std::optional<uint64_t> steps) {
  Layout out;
  out.lives = std::move(buffers.lives);
  uint32_t n = uint32_t(plan.actions.size());
  uint32_t numTiers = uint32_t(problem.machine.tiers.size());
  std::vector<std::vector<OffsetItem>> items(numTiers);
  std::vector<uint32_t> itemOf(out.lives.size(), none); // by buffer
  for (uint32_t l = 0; l < out.lives.size(); ++l) {
    const Lifetime &life = out.lives[l];
    auto &list = items[life.instance.tier];
    uint32_t &index = itemOf[buffers.buffer[l]];
    if (index == none) {
      index = uint32_t(list.size());
      list.emplace_back();
    }
    OffsetItem &item = list[index];
    item.bytes = std::max(item.bytes, buffers.bytes[l]);
    if (!buffers.fixed.empty() && buffers.fixed[l])
      item.fixed = buffers.fixed[l];
    if (!life.wraps) {
      item.live.push_back({life.first, life.end});
    } else if (life.first == life.end) {
      item.live.push_back({0, n});
    } else {
      item.live.push_back({life.first, n});
      item.live.push_back({0, life.end});
    }
  }
  std::vector<std::pair<uint32_t, uint32_t>> workspaceItem(n, {0, none});
  for (uint32_t at = 0; at < n; ++at) {
    const Action &a = plan.actions[at];
    if (a.kind != ActionKind::Run || problem.operators[a.op].workspace == 0)
      continue;
    uint32_t tier = problem.machine.engines[a.engine].tier;
    workspaceItem[at] = {tier, uint32_t(items[tier].size())};
    OffsetItem item{problem.operators[a.op].workspace, {{at, at + 1}}, {}};
    if (!buffers.fixedWorkspaces.empty())
      item.fixed = buffers.fixedWorkspaces[at];
    items[tier].push_back(std::move(item));
  }
  std::vector<OffsetResult> results;
  for (uint32_t t = 0; t < numTiers; ++t) {
    OffsetOptions options;
    options.alignment = problem.alignment;
    options.target = budgets[t] == unlimited ? 0 : budgets[t];
    if (steps)
      options.effort = *steps * items[t].size();
    if (items[t].size() > many)
      options.tooFar = tooFar;
    results.push_back(assignOffsets(items[t], options));
    out.heights.push_back(results.back().height);
    out.loads.push_back(results.back().maxLoad);
  }
  for (uint32_t l = 0; l < out.lives.size(); ++l)
    out.offsets.push_back(
        results[out.lives[l].instance.tier].offsets[itemOf[buffers.buffer[l]]]);
  out.workspaces.assign(n, 0);
  for (uint32_t at = 0; at < n; ++at)
    if (workspaceItem[at].second != none)
      out.workspaces[at] =
          results[workspaceItem[at].first].offsets[workspaceItem[at].second];
  return out;
}
