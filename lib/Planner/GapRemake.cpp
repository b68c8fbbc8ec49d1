//===- GapRemake.cpp - What it takes to make something again ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapBuilder.h"

#include <algorithm>

using namespace spillway::planner;

double GapBuilder::writtenBytes(uint32_t op) const {
  double all = 0;
  for (const Operand &o : a.operands[op])
    if (o.written)
      all += double(problem.storages[o.storage].partBytes(o.part));
  return all;
}

/// The operator whose result only `reader` reads, and which therefore has to
/// run again with it; none: the storage may be there anyhow.
uint32_t GapBuilder::onlyFor(uint32_t storage, uint32_t reader) const {
  const Storage &s = problem.storages[storage];
  uint32_t cell = a.cellBegin[storage], by = writer[cell];
  if (s.kind != StorageKind::Temporary || s.output || !s.parts.empty() ||
      by == none || !a.updates[cell].empty() || !onFirstEngine(by) ||
      repeatOf[by] != repeatOf[reader])
    return none;
  const std::vector<uint32_t> &uses = a.uses[a.slot(storage, -1)];
  if (uses != std::vector<uint32_t>{by, reader})
    return none;
  // A gap of its own has its own store, which would serve both.
  bool gap = firstAfter(by) <= lastBefore(reader) ||
             (afterX[by] & beforeX[reader]) != 0;
  return gap ? none : by;
}

GapBuilder::Again GapBuilder::runAgain(uint32_t op) const {
  Again out;
  double least = 0, leastCells = 0;
  for (const Operand &o : a.operands[op])
    if (o.written) {
      least += double(problem.storages[o.storage].partBytes(o.part));
      for (uint32_t k = 0; k < problem.storages[o.storage].numParts(); ++k)
        if (o.part < 0 || k == uint32_t(o.part))
          leastCells += cellBytes(a, o.storage, k);
    }
  out.possible = problem.operators[op].recomputable;
  if (!onFirstEngine(op) || least == 0)
    return out;
  out.ns = double(problem.operators[op].costNs[0]);
  out.from = lowWindow(op);
  std::vector<uint32_t> todo{op};
  while (!todo.empty()) {
    uint32_t at = todo.back();
    todo.pop_back();
    for (const Operand &o : a.operands[at]) {
      if (!o.read || o.written || o.updated)
        continue;
      uint32_t by = onlyFor(o.storage, at);
      const Storage &s = problem.storages[o.storage];
      if (by == none || double(s.bytes) < least ||
          cellBytes(a, o.storage, 0) < leastCells)
        continue;
      out.possible &= problem.operators[by].recomputable;
      out.ns += double(problem.operators[by].costNs[0]) * double(s.bytes) /
                writtenBytes(by);
      out.from = std::min(out.from, lowWindow(by));
      todo.push_back(by);
    }
  }
  return out;
}
