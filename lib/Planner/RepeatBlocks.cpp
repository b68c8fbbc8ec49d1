//===- RepeatBlocks.cpp - Repetitions block by block ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RepeatBlocks.h"
#include "spillway/Planner/Loops.h"

#include <algorithm>
#include <map>
#include <set>

using namespace spillway::planner;

/// Of a repetition, what is used again after more than one of so many parts of
/// it does not just go on to the next block.
static constexpr uint32_t farParts = 8;
/// The same where blocks are narrow. Less, for what the last layers leave for
/// their backward pass does not go on either, and waits for a short time only.
static constexpr uint32_t soonParts = 60, soonPlaces = 8;

namespace {

struct Use {
  uint32_t at = 0;
  bool changes = false;
};

/// By storage: its uses in the range, by place in the range.
std::vector<std::vector<Use>> usesIn(const Problem &problem, const Repeat &r) {
  std::vector<std::vector<Use>> uses(problem.storages.size());
  for (uint32_t at = r.first; at <= r.last; ++at) {
    const Operator &op = problem.operators[at];
    for (auto *list : {&op.reads, &op.writes, &op.updates})
      for (const Access &a : *list) {
        auto &mine = uses[a.storage];
        if (mine.empty() || mine.back().at != at - r.first)
          mine.push_back({at - r.first, false});
        mine.back().changes |= list == &op.updates;
      }
  }
  return uses;
}

/// Bytes that go on behind each place: used before and, at most `near` places
/// later, again.
std::vector<int64_t> goingOn(const Problem &problem, uint32_t n,
                             const std::vector<std::vector<Use>> &uses,
                             const std::vector<int32_t> &repeatOf,
                             uint32_t near) {
  std::vector<int64_t> bytes(n + 1);
  for (uint32_t s = 0; s < uses.size(); ++s)
    if (repeatOf[s] >= 0 && problem.storages[s].kind != StorageKind::Fed)
      for (size_t k = 1; k < uses[s].size(); ++k)
        if (uint32_t a = uses[s][k - 1].at, b = uses[s][k].at; b - a <= near) {
          bytes[a] += int64_t(problem.storages[s].bytes);
          bytes[b] -= int64_t(problem.storages[s].bytes);
        }
  for (uint32_t at = 1; at < n; ++at)
    bytes[at] += bytes[at - 1];
  return bytes;
}

/// Where each block ends: the place of its last operator.
std::vector<uint32_t> findBlocks(const Problem &problem, const Repeat &r,
                                 const std::vector<std::vector<Use>> &uses,
                                 const std::vector<int32_t> &repeatOf,
                                 uint64_t blockBytes) {
  uint32_t n = r.last - r.first + 1;
  std::vector<int64_t> goesOn =
      goingOn(problem, n, uses, repeatOf, n / farParts);
  std::vector<std::vector<uint32_t>> shared(n);
  for (uint32_t s = 0; s < uses.size(); ++s)
    for (const Use &u : uses[s])
      if (repeatOf[s] < 0)
        shared[u.at].push_back(s);
  std::vector<uint32_t> ends;
  for (uint32_t begin = 0; begin < n;) {
    std::set<uint32_t> seen;
    std::vector<uint64_t> bytes;
    uint64_t sum = 0;
    for (uint32_t at = begin; at < n; ++at) {
      for (uint32_t s : shared[at])
        sum += seen.insert(s).second ? problem.storages[s].bytes : 0;
      if (sum > blockBytes && at > begin)
        break;
      bytes.push_back(sum);
    }
    uint32_t end = begin + uint32_t(bytes.size()) - 1;
    if (end + 1 < n) {
      // Not before half of it, or there are many small ones.
      uint32_t best = end;
      for (uint32_t at = end; at > begin && bytes[at - begin] * 2 > sum; --at)
        if (goesOn[at] < goesOn[best])
          best = at;
      end = best;
    }
    ends.push_back(end);
    begin = end + 1;
  }
  return ends;
}

/// Repetitions find what they share as they would one after the other.
bool mayTakeTurns(const std::vector<std::vector<Use>> &uses,
                  const std::vector<int32_t> &repeatOf,
                  const std::vector<uint32_t> &ends) {
  auto blockOf = [&](uint32_t at) {
    return std::lower_bound(ends.begin(), ends.end(), at) - ends.begin();
  };
  for (uint32_t s = 0; s < uses.size(); ++s)
    if (repeatOf[s] < 0 && !uses[s].empty() &&
        std::any_of(
            uses[s].begin(), uses[s].end(),
            [](const Use &u) { return u.changes; }) &&
        blockOf(uses[s].front().at) != blockOf(uses[s].back().at))
      return false;
  return true;
}

} // namespace

std::vector<uint32_t> spillway::planner::narrowBlocks(const Problem &problem,
                                                      uint32_t repeat,
                                                      double share) {
  const Repeat &r = problem.repeats[repeat];
  uint32_t n = r.last - r.first + 1;
  std::vector<int32_t> repeatOf = repeatOfStorages(problem);
  auto uses = usesIn(problem, r);
  std::vector<int64_t> goesOn =
      goingOn(problem, n, uses, repeatOf, n / soonParts + soonPlaces);
  goesOn.resize(n - 1);
  std::vector<uint32_t> ends;
  if (n > 1) {
    std::vector<int64_t> least = goesOn;
    auto at = least.begin() + ptrdiff_t(share * double(n - 1));
    std::nth_element(least.begin(), at, least.end());
    for (uint32_t place = 0; place < n - 1; ++place)
      if (goesOn[place] <= *at)
        ends.push_back(place);
  }
  ends.push_back(n - 1);
  if (!mayTakeTurns(uses, repeatOf, ends))
    return {};
  for (uint32_t &end : ends)
    end += r.first;
  return ends;
}

std::optional<BlockProblem>
spillway::planner::interleaveRepetitions(const Problem &problem,
                                         uint32_t repeat, uint32_t size,
                                         uint64_t blockBytes) {
  const Repeat &r = problem.repeats[repeat];
  std::vector<int32_t> repeatOf = repeatOfStorages(problem);
  auto uses = usesIn(problem, r);
  std::vector<uint32_t> ends =
      findBlocks(problem, r, uses, repeatOf, blockBytes);
  if (!mayTakeTurns(uses, repeatOf, ends))
    return std::nullopt;
  std::vector<uint32_t> counts(problem.repeats.size(), 1);
  counts[repeat] = size;
  Unrolled u = unroll(problem, counts);
  BlockProblem out;
  out.size = size;
  out.problem = u.problem;
  out.storages = u.storages;
  out.operators = u.operators;
  uint32_t to = r.first;
  for (uint32_t block = 0, begin = 0; block < ends.size(); ++block) {
    for (uint32_t k = 0; k < size; ++k)
      for (uint32_t at = begin; at <= ends[block]; ++at, ++to) {
        uint32_t from = u.op(r.first + at, k);
        out.problem.operators[to] = u.problem.operators[from];
        out.operators[to] = u.operators[from];
      }
    begin = ends[block] + 1;
  }
  out.problem.repeats = {{r.first, to - 1, r.count / size}};
  return out;
}

Plan spillway::planner::splitBlocks(const Problem &problem, uint32_t repeat,
                                    const BlockProblem &blocks,
                                    const Plan &plan, Layout &layout) {
  Unrolled from = unrollFor(blocks.problem, plan);
  std::vector<uint32_t> counts;
  for (const Repeat &r : problem.repeats)
    counts.push_back(r.count);
  counts[repeat] = from.counts[0] * blocks.size;
  Unrolled to = unroll(problem, counts);
  std::vector<int32_t> repeatOf = repeatOfStorages(problem);
  auto storage = [&](uint32_t s) {
    Copy c = from.storages[s], x = blocks.storages[c.index];
    return to.storage(x.index, repeatOf[x.index] == int32_t(repeat)
                                   ? c.repetition * blocks.size + x.repetition
                                   : x.repetition);
  };
  const Repeat &r = problem.repeats[repeat];
  auto op = [&](uint32_t o) {
    Copy c = from.operators[o], x = blocks.operators[c.index];
    bool inside = x.index >= r.first && x.index <= r.last;
    return to.op(x.index, inside ? c.repetition * blocks.size + x.repetition
                                 : x.repetition);
  };
  Plan out = plan;
  for (Instance &i : out.initial)
    i.storage = storage(i.storage);
  std::sort(out.initial.begin(), out.initial.end());
  for (Action &a : out.actions)
    if (a.kind == ActionKind::Run) {
      a.op = op(a.op);
      for (InPlacePair &pair : a.inPlace)
        pair = {storage(pair.written), storage(pair.read)};
    } else {
      a.storage = storage(a.storage);
    }
  for (Loop &l : out.loops) {
    l.repeat = repeat;
    l.repetitions *= blocks.size;
  }
  // What was an output of every repetition's last copy is so still.
  std::vector<Lifetime> lives = lifetimes(to.problem, out);
  if (layout.offsets.empty()) {
    layout.lives = std::move(lives);
    return out;
  }
  std::map<std::pair<uint32_t, Instance>, uint64_t> offsets;
  for (uint32_t i = 0; i < layout.lives.size(); ++i) {
    Instance instance = layout.lives[i].instance;
    instance.storage = storage(instance.storage);
    offsets.emplace(std::pair(layout.lives[i].first, instance),
                    layout.offsets[i]);
  }
  for (uint32_t i = 0; i < lives.size(); ++i)
    layout.offsets[i] = offsets.at({lives[i].first, lives[i].instance});
  layout.lives = std::move(lives);
  return out;
}
