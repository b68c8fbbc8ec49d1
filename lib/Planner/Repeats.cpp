//===- Repeats.cpp - Micro-batches written out ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Repeats.h"

#include <algorithm>

using namespace spillway::planner;

bool spillway::planner::hasRepeats(const Problem &problem) {
  return std::any_of(problem.repeats.begin(), problem.repeats.end(),
                     [](const Repeat &r) { return r.count > 1; });
}

int32_t spillway::planner::onlyRepeat(const Problem &problem) {
  int32_t found = -1;
  for (uint32_t r = 0; r < problem.repeats.size(); ++r)
    if (problem.repeats[r].count > 1) {
      if (found >= 0)
        return -1;
      found = int32_t(r);
    }
  return found;
}

std::vector<int32_t>
spillway::planner::repeatOfStorages(const Problem &problem) {
  std::vector<int32_t> of(problem.storages.size(), -1);
  for (uint32_t r = 0; r < problem.repeats.size(); ++r)
    for (uint32_t at = problem.repeats[r].first; at <= problem.repeats[r].last;
         ++at) {
      const Operator &op = problem.operators[at];
      for (const Access &a : op.writes)
        of[a.storage] = int32_t(r);
      for (const Access &a : op.reads)
        if (problem.storages[a.storage].kind == StorageKind::Fed)
          of[a.storage] = int32_t(r);
    }
  return of;
}

namespace {

/// Ids and names of copies.
class Labels {
public:
  explicit Labels(const Problem &problem) {
    uint64_t top = 0;
    for (const Storage &s : problem.storages)
      top = std::max<uint64_t>(top, s.id);
    for (const Operator &op : problem.operators)
      top = std::max<uint64_t>(top, op.id);
    while (stride <= top)
      stride *= 10;
    next = top + 1;
  }

  /// Changes nothing for repetition 0, so that a count of 1 changes nothing.
  template <typename T> void label(T &copy, uint32_t repetition) {
    if (repetition == 0)
      return;
    uint64_t id = copy.id + repetition * stride;
    // Ids that leave no room are numbered on instead. The regular ones are
    // above all of those unless there are more than fit anyway.
    copy.id = id <= UINT32_MAX && regular ? uint32_t(id) : uint32_t(next++);
    if (!copy.name.empty())
      copy.name += ", repetition " + std::to_string(repetition);
  }
  /// Whether every copy of up to `count` repetitions gets a regular id.
  void expect(uint32_t count) {
    regular &= stride * uint64_t(count) <= UINT32_MAX;
  }

private:
  uint64_t stride = 1, next = 0;
  bool regular = true;
};

} // namespace

Unrolled spillway::planner::unroll(const Problem &problem,
                                   const std::vector<uint32_t> &counts) {
  Unrolled out;
  for (uint32_t r = 0; r < problem.repeats.size(); ++r) {
    const Repeat &repeat = problem.repeats[r];
    out.counts.push_back(r < counts.size() ? counts[r] : repeat.count);
    out.stride.push_back(repeat.last - repeat.first + 1);
  }
  Labels labels(problem), opLabels(problem);
  for (uint32_t count : out.counts) {
    labels.expect(count);
    opLabels.expect(count);
  }
  Problem &p = out.problem;
  p.name = problem.name;
  p.machine = problem.machine;
  p.alignment = problem.alignment;

  std::vector<int32_t> repeatOf = repeatOfStorages(problem);
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    uint32_t n = repeatOf[s] < 0 ? 1 : out.counts[uint32_t(repeatOf[s])];
    out.firstStorage.push_back({uint32_t(p.storages.size()), repeatOf[s]});
    for (uint32_t k = 0; k < n; ++k) {
      Storage copy = problem.storages[s];
      copy.output &= k + 1 == n;
      labels.label(copy, k);
      p.storages.push_back(std::move(copy));
      out.storages.push_back({s, k});
    }
  }

  std::vector<int32_t> repeatAt(problem.operators.size(), -1);
  for (uint32_t r = 0; r < problem.repeats.size(); ++r)
    for (uint32_t at = problem.repeats[r].first; at <= problem.repeats[r].last;
         ++at)
      repeatAt[at] = int32_t(r);
  auto emit = [&](uint32_t at, uint32_t repetition) {
    Operator copy = problem.operators[at];
    // Others see what the last repetition has left.
    auto mine = [&](uint32_t &storage) {
      int32_t r = repeatOf[storage];
      uint32_t k = r < 0               ? 0
                   : r == repeatAt[at] ? repetition
                                       : out.counts[uint32_t(r)] - 1;
      storage = out.firstStorage[storage].index + k;
    };
    for (auto *list : {&copy.reads, &copy.writes, &copy.updates})
      for (Access &a : *list)
        mine(a.storage);
    for (InPlacePair &pair : copy.inPlace)
      mine(pair.written), mine(pair.read);
    opLabels.label(copy, repetition);
    p.operators.push_back(std::move(copy));
    out.operators.push_back({at, repetition});
  };
  out.firstOp.resize(problem.operators.size());
  for (uint32_t at = 0; at < problem.operators.size();) {
    int32_t r = repeatAt[at];
    uint32_t last = r < 0 ? at : problem.repeats[uint32_t(r)].last;
    for (uint32_t k = at; k <= last; ++k)
      out.firstOp[k] = {uint32_t(p.operators.size()) + k - at, r};
    for (uint32_t k = 0; k < (r < 0 ? 1 : out.counts[uint32_t(r)]); ++k)
      for (uint32_t i = at; i <= last; ++i)
        emit(i, k);
    at = last + 1;
  }
  return out;
}

namespace {

class RepeatChecker {
public:
  explicit RepeatChecker(const Problem &problem) : problem(problem) {}
  std::vector<std::string> run();

private:
  std::string label(uint32_t id, const std::string &name) const {
    return std::to_string(id) + (name.empty() ? "" : " '" + name + "'");
  }
  std::string opName(uint32_t at) const {
    return "operator " +
           label(problem.operators[at].id, problem.operators[at].name);
  }
  std::string storageName(uint32_t s) const {
    return "storage " + label(problem.storages[s].id, problem.storages[s].name);
  }
  std::string repeatName(int32_t r) const {
    return "repeat of operators " +
           std::to_string(
               problem.operators[problem.repeats[uint32_t(r)].first].id) +
           " to " +
           std::to_string(
               problem.operators[problem.repeats[uint32_t(r)].last].id);
  }
  bool ranges();
  void made();
  void fed();

  /// So that sums over everything written out cannot overflow.
  static constexpr uint64_t mostExecutions = uint64_t(1) << 26;

  const Problem &problem;
  std::vector<int32_t> repeatAt; ///< by operator; -1: none that repeats
  std::vector<std::string> faults;
};

bool RepeatChecker::ranges() {
  repeatAt.assign(problem.operators.size(), -1);
  uint64_t executions = problem.operators.size(), bytes = 0;
  for (uint32_t r = 0; r < problem.repeats.size(); ++r) {
    const Repeat &x = problem.repeats[r];
    if (x.first > x.last || x.last >= problem.operators.size() ||
        x.count == 0) {
      faults.push_back("repeats: expected first <= last < " +
                       std::to_string(problem.operators.size()) +
                       " and a positive count, found " +
                       std::to_string(x.first) + ", " + std::to_string(x.last) +
                       ", " + std::to_string(x.count));
      continue;
    }
    for (uint32_t at = x.first; at <= x.last; ++at) {
      if (repeatAt[at] >= 0) {
        faults.push_back(repeatName(int32_t(r)) + ": " + opName(at) +
                         " is in the " + repeatName(repeatAt[at]) +
                         " as well, expected ranges apart from one another");
        break;
      }
      repeatAt[at] = int32_t(r);
    }
    executions += uint64_t(x.last - x.first + 1) * (x.count - 1);
  }
  if (!faults.empty())
    return false;
  if (executions > mostExecutions) {
    faults.push_back(
        "repeats: expected at most " + std::to_string(mostExecutions) +
        " executions of operators a step, found " + std::to_string(executions));
    return false;
  }
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    bytes += problem.storages[s].bytes; // below 2^60, as the checker says
  uint64_t most = 1;
  for (const Repeat &x : problem.repeats)
    most = std::max<uint64_t>(most, x.count);
  if (bytes > (uint64_t(1) << 60) / most)
    faults.push_back("repeats: all repetitions together have more than 2^60 "
                     "bytes");
  return faults.empty();
}

/// What a range makes is its own: its repetitions make all of it.
void RepeatChecker::made() {
  std::vector<int64_t> maker(problem.storages.size(), -1);
  for (uint32_t at = 0; at < problem.operators.size(); ++at)
    for (const Access &w : problem.operators[at].writes) {
      int64_t &m = maker[w.storage];
      if (m < 0) {
        m = at;
        continue;
      }
      int32_t mine = repeatAt[at], other = repeatAt[uint32_t(m)];
      if (mine == other)
        continue;
      uint32_t in = mine >= 0 ? at : uint32_t(m);
      uint32_t out = mine >= 0 ? uint32_t(m) : at;
      faults.push_back(repeatName(repeatAt[in]) + ": " + opName(in) +
                       " writes a part of " + storageName(w.storage) + " and " +
                       opName(out) +
                       " outside writes another: expected all parts written "
                       "in the range, or all outside and updated in it");
      break;
    }
}

/// What is fed to a range is fed for each repetition.
void RepeatChecker::fed() {
  std::vector<int64_t> reader(problem.storages.size(), -1);
  std::vector<bool> told(problem.storages.size());
  for (uint32_t at = 0; at < problem.operators.size(); ++at)
    for (const Access &a : problem.operators[at].reads) {
      uint32_t s = a.storage;
      if (problem.storages[s].kind != StorageKind::Fed || told[s])
        continue;
      if (reader[s] < 0) {
        reader[s] = at;
        continue;
      }
      int32_t mine = repeatAt[at], other = repeatAt[uint32_t(reader[s])];
      if (mine == other)
        continue;
      told[s] = true;
      uint32_t in = mine >= 0 ? at : uint32_t(reader[s]);
      uint32_t out = mine >= 0 ? uint32_t(reader[s]) : at;
      faults.push_back(repeatName(repeatAt[in]) + ": " + opName(in) +
                       " reads " + storageName(s) +
                       ", which is fed afresh for each repetition, and " +
                       opName(out) +
                       " reads it outside: expected two storages, or a "
                       "temporary made of it outside of the range");
    }
}

std::vector<std::string> RepeatChecker::run() {
  if (!ranges())
    return std::move(faults);
  // A count of 1 repeats nothing.
  for (int32_t &r : repeatAt)
    if (r >= 0 && problem.repeats[uint32_t(r)].count == 1)
      r = -1;
  made();
  fed();
  return std::move(faults);
}

} // namespace

std::vector<std::string>
spillway::planner::checkRepeats(const Problem &problem) {
  return RepeatChecker(problem).run();
}
