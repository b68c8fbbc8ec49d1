//===- SwapOptimum.cpp - Small swap problems, searched through --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SwapOptimum.h"
#include "SwapChain.h"
#include "spillway/Planner/Simulator.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::testing;

Problem spillway::planner::testing::randomSwapChain(uint64_t seed, uint32_t n) {
  Random random(seed);
  Problem p = emptySwapProblem(1000000000);
  p.machine.engines.resize(1);
  auto storage = [&](StorageKind kind, uint64_t bytes) {
    Storage s;
    s.id = uint32_t(p.storages.size());
    s.bytes = bytes;
    s.kind = kind;
    p.storages.push_back(s);
    return s.id;
  };
  auto op = [&](int64_t ns, std::vector<Access> reads,
                std::vector<Access> writes, std::vector<Access> updates) {
    Operator o;
    o.id = uint32_t(p.operators.size());
    o.costNs = {ns};
    o.reads = std::move(reads);
    o.writes = std::move(writes);
    o.updates = std::move(updates);
    o.recomputable = o.updates.empty();
    p.operators.push_back(std::move(o));
  };
  auto thousands = [&] { return 1000 * random.in(1, 8); };
  // By layer, 1 .. n: the weight, the result, and the result's gradient.
  std::vector<uint32_t> w(n + 1), y(n + 1), g(n + 1);
  std::vector<int64_t> ns(n + 1);
  for (uint32_t i = 1; i <= n; ++i) {
    w[i] = storage(StorageKind::Persistent, thousands());
    y[i] = storage(StorageKind::Temporary, thousands());
  }
  for (uint32_t i = 1; i < n; ++i)
    g[i] = storage(StorageKind::Temporary, p.storages[y[i]].bytes);
  for (uint32_t i = 1; i <= n; ++i) {
    ns[i] = int64_t(thousands());
    std::vector<Access> reads{{w[i]}};
    if (i > 1)
      reads.push_back({y[i - 1]});
    op(ns[i], reads, {{y[i]}}, {});
  }
  for (uint32_t i = n; i >= 1; --i) {
    std::vector<Access> reads{{i < n ? g[i] : y[n]}}, writes;
    if (i > 1) {
      reads.push_back({y[i - 1]});
      writes.push_back({g[i - 1]});
    }
    op(2 * ns[i], reads, writes, {{w[i]}});
  }
  return p;
}

namespace {

/// Between two uses of a storage that follow one another, from one position in
/// the sequence of runs to another; over the step's end, that in the next step.
struct Gap {
  uint32_t storage = 0, from = 0, to = 0;
  bool wraps = false;
  int32_t choice = -1; ///< -1: keep; else load so many runs before `to`
};

/// Plans with one sequence of runs.
class Sequence {
public:
  Sequence(const Problem &problem, uint64_t budget, std::vector<uint32_t> runs,
           uint64_t limit, SwapSearch &search);
  void searchFrom(size_t gap);

private:
  struct Use {
    uint32_t at;
    bool changes;
  };
  bool persistent(uint32_t s) const {
    return problem.storages[s].kind == StorageKind::Persistent;
  }
  /// Adds (or removes) a storage's bytes at `count` runs from `first` on.
  void occupy(const Gap &gap, uint32_t first, uint32_t count, bool add);
  bool fits() const {
    return std::all_of(bytes.begin(), bytes.end(),
                       [&](uint64_t b) { return b <= budget; });
  }
  const Gap *wrapOf(uint32_t s) const;
  bool hostIsStale(const Gap &gap) const;
  Plan makePlan() const;

  const Problem &problem;
  uint64_t budget, limit;
  std::vector<uint32_t> runs;
  SwapSearch &search;
  std::vector<std::vector<Use>> uses; ///< by storage
  std::vector<Gap> gaps;
  std::vector<uint64_t> bytes; ///< by position
};

Sequence::Sequence(const Problem &problem, uint64_t budget,
                   std::vector<uint32_t> sequence, uint64_t limit,
                   SwapSearch &search)
    : problem(problem), budget(budget), limit(limit), runs(std::move(sequence)),
      search(search), uses(problem.storages.size()), bytes(runs.size()) {
  for (uint32_t at = 0; at < runs.size(); ++at) {
    const Operator &op = problem.operators[runs[at]];
    for (auto *list : {&op.reads, &op.writes, &op.updates})
      for (const Access &a : *list) {
        uses[a.storage].push_back({at, list != &op.reads});
        bytes[at] += problem.storages[a.storage].bytes;
      }
  }
  for (uint32_t s = 0; s < uses.size(); ++s) {
    for (size_t k = 0; k + 1 < uses[s].size(); ++k)
      if (persistent(s) || !uses[s][k + 1].changes)
        gaps.push_back({s, uses[s][k].at, uses[s][k + 1].at});
    if (persistent(s))
      gaps.push_back({s, uses[s].back().at, uses[s].front().at, true});
  }
}

void Sequence::occupy(const Gap &gap, uint32_t first, uint32_t count,
                      bool add) {
  for (uint32_t k = 0; k < count; ++k) {
    uint64_t &b = bytes[(first + k) % bytes.size()];
    uint64_t size = problem.storages[gap.storage].bytes;
    b = add ? b + size : b - size;
  }
}

const Gap *Sequence::wrapOf(uint32_t s) const {
  for (const Gap &g : gaps)
    if (g.wraps && g.storage == s)
      return &g;
  return nullptr;
}

/// Whether what leaves the device in a gap has to be stored first.
bool Sequence::hostIsStale(const Gap &gap) const {
  const Gap *wrap = wrapOf(gap.storage);
  if (wrap && !gap.wraps)
    return wrap->choice < 0;
  for (const Gap &g : gaps)
    if (!wrap && g.storage == gap.storage && g.to == gap.from && g.choice >= 0)
      return false;
  return true;
}

Plan Sequence::makePlan() const {
  auto n = uint32_t(runs.size());
  Plan plan;
  std::vector<std::vector<std::pair<int32_t, uint32_t>>> loads(n);
  std::vector<std::vector<uint32_t>> stores(n), frees(n);
  std::vector<bool> onHost(problem.storages.size());
  for (const Gap &g : gaps) {
    if (g.wraps && (g.choice < 0 || g.choice > int32_t(g.to)))
      plan.initial.push_back({g.storage, -1, 0});
    if (g.wraps && g.choice >= 0)
      plan.initial.push_back({g.storage, -1, 1});
    if (g.choice < 0)
      continue;
    loads[(g.to + n - uint32_t(g.choice)) % n].push_back({g.choice, g.storage});
    if (hostIsStale(g)) {
      stores[g.from].push_back(g.storage);
      onHost[g.storage] = !g.wraps;
    }
    frees[g.from].push_back(g.storage);
  }
  std::sort(plan.initial.begin(), plan.initial.end());
  for (uint32_t s = 0; s < uses.size(); ++s)
    for (size_t k = 0; k < uses[s].size() && !persistent(s); ++k)
      if (k + 1 == uses[s].size() || uses[s][k + 1].changes)
        frees[uses[s][k].at].push_back(s);
  for (uint32_t at = 0; at < n; ++at) {
    std::sort(loads[at].begin(), loads[at].end());
    for (auto [before, s] : loads[at])
      plan.actions.push_back(Action::load(s, -1, 1));
    plan.actions.push_back(Action::run(runs[at]));
    for (uint32_t s : stores[at])
      plan.actions.push_back(Action::store(s, -1, 1));
    for (uint32_t s : frees[at])
      plan.actions.push_back(Action::free(s, -1, 0));
  }
  for (uint32_t s = 0; s < uses.size(); ++s)
    if (onHost[s])
      plan.actions.push_back(Action::free(s, -1, 1));
  return plan;
}

void Sequence::searchFrom(size_t at) {
  if (at == 0 && !fits())
    return;
  if (search.plans >= limit) {
    search.complete = false;
    return;
  }
  if (at == gaps.size()) {
    Plan plan = makePlan();
    Verdict verdict = verifyPlan(problem, plan, {budget, unlimited});
    ASSERT_TRUE(verdict.ok()) << verdict.error;
    SimulationOptions options;
    options.budgets = {budget, unlimited};
    search.leastNs =
        std::min(search.leastNs, simulate(problem, plan, options).stepNs);
    ++search.plans;
    return;
  }
  Gap &gap = gaps[at];
  auto n = uint32_t(runs.size());
  uint32_t length = gap.to + (gap.wraps ? n : 0) - gap.from;
  occupy(gap, gap.from + 1, length - 1, true);
  if (fits())
    searchFrom(at + 1);
  occupy(gap, gap.from + 1, length - 1, false);
  for (uint32_t before = 0; before + 1 < length; ++before) {
    gap.choice = int32_t(before);
    occupy(gap, gap.to + n - before, before, true);
    if (fits())
      searchFrom(at + 1);
    occupy(gap, gap.to + n - before, before, false);
  }
  gap.choice = -1;
}

} // namespace

SwapSearch spillway::planner::testing::searchSwapPlans(const Problem &problem,
                                                       uint64_t budget,
                                                       uint64_t limit) {
  SwapSearch search;
  auto ops = uint32_t(problem.operators.size());
  uint32_t layers = ops / 2;
  for (uint32_t again = 0; again < 1u << (layers - 1); ++again) {
    std::vector<uint32_t> runs;
    for (uint32_t i = 0; i < layers; ++i)
      runs.push_back(i);
    for (uint32_t i = layers; i-- > 0;) {
      // Those that the one before needs come first.
      uint32_t first = i;
      while (first > 0 && again >> (first - 1) & 1)
        --first;
      for (uint32_t f = first; f < i; ++f)
        runs.push_back(f);
      runs.push_back(ops - 1 - i);
    }
    uint64_t share = limit * (again + 1) >> (layers - 1);
    Sequence(problem, budget, runs, share, search).searchFrom(0);
  }
  return search;
}
