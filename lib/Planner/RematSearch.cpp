//===- RematSearch.cpp - Annealing over recompute and order -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RematSearch.h"

#include "LoadTree.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

namespace {

/// The same numbers on every machine.
struct Random {
  uint64_t state;
  explicit Random(uint64_t seed)
      : state(seed * 0x9e3779b97f4a7c15u + 88172645463325252u) {}
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  uint32_t below(uint32_t n) { return uint32_t((next() >> 32) * n >> 32); }
  double unit() { return double(next() >> 11) * 0x1p-53; }
};

/// A slot at which a storage is made or read.
struct Event {
  uint32_t slot;
  bool makes;
  bool operator<(const Event &o) const { return slot < o.slot; }
};

class Search {
public:
  Search(const Analysis &a, uint64_t budget, const RematOptions &options)
      : a(a), problem(a.problem), options(options), random(options.seed),
        spread(a.numOps > 4000 ? 4 : 6), numSlots(a.numOps * spread + 1),
        tree(numSlots + 1, std::max(1.0, double(budget) * 0.01)) {
    limit = double(budget);
  }

  std::vector<uint32_t> run(const std::vector<uint32_t> &start);

private:
  struct Life {
    uint32_t begin, end;
  };
  void fill(const std::vector<uint32_t> &sequence);
  Life life(uint32_t s, size_t maker) const;
  void addLife(uint32_t s, size_t maker, double sign);
  void addEvent(uint32_t s, uint32_t slot, bool makes);
  void removeEvent(uint32_t s, uint32_t slot);
  void place(uint32_t op, uint32_t slot);
  void unplace(uint32_t slot);
  bool inputsThere(uint32_t op, uint32_t slot) const;
  bool neededFrom(uint32_t slot) const;
  uint32_t emptyNear(uint32_t slot, uint32_t low, uint32_t high);
  bool tryInsert();
  bool tryRemove();
  bool tryMove();
  bool accept();
  double energy() const {
    double peak = tree.maximum();
    if (peak > limit)
      peak = std::max(peak, tree.softMaximum());
    return cost / base * (std::max(peak, limit) / limit);
  }

  const Analysis &a;
  const Problem &problem;
  const RematOptions &options;
  Random random;
  uint32_t spread, numSlots;
  LoadTree tree;
  double limit = 0, base = 1, cost = 0, now = 0, temperature = 0;
  std::vector<std::vector<Event>> events;    ///< by storage
  std::vector<uint32_t> at;                  ///< by slot: operator or none
  std::vector<std::vector<uint32_t>> places; ///< by operator: slots, ascending
  std::vector<uint32_t> again;               ///< slots of recomputations
  std::vector<uint32_t> againIndex;          ///< by slot, into `again`
  std::vector<std::vector<uint32_t>> reads, writes; ///< by operator
};

/// The life that begins with the maker at index `maker` of a storage's events.
Search::Life Search::life(uint32_t s, size_t maker) const {
  const auto &list = events[s];
  Life out{list[maker].slot, list[maker].slot};
  size_t i = maker + 1;
  for (; i < list.size() && !list[i].makes; ++i)
    out.end = list[i].slot;
  if (i == list.size() && problem.storages[s].output)
    out.end = numSlots;
  return out;
}

void Search::addLife(uint32_t s, size_t maker, double sign) {
  Life l = life(s, maker);
  tree.add(l.begin, l.end, sign * double(a.slotBytes[a.slot(s, -1)]));
}

void Search::addEvent(uint32_t s, uint32_t slot, bool makes) {
  auto &list = events[s];
  size_t i =
      size_t(std::lower_bound(list.begin(), list.end(), Event{slot, makes}) -
             list.begin());
  size_t before = i; // the maker whose life the event falls into
  while (before > 0 && !list[before - 1].makes)
    --before;
  if (before > 0)
    addLife(s, before - 1, -1);
  list.insert(list.begin() + i, {slot, makes});
  if (before > 0)
    addLife(s, before - 1, 1);
  if (makes)
    addLife(s, i, 1);
}

void Search::removeEvent(uint32_t s, uint32_t slot) {
  auto &list = events[s];
  size_t i =
      size_t(std::lower_bound(list.begin(), list.end(), Event{slot, false}) -
             list.begin());
  bool makes = list[i].makes;
  size_t before = i;
  while (before > 0 && !list[before - 1].makes)
    --before;
  if (makes)
    addLife(s, i, -1);
  if (before > 0)
    addLife(s, before - 1, -1);
  list.erase(list.begin() + i);
  if (before > 0)
    addLife(s, before - 1, 1);
}

void Search::place(uint32_t op, uint32_t slot) {
  at[slot] = op;
  for (uint32_t s : writes[op])
    addEvent(s, slot, true);
  for (uint32_t s : reads[op])
    addEvent(s, slot, false);
  if (uint64_t w = problem.operators[op].workspace)
    tree.add(slot, slot, double(problem.aligned(w)));
  auto &list = places[op];
  list.insert(std::lower_bound(list.begin(), list.end(), slot), slot);
  againIndex[slot] = uint32_t(again.size());
  again.push_back(slot);
  cost += double(problem.operators[op].costNs[0]);
}

void Search::unplace(uint32_t slot) {
  uint32_t op = at[slot];
  at[slot] = none;
  for (uint32_t s : reads[op])
    removeEvent(s, slot);
  for (uint32_t s : writes[op])
    removeEvent(s, slot);
  if (uint64_t w = problem.operators[op].workspace)
    tree.add(slot, slot, -double(problem.aligned(w)));
  auto &list = places[op];
  list.erase(std::lower_bound(list.begin(), list.end(), slot));
  uint32_t i = againIndex[slot];
  again[i] = again.back();
  againIndex[again[i]] = i;
  again.pop_back();
  cost -= double(problem.operators[op].costNs[0]);
}

void Search::fill(const std::vector<uint32_t> &sequence) {
  events.assign(problem.storages.size(), {});
  at.assign(numSlots, none);
  places.assign(a.numOps, {});
  againIndex.assign(numSlots, none);
  reads.resize(a.numOps);
  writes.resize(a.numOps);
  for (uint32_t op = 0; op < a.numOps; ++op) {
    base += double(problem.operators[op].costNs[0]);
    for (const Operand &o : a.operands[op]) {
      bool fixed = problem.storages[o.storage].kind != StorageKind::Temporary;
      if (fixed)
        continue; // always there
      // An operator that reads what it writes needs it from before.
      (o.written ? writes : reads)[op].push_back(o.storage);
    }
  }
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    if (problem.storages[s].kind != StorageKind::Temporary)
      tree.add(0, numSlots, double(a.slotBytes[a.slot(s, -1)]));
  for (size_t i = 0; i < sequence.size(); ++i)
    place(sequence[i], uint32_t(i * uint64_t(numSlots - 1) / sequence.size()));
}

/// Each operand is made at some slot before.
bool Search::inputsThere(uint32_t op, uint32_t slot) const {
  for (uint32_t s : reads[op])
    if (events[s].empty() || events[s].front().slot >= slot)
      return false;
  return true;
}

/// Whether a use would be left without any maker before it, were the operator
/// at `slot` not there.
bool Search::neededFrom(uint32_t slot) const {
  for (uint32_t s : writes[at[slot]]) {
    const auto &list = events[s];
    if (list.front().slot != slot)
      continue;
    if (list.size() == 1 || !list[1].makes)
      return true;
  }
  return false;
}

/// An empty slot in [low, high), looking from `slot` to both sides.
uint32_t Search::emptyNear(uint32_t slot, uint32_t low, uint32_t high) {
  for (uint32_t d = 0; d < 64; ++d) {
    if (slot >= low + d && slot - d < high && at[slot - d] == none)
      return slot - d;
    if (slot + d >= low && slot + d < high && at[slot + d] == none)
      return slot + d;
  }
  return none;
}

bool Search::accept() {
  double e = energy();
  if (e <= now || random.unit() < std::exp((now - e) / temperature)) {
    now = e;
    return true;
  }
  return false;
}

/// Makes a storage again shortly before one of its uses.
bool Search::tryInsert() {
  uint32_t op = random.below(a.numOps);
  if (!problem.operators[op].recomputable || writes[op].empty())
    return false;
  uint32_t s = writes[op][random.below(uint32_t(writes[op].size()))];
  const auto &list = events[s];
  const Event &use = list[random.below(uint32_t(list.size()))];
  uint32_t high = use.makes ? numSlots : use.slot;
  if (use.makes)
    return false;
  // Near the use, mostly.
  uint32_t reach = 1u << random.below(10);
  uint32_t back = random.below(reach) + 1;
  uint32_t first = places[op].front();
  uint32_t low = options.fixedOrder ? first + 1 : 0;
  if (high <= low)
    return false;
  uint32_t slot = emptyNear(high > back ? high - back : low, low, high);
  if (slot == none || !inputsThere(op, slot))
    return false;
  place(op, slot);
  if (accept())
    return true;
  unplace(slot);
  return false;
}

bool Search::tryRemove() {
  if (again.empty())
    return false;
  uint32_t slot = again[random.below(uint32_t(again.size()))];
  uint32_t op = at[slot];
  if (places[op].size() < 2 || neededFrom(slot) ||
      (options.fixedOrder && places[op].front() == slot))
    return false;
  unplace(slot);
  if (accept())
    return true;
  place(op, slot);
  return false;
}

bool Search::tryMove() {
  uint32_t slot = again[random.below(uint32_t(again.size()))];
  uint32_t op = at[slot];
  uint32_t low = 0, high = numSlots;
  if (options.fixedOrder) {
    if (places[op].front() == slot) {
      low = op > 0 ? places[op - 1].front() + 1 : 0;
      high = op + 1 < a.numOps ? places[op + 1].front() : numSlots;
    } else {
      low = places[op].front() + 1;
    }
  }
  // Not before what it reads is made, nor after what reads it alone.
  for (uint32_t s : reads[op])
    low = std::max(low, events[s].front().slot + 1);
  for (uint32_t s : writes[op]) {
    const auto &list = events[s];
    if (list.front().slot == slot && list.size() > 1)
      high = std::min(high, list[1].slot);
  }
  if (low >= high)
    return false;
  uint32_t target;
  if (random.below(4) == 0) {
    target = low + random.below(high - low);
  } else {
    uint32_t reach = 1u << random.below(12);
    uint32_t d = random.below(reach) + 1;
    target = random.below(2) ? slot + d : (slot > d ? slot - d : 0);
    target = std::clamp(target, low, high - 1);
  }
  uint32_t to = emptyNear(target, low, high);
  if (to == none)
    return false;
  unplace(slot);
  place(op, to);
  if (accept())
    return true;
  unplace(to);
  place(op, slot);
  return false;
}

std::vector<uint32_t> Search::run(const std::vector<uint32_t> &start) {
  fill(start);
  now = energy();
  std::vector<uint32_t> best;
  double bestCost = 1e300;
  auto keep = [&] {
    if (tree.maximum() > limit || cost >= bestCost)
      return;
    bestCost = cost;
    best.clear();
    for (uint32_t op : at)
      if (op != none)
        best.push_back(op);
  };
  keep();
  double hot = 1e-2, cold = 1e-5;
  bool dirty = false;
  for (uint64_t k = 0; k < options.moves; ++k) {
    if (k % 256 == 0 && options.deadline &&
        std::chrono::steady_clock::now() >= *options.deadline)
      break;
    if (k % 256 == 0)
      temperature =
          hot * std::pow(cold / hot, double(k) / double(options.moves));
    uint32_t kind = random.below(8);
    dirty |= kind < 3 ? tryInsert() : kind < 5 ? tryRemove() : tryMove();
    // Copying a sequence costs more than a move: not after every one.
    if (dirty && (k % 64 == 0 || k + 1 == options.moves)) {
      keep();
      dirty = false;
    }
  }
  keep();
  return best;
}

} // namespace

bool spillway::planner::canSearchRemat(const Problem &problem) {
  if (problem.machine.tiers.size() != 1)
    return false;
  for (const Storage &s : problem.storages)
    if (!s.parts.empty() || s.kind == StorageKind::Fed)
      return false;
  std::vector<uint32_t> makers(problem.storages.size());
  for (const Operator &op : problem.operators) {
    if (!op.updates.empty())
      return false;
    for (const Access &w : op.writes)
      ++makers[w.storage];
  }
  return std::all_of(makers.begin(), makers.end(),
                     [](uint32_t n) { return n < 2; });
}

std::vector<uint32_t>
spillway::planner::searchRemat(const Analysis &analysis, uint64_t budget,
                               const RematOptions &options,
                               const std::vector<uint32_t> &start) {
  std::vector<uint32_t> sequence = start;
  if (sequence.empty())
    for (uint32_t op = 0; op < analysis.numOps; ++op)
      sequence.push_back(op);
  return Search(analysis, budget, options).run(sequence);
}

Plan spillway::planner::planOfSequence(const Analysis &a,
                                       const std::vector<uint32_t> &sequence) {
  Plan plan;
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s)
    if (a.problem.storages[s].kind == StorageKind::Persistent)
      plan.initial.push_back({s, -1, 0});
  // Backwards: a storage dies with the last read before it is made again.
  std::vector<bool> wanted(a.problem.storages.size());
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s)
    wanted[s] = a.problem.storages[s].output;
  std::vector<std::vector<uint32_t>> dies(sequence.size());
  for (size_t i = sequence.size(); i-- > 0;) {
    const auto &operands = a.operands[sequence[i]];
    for (const Operand &o : operands) {
      if (a.problem.storages[o.storage].kind != StorageKind::Temporary)
        continue;
      if (!wanted[o.storage])
        dies[i].push_back(o.storage);
      wanted[o.storage] = !o.written;
    }
  }
  for (size_t i = 0; i < sequence.size(); ++i) {
    plan.actions.push_back(Action::run(sequence[i]));
    for (uint32_t s : dies[i])
      plan.actions.push_back(Action::free(s, -1, 0));
  }
  return plan;
}
