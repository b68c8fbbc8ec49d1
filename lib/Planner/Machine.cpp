//===- Machine.cpp - Tiers, links and engines -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Machine.h"

#include <algorithm>
#include <utility>

using namespace spillway::planner;

int64_t Link::bytesNs(uint64_t bytes) const {
  unsigned __int128 scaled = (unsigned __int128)(bytes) * 1000000000u;
  uint64_t rate = bytesPerSecond ? bytesPerSecond : 1;
  return int64_t((scaled + rate - 1) / rate);
}

std::optional<uint32_t> Machine::findTier(std::string_view wanted) const {
  for (uint32_t i = 0; i < tiers.size(); ++i)
    if (tiers[i].name == wanted)
      return i;
  return std::nullopt;
}

std::optional<uint32_t> Machine::findEngine(std::string_view wanted) const {
  for (uint32_t i = 0; i < engines.size(); ++i)
    if (engines[i].name == wanted)
      return i;
  return std::nullopt;
}

std::vector<uint32_t> Machine::route(uint32_t from, uint32_t to) const {
  for (uint32_t i = 0; i < links.size(); ++i)
    if (links[i].from == from && links[i].to == to)
      return {i};
  for (uint32_t i = 0; i < links.size(); ++i)
    for (uint32_t j = 0; j < links.size(); ++j)
      if (links[i].from == from && links[i].to == links[j].from &&
          links[j].to == to)
        return {i, j};
  return {};
}

int64_t Machine::transferNs(uint32_t from, uint32_t to, uint64_t bytes) const {
  int64_t latency = 0, slowest = 0;
  for (uint32_t i : route(from, to)) {
    latency += links[i].latencyNs;
    slowest = std::max(slowest, links[i].bytesNs(bytes));
  }
  return latency + slowest;
}

Machine::Way Machine::way(uint32_t from, uint32_t to) const {
  Way way;
  for (uint32_t i : route(from, to)) {
    if (way.link == Way::none)
      way.link = i;
    else if (links[i].bytesPerSecond < links[way.link].bytesPerSecond)
      way.shared = std::exchange(way.link, i);
    else
      way.shared = i;
  }
  return way;
}

Machine Machine::deviceOnly() {
  Machine machine;
  machine.tiers.push_back({"device", unlimited});
  machine.engines.push_back({"compute", 0});
  return machine;
}
