//===- Checkpoints.cpp - What waits between blocks --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checkpoints.h"

#include <algorithm>
#include <cmath>
#include <map>

using namespace spillway::planner;

Checkpoints::Checkpoints(const Problem &problem, uint32_t repeat)
    : problem(problem), range(problem.repeats[repeat]),
      uses(problem.storages.size()), maker(problem.storages.size()),
      own(problem.storages.size()), seen(problem.storages.size()),
      changes(problem.storages.size()), repeatable(problem.storages.size()),
      waits(problem.storages.size()), kept(problem.storages.size()) {
  std::vector<int32_t> repeatOf = repeatOfStorages(problem);
  for (uint32_t at = 0; at < problem.operators.size(); ++at) {
    const Operator &op = problem.operators[at];
    if (at < range.first || at > range.last) {
      eachAccess(op, [&](const Access &a) { seen[a.storage] = true; });
      continue;
    }
    may &= op.cost(0) >= 0;
    eachAccess(op, [&](const Access &a) {
      auto &mine = uses[a.storage];
      if (mine.empty() || mine.back() != at)
        mine.push_back(at);
    });
    for (const Access &a : op.updates)
      changes[a.storage] = true;
    for (const Access &a : op.writes) {
      maker[a.storage] = at;
      own[a.storage] =
          repeatOf[a.storage] == int32_t(repeat) &&
          problem.storages[a.storage].kind == StorageKind::Temporary;
      may &= !own[a.storage] || problem.storages[a.storage].numParts() == 1;
    }
  }
}

/// At any later time, from what waits.
bool Checkpoints::mayRunAgain(uint32_t at) const {
  const Operator &op = problem.operators[at];
  bool again = op.recomputable && op.updates.empty();
  eachAccess(op, [&](const Access &a) { again &= !changes[a.storage]; });
  for (const Access &a : op.reads)
    again &= !passes(a.storage) || repeatable[a.storage];
  return again;
}

/// It goes on to the next block, or there is nothing to make it again with.
bool Checkpoints::hasToWait(uint32_t s) const {
  if (seen[s] || problem.storages[s].output || kept[s])
    return true;
  uint32_t first = blockOf(uses[s].front());
  auto other = std::find_if(uses[s].begin(), uses[s].end(),
                            [&](uint32_t at) { return blockOf(at) != first; });
  return other != uses[s].end() &&
         (!repeatable[s] || blockOf(*other) == first + 1);
}

void Checkpoints::cut(std::vector<uint32_t> places, double share) {
  ends = std::move(places);
  block.clear();
  for (uint32_t at = range.first, b = 0; at <= range.last; ++at) {
    block.push_back(b);
    b += at == ends[b];
  }
  kept.assign(kept.size(), false);
  findWaiting();
  if (share <= 0)
    return;
  for (uint32_t s : mostWorth(share))
    kept[s] = true;
  findWaiting();
}

void Checkpoints::findWaiting() {
  // What something is made from has been looked at before.
  for (uint32_t at = range.first; at <= range.last; ++at)
    for (const Access &a : problem.operators[at].writes)
      if (own[a.storage]) {
        repeatable[a.storage] = mayRunAgain(at);
        waits[a.storage] = hasToWait(a.storage);
      }
}

std::vector<uint32_t> Checkpoints::mostWorth(double share) const {
  // By the power of two of the time a byte: what is about as dear is alike.
  std::map<int, std::vector<uint32_t>, std::greater<int>> classes;
  double left = 0;
  for (uint32_t at = range.first; at <= range.last; ++at) {
    const Operator &op = problem.operators[at];
    uint64_t bytes = 0;
    for (const Access &a : op.writes)
      bytes += problem.storages[a.storage].bytes;
    for (const Access &a : op.writes) {
      uint32_t s = a.storage;
      if (!passes(s) || blockOf(uses[s].back()) == blockOf(at) || !bytes ||
          op.costNs[0] <= 0)
        continue;
      classes[std::ilogb(double(op.costNs[0]) / double(bytes))].push_back(s);
      left += share * double(problem.storages[s].bytes);
    }
  }
  std::vector<uint32_t> out;
  for (auto &[dear, list] : classes) {
    double all = 0, owed = 0;
    for (uint32_t s : list)
      all += double(problem.storages[s].bytes);
    for (uint32_t s : list) {
      auto bytes = double(problem.storages[s].bytes);
      owed += std::min(1.0, left / all) * bytes;
      if (owed < bytes / 2)
        continue;
      owed -= bytes;
      out.push_back(s);
    }
    left -= std::min(left, all);
  }
  return out;
}

Checkpoints::Runs Checkpoints::runsOf(uint32_t b) const {
  Runs out;
  uint32_t begin = b ? ends[b - 1] + 1 : range.first;
  std::vector<uint32_t> open, again;
  std::vector<bool> found(range.last - range.first + 1);
  auto needs = [&](uint32_t at) {
    for (const Access &a : problem.operators[at].reads)
      if (passes(a.storage) && blockOf(maker[a.storage]) != b)
        open.push_back(maker[a.storage]);
  };
  for (uint32_t at = begin; at <= ends[b]; ++at)
    needs(at);
  while (!open.empty()) {
    uint32_t at = open.back();
    open.pop_back();
    if (found[at - range.first])
      continue;
    found[at - range.first] = true;
    again.push_back(at);
    needs(at);
  }
  std::sort(again.begin(), again.end());
  out.madeAgain = uint32_t(again.size());
  out.operators = std::move(again);
  for (uint32_t at = begin; at <= ends[b]; ++at)
    out.operators.push_back(at);
  return out;
}
