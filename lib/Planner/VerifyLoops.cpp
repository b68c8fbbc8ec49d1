//===- VerifyLoops.cpp - Plans that repeat actions -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// A plan of a problem with repeats is right if it is right for the problem
// written out. Of a loop two iterations are replayed, however many there are:
// if the state before the second is that before the first, one iteration on,
// then so it is before every further one, and each does what the first did. So
// the plan is right for any number of iterations if it is right for two.
//
//===----------------------------------------------------------------------===//

#include "Replay.h"
#include "spillway/Planner/Repeats.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

class LoopVerifier {
public:
  LoopVerifier(const Problem &problem, const Plan &plan,
               const std::vector<uint64_t> &budgets)
      : problem(problem), plan(plan), budgets(budgets) {}

  Verdict run();

private:
  struct Mark {
    uint32_t loop = 0;
    size_t first = 0, second = 0; ///< where its iterations begin
  };
  std::string sane();
  std::string write();
  std::string compare(const Mark &mark, const ReplayState &before,
                      const ReplayState &after) const;
  /// The bytes that are fed to repetitions that are not replayed.
  std::vector<uint64_t> notReplayed() const;

  const Problem &problem;
  const Plan &plan;
  const std::vector<uint64_t> &budgets;
  std::vector<uint32_t> once; ///< by repeat: count if loops were done once
  Unrolled u;                 ///< with two iterations of each loop
  Plan flat;
  std::vector<Mark> marks;
};

std::string LoopVerifier::sane() {
  for (const Repeat &r : problem.repeats)
    once.push_back(r.count);
  size_t from = 0;
  for (const Loop &l : plan.loops) {
    if (l.repeat >= once.size())
      return "a loop is of a repeat that is not there";
    if (l.first < from || l.last < l.first || l.last >= plan.actions.size())
      return "a loop has actions " + std::to_string(l.first) + " to " +
             std::to_string(l.last) + ", expected some between " +
             std::to_string(from) + " and " +
             std::to_string(plan.actions.size());
    if (l.count == 0 || l.repetitions == 0 ||
        uint64_t(l.count - 1) * l.repetitions >= once[l.repeat])
      return "a loop has " + std::to_string(l.count) + " iterations of " +
             std::to_string(l.repetitions) +
             " repetitions, expected at most " +
             std::to_string(once[l.repeat]) + " in all";
    once[l.repeat] -= (l.count - 1) * l.repetitions;
    from = size_t(l.last) + 1;
  }
  return "";
}

/// Fills `flat`, a plan of `u`.
std::string LoopVerifier::write() {
  std::vector<uint32_t> counts = once;
  for (const Loop &l : plan.loops)
    counts[l.repeat] += l.count > 1 ? l.repetitions : 0;
  u = unroll(problem, counts);
  Unrolled given = unroll(problem, once);
  flat.policy = plan.policy;
  for (const Instance &i : plan.initial) {
    if (i.storage >= given.storages.size())
      return "initial: there is no such storage";
    Copy c = given.storages[i.storage];
    int32_t r = given.repeatOfStorage(c.index);
    // One stands for all repetitions.
    if (c.repetition == 0)
      for (uint32_t k = 0; k < (r < 0 ? 1 : counts[uint32_t(r)]); ++k)
        flat.initial.push_back({u.storage(c.index, k), i.part, i.tier});
  }
  std::vector<uint32_t> ahead(once.size(), 0);
  auto storage = [&](uint32_t &s) {
    if (s >= given.storages.size())
      return false;
    Copy c = given.storages[s];
    int32_t r = given.repeatOfStorage(c.index);
    s = u.storage(c.index, c.repetition + (r < 0 ? 0 : ahead[uint32_t(r)]));
    return true;
  };
  auto add = [&](Action a) {
    if (a.kind == ActionKind::Run) {
      if (a.op >= given.operators.size())
        return false;
      Copy c = given.operators[a.op];
      int32_t r = given.repeatOfOp(c.index);
      a.op = u.op(c.index, c.repetition + (r < 0 ? 0 : ahead[uint32_t(r)]));
      for (InPlacePair &p : a.inPlace)
        if (!storage(p.written) || !storage(p.read))
          return false;
    } else if (!storage(a.storage)) {
      return false;
    }
    flat.actions.push_back(std::move(a));
    return true;
  };
  auto addAll = [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at)
      if (!add(plan.actions[at]))
        return "action " + std::to_string(at) +
               " names an operator or a storage that is not there";
    return std::string();
  };
  size_t at = 0;
  std::string error;
  for (uint32_t i = 0; i < plan.loops.size() && error.empty(); ++i) {
    const Loop &l = plan.loops[i];
    error = addAll(at, l.first);
    at = size_t(l.last) + 1;
    size_t first = flat.actions.size();
    if (error.empty())
      error = addAll(l.first, at);
    if (!error.empty() || l.count == 1)
      continue;
    marks.push_back({i, first, flat.actions.size()});
    ahead[l.repeat] += l.repetitions;
    error = addAll(l.first, at);
  }
  return error.empty() ? addAll(at, plan.actions.size()) : error;
}

std::vector<uint64_t> LoopVerifier::notReplayed() const {
  std::vector<uint64_t> bytes(problem.machine.tiers.size());
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    int32_t r = u.repeatOfStorage(s);
    uint32_t tier = storage.home.value_or(1);
    if (r >= 0 && storage.kind == StorageKind::Fed && tier < bytes.size())
      bytes[tier] +=
          problem.aligned(storage.bytes) *
          (problem.repeats[uint32_t(r)].count - u.counts[uint32_t(r)]);
  }
  return bytes;
}

/// Whether the states before two iterations are the same, one iteration on.
std::string LoopVerifier::compare(const Mark &mark, const ReplayState &before,
                                  const ReplayState &after) const {
  const Loop &loop = plan.loops[mark.loop];
  int32_t repeat = int32_t(loop.repeat);
  uint32_t count = u.counts[loop.repeat];
  auto name = [&](uint32_t s) {
    const Storage &x = u.problem.storages[s];
    return "storage " + std::to_string(x.id) +
           (x.name.empty() ? "" : " '" + x.name + "'");
  };
  std::string text = "loop " + std::to_string(mark.loop) + " (actions " +
                     std::to_string(loop.first) + " to " +
                     std::to_string(loop.last) + ", " +
                     std::to_string(loop.count) + " iterations): ";
  uint32_t step = loop.repetitions;
  // The storage one iteration on; none behind the last repetition.
  auto next = [&](uint32_t s) {
    Copy c = u.storages[s];
    if (u.repeatOfStorage(c.index) != repeat)
      return s;
    return c.repetition + step < count
               ? u.storage(c.index, c.repetition + step)
               : UINT32_MAX;
  };
  auto fedThere = [&](const ReplayState::Key &key) {
    const Storage &s = u.problem.storages[std::get<0>(key)];
    return s.kind == StorageKind::Fed && std::get<2>(key) == s.home.value_or(1);
  };
  // Instances: each has its counterpart, and there are as many.
  size_t found = 0, expected = 0;
  for (const auto &[key, held] : after.instances)
    expected += !fedThere(key);
  for (const auto &[key, held] : before.instances) {
    if (fedThere(key)) // present from the step's start to its end
      continue;
    auto [s, part, tier] = key;
    auto it = next(s) == UINT32_MAX
                  ? after.instances.end()
                  : after.instances.find({next(s), part, tier});
    if (it == after.instances.end() || it->second != held)
      return text + name(s) + " on " + u.problem.machine.tiers[tier].name +
             " is there before an iteration, but not in the same state before "
             "the next";
    ++found;
  }
  if (found != expected)
    return text + "before an iteration " + std::to_string(found) +
           " instances are there, before the next " + std::to_string(expected);
  // Contents: what a repetition updates has seen one iteration's updates more.
  std::vector<std::vector<uint32_t>> more(u.problem.storages.size());
  for (uint32_t s = 0; s < more.size(); ++s)
    more[s].assign(u.problem.storages[s].numParts(), 0);
  for (uint32_t o = 0; o < u.problem.operators.size(); ++o) {
    Copy c = u.operators[o];
    if (u.repeatOfOp(c.index) != repeat || c.repetition != 0)
      continue;
    for (const Access &a : u.problem.operators[o].updates)
      if (u.repeatOfStorage(u.storages[a.storage].index) != repeat)
        for (uint32_t k = 0; k < more[a.storage].size(); ++k)
          more[a.storage][k] += a.part < 0 || uint32_t(a.part) == k ? step : 0;
  }
  for (uint32_t s = 0; s < more.size(); ++s)
    for (uint32_t k = 0; k < more[s].size(); ++k) {
      uint32_t was = before.version[s][k] + more[s][k];
      uint32_t is = next(s) == UINT32_MAX ? 0 : after.version[next(s)][k];
      if (was != is)
        return text + name(s) + " has seen " + std::to_string(is) +
               " updates before the second iteration, expected " +
               std::to_string(was);
    }
  for (uint32_t o = 0; o < u.problem.operators.size(); ++o) {
    Copy c = u.operators[o];
    if (u.repeatOfOp(c.index) != repeat)
      continue;
    bool ran = c.repetition + step < count &&
               after.runs[u.op(c.index, c.repetition + step)] > 0;
    if (ran != (before.runs[o] > 0))
      return text + "operator " + std::to_string(u.problem.operators[o].id) +
             " has run before an iteration, but not its next repetition "
             "before the next, or the other way round";
  }
  return "";
}

Verdict LoopVerifier::run() {
  Verdict verdict;
  verdict.error = sane();
  if (verdict.ok())
    verdict.error = write();
  if (!verdict.ok())
    return verdict;
  std::vector<ReplayState> states;
  ReplayRequest request{notReplayed(), {}, states};
  for (const Mark &m : marks)
    for (size_t at : {m.first, m.second})
      request.stops.push_back(at);
  verdict = replay(u.problem, flat, budgets, request);
  // With two iterations there is nothing to conclude from.
  for (size_t i = 0; verdict.ok() && i < marks.size(); ++i)
    if (plan.loops[marks[i].loop].count > 2)
      verdict.error = compare(marks[i], states[2 * i], states[2 * i + 1]);
  return verdict;
}

} // namespace

Verdict spillway::planner::verifyPlan(const Problem &problem, const Plan &plan,
                                      const std::vector<uint64_t> &budgets) {
  if (hasRepeats(problem) || !plan.loops.empty())
    return LoopVerifier(problem, plan, budgets).run();
  std::vector<ReplayState> states;
  return replay(problem, plan, budgets, {{}, {}, states});
}
