//===- Check.cpp - Do items overlap in time and place? ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shares nothing with the methods that assign.
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Offsets.h"

#include <algorithm>
#include <map>

using namespace spillway::planner;

std::string
spillway::planner::checkOffsets(const std::vector<OffsetItem> &items,
                                const std::vector<uint64_t> &offsets) {
  if (offsets.size() != items.size())
    return "expected " + std::to_string(items.size()) + " offsets, found " +
           std::to_string(offsets.size());
  struct Event {
    uint32_t time;
    bool begins;
    uint32_t item;
  };
  std::vector<Event> events;
  for (uint32_t i = 0; i < items.size(); ++i)
    for (const Interval &v : items[i].live)
      if (v.begin < v.end && items[i].bytes) {
        events.push_back({v.begin, true, i});
        events.push_back({v.end, false, i});
      }
  std::sort(events.begin(), events.end(), [](const Event &a, const Event &b) {
    if (a.time != b.time)
      return a.time < b.time;
    return a.begins != b.begins ? b.begins : a.item < b.item;
  });
  // What is live now by address, with how often (an item's own intervals may
  // overlap). As none of these overlap, a newcomer can only meet the nearest.
  struct Live {
    uint32_t item, times;
  };
  std::map<uint64_t, Live> live;
  auto end = [&](uint32_t i) { return offsets[i] + items[i].bytes; };
  for (const Event &e : events) {
    auto it = live.lower_bound(offsets[e.item]);
    if (!e.begins) {
      if (--it->second.times == 0)
        live.erase(it);
      continue;
    }
    if (it != live.end() && it->second.item == e.item) {
      ++it->second.times;
      continue;
    }
    if (end(e.item) < offsets[e.item])
      return "item " + std::to_string(e.item) + " ends above 2^64";
    uint32_t other = e.item;
    if (it != live.end() && it->first < end(e.item))
      other = it->second.item;
    else if (it != live.begin() &&
             end(std::prev(it)->second.item) > offsets[e.item])
      other = std::prev(it)->second.item;
    if (other != e.item)
      return "items " + std::to_string(std::min(other, e.item)) + " and " +
             std::to_string(std::max(other, e.item)) +
             " overlap in time and place";
    live.insert(it, {offsets[e.item], {e.item, 1}});
  }
  return "";
}
