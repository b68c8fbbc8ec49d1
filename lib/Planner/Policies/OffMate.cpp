//===- OffMate.cpp - Recompute and offload in one program -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Zhao, Hellard, Eyraud-Dubois et al., "OffMate: full fine-tuning of LLMs on a
// single GPU by re-materialization and offloading", 2024 (hal-04660745), and
// its formulation in the code of rockmate. The step is a sequence of blocks'
// forward and backward passes; a block's backward pass has options (here: with
// all that its forward pass left, or after making it again), which are the
// integers. All else is continuous: the share of each block's parameters, state
// and activations that is away while it is not used, the share of it that moves
// during each step, the share of its updates that runs on the host. With
// time(j) of step j at least its compute, its bytes in over their rate, its
// bytes out over theirs, and the host's updates, the program minimises the sum
// of time(j).
//
// The integers are found by relaxing and fixing one after the other, so that a
// plan takes seconds; the paper's solver looks for the optimum for minutes.
// Shares become slots: of a block's slots the first ones, rounded up, are away,
// and a slot's load is issued in the step in which the program moves it.
// Updates go to the host as a whole: up to the share, to the nearest.
//
//===----------------------------------------------------------------------===//

#include "../OffMate.h"

#include <algorithm>
#include <map>

using namespace spillway::planner;
using namespace spillway::planner::offmate;

/// The slots of a group by the shares of its gaps.
void OffMate::placeGroup(uint32_t g, const std::vector<double> &x,
                         const std::vector<std::vector<uint32_t>> &uses,
                         const std::vector<uint32_t> &runStep,
                         const std::vector<uint32_t> &firstRun,
                         Placement &p) const {
  const Group &group = groups[g];
  // By gap: which slots are away (the first ones), and when each comes.
  double before = 0;
  for (uint32_t slot : group.slots) {
    double begin = before / group.bytes;
    before += double(a.slotBytes[slot]);
    uint32_t s = a.slotStorage[slot];
    std::vector<const Away *> mine;
    for (const Away &w : aways)
      if (w.group == g && x[w.share] > begin + 1e-4)
        mine.push_back(&w);
    if (mine.empty() || uses[slot].empty())
      continue;
    bool remade = group.block != none && x[again[group.block]] > 0.5;
    if (remade)
      continue;
    p.home[s] = 1;
    auto gapAfter = [&](uint32_t step) -> const Away * {
      for (const Away *w : mine)
        if (w->from <= step && step < w->to)
          return w;
      return nullptr;
    };
    const auto &list = uses[slot];
    for (size_t i = 0; i < list.size(); ++i) {
      const Away *w =
          i ? gapAfter(runStep[list[i - 1]])
            : (group.persistent ? gapAfter(runStep[list.back()]) : nullptr);
      // Away from the run before to this one?
      bool away = w && (i == 0 || (runStep[list[i]] >= w->to &&
                                   runStep[list[i - 1]] <= w->from));
      if (i && !away) {
        p.stays.back().last = list[i];
        continue;
      }
      uint32_t issue = list[i];
      double come = 0;
      if (w)
        for (auto [j, column] : w->in) {
          come += x[column];
          if (come > begin + 1e-6) {
            // What comes before the step's end and is used after its begin.
            issue = j >= steps || !group.persistent || i
                        ? std::min(issue, firstRun[j % steps])
                        : 0;
            break;
          }
        }
      if (i)
        issue = std::max(issue, list[i - 1] + 1);
      p.stays.push_back({slot, std::min(issue, list[i]), list[i], list[i]});
    }
  }
}

Placement OffMate::place(const std::vector<double> &x) const {
  Placement p;
  std::vector<bool> drop(problem.storages.size());
  for (uint32_t s = 0; s < drop.size(); ++s) {
    uint32_t g = groupOf[a.slot(s, -1)];
    drop[s] =
        g != none && groups[g].block != none && x[again[groups[g].block]] > 0.5;
  }
  // Updates on the host: those of the block's first parameters, up to its
  // share; all of one parameter go the same way.
  std::vector<uint32_t> engine(a.numOps);
  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> updatesOf;
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Access &u : problem.operators[at].updates) {
      uint32_t g = groupOf[placedSlot(a, u.storage, u.part)];
      if (!graph.isUpdate[at] || g == none || groups[g].isState ||
          hostShare[g] == none)
        continue;
      updatesOf[{g, u.storage}].push_back(at);
      break;
    }
  std::vector<double> done(groups.size());
  for (auto &[key, list] : updatesOf) {
    const Group &group = groups[key.first];
    double cost = 0;
    bool goes = true;
    for (uint32_t at : list)
      if (uint32_t e = hostEngine(problem, at))
        cost += double(problem.operators[at].cost(e));
      else
        goes = false;
    // To the nearest: a small share that hides is no reason to wait for a
    // whole.
    double share = x[hostShare[key.first]] * group.hostNs;
    goes &= share > done[key.first] + cost / 2;
    for (uint32_t at : list)
      engine[at] = goes ? hostEngine(problem, at) : 0;
    done[key.first] += goes ? cost : 0;
  }
  for (uint32_t op : graph.trace(drop))
    p.runs.push_back({op, engine[op]});
  p.home.assign(problem.storages.size(), 0);
  p.resident.assign(problem.storages.size(), false);
  std::vector<uint32_t> runStep, firstRun(steps, uint32_t(p.runs.size()));
  std::vector<bool> ran(a.numOps);
  for (const PlacedRun &r : p.runs) {
    // What is made again belongs to the block's backward pass.
    uint32_t step = stepOf[r.op];
    if (ran[r.op])
      step = backStep(step);
    ran[r.op] = true;
    firstRun[step] = std::min(firstRun[step], uint32_t(runStep.size()));
    runStep.push_back(step);
  }
  for (uint32_t j = steps - 1; j-- > 0;)
    firstRun[j] = std::min(firstRun[j], firstRun[j + 1]);
  auto uses = placedUses(a, p.runs);
  for (uint32_t g = 0; g < groups.size(); ++g)
    placeGroup(g, x, uses, runStep, firstRun, p);
  // Storages that an update on the host changes have a home; those of them, and
  // parts of those with one, that no gap takes away stay on the device, too.
  for (const PlacedRun &r : p.runs)
    if (problem.machine.engines[r.engine].tier)
      for (const Access &u : problem.operators[r.op].updates)
        p.home[u.storage] = problem.machine.engines[r.engine].tier;
  std::vector<bool> given(a.numSlots());
  for (const Stay &s : p.stays)
    given[s.slot] = true;
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    uint32_t s = a.slotStorage[slot];
    if (!p.home[s] || given[slot] || uses[slot].empty() ||
        placedSlot(a, s, a.slotPart[slot]) != slot ||
        problem.storages[s].kind != StorageKind::Persistent)
      continue;
    if (a.slotPart[slot] < 0)
      p.resident[s] = true;
    else
      p.stays.push_back(
          {slot, 0, uses[slot].front(), uint32_t(p.runs.size()) - 1});
  }
  return p;
}

PolicyAnswer OffMate::run() {
  PolicyAnswer answer;
  const Machine &m = problem.machine;
  for (const Link &l : m.links) {
    inRate += l.from == 1 && l.to == 0 ? double(l.bytesPerSecond) / 1e9 : 0;
    outRate += l.from == 0 && l.to == 1 ? double(l.bytesPerSecond) / 1e9 : 0;
  }
  if (inRate <= 0 || outRate <= 0) {
    answer.applies = false;
    answer.reason = "offmate needs a tier with links to and from the device";
    return answer;
  }
  if (a.numOps == 0 || graph.turn == 0) {
    answer.applies = false;
    answer.reason = "offmate found no forward pass in this problem";
    return answer;
  }
  findSteps();
  findGroups();
  findLoads();
  // In units of the step's compute, for the solver's sake.
  double total = 0;
  for (double ns : compute)
    total += ns;
  total = std::max(total, 1.0);
  for (double &ns : compute)
    ns /= total;
  for (double &ns : remake)
    ns /= total;
  for (Group &g : groups)
    g.hostTime = g.hostNs / total;
  inRate *= total;
  outRate *= total;
  // A step's memory is an estimate from above, and shares are rounded: which
  // room gives the fastest plan that fits shows when the plans are there.
  for (double share : {1.5, 1.25, 1.1, 1.0, 0.9, 0.75}) {
    if (answer.ok && request.late())
      break;
    build(double(request.budgets[0]) * share);
    std::vector<double> columns = solve();
    if (columns.empty()) {
      if (answer.reason.empty())
        answer.reason = "offmate's program has no solution within " +
                        std::to_string(request.budgets[0]) + " bytes of " +
                        m.tiers[0].name;
      break;
    }
    addPlan(a, place(columns), request.budgets, answer);
  }
  return answer;
}

PolicyAnswer spillway::planner::planOffMate(const PolicyRequest &request) {
  return OffMate(request).run();
}
