//===- LoopLayout.cpp - Addresses of a plan with loops ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopLayout.h"
#include "Analysis.h"
#include "spillway/Planner/Offsets.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

using namespace spillway::planner;

namespace {

/// Whether an instance is there just before an action is issued.
bool thereBefore(const Lifetime &life, uint32_t action) {
  if (!life.wraps)
    return life.first < action && action <= life.end;
  if (life.first == life.end) // always, or wraps right around
    return true;
  return life.first < action || action <= life.end;
}

class LoopLayout {
public:
  LoopLayout(const Problem &problem, const Plan &plan,
             const std::vector<uint64_t> &budgets, const LoopAddresses *known)
      : problem(problem), plan(plan), budgets(budgets), known(known),
        u(unrollFor(problem, plan)) {}

  Layout run();

private:
  uint32_t root(uint32_t life) {
    while (parent[life] != life)
      life = parent[life] = parent[parent[life]];
    return life;
  }
  void join(uint32_t a, uint32_t b) {
    a = root(a), b = root(b);
    parent[std::max(a, b)] = std::min(a, b);
  }
  void joinOverLoops();
  void fixKnown();
  /// Repetitions of what is fed, from the first to the last, where it is fed.
  bool isRow(uint32_t life) const {
    const Instance &i = lives[life].instance;
    const Storage &s = u.problem.storages[i.storage];
    return s.kind == StorageKind::Fed && i.tier == s.home.value_or(1) &&
           u.repeatOfStorage(u.storages[i.storage].index) >= 0;
  }

  const Problem &problem;
  const Plan &plan;
  const std::vector<uint64_t> &budgets;
  const LoopAddresses *known;
  Unrolled u;
  std::vector<Lifetime> lives;
  std::vector<uint32_t> parent;               ///< by life: the same buffer
  std::vector<std::optional<uint64_t>> fixed; ///< by life
  std::vector<std::optional<uint64_t>> fixedWorkspace; ///< by action
};

void LoopLayout::joinOverLoops() {
  for (const Loop &l : plan.loops) {
    std::map<Instance, uint32_t> begin;
    for (uint32_t i = 0; i < lives.size(); ++i)
      if (thereBefore(lives[i], l.first))
        begin[lives[i].instance] = i;
    for (uint32_t i = 0; i < lives.size(); ++i) {
      if (!thereBefore(lives[i], l.last + 1))
        continue;
      // What is there for the next repetition was there for this one.
      Instance before = lives[i].instance;
      Copy c = u.storages[before.storage];
      if (u.repeatOfStorage(c.index) == int32_t(l.repeat)) {
        if (c.repetition < l.repetitions || isRow(i))
          continue;
        before.storage = u.storage(c.index, c.repetition - l.repetitions);
      }
      auto it = begin.find(before);
      if (it != begin.end())
        join(it->second, i);
    }
  }
}

void LoopLayout::fixKnown() {
  fixed.assign(lives.size(), std::nullopt);
  fixedWorkspace.assign(plan.actions.size(), std::nullopt);
  if (!known)
    return;
  const Loop &l = plan.loops[known->loop];
  const Layout &body = *known->layout;
  std::map<std::pair<Instance, uint32_t>, uint64_t> starting;
  std::map<Instance, uint64_t> wrapping;
  for (uint32_t i = 0; i < body.lives.size(); ++i) {
    Lifetime life = body.lives[i];
    if (life.instance.tier != 0)
      continue;
    life.instance.storage = known->storages[life.instance.storage];
    if (life.wraps)
      wrapping[life.instance] = body.offsets[i];
    starting[{life.instance, life.first}] = body.offsets[i];
  }
  for (uint32_t i = 0; i < lives.size(); ++i) {
    const Lifetime &life = lives[i];
    if (life.instance.tier != 0)
      continue;
    if (life.first >= l.first && life.first <= l.last) {
      auto it = starting.find({life.instance, life.first - l.first});
      if (it != starting.end())
        fixed[i] = it->second;
    } else if (thereBefore(life, l.first)) {
      auto it = wrapping.find(life.instance);
      if (it != wrapping.end())
        fixed[i] = it->second;
    }
  }
  for (uint32_t at = l.first; at <= l.last; ++at)
    if (plan.actions[at].kind == ActionKind::Run &&
        u.problem.machine.engines[plan.actions[at].engine].tier == 0)
      fixedWorkspace[at] = body.workspaces[at - l.first];
}

Layout LoopLayout::run() {
  lives = lifetimes(u.problem, plan);
  parent.resize(lives.size());
  std::iota(parent.begin(), parent.end(), 0u);
  for (uint32_t i = 0; i < lives.size(); ++i)
    if (lives[i].takesOver >= 0)
      join(i, uint32_t(lives[i].takesOver));
  joinOverLoops();
  fixKnown();
  // One row for all repetitions of what is fed.
  std::map<uint32_t, uint32_t> rows; // by storage of the problem, a life
  for (uint32_t i = 0; i < lives.size(); ++i)
    if (isRow(i)) {
      auto [it, first] =
          rows.emplace(u.storages[lives[i].instance.storage].index, i);
      if (!first)
        join(i, it->second);
    }

  LifeBuffers buffers;
  for (uint32_t i = 0; i < lives.size(); ++i) {
    const Instance &x = lives[i].instance;
    uint64_t bytes = u.problem.storages[x.storage].partBytes(x.part);
    if (isRow(i)) {
      uint32_t original = u.storages[x.storage].index;
      bytes = problem.aligned(bytes) *
              problem.repeats[uint32_t(u.repeatOfStorage(original))].count;
    }
    buffers.buffer.push_back(root(i));
    buffers.bytes.push_back(bytes);
  }
  buffers.lives = lives;
  buffers.fixed = std::move(fixed);
  buffers.fixedWorkspaces = std::move(fixedWorkspace);
  Layout out = place(u.problem, plan, std::move(buffers), budgets);
  for (uint32_t i = 0; i < lives.size(); ++i) {
    if (!isRow(i))
      continue;
    Copy c = u.storages[lives[i].instance.storage];
    uint32_t r = uint32_t(u.repeatOfStorage(c.index));
    // The last repetition of the plan is the problem's last.
    uint32_t k = c.repetition + 1 == u.counts[r] ? problem.repeats[r].count - 1
                                                 : c.repetition;
    out.offsets[i] += problem.aligned(problem.storages[c.index].bytes) * k;
  }
  return out;
}

Simulation simulateWrittenOut(const Problem &problem, const Plan &plan,
                              const Layout *layout, uint32_t iterations,
                              const std::vector<uint64_t> &budgets,
                              bool timeline) {
  WrittenOut all = writeOut(problem, plan, iterations);
  PlacedWrittenOut placed;
  SimulationOptions options;
  options.budgets = budgets;
  options.maxRounds = timeline ? 4 : 12;
  options.timeline = timeline;
  if (layout) {
    placed = placeWrittenOut(problem, plan, *layout, all);
    options.offsets = &placed.offsets;
    options.workspaceOffsets = &placed.workspaces;
  }
  return simulate(all.unrolled.problem, all.plan, options);
}

} // namespace

PlacedWrittenOut spillway::planner::placeWrittenOut(const Problem &problem,
                                                    const Plan &plan,
                                                    const Layout &layout,
                                                    const WrittenOut &all) {
  PlacedWrittenOut out;
  out.lives = lifetimes(all.unrolled.problem, all.plan);
  Unrolled folded = unrollFor(problem, plan);
  // A life is found again by the action that begins it and what it holds.
  using Key = std::tuple<uint32_t, uint32_t, int32_t, uint32_t>;
  std::map<Key, uint64_t> begins, always;
  for (uint32_t i = 0; i < layout.lives.size(); ++i) {
    const Lifetime &l = layout.lives[i];
    uint32_t s = folded.storages[l.instance.storage].index;
    bool there = l.wraps && l.first == l.end;
    (there ? always : begins)
        .try_emplace({there ? 0 : l.first, s, l.instance.part, l.instance.tier},
                     layout.offsets[i]);
  }
  for (const Lifetime &l : out.lives) {
    Copy c = all.unrolled.storages[l.instance.storage];
    bool there = l.wraps && l.first == l.end;
    uint32_t first = there ? 0 : all.actions[l.first];
    const auto &where = there ? always : begins;
    auto it = where.find({first, c.index, l.instance.part, l.instance.tier});
    uint64_t offset = it == where.end() ? 0 : it->second;
    // What is fed lies in a row.
    if (there && all.unrolled.repeatOfStorage(c.index) >= 0)
      offset += problem.aligned(problem.storages[c.index].bytes) * c.repetition;
    out.offsets.push_back(offset);
  }
  for (uint32_t at : all.actions)
    out.workspaces.push_back(layout.workspaces[at]);
  return out;
}

Layout spillway::planner::layOutLoops(const Problem &problem, const Plan &plan,
                                      const std::vector<uint64_t> &budgets,
                                      const LoopAddresses *known) {
  return LoopLayout(problem, plan, budgets, known).run();
}

std::string spillway::planner::checkLoopLayout(const Problem &problem,
                                               const Plan &plan,
                                               const Layout &layout) {
  // Two iterations show all that may meet.
  WrittenOut all = writeOut(problem, plan, 2);
  PlacedWrittenOut p = placeWrittenOut(problem, plan, layout, all);
  const Problem &flat = all.unrolled.problem;
  uint32_t n = uint32_t(all.plan.actions.size());
  for (uint32_t t = 0; t < flat.machine.tiers.size(); ++t) {
    std::vector<OffsetItem> items;
    std::vector<uint64_t> offsets;
    for (uint32_t i = 0; i < p.lives.size(); ++i) {
      const Lifetime &l = p.lives[i];
      if (l.instance.tier != t)
        continue;
      if (l.takesOver >= 0 && p.offsets[i] != p.offsets[uint32_t(l.takesOver)])
        return "a result that takes over a buffer is elsewhere";
      OffsetItem item{
          flat.storages[l.instance.storage].partBytes(l.instance.part), {}, {}};
      if (!l.wraps)
        item.live = {{l.first, l.end}};
      else if (l.first == l.end)
        item.live = {{0, n}};
      else
        item.live = {{l.first, n}, {0, l.end}};
      items.push_back(std::move(item));
      offsets.push_back(p.offsets[i]);
    }
    for (uint32_t at = 0; at < n; ++at) {
      const Action &a = all.plan.actions[at];
      if (a.kind != ActionKind::Run || flat.machine.engines[a.engine].tier != t)
        continue;
      items.push_back({flat.operators[a.op].workspace, {{at, at + 1}}, {}});
      offsets.push_back(p.workspaces[at]);
    }
    std::string fault = checkOffsets(items, offsets);
    if (!fault.empty())
      return flat.machine.tiers[t].name + ": " + fault;
  }
  return "";
}

Simulation spillway::planner::simulateLoops(
    const Problem &problem, const Plan &plan, const Layout *layout,
    const std::vector<uint64_t> &budgets, bool timeline) {
  uint32_t count = 1;
  for (const Loop &l : plan.loops)
    count = std::max(count, l.count);
  // Only one loop can be extrapolated; several are written out.
  uint32_t most = plan.loops.size() > 1 ? count : std::min(count, 12u);
  std::vector<Simulation> runs;
  std::vector<int64_t> growth;
  uint32_t same = 0;
  for (uint32_t k = plan.loops.size() > 1 ? count : 1; k <= most; ++k) {
    runs.push_back(
        simulateWrittenOut(problem, plan, layout, k, budgets, false));
    if (runs.size() < 2)
      continue;
    growth.push_back(runs.back().stepNs - runs[runs.size() - 2].stepNs);
    if (growth.size() < 2)
      continue;
    int64_t difference = growth.back() - growth[growth.size() - 2];
    same =
        std::abs(difference) <= std::abs(growth.back()) / 20000 ? same + 1 : 0;
    if (same >= 2)
      break;
  }
  Simulation out = runs.back();
  uint32_t done = uint32_t(runs.size());
  if (plan.loops.size() == 1 && done < count) {
    int64_t rest = count - done;
    out.stepNs += growth.back() * rest;
    auto extend = [&](auto &total, const auto &before) {
      for (size_t i = 0; i < total.size(); ++i)
        total[i] += (total[i] - before[i]) *
                    std::remove_reference_t<decltype(total[i])>(rest);
    };
    const Simulation &before = runs[runs.size() - 2];
    extend(out.linkBytes, before.linkBytes);
    extend(out.linkNs, before.linkNs);
    extend(out.engineNs, before.engineNs);
    for (int64_t busy : out.engineNs)
      out.stepNs = std::max(out.stepNs, busy);
    for (int64_t busy : out.linkNs)
      out.stepNs = std::max(out.stepNs, busy);
  }
  if (timeline) {
    Simulation once =
        simulateWrittenOut(problem, plan, layout, 1, budgets, true);
    out.startNs = std::move(once.startNs);
    out.durationNs = std::move(once.durationNs);
    out.occupancy = std::move(once.occupancy);
  }
  return out;
}
