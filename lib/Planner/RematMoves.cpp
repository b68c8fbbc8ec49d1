//===- RematMoves.cpp - Moves of the search over sequences ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RematMoves.h"

#include <algorithm>

using namespace spillway::planner;

RematMoves::RematMoves(const RematGraph &graph, RematState &state,
                       RematRandom &random, bool fixedOrder)
    : graph(graph), state(state), random(random), fixedOrder(fixedOrder),
      makers(graph.bytes.size(), none) {
  for (uint32_t i = 0; i < graph.ops.size(); ++i)
    for (uint32_t s : graph.ops[i].writes) {
      makers[s] = i;
      if (graph.ops[i].recomputable)
        choosable.push_back(s);
    }
}

bool RematMoves::insert(uint32_t across) {
  if (choosable.empty())
    return false;
  // Of some gaps the one that frees the most bytes times slots.
  uint32_t tries = across == none ? 1 + random.below(4) : 12;
  uint32_t storage = none, low = 0, high = 0;
  double most = 0;
  for (uint32_t k = 0; k < tries; ++k) {
    uint32_t s = choosable[random.below(uint32_t(choosable.size()))];
    const auto &list = state.eventsOf(s);
    size_t i;
    if (across != none) {
      i = state.eventFrom(s, across);
      if (i == 0)
        continue;
    } else {
      size_t ends = list.size() - 1 + (graph.output[s] ? 1 : 0);
      if (ends == 0)
        continue;
      i = 1 + random.below(uint32_t(ends));
    }
    if (i == list.size() ? !graph.output[s] : list[i].makes)
      continue;
    uint32_t from = list[i - 1].slot;
    uint32_t to = i == list.size() ? state.numSlots() : list[i].slot;
    if (to < from + 2 || (across != none && to <= across))
      continue;
    double worth = double(to - from) * double(graph.bytes[s]);
    if (worth <= most)
      continue;
    most = worth, storage = s, low = from + 1, high = to;
    if (across != none)
      break;
  }
  if (storage == none)
    return false;
  // Just before the read, mostly.
  uint32_t reach = high - low;
  uint32_t back = 0;
  if (random.below(4) == 0)
    back = random.below(std::min(reach, 1u << random.below(10)));
  uint32_t slot = state.freeBelow(high - back);
  if (slot == none || slot < low)
    return false;
  stack.clear();
  uint32_t op = makers[storage];
  if (!insertRun(op, slot))
    return false;
  // What it needs and is gone: make that again as well, or keep it until here.
  static constexpr double chances[] = {0, 0.5, 0.9, 1};
  double again = chances[random.below(4)];
  size_t count = 0;
  while (!stack.empty()) {
    uint32_t s = stack.back();
    stack.pop_back();
    if (random.unit() >= again || makers[s] == none ||
        !graph.ops[makers[s]].recomputable || ++count > 100)
      continue;
    // The first read of it among the new ones.
    uint32_t to = state.freeBelow(slot);
    if (to == none)
      return false;
    // It may have come with another one meanwhile.
    size_t i = state.eventFrom(s, slot);
    if (i > 0 && state.eventsOf(s)[i - 1].makes)
      continue;
    slot = to;
    if (!insertRun(makers[s], slot))
      return false;
  }
  return true;
}

bool RematMoves::insertRun(uint32_t op, uint32_t slot) {
  if (fixedOrder && state.slotsOf(op).front() > slot)
    return false;
  for (uint32_t s : graph.ops[op].reads) {
    const auto &list = state.eventsOf(s);
    if (list.front().slot >= slot)
      return false;
    if (!state.liveInto(s, slot))
      stack.push_back(s);
  }
  state.place(op, slot);
  return state.cost() <= costBound;
}

/// No read has only this run to come from, and the order allows it.
bool RematMoves::mayGo(uint32_t slot) const {
  uint32_t op = state.opAt(slot);
  const auto &slots = state.slotsOf(op);
  if (slots.size() < 2 || (fixedOrder && slots.front() == slot))
    return false;
  if (slots.front() == slot)
    for (uint32_t s : graph.ops[op].writes) {
      const auto &list = state.eventsOf(s);
      if (list.size() < 2 || !list[1].makes)
        return false;
    }
  return true;
}

bool RematMoves::remove() {
  const auto &list = state.repeated();
  if (list.empty())
    return false;
  uint32_t op = list[random.below(uint32_t(list.size()))];
  const auto &slots = state.slotsOf(op);
  uint32_t slot = slots[random.below(uint32_t(slots.size()))];
  if (!mayGo(slot))
    return false;
  state.unplace(slot);
  if (random.below(8))
    dropUnread(op, slot);
  return true;
}

/// Drops the runs before `slot` that made what only the run there read.
void RematMoves::dropUnread(uint32_t op, uint32_t slot) {
  for (uint32_t s : graph.ops[op].reads) {
    size_t i = state.eventFrom(s, slot);
    const auto &list = state.eventsOf(s);
    if (i == 0 || !list[i - 1].makes ||
        (i < list.size() ? !list[i].makes : graph.output[s]))
      continue;
    uint32_t from = list[i - 1].slot, maker = state.opAt(from);
    bool unread = mayGo(from);
    for (uint32_t w : graph.ops[maker].writes) {
      const auto &other = state.eventsOf(w);
      size_t k = state.eventFrom(w, from) + 1;
      unread &= k < other.size() ? other[k].makes : !graph.output[w];
    }
    if (!unread)
      continue;
    state.unplace(from);
    dropUnread(maker, from);
  }
}

uint32_t RematMoves::pick(uint32_t near) {
  const auto &taken = state.taken();
  if (near == none)
    return taken[random.below(uint32_t(taken.size()))];
  uint32_t reach = 1u << random.below(8);
  uint32_t from = near > reach ? near - reach : 0;
  for (uint32_t k = 0; k < 8; ++k) {
    uint32_t slot =
        std::min(from + random.below(2 * reach), state.numSlots() - 1);
    if (state.opAt(slot) != none)
      return slot;
  }
  return none;
}

bool RematMoves::move(uint32_t near) {
  uint32_t slot = pick(near);
  if (slot == none)
    return false;
  uint32_t op = state.opAt(slot);
  uint32_t low = 0, high = state.numSlots();
  if (fixedOrder) {
    if (state.slotsOf(op).front() == slot) {
      low = op > 0 ? state.slotsOf(op - 1).front() + 1 : 0;
      if (op + 1 < graph.ops.size())
        high = state.slotsOf(op + 1).front();
    } else {
      low = state.slotsOf(op).front() + 1;
    }
  }
  // Not before what it reads is made, nor after what reads it alone.
  for (uint32_t s : graph.ops[op].reads)
    low = std::max(low, state.eventsOf(s).front().slot + 1);
  for (uint32_t s : graph.ops[op].writes) {
    const auto &list = state.eventsOf(s);
    if (list.front().slot == slot && list.size() > 1)
      high = std::min(high, list[1].slot);
  }
  if (low + 1 >= high)
    return false;
  uint32_t target;
  if (random.below(4) == 0) {
    target = low + random.below(high - low);
  } else {
    uint32_t d = random.below(1u << random.below(12)) + 1;
    target = random.below(2) ? slot + d : (slot > d ? slot - d : 0);
    target = std::clamp(target, low, high - 1);
  }
  uint32_t to = state.freeFrom(target);
  if (to == none || to >= high) {
    to = state.freeBelow(target);
    if (to == none || to < low)
      return false;
  }
  state.unplace(slot);
  state.place(op, to);
  return true;
}

/// The run at `slot` and all that must go with it beyond `target`.
bool RematMoves::collect(uint32_t slot, uint32_t target, bool up) {
  group.assign(1, slot);
  for (size_t k = 0; k < group.size(); ++k) {
    if (group.size() > 16)
      return false;
    const RematOp &op = graph.ops[state.opAt(group[k])];
    auto note = [&](uint32_t other) {
      if (std::find(group.begin(), group.end(), other) == group.end())
        group.push_back(other);
    };
    if (up) { // to the front: what it reads has to be made there
      for (uint32_t s : op.reads)
        if (uint32_t first = state.eventsOf(s).front().slot; first >= target)
          note(first);
    } else {
      for (uint32_t s : op.writes) {
        const auto &list = state.eventsOf(s);
        if (list.front().slot != group[k])
          continue;
        for (size_t i = 1;
             i < list.size() && !list[i].makes && list[i].slot <= target; ++i)
          note(list[i].slot);
      }
    }
  }
  return true;
}

bool RematMoves::shift(uint32_t near) {
  uint32_t slot = pick(near);
  if (slot == none || fixedOrder)
    return false;
  bool up = random.below(2);
  uint32_t d = random.below(std::min(state.numSlots(), 4u << random.below(12)));
  uint32_t target =
      up ? (slot > d ? slot - d : 0) : std::min(slot + d, state.numSlots() - 1);
  if (!collect(slot, target, up) || group.size() < 2)
    return false;
  std::sort(group.begin(), group.end());
  std::vector<uint32_t> &ops = stack;
  ops.clear();
  for (uint32_t g : group)
    ops.push_back(state.opAt(g));
  for (uint32_t g : group)
    state.unplace(g);
  uint32_t to = target;
  for (size_t k = 0; k < ops.size(); ++k) {
    to = up ? state.freeBelow(to) : state.freeFrom(to);
    if (to == none)
      return false;
    size_t i = up ? ops.size() - 1 - k : k;
    state.place(ops[i], to);
    group[i] = to;
  }
  for (uint32_t g : group)
    if (!state.valid(g))
      return false;
  return true;
}
