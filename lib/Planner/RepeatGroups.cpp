//===- RepeatGroups.cpp - Repetitions operator by operator ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RepeatGroups.h"
#include "Analysis.h"

#include <algorithm>
#include <map>
#include <tuple>

using namespace spillway::planner;

Problem spillway::planner::groupRepetitions(const Problem &problem,
                                            uint32_t repeat, uint32_t size) {
  Problem p = problem;
  Repeat &r = p.repeats[repeat];
  r.count /= size;
  std::vector<int32_t> repeatOf = repeatOfStorages(problem);
  for (uint32_t s = 0; s < p.storages.size(); ++s) {
    if (repeatOf[s] != int32_t(repeat))
      continue;
    // Copy j begins at j times the bytes rounded up; so it is aligned.
    const Storage &one = problem.storages[s];
    uint64_t stride = problem.aligned(one.bytes);
    Storage &all = p.storages[s];
    all.bytes = stride * size;
    all.parts.clear();
    if (!one.parts.empty())
      for (uint32_t j = 0; j < size; ++j) {
        if (j > 0)
          all.parts.push_back(j * stride);
        for (uint64_t cut : one.parts)
          all.parts.push_back(j * stride + cut);
      }
  }
  for (uint32_t at = 0; at < p.operators.size(); ++at) {
    Operator &op = p.operators[at];
    bool inside = at >= r.first && at <= r.last;
    if (inside) {
      for (int64_t &ns : op.costNs)
        ns = ns < 0 ? ns : ns * size;
      op.flops *= size;
    }
    for (auto *list : {&op.reads, &op.writes, &op.updates}) {
      std::vector<Access> accesses;
      for (const Access &a : *list) {
        uint32_t parts = problem.storages[a.storage].numParts();
        if (a.part < 0 || repeatOf[a.storage] != int32_t(repeat)) {
          accesses.push_back(a);
          continue;
        }
        // Others see the last of the group.
        for (uint32_t j = inside ? 0 : size - 1; j < size; ++j)
          accesses.push_back(
              {a.storage, int32_t(j * parts + uint32_t(a.part))});
      }
      *list = std::move(accesses);
    }
    // Only where both are of the group is there one buffer for each.
    std::erase_if(op.inPlace, [&](const InPlacePair &pair) {
      return (repeatOf[pair.written] == int32_t(repeat)) !=
             (repeatOf[pair.read] == int32_t(repeat));
    });
  }
  return p;
}

namespace {

class Splitter {
public:
  Splitter(const Problem &problem, uint32_t repeat, uint32_t size,
           const Problem &grouped, const Plan &plan)
      : problem(problem), repeat(int32_t(repeat)), size(size), plan(plan),
        from(unrollFor(grouped, plan)) {
    std::vector<uint32_t> counts = from.counts;
    counts[repeat] *= size;
    to = unroll(problem, counts);
  }

  Plan run();
  void place(Layout &layout, const Plan &split) const;

private:
  bool inGroup(uint32_t storage) const {
    return from.repeatOfStorage(from.storages[storage].index) == repeat;
  }
  /// Instances of one of the grouped problem, and by which copy each is.
  std::vector<std::pair<Instance, uint32_t>> split(const Instance &i) const;
  void add(const Action &a, uint32_t at) {
    out.actions.push_back(a);
    origin.push_back(at);
  }

  const Problem &problem;
  int32_t repeat;
  uint32_t size;
  const Plan &plan;
  Unrolled from, to;
  Plan out;
  std::vector<uint32_t> origin; ///< by action, that of `plan`
};

std::vector<std::pair<Instance, uint32_t>>
Splitter::split(const Instance &i) const {
  Copy c = from.storages[i.storage];
  if (!inGroup(i.storage))
    return {{{to.storage(c.index, c.repetition), i.part, i.tier}, 0}};
  uint32_t parts = problem.storages[c.index].numParts();
  std::vector<std::pair<Instance, uint32_t>> all;
  for (uint32_t j = 0; j < size; ++j) {
    int32_t part = -1;
    if (i.part >= 0) {
      if (uint32_t(i.part) / parts != j)
        continue;
      part = parts == 1 ? -1 : int32_t(uint32_t(i.part) % parts);
    }
    all.push_back(
        {{to.storage(c.index, c.repetition * size + j), part, i.tier}, j});
  }
  return all;
}

Plan Splitter::run() {
  out.policy = plan.policy;
  for (const Instance &i : plan.initial)
    for (auto &[one, copy] : split(i))
      out.initial.push_back(one);
  std::sort(out.initial.begin(), out.initial.end());
  std::vector<uint32_t> begins;
  for (uint32_t at = 0; at < plan.actions.size(); ++at) {
    Action a = plan.actions[at];
    begins.push_back(uint32_t(out.actions.size()));
    if (a.kind != ActionKind::Run) {
      for (auto &[one, copy] : split({a.storage, a.part, a.tier})) {
        a.storage = one.storage;
        a.part = one.part;
        add(a, at);
      }
      continue;
    }
    Copy c = from.operators[a.op];
    bool inside = from.repeatOfOp(c.index) == repeat;
    for (uint32_t j = 0; j < (inside ? size : 1); ++j) {
      Action one = a;
      one.op = to.op(c.index, inside ? c.repetition * size + j : c.repetition);
      for (InPlacePair &pair : one.inPlace)
        for (uint32_t *s : {&pair.written, &pair.read}) {
          Copy x = from.storages[*s];
          *s = to.storage(x.index,
                          inGroup(*s) ? x.repetition * size + j : x.repetition);
        }
      add(one, at);
    }
  }
  begins.push_back(uint32_t(out.actions.size()));
  // Of a group's outputs only the last one's are the step's.
  uint32_t n = uint32_t(plan.actions.size());
  for (const Lifetime &l : lifetimes(from.problem, plan)) {
    if (l.wraps || l.end != n || !inGroup(l.instance.storage))
      continue;
    for (auto &[one, copy] : split(l.instance))
      if (copy + 1 < size)
        add(Action::free(one.storage, one.part, one.tier), n - 1);
  }
  for (Loop l : plan.loops) {
    l.first = begins[l.first];
    l.last = begins[l.last + 1] - 1;
    l.repetitions *= int32_t(l.repeat) == repeat ? size : 1;
    out.loops.push_back(l);
  }
  return out;
}

void Splitter::place(Layout &layout, const Plan &split) const {
  // A life is found again by the action that begins it and what it holds.
  using Key = std::pair<uint32_t, Instance>;
  std::map<Key, uint64_t> begins;
  std::map<Instance, uint64_t> always;
  for (uint32_t i = 0; i < layout.lives.size(); ++i) {
    const Lifetime &l = layout.lives[i];
    for (auto &[one, copy] : this->split(l.instance)) {
      uint64_t offset = layout.offsets[i];
      // A part's own instance begins where the part does.
      if (l.instance.part < 0 && inGroup(l.instance.storage))
        offset +=
            copy * problem.aligned(
                       problem.storages[to.storages[one.storage].index].bytes);
      if (l.wraps && l.first == l.end)
        always.emplace(one, offset);
      else
        begins.emplace(Key{l.first, one}, offset);
    }
  }
  Layout placed;
  placed.heights = layout.heights;
  placed.loads = layout.loads;
  placed.lives = lifetimes(to.problem, split);
  for (const Lifetime &l : placed.lives) {
    bool there = l.wraps && l.first == l.end;
    auto a = always.find(l.instance);
    auto b = begins.find({there ? 0 : origin[l.first], l.instance});
    placed.offsets.push_back(there ? (a == always.end() ? 0 : a->second)
                                   : (b == begins.end() ? 0 : b->second));
  }
  for (uint32_t at : origin)
    placed.workspaces.push_back(layout.workspaces[at]);
  layout = std::move(placed);
}

} // namespace

Plan spillway::planner::splitGroups(const Problem &problem, uint32_t repeat,
                                    uint32_t size, const Problem &grouped,
                                    const Plan &plan, Layout &layout) {
  Splitter splitter(problem, repeat, size, grouped, plan);
  Plan split = splitter.run();
  if (!layout.offsets.empty())
    splitter.place(layout, split);
  else
    layout.lives = lifetimes(unrollFor(problem, split).problem, split);
  return split;
}
