//===- WindowModel.cpp - What the window program is about -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WindowModel.h"

#include "Precedence.h"

#include <algorithm>

using namespace spillway::planner;

void WindowModel::lookAtLinks() {
  uint32_t ins = 0, outs = 0;
  for (const Link &l : problem.machine.links) {
    if (l.to == 0)
      inRate += double(l.bytesPerSecond) / 1e9, onlyIn = &l, ++ins;
    if (l.from == 0)
      outRate += double(l.bytesPerSecond) / 1e9, onlyOut = &l, ++outs;
  }
  onlyIn = ins == 1 ? onlyIn : nullptr;
  onlyOut = outs == 1 ? onlyOut : nullptr;
  oneWire = onlyIn && onlyOut && onlyIn->group != 0 &&
            onlyIn->group == onlyOut->group;
}

void WindowModel::lookAtCells() {
  cells.resize(a.cellBegin.back());
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    for (uint32_t k = 0; k < storage.numParts(); ++k) {
      Cell &c = cells[a.cellBegin[s] + k];
      c.bytes = cellBytes(a, s, k) / room;
      c.updaters = a.updates[a.cellBegin[s] + k];
      c.output = storage.output;
      c.cyclic = storage.kind != StorageKind::Temporary;
      c.fed = storage.kind == StorageKind::Fed && storage.home.value_or(1) != 0;
      c.fixed = c.cyclic && !c.fed &&
                (inRate == 0 || storage.kind == StorageKind::Fed);
      auto raw = double(storage.partBytes(int32_t(k)));
      // A part may come with others in one transfer; a whole comes by itself.
      auto ns = [&](const Link *only, double rate) {
        return only && storage.parts.empty()
                   ? double(only->transferNs(storage.bytes))
                   : raw / rate;
      };
      if (inRate > 0 && !c.fixed)
        c.load = ns(onlyIn, inRate) / scale;
      bool changed = false;
      for (uint32_t u : c.updaters)
        changed |= ops[u].device;
      c.mustStore = changed && storage.home.value_or(0) != 0;
      if (outRate > 0 && !c.fixed && (changed || !c.cyclic))
        c.store = ns(onlyOut, outRate) / scale;
    }
  }
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Operand &o : a.operands[at]) {
      uint32_t begin = a.cellBegin[o.storage], end = a.cellBegin[o.storage + 1];
      if (o.part >= 0)
        begin += uint32_t(o.part), end = begin + 1;
      for (uint32_t c = begin; c < end; ++c) {
        if (o.written) {
          ops[at].makes.push_back(c);
          cells[c].writer = at;
        }
        if (o.read || o.updated) {
          ops[at].reads.push_back(c);
          cells[c].readers.push_back(at);
        }
      }
    }
  for (const Cell &c : cells)
    if (c.fixed && c.readers.empty())
      base += c.bytes;
}

/// What is live at each operator where everything is kept, as shares.
void WindowModel::findTotals() {
  total.assign(a.numOps, base);
  for (const Cell &c : cells) {
    if (c.readers.empty() && c.writer == none)
      continue;
    bool always = c.cyclic && !c.fed;
    uint32_t first = always             ? 0
                     : c.writer != none ? c.writer
                                        : c.readers.front();
    uint32_t last = always || c.output  ? a.numOps - 1
                    : c.readers.empty() ? first
                                        : c.readers.back();
    for (uint32_t at = first; at <= last; ++at)
      total[at] += c.bytes;
  }
  for (uint32_t at = 0; at < a.numOps; ++at) {
    for (uint32_t c : ops[at].all)
      total[at] -= cells[c].bytes;
    total[at] += ops[at].need;
  }
}

bool WindowModel::look() {
  for (uint32_t e = 1; e < problem.machine.engines.size(); ++e)
    if (problem.machine.engines[e].tier == 0)
      return false; // two engines on the device: not thought through
  hostRow = problem.machine.engines.size() == 2;
  ops.resize(a.numOps);
  double sum = 1;
  for (uint32_t at = 0; at < a.numOps; ++at)
    sum += double(problem.operators[at].costNs[0]);
  scale = std::max(sum / 1e4, 1.0);
  lookAtLinks();
  for (uint32_t at = 0; at < a.numOps; ++at) {
    Op &op = ops[at];
    op.all = accessedCells(a, at);
    op.need = cellNeed(a, at) / room;
    op.ns = double(problem.operators[at].costNs[0]) / scale;
    op.device = runsOnFirstOnly(problem, at);
  }
  lookAtCells();
  findTotals();
  from = predecessors(a);
  return *std::max_element(total.begin(), total.end()) > 1 + 1e-9;
}

/// Operators that follow one from the other, most of them where memory is
/// short. Those of every valid order are such a chain.
std::vector<bool> WindowModel::heaviestChain() const {
  std::vector<double> weight(a.numOps);
  std::vector<uint32_t> previous(a.numOps, none);
  uint32_t last = 0;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    for (uint32_t f : from[at])
      if (weight[f] > weight[at])
        weight[at] = weight[f], previous[at] = f;
    if (ops[at].device)
      weight[at] += 1e-3 + std::max(total[at] - 1, 0.0);
    if (weight[at] > weight[last])
      last = at;
  }
  std::vector<bool> on(a.numOps);
  for (uint32_t at = last; at != none; at = previous[at])
    on[at] = ops[at].device;
  return on;
}

/// Windows of all operators and cells for the present pivots.
void WindowModel::placeAll() {
  int32_t k = count();
  for (Op &op : ops)
    op.pivot = -1;
  for (int32_t i = 0; i < k; ++i)
    ops[pivots[size_t(i)]].pivot = i;
  int32_t seen = -1;
  std::vector<int32_t> before(a.numOps, -1), after(a.numOps, k);
  for (uint32_t at = 0; at < a.numOps; ++at) {
    for (uint32_t f : from[at])
      before[at] = std::max({before[at], before[f], ops[f].pivot});
    if (!anyOrder)
      before[at] = seen;
    seen = std::max(seen, ops[at].pivot);
  }
  for (uint32_t at = a.numOps; at-- > 0;) {
    if (!anyOrder)
      after[at] = before[at] + 1 + (ops[at].pivot >= 0);
    for (uint32_t f : from[at])
      after[f] = std::min(
          {after[f], after[at], ops[at].pivot < 0 ? k : ops[at].pivot});
  }
  for (uint32_t at = 0; at < a.numOps; ++at) {
    Op &op = ops[at];
    op.low = op.pivot >= 0 ? op.pivot : before[at] + 1;
    op.high = op.pivot >= 0 ? op.pivot : after[at];
  }
  for (Cell &c : cells) {
    c.until = -1;
    for (uint32_t r : c.readers)
      c.until = std::max(c.until, ops[r].high);
    if (c.output || c.cyclic)
      c.until = k;
  }
  for (uint32_t at = a.numOps; at-- > 0;) {
    Op &op = ops[at];
    op.until = op.high;
    if (!problem.operators[at].recomputable)
      continue;
    for (uint32_t c : op.makes)
      op.until = std::max(op.until, cells[c].until);
    // Not after an update of what it accesses.
    for (uint32_t c : op.all)
      for (uint32_t u : cells[c].updaters)
        if (u > at)
          op.until = std::min(op.until, ops[u].high);
    for (uint32_t c : op.reads)
      cells[c].until = std::max(cells[c].until, op.until);
  }
}

uint64_t WindowModel::columns() const {
  uint64_t sum = 0;
  auto k = uint64_t(count());
  for (const Op &op : ops)
    sum += uint64_t(op.until - op.low + 1);
  for (const Cell &c : cells) {
    if (c.fixed || (c.readers.empty() && c.writer == none))
      continue;
    uint64_t each =
        c.cyclic ? k : uint64_t(std::max(c.until - ops[c.writer].low, 0) + 1);
    sum += each * (1 + 2 * (c.load >= 0) + (c.store >= 0));
  }
  return sum;
}

bool WindowModel::choosePivots(uint32_t maxColumns) {
  std::vector<bool> may(a.numOps);
  if (anyOrder)
    may = heaviestChain();
  else
    for (uint32_t at = 0; at < a.numOps; ++at)
      may[at] = ops[at].device;
  auto choose = [&](uint32_t parts, bool shortOnly) {
    std::vector<uint32_t> best(parts, none);
    for (uint32_t at = 0; at < a.numOps; ++at) {
      uint32_t &b = best[uint64_t(at) * parts / a.numOps];
      if (may[at] && (!shortOnly || total[at] > 1) &&
          (b == none || total[at] > total[b]))
        b = at;
    }
    pivots.clear();
    for (uint32_t op : best)
      if (op != none)
        pivots.push_back(op);
    placeAll();
    return !pivots.empty() && columns() <= maxColumns;
  };
  if (choose(a.numOps, false))
    return true;
  // Where only recomputing helps, what counts is where memory is short.
  for (uint32_t parts = a.numOps; parts >= 4; parts = parts * 3 / 4)
    if (choose(parts, inRate == 0))
      return true;
  return false;
}
