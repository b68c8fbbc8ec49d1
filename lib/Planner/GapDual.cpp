//===- GapDual.cpp - Prices of memory and links -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapDual.h"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace spillway::planner;

namespace {

constexpr uint32_t maxCritical = 64;

/// One gap in the program: where it presses, and what getting rid of it costs.
struct Item {
  uint64_t mask = 0; ///< critical operators inside
  double bytes = 0;
  double load = -1;   ///< ns; negative: cannot be swapped
  double remake = -1; ///< ns; negative: cannot be made again
};

/// Gaps of one part share the store.
struct Group {
  uint32_t begin = 0, end = 0;
  double store = 0;
};

class Dual {
public:
  Dual(const Analysis &a, const std::vector<uint64_t> &budgets, bool anyOrder)
      : a(a), problem(a.problem), budgets(budgets), anyOrder(anyOrder) {}

  GapPrices solve(uint32_t iterations);

private:
  bool onDevice(uint32_t op) const {
    const Operator &o = problem.operators[op];
    for (uint32_t e = 0; e < o.costNs.size(); ++e)
      if (o.costNs[e] >= 0 && problem.machine.engines[e].tier != 0)
        return false;
    return true;
  }
  void climb(GapPrices &best, double scale, uint32_t iterations);
  void findRates();
  void chooseCritical();
  void findReach();
  void build();
  void buildPart(uint32_t storage, uint32_t part,
                 const std::vector<uint32_t> &uses);
  void addItem(uint32_t storage, uint32_t part, uint64_t mask);
  double needs(uint32_t at) const;

  const Analysis &a;
  const Problem &problem;
  const std::vector<uint64_t> &budgets;
  bool anyOrder;
  double inRate = 0, outRate = 0; ///< bytes a ns, all links together
  std::vector<uint32_t> critical;
  // By operator, critical operators that must come before, or after, it.
  std::vector<uint64_t> before, after;
  std::vector<uint64_t> self; ///< by operator: its own bit, if critical
  std::vector<Item> items;
  std::vector<Group> groups;
  double compute = 0, fed = 0;
};

void Dual::findRates() {
  for (const Link &l : problem.machine.links) {
    inRate += l.to == 0 ? double(l.bytesPerSecond) / 1e9 : 0;
    outRate += l.from == 0 ? double(l.bytesPerSecond) / 1e9 : 0;
  }
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (onDevice(at))
      compute += double(problem.operators[at].costNs[0]);
}

/// The operator with most live bytes in each of 64 stretches.
void Dual::chooseCritical() {
  std::vector<double> live(a.numOps + 1);
  for (const Gap &g : a.gaps) {
    double bytes = double(a.slotBytes[g.slot]);
    if (!g.wraps) {
      if (g.from + 1 < g.to) {
        live[g.from + 1] += bytes;
        live[std::min(g.to, a.numOps)] -= bytes;
      }
    } else {
      live[0] += bytes;
      live[g.to - a.numOps] -= bytes;
      live[g.from + 1] += bytes;
    }
  }
  uint32_t stretches = std::min(maxCritical, a.numOps);
  std::vector<uint32_t> best(stretches, none);
  std::vector<double> most(stretches, -1);
  double now = 0;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    now += live[at];
    uint32_t s = uint32_t(uint64_t(at) * stretches / a.numOps);
    double total = now + double(a.workingSet[at]);
    if (onDevice(at) && total > most[s]) {
      most[s] = total;
      best[s] = at;
    }
  }
  for (uint32_t op : best)
    if (op != none)
      critical.push_back(op);
}

void Dual::findReach() {
  uint32_t n = a.numOps;
  before.assign(n, 0);
  after.assign(n, 0);
  self.assign(n, 0);
  for (uint32_t j = 0; j < critical.size(); ++j)
    self[critical[j]] |= uint64_t(1) << j;
  if (!anyOrder) {
    uint64_t seen = 0;
    for (uint32_t at = 0; at < n; ++at) {
      before[at] = seen;
      seen |= self[at];
    }
    for (uint32_t at = 0; at < n; ++at)
      after[at] = seen & ~before[at] & ~self[at];
    return;
  }
  // Who must come before whom: writers before readers, readers of the old
  // content before those that update it.
  std::vector<std::vector<uint32_t>> from(n);
  std::vector<uint32_t> writer(a.cellBegin.back(), none);
  std::vector<std::vector<uint32_t>> readers(a.cellBegin.back());
  for (uint32_t at = 0; at < n; ++at)
    for (const Operand &o : a.operands[at])
      for (uint32_t c = a.cellBegin[o.storage]; c < a.cellBegin[o.storage + 1];
           ++c) {
        if (o.part >= 0 && c != a.cellBegin[o.storage] + uint32_t(o.part))
          continue;
        if (writer[c] != none && writer[c] != at)
          from[at].push_back(writer[c]);
        if (o.updated)
          for (uint32_t r : readers[c])
            if (r != at)
              from[at].push_back(r);
        if (o.updated || o.written) {
          writer[c] = at;
          readers[c].clear();
        } else {
          readers[c].push_back(at);
        }
      }
  for (uint32_t at = 0; at < n; ++at)
    for (uint32_t f : from[at])
      before[at] |= before[f] | self[f];
  for (uint32_t at = n; at-- > 0;)
    for (uint32_t f : from[at])
      after[f] |= after[at] | self[at];
}

/// What operator `at` needs at once. Bytes of parts are not rounded up, for a
/// whole that is there rounds up but once.
double Dual::needs(uint32_t at) const {
  double sum = double(a.workingSet[at]);
  for (const Operand &o : a.operands[at])
    if (o.part >= 0) {
      uint64_t raw = problem.storages[o.storage].partBytes(o.part);
      sum -= double(problem.aligned(raw) - raw);
    }
  return sum;
}

void Dual::addItem(uint32_t storage, uint32_t part, uint64_t mask) {
  const Storage &s = problem.storages[storage];
  Item item;
  item.mask = mask;
  // A storage without parts takes its bytes rounded up, in any plan.
  item.bytes = s.parts.empty() ? double(problem.aligned(s.bytes))
                               : double(s.partBytes(int32_t(part)));
  double bytes = double(s.partBytes(int32_t(part)));
  if (inRate > 0 && (outRate > 0 || s.kind == StorageKind::Fed))
    item.load = bytes / inRate;
  if (uint32_t p = a.producer[storage];
      s.kind == StorageKind::Temporary && p != none) {
    // One run makes all its results: each byte of them bears its share.
    double all = 0;
    for (const Operand &o : a.operands[p])
      if (o.written)
        all += double(problem.storages[o.storage].bytes);
    item.remake =
        double(problem.operators[p].costNs[0]) * (all > 0 ? bytes / all : 0);
  }
  items.push_back(item);
}

/// One group for each part of each storage: a part can move by itself.
void Dual::build() {
  std::vector<std::vector<uint32_t>> uses(a.cellBegin.back());
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (onDevice(at))
      for (const Operand &o : a.operands[at]) {
        uint32_t begin = a.cellBegin[o.storage];
        uint32_t end = a.cellBegin[o.storage + 1];
        if (o.part >= 0)
          begin += uint32_t(o.part), end = begin + 1;
        for (uint32_t c = begin; c < end; ++c)
          if (uses[c].empty() || uses[c].back() != at)
            uses[c].push_back(at);
      }
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    for (uint32_t k = 0; k < problem.storages[s].numParts(); ++k)
      if (!uses[a.cellBegin[s] + k].empty())
        buildPart(s, k, uses[a.cellBegin[s] + k]);
}

void Dual::buildPart(uint32_t s, uint32_t part,
                     const std::vector<uint32_t> &uses) {
  const Storage &storage = problem.storages[s];
  double bytes = double(storage.partBytes(int32_t(part)));
  Group group;
  group.begin = uint32_t(items.size());
  // Consecutive in every order: from the last link of the chain to the next use
  // with something certain between.
  uint32_t previous = uses.front();
  // An operator that accesses the part counts it among what it needs.
  uint64_t others = ~uint64_t(0);
  for (uint32_t use : uses)
    others &= ~self[use];
  for (uint32_t use : uses) {
    uint64_t mask = after[previous] & before[use] & others;
    if (mask == 0 && anyOrder)
      continue;
    if (mask)
      addItem(s, part, mask);
    previous = use;
  }
  if (storage.kind == StorageKind::Persistent) {
    // From one step's last use to the next step's first. Where there is one use
    // only, everything else comes between, whatever the order.
    uint64_t all = critical.size() < 64 ? (uint64_t(1) << critical.size()) - 1
                                        : ~uint64_t(0);
    uint64_t mask =
        uses.size() == 1 ? all : after[previous] | before[uses.front()];
    if ((mask &= others))
      addItem(s, part, mask);
  }
  if (storage.output)
    if (uint64_t mask = after[previous] & others) {
      addItem(s, part, mask);
      if (items.back().load > 0)
        items.back().load = 0; // it may stay away
    }
  if (storage.kind == StorageKind::Fed && storage.home.value_or(1) != 0 &&
      inRate > 0)
    fed += bytes / inRate;
  group.end = uint32_t(items.size());
  bool changed = storage.kind == StorageKind::Temporary;
  for (uint32_t u : a.updates[a.cellBegin[s] + part])
    changed |= onDevice(u);
  if (outRate > 0 && changed)
    group.store = bytes / outRate;
  if (group.end > group.begin)
    groups.push_back(group);
}

GapPrices Dual::solve(uint32_t iterations) {
  findRates();
  GapPrices best;
  best.boundNs = std::max(compute, 0.0);
  if (a.numOps == 0)
    return best;
  chooseCritical();
  findReach();
  build();
  best.critical = critical;
  best.price.assign(critical.size(), 0);
  best.boundNs = std::max(compute, fed);
  if (budgets[0] == unlimited)
    return best;
  // Steps of the ascent are in units of what the answer may be like: the
  // compute time, or the time to move everything that moves once.
  double moves = 0;
  for (const Item &item : items)
    moves += std::max(item.load, 0.0);
  climb(best, std::max(compute, 1.0), iterations);
  if (moves > 2 * compute)
    climb(best, moves, iterations);
  return best;
}

/// Projected subgradient ascent. Keeps the best prices on its way.
void Dual::climb(GapPrices &best, double scale, uint32_t iterations) {
  double room = double(budgets[0]);
  uint32_t m = uint32_t(critical.size());
  // In units of the budget and of the compute time.
  std::vector<double> price(m), slack(m), squares(m);
  double share[3] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
  double rateSquares = 0;
  if (inRate <= 0)
    share[0] = 1, share[1] = share[2] = 0;
  for (uint32_t k = 0; k < iterations; ++k) {
    double value = share[0] * compute / scale + share[1] * fed / scale;
    double use[3] = {compute / scale, fed / scale, 0};
    for (uint32_t j = 0; j < m; ++j) {
      slack[j] = needs(critical[j]) / room - 1;
      value += price[j] * slack[j];
    }
    for (const Group &g : groups) {
      // Once without a store, once with it.
      double without = 0, with = share[2] * g.store / scale;
      for (uint32_t i = g.begin; i < g.end; ++i) {
        const Item &item = items[i];
        double keep = 0;
        for (uint64_t rest = item.mask; rest; rest &= rest - 1)
          keep += price[std::countr_zero(rest)];
        keep *= item.bytes / room;
        double stay = item.remake >= 0
                          ? std::min(keep, share[0] * item.remake / scale)
                          : keep;
        without += stay;
        with += item.load >= 0 ? std::min(stay, share[1] * item.load / scale)
                               : stay;
      }
      bool stores = with < without;
      value += std::min(with, without);
      if (stores)
        use[2] += g.store / scale;
      for (uint32_t i = g.begin; i < g.end; ++i) {
        const Item &item = items[i];
        double keep = 0;
        for (uint64_t rest = item.mask; rest; rest &= rest - 1)
          keep += price[std::countr_zero(rest)];
        keep *= item.bytes / room;
        double remake =
            item.remake >= 0 ? share[0] * item.remake / scale : 1e300;
        double swap =
            stores && item.load >= 0 ? share[1] * item.load / scale : 1e300;
        if (swap < keep && swap <= remake) {
          use[1] += item.load / scale;
        } else if (remake < keep) {
          use[0] += item.remake / scale;
        } else {
          for (uint64_t rest = item.mask; rest; rest &= rest - 1)
            slack[std::countr_zero(rest)] += item.bytes / room;
        }
      }
    }
    if (value * scale > best.boundNs) {
      best.boundNs = value * scale;
      best.compute = share[0], best.in = share[1], best.out = share[2];
      for (uint32_t j = 0; j < m; ++j)
        best.price[j] = price[j] * scale / room;
    }
    double step = 0.5 / (1 + double(k) / 40);
    for (uint32_t j = 0; j < m; ++j) {
      squares[j] += slack[j] * slack[j];
      if (squares[j] > 0)
        price[j] =
            std::max(0.0, price[j] + step * slack[j] / std::sqrt(squares[j]));
    }
    if (inRate > 0) {
      double mean = share[0] * use[0] + share[1] * use[1] + share[2] * use[2];
      double sum = 0;
      for (int i = 0; i < 3; ++i)
        rateSquares += (use[i] - mean) * (use[i] - mean);
      for (int i = 0; i < 3; ++i) {
        share[i] *= std::exp(std::clamp(
            2 * (use[i] - mean) / std::sqrt(rateSquares + 1e-9), -2.0, 2.0));
        share[i] = std::max(share[i], 1e-9);
        sum += share[i];
      }
      for (double &s : share)
        s /= sum;
    }
  }
}

} // namespace

GapPrices spillway::planner::priceGaps(const Analysis &analysis,
                                       const std::vector<uint64_t> &budgets,
                                       bool anyOrder, uint32_t iterations) {
  return Dual(analysis, budgets, anyOrder).solve(iterations);
}
