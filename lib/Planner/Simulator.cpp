//===- Simulator.cpp - How long a plan takes --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Simulator.h"

#include <algorithm>
#include <map>
#include <queue>

using namespace spillway::planner;

namespace {

constexpr uint32_t none = UINT32_MAX;

/// Part of an instance whose readers and writers wait for one another.
struct Cell {
  int64_t ready = 0; ///< the content is there
  int64_t idle = 0;  ///< nobody reads or writes it any more
};

/// Bytes of a tier that are free, and since when; the longest free go first.
class Pool {
public:
  void add(uint64_t bytes, int64_t since) {
    if (bytes)
      free.push({since, bytes});
  }
  /// Takes bytes and returns when the last of them was let go.
  int64_t take(uint64_t bytes) {
    int64_t since = 0;
    while (bytes && !free.empty()) {
      Chunk chunk = free.top();
      free.pop();
      since = std::max(since, chunk.since);
      if (chunk.bytes > bytes) {
        free.push({chunk.since, chunk.bytes - bytes});
        return since;
      }
      bytes -= chunk.bytes;
    }
    return since;
  }

private:
  struct Chunk {
    int64_t since;
    uint64_t bytes;
    bool operator>(const Chunk &other) const { return since > other.since; }
  };
  std::priority_queue<Chunk, std::vector<Chunk>, std::greater<Chunk>> free;
};

/// By address, when the last user of each byte was done.
class AddressMap {
public:
  AddressMap() { begins[0] = 0; }
  int64_t lastUse(uint64_t begin, uint64_t end) const {
    int64_t since = 0;
    for (auto it = std::prev(begins.upper_bound(begin));
         it != begins.end() && it->first < end; ++it)
      since = std::max(since, it->second);
    return since;
  }
  void set(uint64_t begin, uint64_t end, int64_t since) {
    if (begin >= end)
      return;
    split(begin);
    split(end);
    auto first = begins.find(begin);
    begins.erase(std::next(first), begins.find(end));
    first->second = since;
  }

private:
  void split(uint64_t at) {
    auto it = std::prev(begins.upper_bound(at));
    if (it->first != at)
      begins.emplace_hint(std::next(it), at, it->second);
  }
  std::map<uint64_t, int64_t> begins;
};

/// One action, with everything looked up.
struct Step {
  uint32_t stream = none;
  int64_t duration = 0;
  /// A transfer over two links takes the faster one for its bytes' time there;
  /// chunk by chunk, so that others go between.
  uint32_t shared = none;
  int64_t sharedNs = 0;
  // Ranges into Program's arrays.
  uint32_t reads, writes, begins, ends, stop;
  uint64_t workspace = 0;
  uint32_t tier = 0;
};

/// A plan with instances numbered and looked up once, so that a round of the
/// simulation is a walk over arrays.
struct Program {
  const Problem &problem;
  std::vector<Lifetime> lives;
  std::vector<uint32_t> cellBegin; ///< by life; one more at the end
  std::vector<Step> steps;
  std::vector<uint32_t> items; ///< cells read; cells written; lives

  Program(const Problem &problem, const Plan &plan);
  uint32_t numCells() const { return cellBegin.back(); }
  uint64_t bytes(uint32_t life) const {
    const Instance &i = lives[life].instance;
    return problem.aligned(problem.storages[i.storage].partBytes(i.part));
  }
};

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
  std::vector<Machine::Way> ways(numTiers * 2);
  for (uint32_t t = 1; t < numTiers; ++t) {
    ways[t * 2] = machine.way(t, 0);
    ways[t * 2 + 1] = machine.way(0, t);
  }
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
      addCells(find(a.storage, a.part, 0), a.part);
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
      const Machine::Way &way = ways[a.tier * 2 + (load ? 0 : 1)];
      if (way.link != none)
        step.stream = numEngines + way.link;
      step.duration =
          machine.transferNs(load ? a.tier : 0, load ? 0 : a.tier, bytes);
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

class Run {
public:
  Run(const Problem &problem, const Plan &plan,
      const SimulationOptions &options)
      : problem(problem), plan(plan), options(options), program(problem, plan) {
  }

  Simulation simulate();

private:
  void memory();
  int64_t round();
  uint64_t limit(uint32_t tier) const {
    return tier < options.budgets.size() ? options.budgets[tier]
                                         : problem.machine.tiers[tier].capacity;
  }

  /// The wire of a stream that is a link of a group, or 0.
  uint32_t groupOf(uint32_t stream) const {
    size_t engines = problem.machine.engines.size();
    return stream < engines ? 0 : problem.machine.links[stream - engines].group;
  }

  const Problem &problem;
  const Plan &plan;
  const SimulationOptions &options;
  Program program;
  Simulation result;
  std::vector<Cell> cells;
  std::vector<int64_t> streamFree;
  std::map<uint32_t, int64_t> groupFree;
  std::vector<Pool> pools;
  std::vector<AddressMap> addresses;
  std::vector<int64_t> starts;
};

void Run::memory() {
  uint32_t numTiers = uint32_t(problem.machine.tiers.size());
  std::vector<uint64_t> live(numTiers);
  for (uint32_t l = 0; l < program.lives.size(); ++l)
    if (program.lives[l].wraps)
      live[program.lives[l].instance.tier] += program.bytes(l);
  pools.resize(numTiers);
  addresses.resize(numTiers);
  for (uint32_t t = 0; t < numTiers; ++t)
    if (limit(t) != unlimited && limit(t) > live[t])
      pools[t].add(limit(t) - live[t], 0);
  result.peakBytes = live;
  result.linkBytes.assign(problem.machine.links.size(), 0);
  result.linkNs.assign(problem.machine.links.size(), 0);
  result.engineNs.assign(problem.machine.engines.size(), 0);
  uint32_t numEngines = uint32_t(problem.machine.engines.size());
  if (options.timeline)
    result.occupancy.assign(numTiers, {});
  for (uint32_t at = 0; at < program.steps.size(); ++at) {
    const Step &s = program.steps[at];
    for (uint32_t i = s.begins; i < s.ends; ++i) {
      const Lifetime &life = program.lives[program.items[i]];
      if (life.takesOver < 0)
        live[life.instance.tier] += program.bytes(program.items[i]);
    }
    for (uint32_t i = s.ends; i < s.stop; ++i)
      live[program.lives[program.items[i]].instance.tier] -=
          program.bytes(program.items[i]);
    for (uint32_t t = 0; t < numTiers; ++t) {
      uint64_t now = live[t] + (t == s.tier ? s.workspace : 0);
      result.peakBytes[t] = std::max(result.peakBytes[t], now);
      if (options.timeline)
        result.occupancy[t].push_back(now);
    }
    const Action &a = plan.actions[at];
    if (a.kind == ActionKind::Run) {
      result.engineNs[s.stream] += s.duration;
      continue;
    }
    for (auto [stream, ns] :
         {std::pair(s.stream, s.duration), std::pair(s.shared, s.sharedNs)})
      if (stream != none) {
        result.linkBytes[stream - numEngines] +=
            problem.storages[a.storage].partBytes(a.part);
        result.linkNs[stream - numEngines] += ns;
      }
  }
}

/// One step, after whatever went before; returns when its last run ends.
int64_t Run::round() {
  uint32_t numEngines = uint32_t(problem.machine.engines.size());
  int64_t lastRun = 0;
  for (uint32_t at = 0; at < program.steps.size(); ++at) {
    const Step &s = program.steps[at];
    if (s.stream == none) { // a free
      for (uint32_t i = s.ends; i < s.stop; ++i) {
        uint32_t l = program.items[i];
        int64_t idle = 0;
        for (uint32_t c = program.cellBegin[l]; c < program.cellBegin[l + 1];
             ++c)
          idle = std::max(idle, cells[c].idle);
        uint32_t tier = program.lives[l].instance.tier;
        if (options.offsets)
          addresses[tier].set((*options.offsets)[l],
                              (*options.offsets)[l] + program.bytes(l), idle);
        else if (limit(tier) != unlimited)
          pools[tier].add(program.bytes(l), idle);
      }
      starts[at] = 0;
      continue;
    }
    int64_t start = streamFree[s.stream];
    if (uint32_t g = groupOf(s.stream))
      start = std::max(start, groupFree[g]);
    for (uint32_t i = s.reads; i < s.writes; ++i)
      start = std::max(start, cells[program.items[i]].ready);
    for (uint32_t i = s.begins; i < s.ends; ++i) {
      uint32_t l = program.items[i];
      const Lifetime &life = program.lives[l];
      uint32_t tier = life.instance.tier;
      int64_t idle = 0;
      if (life.takesOver >= 0) {
        for (uint32_t c = program.cellBegin[life.takesOver];
             c < program.cellBegin[life.takesOver + 1]; ++c)
          idle = std::max(idle, cells[c].idle);
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
    if (s.workspace) {
      if (options.offsets && options.workspaceOffsets) {
        uint64_t offset = (*options.workspaceOffsets)[at];
        start = std::max(
            start, addresses[s.tier].lastUse(offset, offset + s.workspace));
      } else if (limit(s.tier) != unlimited) {
        start = std::max(start, pools[s.tier].take(s.workspace));
      }
    }
    int64_t end = start + s.duration;
    streamFree[s.stream] = end;
    if (uint32_t g = groupOf(s.stream))
      groupFree[g] = end;
    if (s.shared != none) {
      // Whoever has the link keeps it; those behind it wait for so much longer.
      int64_t &free = streamFree[s.shared];
      uint32_t g = groupOf(s.shared);
      if (g)
        free = std::max(free, groupFree[g]);
      free = std::max(free, start) + s.sharedNs;
      if (g)
        groupFree[g] = free;
    }
    for (uint32_t i = s.reads; i < s.writes; ++i)
      cells[program.items[i]].idle =
          std::max(cells[program.items[i]].idle, end);
    for (uint32_t i = s.writes; i < s.begins; ++i)
      cells[program.items[i]] = {end, end};
    if (s.workspace) {
      if (options.offsets && options.workspaceOffsets) {
        uint64_t offset = (*options.workspaceOffsets)[at];
        addresses[s.tier].set(offset, offset + s.workspace, end);
      } else if (limit(s.tier) != unlimited) {
        pools[s.tier].add(s.workspace, end);
      }
    }
    starts[at] = start;
    if (s.stream < numEngines)
      lastRun = std::max(lastRun, end);
  }
  return lastRun;
}

Simulation Run::simulate() {
  memory();
  cells.resize(program.numCells());
  streamFree.assign(
      problem.machine.engines.size() + problem.machine.links.size(), 0);
  starts.assign(program.steps.size(), 0);
  std::vector<int64_t> ends;
  uint32_t same = 0;
  for (uint32_t k = 0; k < std::max(options.maxRounds, 2u) && same < 2; ++k) {
    ends.push_back(round());
    size_t n = ends.size();
    same = n >= 3 && ends[n - 1] - ends[n - 2] == ends[n - 2] - ends[n - 3]
               ? same + 1
               : 0;
  }
  // Where the period wanders, its mean over the later half counts.
  size_t n = ends.size(), from = same ? n - 2 : (n - 1) / 2;
  int64_t rounds = int64_t(n - 1 - from);
  result.stepNs = (ends[n - 1] - ends[from] + rounds - 1) / rounds;
  // A backlog on a stream may grow for long before anyone waits for it: the
  // period is never below what a stream or a wire has to do.
  for (int64_t busy : result.engineNs)
    result.stepNs = std::max(result.stepNs, busy);
  std::map<uint32_t, int64_t> groups;
  for (uint32_t l = 0; l < problem.machine.links.size(); ++l) {
    result.stepNs = std::max(result.stepNs, result.linkNs[l]);
    if (uint32_t g = problem.machine.links[l].group)
      result.stepNs = std::max(result.stepNs, groups[g] += result.linkNs[l]);
  }
  if (options.timeline) {
    int64_t origin = INT64_MAX;
    for (uint32_t at = 0; at < starts.size(); ++at)
      if (program.steps[at].stream != none)
        origin = std::min(origin, starts[at]);
    int64_t previous = 0;
    for (uint32_t at = 0; at < starts.size(); ++at) {
      bool timed = program.steps[at].stream != none;
      if (timed)
        previous = starts[at] - origin;
      result.startNs.push_back(previous);
      result.durationNs.push_back(program.steps[at].duration);
    }
  }
  return std::move(result);
}

} // namespace

Simulation spillway::planner::simulate(const Problem &problem, const Plan &plan,
                                       const SimulationOptions &options) {
  return Run(problem, plan, options).simulate();
}
