//===- GapProgram.cpp - The linear program over gaps ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapProgram.h"

#include "Precedence.h"
#include "spillway/Planner/Repeats.h"

#include <algorithm>
#include <bit>
#include <tuple>

using namespace spillway::planner;

namespace {

constexpr uint32_t maxPivots = 64, maxExtras = 16;

class Builder {
public:
  Builder(const Analysis &a, bool anyOrder)
      : a(a), problem(a.problem), anyOrder(anyOrder) {}
  GapProgram build();

private:
  bool onDevice(uint32_t op) const { return runsOnDevice(problem, op); }
  /// Its time is the first engine's, whatever the plan.
  bool onFirstEngine(uint32_t op) const { return runsOnFirstOnly(problem, op); }
  int32_t count() const { return int32_t(program.pivots.size()); }
  /// The first pivot that comes after an operator in every order, or `count`.
  int32_t firstAfter(uint32_t op) const {
    return after[op] ? std::countr_zero(after[op]) : count();
  }
  /// The last pivot that comes before it, or -1.
  int32_t lastBefore(uint32_t op) const {
    return 63 - std::countl_zero(before[op]);
  }
  int32_t lowWindow(uint32_t op) const {
    return self[op] ? std::countr_zero(self[op]) : lastBefore(op);
  }
  int32_t highWindow(uint32_t op) const {
    return self[op] ? std::countr_zero(self[op]) : firstAfter(op) - 1;
  }

  /// Windows in which other repetitions do what `op` does: pivots of their own
  /// repetition say nothing of them.
  WindowWork elsewhere(uint32_t op) const {
    uint64_t apart = ~inRepeat[uint32_t(repeatOf[op])];
    return {63 - std::countl_zero(before[op] & apart),
            after[op] & apart ? std::countr_zero(after[op] & apart) - 1
                              : count() - 1,
            double(problem.operators[op].costNs[0])};
  }
  double others(int32_t repeat) const {
    return repeat < 0 ? 0 : otherRepetitions[uint32_t(repeat)];
  }

  std::vector<bool> longestPath() const;
  void choosePivots();
  void findReach();
  void addPart(uint32_t storage, uint32_t part,
               const std::vector<uint32_t> &uses);
  void addFloating(uint32_t storage, uint32_t part, uint32_t user);
  int32_t nextStepAfter(uint32_t op) const;
  bool addItem(uint32_t storage, uint32_t part, uint32_t from, GapItem item,
               uint64_t users, uint32_t extraUsers);

  const Analysis &a;
  const Problem &problem;
  bool anyOrder;
  GapProgram program;
  double inRate = 0, outRate = 0;          ///< bytes a ns, all links together
  std::vector<std::vector<uint32_t>> from; ///< who must come before
  std::vector<uint32_t> writer;            ///< by cell, of temporaries
  // By operator: pivots (then extras) that surely come before or after it, and
  // its own bit if it is one.
  std::vector<uint64_t> before, after, self;
  std::vector<uint32_t> beforeX, afterX, selfX;
  std::vector<int32_t> repeatOf;        ///< by operator, or -1
  std::vector<int32_t> repeatOfStorage; ///< likewise
  std::vector<uint64_t> inRepeat;       ///< by repeat: its pivots
  std::vector<double> otherRepetitions; ///< by repeat
};

/// By operator: it is on the chain of operators that takes longest.
std::vector<bool> Builder::longestPath() const {
  std::vector<int64_t> length(a.numOps);
  std::vector<uint32_t> previous(a.numOps, none);
  uint32_t last = 0;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    for (uint32_t f : from[at])
      if (length[f] > length[at] ||
          (length[f] == length[at] && previous[at] == none))
        length[at] = length[f], previous[at] = f;
    length[at] += problem.operators[at].costNs[0] + 1;
    if (length[at] > length[last])
      last = at;
  }
  std::vector<bool> on(a.numOps);
  for (uint32_t at = last; at != none; at = previous[at])
    on[at] = true;
  return on;
}

/// The operators with most live bytes, spread over the step.
void Builder::choosePivots() {
  std::vector<double> change(a.numOps + 1), total(a.numOps);
  for (const Gap &g : a.gaps) {
    double bytes = double(a.slotBytes[g.slot]);
    if (!g.wraps) {
      if (g.from + 1 < g.to) {
        change[g.from + 1] += bytes;
        change[std::min(g.to, a.numOps)] -= bytes;
      }
    } else {
      change[0] += bytes;
      change[g.to - a.numOps] -= bytes;
      change[g.from + 1] += bytes;
    }
  }
  double now = 0;
  for (uint32_t at = 0; at < a.numOps; ++at)
    total[at] = (now += change[at]) + double(a.workingSet[at]);
  auto choose = [&](uint32_t count, auto allowed, std::vector<uint32_t> &out) {
    count = std::min(count, a.numOps);
    std::vector<uint32_t> best(count, none);
    for (uint32_t at = 0; at < a.numOps; ++at) {
      uint32_t &b = best[uint64_t(at) * count / a.numOps];
      if (onFirstEngine(at) && allowed(at) &&
          (b == none || total[at] > total[b]))
        b = at;
    }
    for (uint32_t op : best)
      if (op != none)
        out.push_back(op);
  };
  if (!anyOrder) {
    choose(maxPivots, [](uint32_t) { return true; }, program.pivots);
    return;
  }
  std::vector<bool> on = longestPath();
  choose(maxPivots, [&](uint32_t at) { return on[at]; }, program.pivots);
  for (uint32_t p : program.pivots)
    on[p] = true;
  choose(
      maxExtras,
      [&](uint32_t at) {
        return !std::binary_search(program.pivots.begin(), program.pivots.end(),
                                   at);
      },
      program.extras);
}

void Builder::findReach() {
  uint32_t n = a.numOps;
  before.assign(n, 0);
  after.assign(n, 0);
  self.assign(n, 0);
  beforeX.assign(n, 0);
  afterX.assign(n, 0);
  selfX.assign(n, 0);
  for (uint32_t j = 0; j < program.pivots.size(); ++j)
    self[program.pivots[j]] |= uint64_t(1) << j;
  for (uint32_t j = 0; j < program.extras.size(); ++j)
    selfX[program.extras[j]] |= uint32_t(1) << j;
  if (!anyOrder) {
    uint64_t seen = 0;
    for (uint32_t at = 0; at < n; ++at) {
      before[at] = seen;
      // Another engine waits for what it needs only.
      if (!onFirstEngine(at)) {
        before[at] = 0;
        for (uint32_t f : from[at])
          before[at] |= before[f] | self[f];
      }
      seen |= self[at];
    }
    for (uint32_t at = 0; at < n; ++at)
      after[at] = seen & ~before[at] & ~self[at];
    return;
  }
  for (uint32_t at = 0; at < n; ++at)
    for (uint32_t f : from[at]) {
      before[at] |= before[f] | self[f];
      beforeX[at] |= beforeX[f] | selfX[f];
    }
  for (uint32_t at = n; at-- > 0;)
    for (uint32_t f : from[at]) {
      after[f] |= after[at] | self[at];
      afterX[f] |= afterX[at] | selfX[at];
    }
}

/// An operator that accesses the part (`users`) counts it in its own need: such
/// pivots are cut off.
bool Builder::addItem(uint32_t storage, uint32_t part, uint32_t first,
                      GapItem item, uint64_t users, uint32_t extraUsers) {
  item.loose &= ~users;
  item.extras &= ~extraUsers;
  int32_t bestFrom = 0, bestTo = -1;
  for (int32_t j = item.firstPivot, begin = j; j <= item.lastPivot + 1; ++j)
    if (j > item.lastPivot || users >> program.wrap(j) & 1) {
      if (j - 1 - begin > bestTo - bestFrom)
        bestFrom = begin, bestTo = j - 1;
      begin = j + 1;
    }
  if (bestFrom > bestTo)
    bestFrom = item.toWindow + 1, bestTo = item.toWindow;
  item.firstPivot = bestFrom, item.lastPivot = bestTo;
  if (bestFrom > bestTo && !item.loose && !item.extras)
    return false;
  const Storage &s = problem.storages[storage];
  item.bytes = cellBytes(a, storage, part);
  double bytes = double(s.partBytes(int32_t(part)));
  if (inRate > 0 && (outRate > 0 || s.kind != StorageKind::Temporary))
    item.load = bytes / inRate;
  uint32_t cell = a.cellBegin[storage] + part;
  // What has been updated cannot be made again.
  bool updated = !a.updates[cell].empty() && a.updates[cell].front() <= first;
  if (uint32_t p = writer[cell];
      p != none && problem.operators[p].recomputable && !updated) {
    // One run makes all its results: each byte of them bears its share.
    double all = 0;
    for (const Operand &o : a.operands[p])
      if (o.written)
        all += double(problem.storages[o.storage].partBytes(o.part));
    item.remake = onFirstEngine(p) && all > 0
                      ? double(problem.operators[p].costNs[0]) * bytes / all
                      : 0;
  }
  item.cell = cell;
  item.from = first;
  program.items.push_back(item);
  return true;
}

void Builder::addPart(uint32_t s, uint32_t part,
                      const std::vector<uint32_t> &uses) {
  const Storage &storage = problem.storages[s];
  double bytes = double(storage.partBytes(int32_t(part)));
  int32_t k = count();
  GapItems group;
  group.begin = uint32_t(program.items.size());
  uint64_t users = 0;
  uint32_t extraUsers = 0;
  for (uint32_t use : uses)
    users |= self[use], extraUsers |= selfX[use];
  // Consecutive in every order: from the last link of the chain to the next use
  // with something certain between.
  uint32_t previous = uses.front();
  for (uint32_t use : uses) {
    GapItem item;
    item.firstPivot = firstAfter(previous);
    item.lastPivot = lastBefore(use);
    item.fromWindow = lowWindow(previous);
    item.toWindow = self[use] ? lowWindow(use) - 1 : highWindow(use);
    item.extras = afterX[previous] & beforeX[use];
    if (item.firstPivot <= item.lastPivot || item.extras) {
      if (addItem(s, part, previous, item, users, extraUsers) &&
          previous == uses.front() && storage.kind == StorageKind::Temporary &&
          uses.front() == writer[a.cellBegin[s] + part])
        group.dirty = uint32_t(program.items.size()) - 1;
      previous = use;
    } else if (!anyOrder) {
      previous = use;
    }
  }
  auto updated = [&](uint32_t at) {
    const auto &u = a.updates[a.cellBegin[s] + part];
    return std::binary_search(u.begin(), u.end(), at) && onDevice(at);
  };
  if (storage.kind == StorageKind::Persistent) {
    // From one step's last use to the next step's first.
    GapItem item;
    item.firstPivot = firstAfter(previous);
    item.lastPivot = k + lastBefore(uses.front());
    item.fromWindow = lowWindow(previous);
    item.toWindow = k + (self[uses.front()] ? lowWindow(uses.front()) - 1
                                            : highWindow(uses.front()));
    uint64_t all = k < 64 ? (uint64_t(1) << k) - 1 : ~uint64_t(0);
    // Where there is one use only, everything else comes between, whatever the
    // order.
    if (uses.size() == 1)
      item.loose = all & ~after[previous] & ~before[previous] & ~self[previous];
    item.extras = uses.size() == 1 ? (uint32_t(1) << program.extras.size()) - 1
                                   : afterX[previous] | beforeX[uses.front()];
    if (addItem(s, part, previous, item, users, extraUsers) &&
        updated(previous))
      group.dirty = uint32_t(program.items.size()) - 1;
  }
  // Of other repetitions' it is none.
  if (storage.output && others(repeatOfStorage[s]) == 0) {
    GapItem item;
    item.firstPivot = firstAfter(previous);
    item.lastPivot = item.toWindow = k - 1;
    item.fromWindow = lowWindow(previous);
    item.extras = afterX[previous];
    if (addItem(s, part, previous, item, users, extraUsers) &&
        program.items.back().load > 0)
      program.items.back().load = 0; // it may stay away
  }
  if (storage.kind == StorageKind::Fed && storage.home.value_or(1) != 0 &&
      inRate > 0)
    program.fed += bytes / inRate * (1 + others(repeatOfStorage[s]));
  group.end = uint32_t(program.items.size());
  // What is made elsewhere need not be stored.
  bool changed = storage.kind == StorageKind::Temporary &&
                 onDevice(writer[a.cellBegin[s] + part]);
  for (uint32_t u : a.updates[a.cellBegin[s] + part])
    changed |= onDevice(u);
  if (outRate > 0 && changed)
    group.store = bytes / outRate;
  if (group.end == group.begin)
    return;
  if (int32_t r = repeatOfStorage[s]; others(r) > 0) {
    group.others = others(r);
    std::pair<int32_t, int32_t> range{k, -1};
    for (uint32_t use : uses) {
      WindowWork w = elsewhere(use);
      range.first = std::min(range.first, w.from);
      range.second = std::max(range.second, w.to);
    }
    auto at = std::find(program.ranges.begin(), program.ranges.end(), range);
    group.range = uint32_t(at - program.ranges.begin());
    if (at == program.ranges.end())
      program.ranges.push_back(range);
  }
  program.groups.push_back(group);
}

/// The first pivot of the next step that comes after an operator of this one,
/// on whichever engine that runs: what it changes is used before. Or `count`.
int32_t Builder::nextStepAfter(uint32_t op) const {
  int32_t first = count();
  for (const Operand &o : a.operands[op]) {
    if (!o.updated)
      continue;
    for (uint32_t use : a.uses[a.slot(o.storage, o.part)])
      if (use != op && onFirstEngine(use))
        first = std::min(first, self[use] ? lowWindow(use) : firstAfter(use));
  }
  return first;
}

/// A persistent part that only one operator uses, which may run beside the
/// first engine, so even when the next step has begun. At some pivots it is
/// then not known which of two gaps they lie in.
void Builder::addFloating(uint32_t s, uint32_t part, uint32_t user) {
  int32_t k = count(), first = nextStepAfter(user), last = lastBefore(user);
  GapItems group;
  group.begin = uint32_t(program.items.size());
  GapItem item;
  item.firstPivot = first;
  item.lastPivot = last;
  item.fromWindow = std::max(last, 0) - k;
  item.toWindow = last + k;
  item.loose = k < 64 ? (uint64_t(1) << k) - 1 : ~uint64_t(0);
  for (int32_t j = first; j <= last; ++j)
    item.loose &= ~(uint64_t(1) << j);
  item.extras = (uint32_t(1) << program.extras.size()) - 1;
  if (!addItem(s, part, user, item, 0, 0))
    return;
  const auto &updates = a.updates[a.cellBegin[s] + part];
  if (outRate > 0 && std::binary_search(updates.begin(), updates.end(), user)) {
    group.dirty = group.begin;
    group.store =
        double(problem.storages[s].partBytes(int32_t(part))) / outRate;
  }
  group.end = uint32_t(program.items.size());
  program.groups.push_back(group);
}

GapProgram Builder::build() {
  for (const Link &l : problem.machine.links) {
    inRate += l.to == 0 ? double(l.bytesPerSecond) / 1e9 : 0;
    outRate += l.from == 0 ? double(l.bytesPerSecond) / 1e9 : 0;
  }
  program.links = inRate > 0;
  program.oneWire = inRate > 0 && outRate > 0;
  uint32_t wire = 0;
  for (const Link &l : problem.machine.links) {
    if (l.to != 0 && l.from != 0)
      continue;
    program.oneWire &= l.group != 0 && (wire == 0 || l.group == wire);
    wire = l.group;
  }
  from = predecessors(a);
  choosePivots();
  findReach();
  repeatOf.assign(a.numOps, -1);
  repeatOfStorage = repeatOfStorages(problem);
  for (uint32_t r = 0; r < problem.repeats.size(); ++r) {
    uint64_t own = 0;
    for (uint32_t at = problem.repeats[r].first; at <= problem.repeats[r].last;
         ++at)
      repeatOf[at] = int32_t(r), own |= self[at];
    inRepeat.push_back(own);
    otherRepetitions.push_back(double(problem.repeats[r].count) - 1);
  }
  // Only one repetition has made what others use: no other is like it.
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Operand &o : a.operands[at])
      if (int32_t r = repeatOfStorage[o.storage]; r >= 0 && r != repeatOf[at])
        otherRepetitions[uint32_t(r)] = 0;
  for (auto *list : {&program.pivots, &program.extras})
    for (uint32_t op : *list)
      program.need.push_back(cellNeed(a, op));
  // Work by window; most operators lie in the same few.
  std::vector<WindowWork> work;
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (onFirstEngine(at)) {
      work.push_back({lowWindow(at), highWindow(at),
                      double(problem.operators[at].costNs[0])});
      if (double n = others(repeatOf[at]); n > 0) {
        work.push_back(elsewhere(at));
        work.back().ns *= n;
      }
    }
  std::sort(
      work.begin(), work.end(), [](const WindowWork &x, const WindowWork &y) {
        return std::tuple(x.from, x.to, x.ns) < std::tuple(y.from, y.to, y.ns);
      });
  for (const WindowWork &w : work) {
    if (!program.work.empty() && program.work.back().from == w.from &&
        program.work.back().to == w.to)
      program.work.back().ns += w.ns;
    else
      program.work.push_back(w);
  }
  writer.assign(a.cellBegin.back(), none);
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Operand &o : a.operands[at])
      for (uint32_t c = a.cellBegin[o.storage];
           o.written && c < a.cellBegin[o.storage + 1]; ++c)
        if (o.part < 0 || c == a.cellBegin[o.storage] + uint32_t(o.part))
          writer[c] = at;
  std::vector<std::vector<uint32_t>> uses(a.cellBegin.back()), floating(uses);
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (onDevice(at))
      for (const Operand &o : a.operands[at]) {
        uint32_t begin = a.cellBegin[o.storage];
        uint32_t end = a.cellBegin[o.storage + 1];
        if (o.part >= 0)
          begin += uint32_t(o.part), end = begin + 1;
        auto &list = onFirstEngine(at) ? uses : floating;
        for (uint32_t c = begin; c < end; ++c)
          if (list[c].empty() || list[c].back() != at)
            list[c].push_back(at);
      }
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    for (uint32_t k = 0; k < problem.storages[s].numParts(); ++k)
      if (uint32_t c = a.cellBegin[s] + k; !uses[c].empty())
        addPart(s, k, uses[c]);
      else if (floating[c].size() == 1 && !program.pivots.empty() &&
               problem.storages[s].kind == StorageKind::Persistent)
        addFloating(s, k, floating[c][0]);
  return std::move(program);
}

} // namespace

GapProgram spillway::planner::buildGapProgram(const Analysis &analysis,
                                              bool anyOrder) {
  return Builder(analysis, anyOrder).build();
}
