//===- RematGraph.cpp - A recompute-only problem, bare ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RematGraph.h"

#include <algorithm>

using namespace spillway::planner;

RematGraph spillway::planner::makeRematGraph(const Analysis &a) {
  RematGraph out;
  const Problem &problem = a.problem;
  std::vector<bool> temporary;
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    temporary.push_back(storage.kind == StorageKind::Temporary);
    out.bytes.push_back(a.slotBytes[a.slot(s, -1)]);
    out.output.push_back(storage.output);
    if (!temporary[s])
      out.resident += out.bytes[s];
  }
  // What every operator needs beside its operands is there all along.
  uint64_t least = a.numOps ? UINT64_MAX : 0;
  for (const Operator &op : problem.operators)
    least = std::min(least, problem.aligned(op.workspace));
  out.resident += least;
  for (uint32_t i = 0; i < a.numOps; ++i) {
    const Operator &op = problem.operators[i];
    RematOp r;
    r.cost = op.costNs[0];
    r.workspace = problem.aligned(op.workspace) - least;
    r.recomputable = op.recomputable;
    for (const Operand &o : a.operands[i])
      if (temporary[o.storage])
        (o.written ? r.writes : r.reads).push_back(o.storage);
    r.members = {i};
    r.numRepeated = 1;
    out.ops.push_back(std::move(r));
  }
  return out;
}

namespace {

class Reducer {
public:
  explicit Reducer(const RematGraph &graph)
      : graph(graph), ops(graph.ops), gone(graph.ops.size()),
        makers(graph.bytes.size(), none), readers(graph.bytes.size()) {
    for (uint32_t i = 0; i < ops.size(); ++i) {
      for (uint32_t s : ops[i].writes)
        makers[s] = i;
      for (uint32_t s : ops[i].reads)
        readers[s].push_back(i);
    }
  }
  void attachViews();
  void group();
  RematGraph finish();

private:
  bool attach(uint32_t view);
  bool join(uint32_t i);

  const RematGraph &graph;
  std::vector<RematOp> ops;
  int64_t onceCost = 0;
  std::vector<bool> gone;
  std::vector<uint32_t> makers;
  std::vector<std::vector<uint32_t>> readers;
};

bool contains(const std::vector<uint32_t> &list, uint32_t s) {
  return std::find(list.begin(), list.end(), s) != list.end();
}

/// Runs an operator that makes nothing right after the maker of one of its
/// operands that has all the others as well.
bool Reducer::attach(uint32_t view) {
  const RematOp &op = ops[view];
  uint32_t host = none;
  for (uint32_t s : op.reads)
    if (makers[s] != none && (host == none || makers[s] > host))
      host = makers[s];
  if (host == none || ops[host].workspace < op.workspace)
    return false;
  for (uint32_t s : op.reads)
    if (!contains(ops[host].writes, s) && !contains(ops[host].reads, s))
      return false;
  ops[host].members.insert(ops[host].members.end(), op.members.begin(),
                           op.members.end());
  onceCost += op.cost;
  for (uint32_t s : op.reads)
    std::erase(readers[s], view);
  return gone[view] = true;
}

void Reducer::attachViews() {
  for (uint32_t i = 0; i < ops.size(); ++i)
    if (ops[i].writes.empty())
      attach(i);
}

/// Joins operator `i` with the only reader of its only result.
bool Reducer::join(uint32_t i) {
  RematOp &first = ops[i];
  if (first.writes.size() != 1 || !first.recomputable)
    return false;
  uint32_t made = first.writes[0];
  if (graph.output[made] || readers[made].size() != 1)
    return false;
  uint64_t in = 0;
  for (uint32_t s : first.reads)
    in += graph.bytes[s];
  if (in > graph.bytes[made])
    return false;
  uint32_t j = readers[made][0];
  RematOp &second = ops[j];
  // The result in between counts as workspace. While the first runs, the
  // results of the second are not there yet.
  uint64_t results = 0;
  for (uint32_t s : second.writes)
    results += graph.bytes[s];
  uint64_t before = graph.bytes[made] + first.workspace;
  bool views = first.numRepeated != first.members.size();
  second.workspace =
      std::max(before - std::min(before, results),
               graph.bytes[made] +
                   std::max(second.workspace, views ? first.workspace : 0));
  second.cost += first.cost;
  std::erase(second.reads, made);
  for (uint32_t s : first.reads) {
    std::erase(readers[s], i);
    if (contains(second.reads, s))
      continue;
    second.reads.push_back(s);
    readers[s].push_back(j);
  }
  // What runs once stays at the end.
  auto once = first.members.begin() + first.numRepeated;
  second.members.insert(second.members.begin() + second.numRepeated, once,
                        first.members.end());
  second.members.insert(second.members.begin(), first.members.begin(), once);
  second.numRepeated += first.numRepeated;
  readers[made].clear();
  makers[made] = none;
  return gone[i] = true;
}

void Reducer::group() {
  for (uint32_t i = 0; i < ops.size(); ++i)
    if (!gone[i])
      join(i);
}

RematGraph Reducer::finish() {
  RematGraph out = graph;
  out.ops.clear();
  out.onceCost += onceCost;
  for (uint32_t i = 0; i < ops.size(); ++i)
    if (!gone[i])
      out.ops.push_back(std::move(ops[i]));
  return out;
}

} // namespace

RematGraph spillway::planner::reduce(const RematGraph &graph, bool group) {
  Reducer reducer(graph);
  reducer.attachViews();
  if (group)
    reducer.group();
  return reducer.finish();
}

std::vector<uint32_t>
spillway::planner::expand(const RematGraph &graph,
                          const std::vector<uint32_t> &sequence) {
  std::vector<uint32_t> out;
  std::vector<bool> ran(graph.ops.size());
  for (uint32_t i : sequence) {
    const RematOp &op = graph.ops[i];
    size_t end = ran[i] ? op.numRepeated : op.members.size();
    out.insert(out.end(), op.members.begin(), op.members.begin() + end);
    ran[i] = true;
  }
  return out;
}

std::vector<uint32_t>
spillway::planner::contract(const RematGraph &graph, uint32_t numOps,
                            const std::vector<uint32_t> &sequence) {
  std::vector<uint32_t> lead(numOps, none), out;
  for (uint32_t i = 0; i < graph.ops.size(); ++i)
    lead[graph.ops[i].members[graph.ops[i].numRepeated - 1]] = i;
  for (uint32_t op : sequence)
    if (lead[op] != none)
      out.push_back(lead[op]);
  return out;
}

RematReplay spillway::planner::replay(const RematGraph &graph,
                                      const std::vector<uint32_t> &sequence) {
  RematReplay out;
  // Backwards, who reads a storage last; forwards, what is there.
  std::vector<bool> wanted = graph.output;
  std::vector<std::vector<uint32_t>> dies(sequence.size());
  for (size_t i = sequence.size(); i-- > 0;) {
    const RematOp &op = graph.ops[sequence[i]];
    for (uint32_t s : op.writes) {
      if (!wanted[s])
        dies[i].push_back(s);
      wanted[s] = false;
    }
    for (uint32_t s : op.reads) {
      if (!wanted[s])
        dies[i].push_back(s);
      wanted[s] = true;
    }
  }
  std::vector<bool> there(graph.bytes.size()), ran(graph.ops.size());
  uint64_t live = graph.resident;
  out.cost = graph.onceCost;
  for (size_t i = 0; i < sequence.size(); ++i) {
    const RematOp &op = graph.ops[sequence[i]];
    if (ran[sequence[i]] && !op.recomputable)
      return out;
    ran[sequence[i]] = true;
    for (uint32_t s : op.reads)
      if (!there[s])
        return out;
    for (uint32_t s : op.writes)
      if (!there[s]) {
        there[s] = true;
        live += graph.bytes[s];
      }
    out.peak = std::max(out.peak, live + op.workspace);
    out.cost += op.cost;
    for (uint32_t s : dies[i]) {
      there[s] = false;
      live -= graph.bytes[s];
    }
  }
  out.valid = std::find(ran.begin(), ran.end(), false) == ran.end();
  return out;
}
