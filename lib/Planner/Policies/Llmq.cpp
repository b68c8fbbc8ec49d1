//===- Llmq.cpp - The static block policy of LLMQ ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Schultheis and Alistarh, "LLMQ: Efficient Lower-Precision LLM Training for
// Consumer GPUs", CPAL 2026 (arXiv 2512.15306), and the documentation of its
// code (IST-DASLab/llmq). Everything is done by blocks, the layers of the
// model, with switches that the user sets for all of them at once:
//
//   * recompute what is cheap (SwiGLU, norms), or the whole block;
//   * state on the host, updated on the device, with two buffers: while one
//     block is updated the next one's state is on its way;
//   * weights on the host, with two buffers: the next block's are gathered when
//     a block begins; at the turn the last two are there still;
//   * residuals, what goes from block to block, on the host; the one that is
//     needed next comes back while a block is worked on.
//
// The user sets as few as fit and takes what is fastest. So do we: all
// combinations that make sense are simulated.
//
//===----------------------------------------------------------------------===//

#include "../Placement.h"
#include "../TrainingGraph.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

enum class Recompute { Nothing, Cheap, Block };

struct Switches {
  Recompute recompute = Recompute::Nothing;
  bool state = false, weights = false, residuals = false;
};

class Llmq {
public:
  explicit Llmq(const PolicyRequest &r)
      : request(r), a(r.analysis), problem(a.problem), graph(a) {}

  PolicyAnswer run();

private:
  std::vector<bool> dropped(Recompute how) const;
  Placement make(const Switches &on);
  void findVisits(const Placement &place);
  void placeWeights(Placement &place);
  void placeState(Placement &place);
  /// The block of a parameter: where the forward pass reads it first.
  uint32_t blockOf(uint32_t storage) const {
    uint32_t first = a.uses[a.slot(storage, -1)].front();
    return first < graph.turn ? graph.blockOf[first] : none;
  }

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  TrainingGraph graph;
  // By block, the runs with which its forward and its backward work begins.
  std::vector<uint32_t> forward, backward;
  uint32_t turn = 0; ///< the first run of the backward pass
};

/// Cheap: work that memory bounds, at most eight operations for each byte.
std::vector<bool> Llmq::dropped(Recompute how) const {
  std::vector<bool> drop(problem.storages.size(), how == Recompute::Block);
  for (uint32_t s = 0; how == Recompute::Cheap && s < drop.size(); ++s) {
    if (a.producer[s] == none)
      continue;
    uint64_t bytes = 0;
    for (const Operand &o : a.operands[a.producer[s]])
      bytes += problem.storages[o.storage].partBytes(o.part);
    drop[s] = problem.operators[a.producer[s]].flops <= 8 * bytes;
  }
  return drop;
}

void Llmq::findVisits(const Placement &place) {
  uint32_t n = uint32_t(place.runs.size());
  forward.assign(graph.numBlocks(), none);
  backward.assign(graph.numBlocks(), n);
  turn = 0;
  while (turn < n && place.runs[turn].op < graph.turn)
    ++turn;
  for (uint32_t at = 0; at < n; ++at) {
    uint32_t op = place.runs[at].op;
    if (at < turn) {
      forward[graph.blockOf[op]] = std::min(forward[graph.blockOf[op]], at);
      continue;
    }
    auto visit = [&](uint32_t block) {
      if (block != none)
        backward[block] = std::min(backward[block], at);
    };
    visit(graph.blockOf[op]);
    for (const Operand &o : a.operands[op]) {
      uint32_t p = a.producer[o.storage];
      if (graph.role[o.storage] == Role::Parameter && !graph.isUpdate[op])
        visit(blockOf(o.storage));
      else if (p != none && graph.inner[o.storage])
        visit(graph.blockOf[p]);
    }
  }
  // Blocks that nothing betrays begin with the one after them.
  for (uint32_t b = graph.numBlocks(); b-- > 0;) {
    uint32_t later = b + 1 < graph.numBlocks() ? backward[b + 1] : turn;
    backward[b] = backward[b] == n ? later : backward[b];
  }
}

void Llmq::placeWeights(Placement &place) {
  auto uses = placedUses(a, place.runs);
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    uint32_t s = a.slotStorage[slot];
    if (graph.role[s] != Role::Parameter || uses[slot].empty() ||
        !problem.storages[s].bytes || blockOf(s) == none)
      continue;
    place.home[s] = 1;
    uint32_t b = blockOf(s), last = graph.numBlocks() - 1;
    const auto &list = uses[slot];
    auto back = std::lower_bound(list.begin(), list.end(), turn);
    uint32_t gather = b ? forward[b - 1] : 0;
    if (back == list.end() || back == list.begin() || b + 2 >= last) {
      place.stays.push_back(
          {slot, std::min(gather, list.front()), list.front(), list.back()});
      continue;
    }
    place.stays.push_back(
        {slot, std::min(gather, list.front()), list.front(), *std::prev(back)});
    uint32_t again = std::max(backward[b + 1], *std::prev(back) + 1);
    place.stays.push_back({slot, std::min(again, *back), *back, list.back()});
  }
}

void Llmq::placeState(Placement &place) {
  auto uses = placedUses(a, place.runs);
  // Updates by the block of the parameter that they change, in order.
  std::vector<std::pair<uint32_t, uint32_t>> groups; // first run, block
  std::vector<uint32_t> groupOf(place.runs.size(), none);
  for (uint32_t at = 0; at < place.runs.size(); ++at) {
    uint32_t op = place.runs[at].op, block = none;
    if (!graph.isUpdate[op])
      continue;
    for (const Access &u : problem.operators[op].updates)
      if (graph.role[u.storage] == Role::Parameter)
        block = blockOf(u.storage);
    if (groups.empty() || groups.back().second != block)
      groups.push_back({at, block});
    groupOf[at] = uint32_t(groups.size() - 1);
  }
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    uint32_t s = a.slotStorage[slot];
    if (graph.role[s] != Role::State || uses[slot].empty())
      continue;
    place.home[s] = 1;
    uint32_t first = uses[slot].front(), g = groupOf[first];
    uint32_t issue = first;
    if (g != none && g > 0)
      issue = groups[g - 1].first;
    else if (g == 0 && groups[0].second != none)
      issue = std::min(first, backward[groups[0].second]);
    place.stays.push_back({slot, issue, first, uses[slot].back()});
  }
}

Placement Llmq::make(const Switches &on) {
  Placement place;
  for (uint32_t op : graph.trace(dropped(on.recompute)))
    place.runs.push_back({op, 0});
  place.home.assign(problem.storages.size(), 0);
  place.resident.assign(problem.storages.size(), false);
  findVisits(place);
  if (on.weights)
    placeWeights(place);
  if (on.state)
    placeState(place);
  if (on.residuals)
    offloadCheckpoints(graph, place, 0);
  return place;
}

PolicyAnswer Llmq::run() {
  PolicyAnswer answer;
  bool host = problem.machine.tiers.size() > 1;
  std::vector<Switches> rungs;
  for (bool weights : {false, true})
    for (bool state : {false, true})
      for (Recompute how :
           {Recompute::Nothing, Recompute::Cheap, Recompute::Block})
        for (bool residuals : {false, true})
          if ((host || (!weights && !state && !residuals)) &&
              (!residuals || how == Recompute::Block) && (!weights || state))
            rungs.push_back({how, state, weights, residuals});
  // The fastest three, and the one that needs least.
  std::vector<std::pair<int64_t, uint32_t>> order;
  std::vector<PolicyAnswer> made;
  uint64_t least = UINT64_MAX;
  uint32_t smallest = 0;
  for (const Switches &on : rungs) {
    PolicyAnswer one;
    addPlan(a, make(on), request.budgets, one);
    if (!one.ok) {
      // Said of the last, which needs least of the device.
      answer.reason = one.reason;
      answer.tier = one.tier;
      continue;
    }
    SimulationOptions options;
    options.budgets = request.budgets;
    options.maxRounds = 6;
    Simulation sim = simulate(problem, one.plans.front(), options);
    order.push_back({sim.stepNs, uint32_t(made.size())});
    if (sim.peakBytes[0] < least) {
      least = sim.peakBytes[0];
      smallest = uint32_t(made.size());
    }
    made.push_back(std::move(one));
  }
  std::sort(order.begin(), order.end());
  if (order.size() > 3)
    order.resize(3);
  if (!made.empty() &&
      std::none_of(order.begin(), order.end(),
                   [&](const auto &o) { return o.second == smallest; }))
    order.push_back({0, smallest});
  for (auto [ns, i] : order)
    for (Plan &plan : made[i].plans)
      answer.plans.push_back(std::move(plan));
  answer.ok = !answer.plans.empty();
  return answer;
}

} // namespace

PolicyAnswer spillway::planner::planLlmq(const PolicyRequest &request) {
  return Llmq(request).run();
}
