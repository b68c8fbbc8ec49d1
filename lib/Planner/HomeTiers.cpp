//===- HomeTiers.cpp - Which tier what moves is on --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HomeTiers.h"

#include <algorithm>
#include <tuple>

using namespace spillway::planner;

namespace {

class Homes {
public:
  Homes(const Analysis &a, Decisions &d, const std::vector<uint64_t> &given)
      : a(a), problem(a.problem), d(d),
        budgets(lessTrailing(a, d.trailing, given)),
        used(budgets.size(), std::vector<uint64_t>(windows + 1)), wish(d.wish) {
    wish.resize(problem.storages.size(), 0);
    for (const TrailingUpdate &u : d.trailing) {
      wish[u.parameter] = u.tier;
      for (uint32_t s : u.state)
        wish[s] = u.behind;
    }
  }

  void assign();

private:
  static constexpr uint32_t windows = 128;
  /// What moves of one storage.
  struct Mover {
    uint32_t storage = 0;
    bool moves = false, accessed = false;
    double traffic = 0;              ///< bytes a step over its bytes
    uint32_t from = 0, to = windows; ///< when it needs room, [from, to]
  };

  bool off(uint32_t position) const {
    return !d.engine.empty() && position < 2 * a.numOps &&
           d.engine[position % a.numOps] != 0;
  }
  uint32_t window(uint32_t position) const {
    return uint32_t(uint64_t(std::min(position, a.numOps)) * windows /
                    std::max(a.numOps, 1u));
  }
  uint64_t bytes(uint32_t s) const { return a.slotBytes[a.slot(s, -1)]; }
  template <class Visit> void eachGap(uint32_t s, Visit visit) const {
    for (uint32_t slot = a.slotBegin[s]; slot < a.slotBegin[s + 1]; ++slot)
      if (a.firstGap[slot] != none)
        for (uint32_t g = a.firstGap[slot];
             g < a.gaps.size() && a.gaps[g].slot == slot; ++g)
          visit(g);
  }
  bool fits(const Mover &m, uint32_t tier) const {
    if (budgets[tier] == unlimited)
      return true;
    uint64_t most = *std::max_element(used[tier].begin() + m.from,
                                      used[tier].begin() + m.to + 1);
    return most + bytes(m.storage) <= budgets[tier];
  }
  void take(const Mover &m, uint32_t tier) {
    for (uint32_t w = m.from; w <= m.to; ++w)
      used[tier][w] += bytes(m.storage);
  }
  Mover look(uint32_t s) const;
  void findEngineTiers();
  bool place(const Mover &m, uint32_t from = 1);
  void place(const std::vector<Mover> &alike);

  const Analysis &a;
  const Problem &problem;
  Decisions &d;
  const std::vector<uint64_t> budgets;
  std::vector<std::vector<uint64_t>> used; ///< by tier, then window
  std::vector<uint32_t> engineTier; ///< by storage: of who uses it there, or 0
  std::vector<uint32_t> wish;       ///< by storage: as in `Decisions`
};

Homes::Mover Homes::look(uint32_t s) const {
  Mover m;
  m.storage = s;
  const Storage &storage = problem.storages[s];
  bool temporary = storage.kind == StorageKind::Temporary;
  uint64_t moved = 0;
  uint32_t stored = none, from = a.numOps;
  eachGap(s, [&](uint32_t i) {
    const Gap &g = a.gaps[i];
    m.accessed = true;
    bool swaps = d.gaps[i] == GapChoice::Swap || off(g.to);
    if (!swaps && !(g.dirty && !temporary))
      return;
    m.moves |= swaps;
    if (swaps && !off(g.to) && (g.wraps || g.to < a.numOps))
      moved += a.slotBytes[g.slot];
    // A temporary is stored once, what is changed after every change.
    if (temporary ? stored != g.slot : g.dirty && !off(g.from))
      moved += a.slotBytes[g.slot];
    stored = g.slot;
    from = std::min(from, g.from);
  });
  m.moves |= engineTier[s] != 0;
  m.traffic = double(moved) / double(std::max<uint64_t>(bytes(s), 1));
  if (temporary && m.moves) {
    m.to = window(a.lastUse[s]);
    m.from = std::min(window(from), m.to);
  }
  return m;
}

void Homes::findEngineTiers() {
  engineTier.assign(problem.storages.size(), 0);
  for (uint32_t at = 0; at < d.engine.size(); ++at)
    if (off(at))
      for (const Operand &o : a.operands[at])
        engineTier[o.storage] = problem.machine.engines[d.engine[at]].tier;
}

bool Homes::place(const Mover &m, uint32_t from) {
  uint32_t wished = wish[m.storage];
  for (uint32_t k = wished ? from - 1 : from; k < budgets.size(); ++k) {
    uint32_t t = k < from ? wished : k;
    if (problem.machine.route(0, t).empty() ||
        problem.machine.route(t, 0).empty() || !fits(m, t))
      continue;
    d.home[m.storage] = t;
    take(m, t);
    return true;
  }
  return false;
}

/// Movers that are worth the same room. If the nearest tier does not hold all,
/// it gets some of each stretch of the step: so the links to both are used
/// evenly.
void Homes::place(const std::vector<Mover> &alike) {
  double total = 0, room = 0;
  for (const Mover &m : alike)
    total += wish[m.storage] > 1 ? 0 : double(bytes(m.storage));
  if (budgets.size() > 1 && budgets[1] != unlimited) {
    uint64_t most = *std::max_element(used[1].begin(), used[1].end());
    room = double(budgets[1] - std::min(budgets[1], most));
  }
  // What is there for some time only makes room for others.
  bool all = budgets.size() < 3 || budgets[1] == unlimited || total <= room ||
             alike[0].to - alike[0].from < windows;
  double owed = 0;
  for (const Mover &m : alike) {
    bool wishes = wish[m.storage] > 1;
    owed += all || wishes ? 0 : room / total * double(bytes(m.storage));
    bool near = all || (!wishes && owed * 2 >= double(bytes(m.storage)));
    if (near && !all)
      owed -= double(bytes(m.storage));
    if (!(near ? place(m) : place(m, 2) || place(m)) &&
        problem.storages[m.storage].kind == StorageKind::Persistent)
      eachGap(m.storage, [&](uint32_t g) { d.gaps[g] = GapChoice::Keep; });
  }
}

void Homes::assign() {
  findEngineTiers();
  std::vector<Mover> movers;
  std::vector<uint32_t> late; // for operators off the device, without room
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    d.home[s] = 0;
    Mover all;
    all.storage = s;
    if (storage.kind == StorageKind::Fed || storage.home) {
      if (storage.kind == StorageKind::Persistent)
        d.home[s] = *storage.home;
      take(all, storage.home.value_or(1));
      continue;
    }
    if (storage.kind == StorageKind::Persistent)
      eachGap(s, [&](uint32_t g) { // there is nothing to make it again from
        if (d.gaps[g] == GapChoice::Drop)
          d.gaps[g] = GapChoice::Swap;
      });
    Mover m = look(s);
    if (engineTier[s] && fits(m, engineTier[s])) {
      d.home[s] = engineTier[s];
      take(m, engineTier[s]);
    } else if (engineTier[s]) {
      late.push_back(s);
    } else if (m.moves ||
               (!m.accessed && storage.kind == StorageKind::Persistent)) {
      movers.push_back(m);
    }
  }
  if (!late.empty()) {
    for (uint32_t at = 0; at < a.numOps; ++at)
      for (const Operand &o : a.operands[at])
        if (off(at) && std::binary_search(late.begin(), late.end(), o.storage))
          d.engine[at] = 0;
    for (uint32_t s : late)
      movers.push_back(look(s));
  }
  std::sort(movers.begin(), movers.end(), [&](const Mover &x, const Mover &y) {
    return std::tuple(-x.traffic, x.to - x.from, a.lastUse[x.storage],
                      x.storage) < std::tuple(-y.traffic, y.to - y.from,
                                              a.lastUse[y.storage], y.storage);
  });
  for (size_t i = 0, end; i < movers.size(); i = end) {
    for (end = i + 1;
         end < movers.size() && movers[end].traffic == movers[i].traffic &&
         movers[end].to - movers[end].from == movers[i].to - movers[i].from;)
      ++end;
    place({movers.begin() + i, movers.begin() + end});
  }
}

} // namespace

void spillway::planner::assignHomes(const Analysis &analysis,
                                    Decisions &decisions,
                                    const std::vector<uint64_t> &budgets) {
  Homes(analysis, decisions, budgets).assign();
}
