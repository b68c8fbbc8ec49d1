//===- Loops.cpp - Plans of problems that repeat operators ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Loops.h"

#include <algorithm>

using namespace spillway::planner;

/// By repeat, the count less all iterations but `iterations` of each loop.
static std::vector<uint32_t> countsFor(const Problem &problem, const Plan &plan,
                                       uint32_t iterations) {
  std::vector<uint32_t> counts;
  for (const Repeat &r : problem.repeats)
    counts.push_back(r.count);
  for (const Loop &l : plan.loops)
    counts[l.repeat] -=
        (l.count - std::min(l.count, iterations)) * l.repetitions;
  return counts;
}

std::string spillway::planner::checkLoops(const Problem &problem,
                                          const Plan &plan) {
  uint64_t from = 0;
  std::vector<uint64_t> left;
  for (const Repeat &r : problem.repeats)
    left.push_back(r.count);
  for (uint32_t i = 0; i < plan.loops.size(); ++i) {
    const Loop &l = plan.loops[i];
    std::string name = "loop " + std::to_string(i) + ": ";
    if (l.repeat >= left.size())
      return name + "there is no such repeat";
    if (l.first < from || l.last < l.first || l.last >= plan.actions.size())
      return name + "expected actions between those of the loop before and " +
             std::to_string(plan.actions.size()) + ", found " +
             std::to_string(l.first) + " to " + std::to_string(l.last);
    from = uint64_t(l.last) + 1;
    if (l.count == 0 || l.repetitions == 0 ||
        uint64_t(l.count - 1) * l.repetitions >= left[l.repeat])
      return name + "expected iterations of in all at most " +
             std::to_string(left[l.repeat]) + " repetitions, found " +
             std::to_string(l.count) + " of " + std::to_string(l.repetitions);
    left[l.repeat] -= uint64_t(l.count - 1) * l.repetitions;
  }
  return "";
}

Unrolled spillway::planner::unrollFor(const Problem &problem,
                                      const Plan &plan) {
  return unroll(problem, countsFor(problem, plan, 1));
}

WrittenOut spillway::planner::writeOut(const Problem &problem, const Plan &plan,
                                       uint32_t iterations) {
  WrittenOut out;
  iterations = std::max(iterations, 1u);
  out.unrolled = unroll(problem, countsFor(problem, plan, iterations));
  Unrolled folded = unrollFor(problem, plan);
  out.plan.policy = plan.policy;
  // How many iterations ago the plan's repetitions count from, by repeat.
  std::vector<uint32_t> shift(problem.repeats.size(), 0);
  auto storage = [&](uint32_t s) {
    Copy c = folded.storages[s];
    int32_t r = folded.repeatOfStorage(c.index);
    return out.unrolled.storage(c.index, c.repetition +
                                             (r < 0 ? 0 : shift[uint32_t(r)]));
  };
  auto op = [&](uint32_t o) {
    Copy c = folded.operators[o];
    int32_t r = folded.repeatOfOp(c.index);
    return out.unrolled.op(c.index,
                           c.repetition + (r < 0 ? 0 : shift[uint32_t(r)]));
  };
  // Only what is fed belongs to a repetition and is there from the start.
  for (const Instance &i : plan.initial) {
    Copy c = folded.storages[i.storage];
    int32_t r = folded.repeatOfStorage(c.index);
    if (r >= 0 && c.repetition > 0)
      continue;
    uint32_t n = r < 0 ? 1 : out.unrolled.counts[uint32_t(r)];
    for (uint32_t k = 0; k < n; ++k)
      out.plan.initial.push_back(
          {out.unrolled.storage(c.index, k), i.part, i.tier});
  }
  std::sort(out.plan.initial.begin(), out.plan.initial.end());
  auto add = [&](uint32_t at) {
    Action a = plan.actions[at];
    if (a.kind == ActionKind::Run) {
      a.op = op(a.op);
      for (InPlacePair &p : a.inPlace)
        p = {storage(p.written), storage(p.read)};
    } else {
      a.storage = storage(a.storage);
    }
    out.plan.actions.push_back(std::move(a));
    out.actions.push_back(at);
  };
  uint32_t at = 0;
  for (const Loop &l : plan.loops) {
    for (; at < l.first; ++at)
      add(at);
    for (uint32_t i = 0; i < std::min(l.count, iterations); ++i) {
      shift[l.repeat] += i > 0 ? l.repetitions : 0;
      for (at = l.first; at <= l.last; ++at)
        add(at);
    }
  }
  for (; at < plan.actions.size(); ++at)
    add(at);
  return out;
}
