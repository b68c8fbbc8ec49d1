//===- Simulator.cpp - How long a plan takes --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execution.h"

using namespace spillway::planner;

namespace {

constexpr uint32_t none = UINT32_MAX;

/// What of a simulation does not depend on time.
void account(const Program &program, const Plan &plan, bool timeline,
             Simulation &result) {
  const Problem &problem = program.problem;
  uint32_t numTiers = uint32_t(problem.machine.tiers.size());
  std::vector<uint64_t> live(numTiers);
  for (uint32_t l = 0; l < program.lives.size(); ++l)
    if (program.lives[l].wraps)
      live[program.lives[l].instance.tier] += program.bytes(l);
  result.peakBytes = live;
  result.linkBytes.assign(problem.machine.links.size(), 0);
  result.linkNs.assign(problem.machine.links.size(), 0);
  result.engineNs.assign(problem.machine.engines.size(), 0);
  uint32_t numEngines = uint32_t(problem.machine.engines.size());
  if (timeline)
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
      if (timeline)
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
int64_t round(Execution &execution, const Program &program,
              std::vector<int64_t> &starts) {
  int64_t lastRun = 0;
  size_t numEngines = program.problem.machine.engines.size();
  for (uint32_t at = 0; at < program.steps.size(); ++at) {
    const Step &s = program.steps[at];
    starts[at] = execution.run(at);
    if (s.stream < numEngines)
      lastRun = std::max(lastRun, starts[at] + s.duration);
  }
  return lastRun;
}

} // namespace

Simulation spillway::planner::simulate(const Problem &problem, const Plan &plan,
                                       const SimulationOptions &options) {
  Program program(problem, plan);
  Simulation result;
  account(program, plan, options.timeline, result);
  Execution execution(program, options);
  std::vector<int64_t> starts(program.steps.size());
  std::vector<int64_t> ends;
  uint32_t same = 0;
  for (uint32_t k = 0; k < std::max(options.maxRounds, 2u) && same < 2; ++k) {
    ends.push_back(round(execution, program, starts));
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
  return result;
}
