//===- HostSplit.cpp - Operators that may run off the device ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostSplit.h"

#include "GapGroups.h"
#include "Placement.h"

#include <algorithm>
#include <map>

using namespace spillway::planner;

std::vector<HostGroup> spillway::planner::groupHostable(const Analysis &a) {
  std::vector<HostGroup> groups;
  std::map<uint32_t, uint32_t> index;
  std::vector<uint32_t> look;
  std::vector<int64_t> time;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    uint32_t engine = hostEngine(a.problem, at);
    if (engine == 0)
      continue;
    if (look.empty())
      look = looksAlike(a);
    auto [it, isNew] = index.try_emplace(look[at], uint32_t(groups.size()));
    if (isNew) {
      groups.emplace_back();
      time.push_back(0);
    }
    groups[it->second].ops.push_back(at);
    groups[it->second].engines.push_back(engine);
    time[it->second] += a.problem.operators[at].costNs[0];
  }
  std::vector<uint32_t> order;
  for (uint32_t g = 0; g < groups.size(); ++g)
    order.push_back(g);
  std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) {
    return time[x] != time[y] ? time[x] > time[y] : x < y;
  });
  std::vector<HostGroup> sorted;
  for (uint32_t g : order)
    sorted.push_back(std::move(groups[g]));
  return sorted;
}

std::vector<uint32_t>
spillway::planner::splitEngines(const Analysis &a,
                                const std::vector<HostGroup> &groups,
                                double share, SplitOrder order) {
  std::vector<uint32_t> engine(a.numOps, 0);
  double owed = 0; // over the groups, so that small ones share, too
  for (const HostGroup &g : groups) {
    size_t n = g.ops.size(), first = 0;
    if (order != SplitOrder::Spread) {
      size_t count = std::min(n, size_t(share * double(n) + owed + 0.5));
      owed += share * double(n) - double(count);
      if (order == SplitOrder::Latest)
        first = n - count;
      for (size_t k = first; k < first + count; ++k)
        engine[g.ops[k]] = g.engines[k];
      continue;
    }
    for (size_t k = 0; k < n; ++k) {
      owed += share;
      if (owed < 0.5)
        continue;
      owed -= 1;
      engine[g.ops[k]] = g.engines[k];
    }
  }
  return engine;
}

Problem spillway::planner::withEngines(const Problem &problem,
                                       const std::vector<uint32_t> &engine) {
  Problem out = problem;
  for (uint32_t at = 0; at < out.operators.size(); ++at) {
    auto &costs = out.operators[at].costNs;
    for (uint32_t e = 0; e < costs.size(); ++e)
      if (engine[at] == 0 ? e != 0 : e != engine[at])
        costs[e] = -1;
    // Whoever asks for the device's time of what does not run there gets none.
    if (engine[at])
      costs[0] = 0;
  }
  return out;
}
