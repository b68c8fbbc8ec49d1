//===- JointMoves.cpp - What the search of joint may change at once -*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JointMoves.h"

#include <algorithm>

using namespace spillway::planner;

/// Of the device, in thousandths, that may be kept free for early loads.
static constexpr uint32_t reserves[] = {0, 25, 50, 75, 100, 150, 200, 300};

JointMoves::JointMoves(const Analysis &a, const std::vector<uint64_t> &budgets)
    : a(a), gapGroups(groupGaps(a)), hostGroups(groupHostable(a)),
      budget(budgets[0]) {
  uint64_t all = 0;
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s)
    all += a.slotBytes[a.slot(s, -1)];
  const Machine &machine = a.problem.machine;
  for (uint32_t t = 1; t < budgets.size(); ++t)
    if (!machine.route(0, t).empty() && !machine.route(t, 0).empty())
      tiers.push_back(t);
  if (tiers.size() < 2 || budgets[tiers[0]] >= all)
    tiers.clear();
}

std::vector<JointMove> JointMoves::systematic() const {
  std::vector<JointMove> out;
  auto stretches = [&](JointMove::Kind kind, uint32_t group, size_t size,
                       uint32_t value) {
    uint32_t n = uint32_t(size), half = n / 2;
    for (auto [begin, end] :
         {std::pair(0u, n), std::pair(0u, half), std::pair(half, n)})
      if (begin < end)
        out.push_back({kind, group, begin, end, value});
  };
  if (budget != unlimited)
    for (uint32_t value : reserves)
      out.push_back({JointMove::Reserve, 0, 0, 1, value});
  for (uint32_t g = 0; g < hostGroups.size(); ++g)
    for (uint32_t value : {0u, 1u})
      stretches(JointMove::Engine, g, hostGroups[g].ops.size(), value);
  for (uint32_t g = 0; g < gapGroups.size(); ++g) {
    for (GapChoice choice : gapGroups[g].choices)
      stretches(JointMove::Gap, g, gapGroups[g].gaps.size(), uint32_t(choice));
    for (uint32_t t : tiers)
      stretches(JointMove::Tier, g, gapGroups[g].gaps.size(), t);
  }
  return out;
}

JointMove JointMoves::random(Xorshift &random) const {
  JointMove m;
  auto stretch = [&](size_t size) {
    uint32_t n = uint32_t(size);
    m.begin = random.below(n);
    m.end = m.begin + 1 + random.below(n - m.begin);
  };
  uint32_t kind = random.below(6);
  if (kind == 2 && budget != unlimited && random.below(2)) {
    m.kind = JointMove::Reserve;
    m.value = reserves[random.below(uint32_t(std::size(reserves)))];
    m.end = 1;
    return m;
  }
  if (!hostGroups.empty() && (kind == 0 || gapGroups.empty())) {
    m.kind = JointMove::Engine;
    m.group = random.below(uint32_t(hostGroups.size()));
    m.value = random.below(2);
    stretch(hostGroups[m.group].ops.size());
    return m;
  }
  m.group = random.below(uint32_t(gapGroups.size()));
  const GapGroup &g = gapGroups[m.group];
  if (!tiers.empty() && kind == 1) {
    m.kind = JointMove::Tier;
    m.value = tiers[random.below(uint32_t(tiers.size()))];
  } else {
    m.value = uint32_t(g.choices[random.below(uint32_t(g.choices.size()))]);
  }
  stretch(g.gaps.size());
  return m;
}

bool JointMoves::apply(const JointMove &m, Decisions &d) const {
  bool changes = false;
  auto set = [&](auto &where, auto value) {
    changes |= where != value;
    where = value;
  };
  if (m.kind == JointMove::Engine)
    d.engine.resize(a.numOps, 0);
  if (m.kind == JointMove::Tier)
    d.wish.resize(a.problem.storages.size(), 0);
  if (m.kind == JointMove::Reserve) {
    set(d.reserve, budget / 1000 * m.value);
    return changes;
  }
  for (uint32_t k = m.begin; k < m.end; ++k)
    if (m.kind == JointMove::Gap) {
      set(d.gaps[gapGroups[m.group].gaps[k]], GapChoice(m.value));
    } else if (m.kind == JointMove::Engine) {
      const HostGroup &g = hostGroups[m.group];
      set(d.engine[g.ops[k]], m.value ? g.engines[k] : 0);
    } else {
      const Gap &gap = a.gaps[gapGroups[m.group].gaps[k]];
      set(d.wish[a.slotStorage[gap.slot]], m.value);
    }
  return changes;
}
