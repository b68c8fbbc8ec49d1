//===- Analysis.cpp - What every policy asks of a problem -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Analysis.h"

#include <algorithm>

using namespace spillway::planner;

Analysis::Analysis(const Problem &problem)
    : problem(problem), numOps(uint32_t(problem.operators.size())),
      wholeAccess(accessedAsWhole(problem)) {
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    slotBegin.push_back(uint32_t(slotStorage.size()));
    cellBegin.push_back(cellBegin.empty()
                            ? 0
                            : cellBegin.back() +
                                  problem.storages[s - 1].numParts());
    int32_t parts = storage.parts.empty() ? 0 : int32_t(storage.numParts());
    for (int32_t part = -1; part < parts; ++part) {
      slotStorage.push_back(s);
      slotPart.push_back(part);
      slotBytes.push_back(problem.aligned(storage.partBytes(part)));
    }
  }
  slotBegin.push_back(numSlots());
  cellBegin.push_back(cellBegin.empty()
                          ? 0
                          : cellBegin.back() +
                                problem.storages.back().numParts());
  findUses();
  findProducers();
  findGaps();
  findWorkingSets();
}

uint32_t Analysis::nextUse(uint32_t slot, uint32_t from) const {
  const auto &list = uses[slot];
  auto it = std::lower_bound(list.begin(), list.end(), from);
  return it == list.end() ? none : *it;
}

uint32_t Analysis::gapAt(uint32_t slot, uint32_t position) const {
  if (firstGap[slot] == none)
    return none;
  const auto &list = uses[slot];
  auto it = std::lower_bound(list.begin(), list.end(), position);
  if (it == list.end() || *it != position)
    return none;
  uint32_t gap = firstGap[slot] + uint32_t(it - list.begin());
  return gap < gaps.size() && gaps[gap].slot == slot ? gap : none;
}

void Analysis::findUses() {
  uses.resize(numSlots());
  updates.resize(cellBegin.back());
  operands.resize(numOps);
  lastUse.assign(problem.storages.size(), 0);
  for (uint32_t at = 0; at < numOps; ++at) {
    const Operator &op = problem.operators[at];
    auto &list = operands[at];
    auto note = [&](const Access &a) -> Operand & {
      for (Operand &o : list)
        if (o.storage == a.storage && o.part == a.part)
          return o;
      list.push_back({a.storage, a.part, false, false, false});
      return list.back();
    };
    for (const Access &a : op.reads)
      note(a).read = true;
    for (const Access &a : op.updates)
      note(a).updated = true;
    for (const Access &a : op.writes)
      note(a).written = true;
    for (const Operand &o : list) {
      auto use = [&](uint32_t s) {
        if (uses[s].empty() || uses[s].back() != at)
          uses[s].push_back(at);
      };
      lastUse[o.storage] = at;
      use(slot(o.storage, -1));
      uint32_t parts = problem.storages[o.storage].numParts();
      uint32_t first = o.part < 0 ? 0 : uint32_t(o.part);
      uint32_t end = o.part < 0 ? parts : first + 1;
      for (uint32_t k = first; k < end; ++k) {
        if (parts > 1)
          use(slot(o.storage, int32_t(k)));
        if (o.updated)
          updates[cellBegin[o.storage] + k].push_back(at);
      }
    }
  }
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    if (problem.storages[s].output)
      lastUse[s] = numOps;
}

void Analysis::findProducers() {
  producer.assign(problem.storages.size(), none);
  for (uint32_t at = 0; at < numOps; ++at)
    for (const Access &w : problem.operators[at].writes)
      if (w.part < 0 && problem.operators[at].recomputable)
        producer[w.storage] = at;
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    for (uint32_t c = cellBegin[s]; c < cellBegin[s + 1]; ++c)
      if (!updates[c].empty())
        producer[s] = none;
  rerunUntil.assign(numOps, -1);
  for (uint32_t at = 0; at < numOps; ++at) {
    const Operator &op = problem.operators[at];
    if (!op.recomputable)
      continue;
    int64_t until = numOps;
    for (const Operand &o : operands[at]) {
      if (o.written && producer[o.storage] != at)
        until = -1; // a result is written in parts, or updated later
      if (!o.read)
        continue;
      uint32_t first = o.part < 0 ? 0 : uint32_t(o.part);
      uint32_t end =
          o.part < 0 ? problem.storages[o.storage].numParts() : first + 1;
      for (uint32_t k = first; k < end; ++k) {
        const auto &list = updates[cellBegin[o.storage] + k];
        auto it = std::lower_bound(list.begin(), list.end(), at);
        if (it != list.end())
          until = std::min<int64_t>(until, *it);
      }
      if (problem.storages[o.storage].kind != StorageKind::Temporary)
        continue;
      int64_t alive = lastUse[o.storage];
      if (uint32_t p = producer[o.storage]; p != none)
        alive = std::max(alive, rerunUntil[p]);
      until = std::min(until, alive);
    }
    rerunUntil[at] = until;
  }
}

void Analysis::findGaps() {
  firstGap.assign(numSlots(), none);
  for (uint32_t s = 0; s < numSlots(); ++s) {
    const Storage &storage = problem.storages[slotStorage[s]];
    bool decides = storage.parts.empty() ||
                   (slotPart[s] < 0) == bool(wholeAccess[slotStorage[s]]);
    if (!decides || uses[s].empty())
      continue;
    firstGap[s] = uint32_t(gaps.size());
    auto changed = [&](uint32_t from, uint32_t to) {
      uint32_t base = cellBegin[slotStorage[s]];
      uint32_t first = slotPart[s] < 0 ? 0 : uint32_t(slotPart[s]);
      uint32_t end = slotPart[s] < 0 ? storage.numParts() : first + 1;
      for (uint32_t k = first; k < end; ++k) {
        auto it = std::lower_bound(updates[base + k].begin(),
                                   updates[base + k].end(), from);
        if (it != updates[base + k].end() && *it <= to)
          return true;
      }
      return false;
    };
    const auto &list = uses[s];
    for (size_t i = 0; i + 1 < list.size(); ++i)
      gaps.push_back({s, list[i], list[i + 1], false,
                      i == 0 && storage.kind == StorageKind::Temporary
                          ? true
                          : changed(list[i], list[i])});
    if (storage.kind == StorageKind::Persistent)
      gaps.push_back({s, list.back(), list.front() + numOps, true,
                      changed(list.back(), list.back())});
    else if (storage.output)
      gaps.push_back({s, list.back(), numOps, false, list.size() == 1});
    if (firstGap[s] == gaps.size())
      firstGap[s] = none;
  }
}

void Analysis::findWorkingSets() {
  for (uint32_t at = 0; at < numOps; ++at) {
    const Operator &op = problem.operators[at];
    uint64_t bytes = problem.aligned(op.workspace);
    const auto &list = operands[at];
    for (size_t i = 0; i < list.size(); ++i) {
      // Once a storage: its whole, or those parts that are accessed.
      uint32_t s = list[i].storage;
      uint64_t parts = 0;
      bool whole = false, counted = false;
      for (size_t k = 0; k < list.size(); ++k) {
        const Operand &o = list[k];
        if (o.storage != s)
          continue;
        counted |= k < i;
        whole |= o.part < 0 || (o.written && wholeAccess[s]);
        parts += slotBytes[slot(s, o.part)];
      }
      uint64_t all = slotBytes[slot(s, -1)];
      if (!counted)
        bytes += whole ? all : std::min(parts, all);
    }
    std::vector<uint32_t> written, taken;
    for (const InPlacePair &p : op.inPlace)
      if (std::find(written.begin(), written.end(), p.written) ==
              written.end() &&
          std::find(taken.begin(), taken.end(), p.read) == taken.end()) {
        written.push_back(p.written);
        taken.push_back(p.read);
        bytes -= slotBytes[slot(p.written, -1)];
      }
    workingSet.push_back(bytes);
  }
}
