//===- RematState.cpp - A sequence under edit, with its memory --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RematState.h"

#include <algorithm>

using namespace spillway::planner;

RematState::RematState(const RematGraph &graph) : graph(graph) {
  for (uint64_t b : graph.bytes)
    bytes.push_back(double(b));
}

void RematState::reset(const std::vector<uint32_t> &sequence, uint32_t slots,
                       double softness) {
  events.assign(graph.bytes.size(), {});
  at.assign(slots, none);
  places.assign(graph.ops.size(), {});
  filled.clear();
  filledIndex.assign(slots, none);
  multiple.clear();
  multipleIndex.assign(graph.ops.size(), none);
  totalCost = graph.onceCost;
  std::vector<double> load(slots + 1);
  for (size_t i = 0; i < sequence.size(); ++i)
    enter(sequence[i], uint32_t(i * uint64_t(slots) / sequence.size()));
  for (const Delta &d : pending) {
    load[d.begin] += d.bytes;
    load[d.end + 1] -= d.bytes;
  }
  double sum = double(graph.resident);
  for (double &l : load)
    l = sum += l;
  load.pop_back();
  tree.reset(load, softness);
  pending.clear();
  undo.clear();
  log.clear();
}

size_t RematState::eventFrom(uint32_t s, uint32_t slot) const {
  const auto &list = events[s];
  return size_t(std::lower_bound(list.begin(), list.end(), slot,
                                 [](const Event &e, uint32_t slot) {
                                   return e.slot < slot;
                                 }) -
                list.begin());
}

bool RematState::liveInto(uint32_t s, uint32_t slot) const {
  size_t i = eventFrom(s, slot);
  if (i == events[s].size())
    return graph.output[s];
  return !events[s][i].makes;
}

/// Notes that memory changes over some slots. What moves mostly keeps one of
/// the ends of a life, so that two changes are merged into a short one.
void RematState::change(uint32_t s, uint32_t begin, uint32_t end,
                        double amount) {
  if (begin > end)
    return;
  size_t low = pending.size() > 16 ? pending.size() - 16 : 0;
  for (size_t i = pending.size(); i-- > low;) {
    Delta &d = pending[i];
    if (d.storage != s || d.bytes != -amount)
      continue;
    if (d.begin == begin) {
      if (d.end == end) {
        pending.erase(pending.begin() + long(i));
      } else if (d.end < end) {
        d = {s, d.end + 1, end, amount};
      } else {
        d.begin = end + 1;
      }
      return;
    }
    if (d.end == end) {
      if (d.begin < begin)
        d.end = begin - 1;
      else
        d = {s, begin, d.begin - 1, amount};
      return;
    }
  }
  pending.push_back({s, begin, end, amount});
}

/// The last of the reads from index `from` on, before the storage is made
/// again.
uint32_t RematState::endOfReads(uint32_t s, size_t from, uint32_t least) const {
  const auto &list = events[s];
  uint32_t end = least;
  for (; from < list.size() && !list[from].makes; ++from)
    end = list[from].slot;
  return from == list.size() && graph.output[s] ? last() : end;
}

void RematState::addRead(uint32_t s, uint32_t slot) {
  auto &list = events[s];
  size_t i = eventFrom(s, slot);
  // Longer only if it was not live here, and if it was made at all.
  bool wasLive = i == list.size() ? graph.output[s] : !list[i].makes;
  if (i > 0 && (list[0].makes || wasLive) && !wasLive) {
    size_t m = i;
    while (m > 0 && !list[m - 1].makes)
      --m;
    if (m > 0)
      change(s, list[i - 1].slot + 1, slot, bytes[s]);
  }
  list.insert(list.begin() + long(i), {slot, false});
}

void RematState::removeRead(uint32_t s, uint32_t slot) {
  auto &list = events[s];
  size_t i = eventFrom(s, slot);
  list.erase(list.begin() + long(i));
  bool live = i == list.size() ? graph.output[s] : !list[i].makes;
  if (i > 0 && !live) {
    size_t m = i;
    while (m > 0 && !list[m - 1].makes)
      --m;
    if (m > 0)
      change(s, list[i - 1].slot + 1, slot, -bytes[s]);
  }
}

/// A maker takes over the reads behind it from the one before, or begins a life
/// of its own.
void RematState::addMaker(uint32_t s, uint32_t slot) {
  auto &list = events[s];
  size_t i = eventFrom(s, slot);
  bool live = i == list.size() ? graph.output[s] : !list[i].makes;
  size_t m = i;
  while (m > 0 && !list[m - 1].makes)
    --m;
  if (live && m > 0)
    change(s, list[i - 1].slot + 1, slot - 1, -bytes[s]);
  else
    change(s, slot, endOfReads(s, i, slot), bytes[s]);
  list.insert(list.begin() + long(i), {slot, true});
}

void RematState::removeMaker(uint32_t s, uint32_t slot) {
  auto &list = events[s];
  size_t i = eventFrom(s, slot);
  list.erase(list.begin() + long(i));
  bool live = i == list.size() ? graph.output[s] : !list[i].makes;
  size_t m = i;
  while (m > 0 && !list[m - 1].makes)
    --m;
  if (live && m > 0)
    change(s, list[i - 1].slot + 1, slot - 1, bytes[s]);
  else
    change(s, slot, endOfReads(s, i, slot), -bytes[s]);
}

void RematState::enter(uint32_t op, uint32_t slot) {
  const RematOp &o = graph.ops[op];
  at[slot] = op;
  for (uint32_t s : o.writes)
    addMaker(s, slot);
  for (uint32_t s : o.reads)
    addRead(s, slot);
  if (o.workspace)
    change(none - 1 - op, slot, slot, double(o.workspace));
  auto &list = places[op];
  list.insert(std::lower_bound(list.begin(), list.end(), slot), slot);
  if (list.size() == 2) {
    multipleIndex[op] = uint32_t(multiple.size());
    multiple.push_back(op);
  }
  filledIndex[slot] = uint32_t(filled.size());
  filled.push_back(slot);
  totalCost += o.cost;
}

void RematState::leave(uint32_t slot) {
  uint32_t op = at[slot];
  const RematOp &o = graph.ops[op];
  at[slot] = none;
  for (uint32_t s : o.reads)
    removeRead(s, slot);
  for (uint32_t s : o.writes)
    removeMaker(s, slot);
  if (o.workspace)
    change(none - 1 - op, slot, slot, -double(o.workspace));
  auto &list = places[op];
  list.erase(std::lower_bound(list.begin(), list.end(), slot));
  if (list.size() == 1) {
    uint32_t i = multipleIndex[op];
    multiple[i] = multiple.back();
    multipleIndex[multiple[i]] = i;
    multiple.pop_back();
    multipleIndex[op] = none;
  }
  uint32_t i = filledIndex[slot];
  filled[i] = filled.back();
  filledIndex[filled[i]] = i;
  filled.pop_back();
  totalCost -= o.cost;
}

void RematState::place(uint32_t op, uint32_t slot) {
  enter(op, slot);
  log.push_back({op, slot, true});
}

void RematState::unplace(uint32_t slot) {
  log.push_back({at[slot], slot, false});
  leave(slot);
}

bool RematState::settle(double bound) {
  for (const Delta &d : pending)
    if (d.bytes < 0) {
      tree.add(d.begin, d.end, d.bytes);
      undo.push_back(d);
    }
  for (const Delta &d : pending)
    if (d.bytes > 0) {
      if (tree.maximum(d.begin, d.end) + d.bytes > bound)
        return false;
      tree.add(d.begin, d.end, d.bytes);
      undo.push_back(d);
    }
  pending.clear();
  return true;
}

void RematState::revert() {
  for (size_t i = undo.size(); i-- > 0;)
    tree.add(undo[i].begin, undo[i].end, -undo[i].bytes);
  undo.clear();
  for (size_t i = log.size(); i-- > 0;)
    if (log[i].placed)
      leave(log[i].slot);
    else
      enter(log[i].op, log[i].slot);
  log.clear();
  pending.clear();
}

bool RematState::valid(uint32_t slot) const {
  const RematOp &op = graph.ops[at[slot]];
  for (uint32_t s : op.reads)
    if (events[s].front().slot >= slot || !events[s].front().makes)
      return false;
  for (uint32_t s : op.writes)
    if (!events[s].front().makes)
      return false;
  return true;
}

std::vector<uint32_t> RematState::sequence() const {
  std::vector<uint32_t> out;
  for (uint32_t op : at)
    if (op != none)
      out.push_back(op);
  return out;
}

uint32_t RematState::freeBelow(uint32_t slot) const {
  for (uint32_t d = 1; d < 128 && d <= slot; ++d)
    if (at[slot - d] == none)
      return slot - d;
  return none;
}

uint32_t RematState::freeFrom(uint32_t slot) const {
  for (uint32_t d = 0; d < 128 && slot + d < numSlots(); ++d)
    if (at[slot + d] == none)
      return slot + d;
  return none;
}
