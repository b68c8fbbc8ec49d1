//===- Execution.cpp - Actions of a plan, carried out in time ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execution.h"

using namespace spillway::planner;

static constexpr uint32_t none = UINT32_MAX;

Program::Program(const Problem &problem, const Plan &plan)
    : problem(problem), lives(lifetimes(problem, plan)) {
  const Machine &machine = problem.machine;
  uint32_t numTiers = uint32_t(machine.tiers.size());
  uint32_t numEngines = uint32_t(machine.engines.size());
  // Slots: where to look up the life that is open now. Device instances have
  // one for the whole and one a part, others one.
  std::vector<uint32_t> slotBegin(problem.storages.size() + 1);
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    slotBegin[s + 1] =
        slotBegin[s] + 1 + problem.storages[s].numParts() + numTiers - 1;
  auto slot = [&](const Instance &i) {
    uint32_t parts = problem.storages[i.storage].numParts();
    return slotBegin[i.storage] +
           (i.tier == 0 ? uint32_t(i.part + 1) : parts + i.tier);
  };
  std::vector<uint32_t> open(slotBegin.back(), none);
  cellBegin.push_back(0);
  // Lives by the action at which they begin, in order.
  std::vector<std::vector<uint32_t>> beginning(plan.actions.size());
  for (uint32_t l = 0; l < lives.size(); ++l) {
    const Instance &i = lives[l].instance;
    cellBegin.push_back(
        cellBegin.back() +
        (i.part < 0 ? problem.storages[i.storage].numParts() : 1));
    if (lives[l].wraps)
      open[slot(i)] = l;
    if (!lives[l].wraps || lives[l].first != lives[l].end)
      beginning[lives[l].first].push_back(l);
  }
  auto find = [&](uint32_t storage, int32_t part, uint32_t tier) {
    uint32_t l = open[slot({storage, -1, tier})];
    return l == none && part >= 0 && tier == 0
               ? open[slot({storage, part, tier})]
               : l;
  };
  auto addCells = [&](uint32_t life, int32_t part) {
    if (life == none)
      return;
    uint32_t begin = cellBegin[life], end = cellBegin[life + 1];
    if (part >= 0 && lives[life].instance.part < 0)
      begin += uint32_t(part), end = begin + 1;
    for (uint32_t c = begin; c < end; ++c)
      items.push_back(c);
  };
  std::vector<Machine::Way> ways;
  for (uint32_t from = 0; from < numTiers; ++from)
    for (uint32_t to = 0; to < numTiers; ++to)
      ways.push_back(from == to ? Machine::Way() : machine.way(from, to));
  for (uint32_t at = 0; at < plan.actions.size(); ++at) {
    const Action &a = plan.actions[at];
    Step step;
    if (a.kind == ActionKind::Run)
      step.tier = machine.engines[a.engine].tier;
    step.reads = uint32_t(items.size());
    if (a.kind == ActionKind::Run) {
      const Operator &op = problem.operators[a.op];
      step.stream = a.engine;
      step.duration = op.costNs[a.engine];
      step.workspace = problem.aligned(op.workspace);
      for (const Access &r : op.reads)
        addCells(find(r.storage, r.part, step.tier), r.part);
      for (const Access &u : op.updates)
        addCells(find(u.storage, u.part, step.tier), u.part);
    } else if (a.kind == ActionKind::Load) {
      addCells(find(a.storage, -1, a.tier), a.part);
    } else if (a.kind == ActionKind::Store) {
      addCells(find(a.storage, a.part, a.from), a.part);
    }
    // Operands are looked up above: what works in place ends what it reads.
    for (uint32_t l : beginning[at])
      if (lives[l].takesOver >= 0)
        open[slot(lives[lives[l].takesOver].instance)] = none;
    for (uint32_t l : beginning[at])
      open[slot(lives[l].instance)] = l;
    step.writes = uint32_t(items.size());
    if (a.kind == ActionKind::Run) {
      for (const Access &w : problem.operators[a.op].writes)
        addCells(find(w.storage, w.part, step.tier), w.part);
      for (const Access &u : problem.operators[a.op].updates)
        addCells(find(u.storage, u.part, step.tier), u.part);
    } else if (a.kind != ActionKind::Free) {
      bool load = a.kind == ActionKind::Load;
      addCells(find(a.storage, load ? a.part : -1, load ? 0 : a.tier), a.part);
      uint64_t bytes = problem.storages[a.storage].partBytes(a.part);
      uint32_t from = load ? a.tier : a.from, to = load ? 0 : a.tier;
      const Machine::Way &way = ways[from * numTiers + to];
      if (way.link != none)
        step.stream = numEngines + way.link;
      step.duration = machine.transferNs(from, to, bytes);
      if (way.shared != none) {
        step.shared = numEngines + way.shared;
        step.sharedNs = machine.links[way.shared].bytesNs(bytes);
      }
    }
    step.begins = uint32_t(items.size());
    for (uint32_t l : beginning[at])
      items.push_back(l);
    step.ends = uint32_t(items.size());
    if (a.kind == ActionKind::Free) {
      uint32_t &o = open[slot({a.storage, a.part, a.tier})];
      if (o != none)
        items.push_back(o);
      o = none;
    }
    step.stop = uint32_t(items.size());
    steps.push_back(step);
  }
}

Execution::Execution(const Program &program, const SimulationOptions &options)
    : program(program), options(options), cells(program.numCells()) {
  const Machine &machine = program.problem.machine;
  size_t numTiers = machine.tiers.size();
  streamFree.assign(machine.engines.size() + machine.links.size(), 0);
  passing.resize(streamFree.size());
  pools.resize(numTiers);
  addresses.resize(numTiers);
  std::vector<uint64_t> live(numTiers);
  for (uint32_t l = 0; l < program.lives.size(); ++l)
    if (program.lives[l].wraps)
      live[program.lives[l].instance.tier] += program.bytes(l);
  for (uint32_t t = 0; t < numTiers; ++t)
    if (limit(t) != unlimited && limit(t) > live[t])
      pools[t].add(limit(t) - live[t], 0);
}

int64_t Execution::streamsFree(uint32_t at) const {
  uint32_t stream = program.steps[at].stream;
  if (stream == none)
    return 0;
  int64_t time = streamFree[stream];
  if (uint32_t g = groupOf(stream))
    if (auto it = groupFree.find(g); it != groupFree.end())
      time = std::max(time, it->second);
  return time;
}

int64_t Execution::readsReady(uint32_t at) const {
  const Step &s = program.steps[at];
  int64_t time = 0;
  for (uint32_t i = s.reads; i < s.writes; ++i)
    time = std::max(time, cells[program.items[i]].ready);
  return time;
}

int64_t Execution::bytesFree(uint32_t at) const {
  const Step &s = program.steps[at];
  uint64_t bytes = s.workspace;
  int64_t time = 0;
  for (uint32_t i = s.begins; i < s.ends; ++i) {
    const Lifetime &life = program.lives[program.items[i]];
    if (life.takesOver >= 0)
      time = std::max(time, idleSince(uint32_t(life.takesOver)));
    else if (life.instance.tier == s.tier)
      bytes += program.bytes(program.items[i]);
  }
  if (bytes && limit(s.tier) != unlimited)
    time = std::max(time, pools[s.tier].peek(bytes));
  return time;
}

int64_t Execution::earliest(uint32_t at) const {
  return std::max({streamsFree(at), readsReady(at), bytesFree(at)});
}

void Execution::free(const Step &s) {
  for (uint32_t i = s.ends; i < s.stop; ++i) {
    uint32_t l = program.items[i], tier = program.lives[l].instance.tier;
    int64_t idle = idleSince(l);
    if (options.offsets)
      addresses[tier].set((*options.offsets)[l],
                          (*options.offsets)[l] + program.bytes(l), idle);
    else if (limit(tier) != unlimited)
      pools[tier].add(program.bytes(l), idle);
  }
}

int64_t Execution::run(uint32_t at) {
  const Step &s = program.steps[at];
  if (s.stream == none) {
    free(s);
    return 0;
  }
  int64_t start = readsReady(at);
  for (uint32_t i = s.begins; i < s.ends; ++i) {
    uint32_t l = program.items[i];
    const Lifetime &life = program.lives[l];
    uint32_t tier = life.instance.tier;
    int64_t idle = 0;
    if (life.takesOver >= 0) {
      idle = idleSince(uint32_t(life.takesOver));
    } else if (options.offsets) {
      uint64_t offset = (*options.offsets)[l];
      idle = addresses[tier].lastUse(offset, offset + program.bytes(l));
    } else if (limit(tier) != unlimited) {
      idle = pools[tier].take(program.bytes(l));
    }
    start = std::max(start, idle);
    for (uint32_t c = program.cellBegin[l]; c < program.cellBegin[l + 1]; ++c)
      cells[c] = {0, 0};
  }
  for (uint32_t i = s.writes; i < s.begins; ++i)
    start = std::max(start, cells[program.items[i]].idle);
  bool placed = options.offsets && options.workspaceOffsets;
  uint64_t offset = placed ? (*options.workspaceOffsets)[at] : 0;
  bool counts = s.workspace && limit(s.tier) != unlimited;
  if (s.workspace && placed)
    start = std::max(start,
                     addresses[s.tier].lastUse(offset, offset + s.workspace));
  else if (counts)
    start = std::max(start, pools[s.tier].take(s.workspace));
  // What passes by since before goes first, and what comes by goes between.
  auto &by = passing[s.stream];
  start = std::max(start, streamsFree(at));
  for (; !by.empty() && by.begin()->first <= start; by.erase(by.begin())) {
    int64_t &free = streamFree[s.stream];
    free = std::max(free, by.begin()->first) + by.begin()->second;
    start = std::max(start, free);
  }
  int64_t end = start + s.duration;
  for (; !by.empty() && by.begin()->first < end; by.erase(by.begin()))
    end += by.begin()->second;
  streamFree[s.stream] = end;
  if (uint32_t g = groupOf(s.stream))
    groupFree[g] = end;
  if (s.shared != none) {
    // Whoever has the link keeps it; those behind it wait for so much longer.
    if (uint32_t g = groupOf(s.shared)) {
      int64_t &free = streamFree[s.shared];
      free = std::max({free, groupFree[g], start}) + s.sharedNs;
      groupFree[g] = free;
    } else {
      passing[s.shared].insert({start, s.sharedNs});
    }
  }
  for (uint32_t i = s.reads; i < s.writes; ++i)
    cells[program.items[i]].idle = std::max(cells[program.items[i]].idle, end);
  for (uint32_t i = s.writes; i < s.begins; ++i)
    cells[program.items[i]] = {end, end};
  if (s.workspace && placed)
    addresses[s.tier].set(offset, offset + s.workspace, end);
  else if (counts)
    pools[s.tier].add(s.workspace, end);
  return start;
}
