//===- GapGroups.cpp - Gaps that look alike ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapGroups.h"

#include <algorithm>
#include <map>
#include <tuple>

using namespace spillway::planner;

std::vector<uint32_t> spillway::planner::looksAlike(const Analysis &a) {
  using Look = std::pair<std::string, std::vector<uint64_t>>;
  std::map<Look, uint32_t> known;
  std::vector<uint32_t> out;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    Look look;
    for (char c : a.problem.operators[at].name)
      if (c < '0' || c > '9')
        look.first += c;
    for (const Operand &o : a.operands[at])
      look.second.push_back(a.slotBytes[a.slot(o.storage, o.part)] * 8 +
                            o.read * 4 + o.written * 2 + o.updated);
    std::sort(look.second.begin(), look.second.end());
    out.push_back(known.try_emplace(std::move(look), uint32_t(known.size()))
                      .first->second);
  }
  return out;
}

std::vector<GapGroup> spillway::planner::groupGaps(const Analysis &a) {
  std::vector<uint32_t> look = looksAlike(a);
  bool swaps = a.problem.machine.tiers.size() > 1;
  using Key = std::tuple<uint64_t, StorageKind, bool, uint32_t, uint32_t,
                         uint32_t, std::vector<GapChoice>>;
  std::map<Key, uint32_t> index;
  std::vector<GapGroup> groups;
  for (uint32_t i = 0; i < a.gaps.size(); ++i) {
    const Gap &g = a.gaps[i];
    if (g.to <= g.from + 1)
      continue;
    uint32_t s = a.slotStorage[g.slot], p = a.producer[s];
    StorageKind kind = a.problem.storages[s].kind;
    bool ends = g.to >= a.numOps && !g.wraps; // at the step's end, an output's
    std::vector<GapChoice> choices{GapChoice::Keep};
    if (swaps && !ends)
      choices.push_back(GapChoice::Swap);
    if (!g.wraps && !ends && p != none && kind == StorageKind::Temporary &&
        a.rerunUntil[p] >= int64_t(g.to))
      choices.push_back(GapChoice::Drop);
    if (choices.size() == 1)
      continue;
    Key key{a.slotBytes[g.slot],
            kind,
            g.wraps,
            look[g.from],
            ends ? none : look[g.to % a.numOps],
            p == none ? none : look[p],
            choices};
    auto [it, isNew] = index.try_emplace(std::move(key), groups.size());
    if (isNew)
      groups.push_back({{}, choices, 0});
    GapGroup &group = groups[it->second];
    group.gaps.push_back(i);
    group.area += double(a.slotBytes[g.slot]) * double(g.to - g.from);
  }
  for (GapGroup &group : groups)
    std::sort(
        group.gaps.begin(), group.gaps.end(), [&](uint32_t x, uint32_t y) {
          return std::pair(a.gaps[x].from, x) < std::pair(a.gaps[y].from, y);
        });
  std::sort(groups.begin(), groups.end(),
            [](const GapGroup &x, const GapGroup &y) {
              return x.area != y.area ? x.area > y.area
                                      : x.gaps.front() < y.gaps.front();
            });
  return groups;
}
