//===- GapProgram.cpp - The linear program over gaps ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapBuilder.h"
#include "spillway/Planner/Repeats.h"

#include <algorithm>
#include <tuple>

using namespace spillway::planner;

/// An operator that accesses the part (`users`) counts it in its own need: such
/// pivots are cut off.
bool GapBuilder::addItem(uint32_t storage, uint32_t part, uint32_t first,
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
  item.storeFrom = item.fromWindow;
  if (uint32_t p = writer[cell]; p != none && !updated) {
    // One run makes all its results: each byte of them bears its share.
    Again again = runAgain(p);
    double all = writtenBytes(p);
    if (again.possible)
      item.remake = all > 0 ? again.ns * bytes / all : 0;
    if (again.ns > 0)
      item.storeFrom = std::min(item.storeFrom, again.from);
  }
  item.cell = cell;
  item.from = first;
  program.items.push_back(item);
  return true;
}

void GapBuilder::addPart(uint32_t s, uint32_t part,
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
          uses.front() == writer[a.cellBegin[s] + part]) {
        group.dirty = uint32_t(program.items.size()) - 1;
        group.heldFrom = program.items.back().firstPivot;
      }
      previous = use;
    } else if (!anyOrder) {
      previous = use;
    }
  }
  // The last update comes at the wrapping gap's begin or, whatever runs it, in
  // it.
  const auto &updates = a.updates[a.cellBegin[s] + part];
  uint32_t last = updates.empty() ? none : updates.back();
  uint32_t beside = none; // it may run when the next step has begun
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
    if (addItem(s, part, previous, item, users, extraUsers) && last != none &&
        last >= previous && (onDevice(last) || onEither(last))) {
      const GapItem &wrap = program.items.back();
      int32_t from =
          std::max(wrap.firstPivot, last == previous      ? 0
                                    : onFirstEngine(last) ? firstAfter(last)
                                                          : k);
      if (last == previous || from <= wrap.lastPivot) {
        group.dirty = uint32_t(program.items.size()) - 1;
        group.heldFrom = from;
      }
      if (!onFirstEngine(last))
        beside = last;
    }
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
  for (uint32_t u : updates)
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
  if (beside != none && group.dirty != none && updates.size() == 1 &&
      hasUpdate(beside)) {
    group.store = bytes / outRate;
    updateOf(beside).groups.push_back(group);
    return;
  }
  if (beside != none)
    group.dirty = none;
  program.groups.push_back(group);
}

/// The first pivot of the next step that comes after an operator of this one,
/// on whichever engine that runs: what it changes is used before. Or `count`.
int32_t GapBuilder::nextStepAfter(uint32_t op) const {
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
void GapBuilder::addFloating(uint32_t s, uint32_t part, uint32_t user) {
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

/// It has windows of its own.
bool GapBuilder::hasUpdate(uint32_t op) const {
  return program.loadNs > 0 && program.storeNs > 0 && !program.pivots.empty() &&
         !self[op] && others(repeatOf[op]) == 0;
}

GapUpdate &GapBuilder::updateOf(uint32_t op) {
  if (updateIndex[op] != none)
    return program.updates[updateIndex[op]];
  updateIndex[op] = uint32_t(program.updates.size());
  GapUpdate &u = program.updates.emplace_back();
  u.from = lastBefore(op);
  u.to = onFirstEngine(op) ? firstAfter(op) - 1 : count() - 1;
  u.extras = ((uint32_t(1) << program.extras.size()) - 1) & ~selfX[op];
  if (onFirstEngine(op))
    return u;
  u.late = nextStepAfter(op) - 1;
  u.either = onEither(op);
  u.ns = double(problem.operators[op].costNs[0]);
  u.sentFrom = count();
  // What it alone waits for, made and changed on the first engine.
  for (const Operand &o : a.operands[op]) {
    const Storage &s = problem.storages[o.storage];
    if (s.kind != StorageKind::Temporary || o.written || o.updated)
      continue;
    for (uint32_t part = 0; part < s.numParts(); ++part) {
      uint32_t c = a.cellBegin[o.storage] + part;
      if ((o.part >= 0 && uint32_t(o.part) != part) ||
          floating[c].size() + either[c].size() != 1)
        continue;
      if (writer[c] == none || !onFirstEngine(writer[c]))
        continue;
      if (!u.either) {
        u.gradient += double(s.partBytes(int32_t(part)));
      } else if (!s.output && !hasGap(deviceUses[c])) {
        // No other store of it is counted.
        u.sent += double(s.partBytes(int32_t(part)));
        u.sentFrom = std::min(u.sentFrom, lowWindow(writer[c]));
      }
    }
  }
  return u;
}

/// Whether anything is certain to run between two of the operators.
bool GapBuilder::hasGap(const std::vector<uint32_t> &uses) const {
  for (uint32_t x : uses)
    for (uint32_t y : uses)
      if (x < y && (firstAfter(x) <= lastBefore(y) || (afterX[x] & beforeX[y])))
        return true;
  return false;
}

/// A persistent part that only one operator uses, which updates it.
bool GapBuilder::addState(uint32_t s, uint32_t part, uint32_t user) {
  uint32_t c = a.cellBegin[s] + part;
  if (!hasUpdate(user) || a.updates[c] != std::vector<uint32_t>{user})
    return false;
  GapUpdate &u = updateOf(user);
  u.bytes += double(problem.storages[s].partBytes(int32_t(part)));
  u.items.push_back(uint32_t(program.items.size()));
  GapItem item;
  item.cell = c;
  item.from = user;
  program.items.push_back(item);
  return true;
}

GapProgram GapBuilder::build() {
  for (const Link &l : problem.machine.links) {
    inRate += l.to == 0 ? double(l.bytesPerSecond) / 1e9 : 0;
    outRate += l.from == 0 ? double(l.bytesPerSecond) / 1e9 : 0;
  }
  program.links = inRate > 0;
  program.loadNs = inRate > 0 ? 1 / inRate : 0;
  program.storeNs = outRate > 0 ? 1 / outRate : 0;
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
  updateIndex.assign(a.numOps, none);
  deviceUses.assign(a.cellBegin.back(), {});
  floating = either = deviceUses;
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (onDevice(at) || onEither(at))
      for (const Operand &o : a.operands[at]) {
        uint32_t begin = a.cellBegin[o.storage];
        uint32_t end = a.cellBegin[o.storage + 1];
        if (o.part >= 0)
          begin += uint32_t(o.part), end = begin + 1;
        auto &list = onFirstEngine(at) ? deviceUses
                     : onDevice(at)    ? floating
                                       : either;
        for (uint32_t c = begin; c < end; ++c)
          if (list[c].empty() || list[c].back() != at)
            list[c].push_back(at);
      }
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    for (uint32_t k = 0; k < problem.storages[s].numParts(); ++k) {
      uint32_t c = a.cellBegin[s] + k;
      bool persistent = problem.storages[s].kind == StorageKind::Persistent;
      const auto &uses = deviceUses[c];
      std::vector<uint32_t> all = uses;
      all.insert(all.end(), floating[c].begin(), floating[c].end());
      all.insert(all.end(), either[c].begin(), either[c].end());
      if (persistent && all.size() == 1 && addState(s, k, all[0]))
        continue;
      if (!uses.empty())
        addPart(s, k, uses);
      else if (floating[c].size() == 1 && !program.pivots.empty() && persistent)
        addFloating(s, k, floating[c][0]);
    }
  return std::move(program);
}

GapProgram spillway::planner::buildGapProgram(const Analysis &analysis,
                                              bool anyOrder) {
  return GapBuilder(analysis, anyOrder).build();
}
