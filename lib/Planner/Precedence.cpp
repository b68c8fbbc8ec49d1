//===- Precedence.cpp - What holds in every valid order ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Precedence.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

/// Calls `visit` with each cell of an operand.
template <typename Visit>
void forCells(const Analysis &a, const Operand &o, Visit visit) {
  uint32_t begin = a.cellBegin[o.storage], end = a.cellBegin[o.storage + 1];
  if (o.part >= 0)
    begin += uint32_t(o.part), end = begin + 1;
  for (uint32_t c = begin; c < end; ++c)
    visit(c);
}

} // namespace

std::vector<std::vector<uint32_t>>
spillway::planner::predecessors(const Analysis &a) {
  std::vector<std::vector<uint32_t>> from(a.numOps);
  std::vector<uint32_t> writer(a.cellBegin.back(), none);
  std::vector<std::vector<uint32_t>> readers(a.cellBegin.back());
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Operand &o : a.operands[at])
      forCells(a, o, [&](uint32_t c) {
        if (writer[c] != none && writer[c] != at)
          from[at].push_back(writer[c]);
        if (o.updated)
          for (uint32_t r : readers[c])
            if (r != at)
              from[at].push_back(r);
        if (o.updated || o.written) {
          writer[c] = at;
          readers[c].clear();
        } else {
          readers[c].push_back(at);
        }
      });
  return from;
}

bool spillway::planner::runsOnDevice(const Problem &problem, uint32_t op) {
  const std::vector<int64_t> &costs = problem.operators[op].costNs;
  for (uint32_t e = 0; e < costs.size(); ++e)
    if (costs[e] >= 0 && problem.machine.engines[e].tier != 0)
      return false;
  return true;
}

bool spillway::planner::runsOnFirstOnly(const Problem &problem, uint32_t op) {
  const std::vector<int64_t> &costs = problem.operators[op].costNs;
  return std::none_of(costs.begin() + (costs.empty() ? 0 : 1), costs.end(),
                      [](int64_t cost) { return cost >= 0; });
}

double spillway::planner::cellBytes(const Analysis &a, uint32_t storage,
                                    uint32_t part) {
  const Storage &s = a.problem.storages[storage];
  return s.parts.empty() ? double(a.problem.aligned(s.bytes))
                         : double(s.partBytes(int32_t(part)));
}

std::vector<uint32_t> spillway::planner::accessedCells(const Analysis &a,
                                                       uint32_t op) {
  std::vector<uint32_t> cells;
  for (const Operand &o : a.operands[op])
    forCells(a, o, [&](uint32_t c) { cells.push_back(c); });
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  return cells;
}

double spillway::planner::cellNeed(const Analysis &a, uint32_t op) {
  const Operator &o = a.problem.operators[op];
  double sum = double(a.problem.aligned(o.workspace));
  std::vector<uint32_t> wholes;
  for (const Operand &operand : a.operands[op])
    if (operand.part < 0) {
      wholes.push_back(operand.storage);
      sum += double(a.slotBytes[a.slot(operand.storage, -1)]);
    }
  for (const Operand &operand : a.operands[op])
    if (operand.part >= 0 && std::find(wholes.begin(), wholes.end(),
                                       operand.storage) == wholes.end())
      sum += cellBytes(a, operand.storage, uint32_t(operand.part));
  std::vector<uint32_t> written, taken;
  for (const InPlacePair &p : o.inPlace)
    if (std::find(written.begin(), written.end(), p.written) == written.end() &&
        std::find(taken.begin(), taken.end(), p.read) == taken.end()) {
      written.push_back(p.written);
      taken.push_back(p.read);
      sum -= double(a.slotBytes[a.slot(p.written, -1)]);
    }
  return sum;
}
