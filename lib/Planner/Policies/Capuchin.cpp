//===- Capuchin.cpp - Swap by free time, recompute by MSPS ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Peng, Shi, Dai, Jin, Ma, Xiong, Yang, Qian, "Capuchin: Tensor-based GPU
// memory management for deep learning", ASPLOS 2020.
//
// Candidates are the tensors that lie idle between two accesses while memory is
// over the limit, each at its pair of accesses with the longest free time
//     FT = (back-access - swap time) - (evicted-access + swap time).
// Longest first they are swapped as long as the swap hides: the link does one
// transfer at a time. For the rest the lesser overhead of swap and recompute
// decides; of recompute, by most bytes saved a second (MSPS), with the costs of
// others that were made from it, or it from them, updated. A swap comes back at
// its in-trigger, the last access before (back-access - swap time) that is not
// inside the peak. Feedback: what waited gets its in-trigger 5 % of its swap
// time earlier; what was evicted on demand (passive mode) is asked of the next
// round's saving.
//
//===----------------------------------------------------------------------===//

#include "../LayerView.h"
#include "../PlanBuilder.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

struct Candidate {
  uint32_t slot = 0, from = 0, to = 0; ///< evicted-access, back-access
  int64_t swapNs = 0, freeNs = 0;
  enum { Undecided, Swap, Recompute } choice = Undecided;
  // Recompute: what it is made from, directly or through others that are made
  // again as well, and how long that takes.
  std::vector<uint32_t> sources; ///< storages
  int64_t remakeNs = 0;
  bool remakeable = false;
  int64_t earlierNs = 0; ///< by feedback
  uint64_t bytes = 0;
  double msps(int64_t extraNs) const {
    return double(bytes) / double(std::max<int64_t>(remakeNs + extraNs, 1));
  }
};

bool leavesBefore(const Candidate *x, const Candidate *y) {
  return x->from != y->from ? x->from < y->from : x->slot < y->slot;
}
bool returnsBefore(const Candidate *x, const Candidate *y) {
  return x->to != y->to ? x->to < y->to : x->slot < y->slot;
}

class Capuchin {
public:
  explicit Capuchin(const PolicyRequest &request)
      : a(request.analysis), limit(request.budgets), layers(a),
        host(limit.size() > 1 ? 1 : 0) {}
  PolicyAnswer run(const PolicyRequest &request);

private:
  void measure();
  void choose(uint64_t saving);
  void swap(Candidate &c);
  int64_t swapOverhead(const Candidate &c) const;
  void countUsers();
  int64_t extraNs(const Candidate &c) const;
  void recompute(Candidate &c);
  uint32_t trigger(const Candidate &c) const;
  PolicyAnswer build();
  bool waits(const Plan &plan);
  int64_t endOf(uint32_t op) const { return layers.startNs[op + 1]; }

  const Analysis &a;
  const std::vector<uint64_t> limit;
  LayerView layers;
  uint32_t host;
  uint32_t peakBegin = 0, peakEnd = 0; ///< operators over the limit
  uint64_t excess = 0;
  std::vector<Candidate> candidates; ///< by free time, longest first
  // Of them, those that are swapped, as they leave and as they come back, and
  // those that are made again, also by their back-access.
  std::vector<const Candidate *> leaving, returning, remade;
  std::vector<std::vector<const Candidate *>> remadeAt;
  std::vector<uint32_t> users;
  uint64_t passiveBytes = 0;
};

/// The measured execution: who is accessed when, and where memory is short.
void Capuchin::measure() {
  peakBegin = none;
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (layers.keepAllBytes[at] > limit[0]) {
      peakBegin = std::min(peakBegin, at);
      peakEnd = at;
      excess = std::max(excess, layers.keepAllBytes[at] - limit[0]);
    }
  if (peakBegin == none)
    return;
  std::vector<uint32_t> best(a.numSlots(), none);
  for (const Gap &g : a.gaps) {
    uint32_t s = a.slotStorage[g.slot];
    const Storage &storage = a.problem.storages[s];
    if (g.wraps || g.to >= a.numOps || g.from + 1 >= g.to ||
        g.to <= peakBegin || g.from >= peakEnd ||
        (storage.kind == StorageKind::Fed && storage.home == 0u))
      continue;
    Candidate c;
    c.slot = g.slot, c.from = g.from, c.to = g.to;
    c.bytes = a.slotBytes[g.slot];
    c.swapNs = host ? a.problem.machine.transferNs(
                          host, 0, storage.partBytes(a.slotPart[g.slot]))
                    : INT64_MAX / 8;
    c.freeNs = layers.startNs[g.to] - c.swapNs - (endOf(g.from) + c.swapNs);
    uint32_t p = a.producer[s];
    c.remakeable = storage.kind == StorageKind::Temporary && p != none &&
                   p <= g.from && a.rerunUntil[p] >= int64_t(g.to);
    if (c.remakeable) {
      c.remakeNs = a.problem.operators[p].cost(0);
      for (const Operand &o : a.operands[p])
        if (o.read)
          c.sources.push_back(o.storage);
    }
    uint32_t &k = best[g.slot];
    if (k == none) {
      k = uint32_t(candidates.size());
      candidates.push_back(std::move(c));
    } else if (c.freeNs > candidates[k].freeNs) {
      candidates[k] = std::move(c);
    }
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate &x, const Candidate &y) {
              return x.freeNs != y.freeNs ? x.freeNs > y.freeNs
                                          : x.slot < y.slot;
            });
  // What is dead at the back-access has to be made again first.
  std::vector<uint32_t> of(a.problem.storages.size(), none);
  for (Candidate &c : candidates)
    for (uint32_t depth = 0; c.remakeable && depth < 64; ++depth) {
      auto dead =
          std::find_if(c.sources.begin(), c.sources.end(), [&](uint32_t s) {
            return a.problem.storages[s].kind == StorageKind::Temporary &&
                   a.lastUse[s] < c.to && a.producer[s] != none;
          });
      if (dead == c.sources.end())
        break;
      uint32_t p = a.producer[*dead];
      c.sources.erase(dead);
      c.remakeNs += a.problem.operators[p].cost(0);
      for (const Operand &o : a.operands[p])
        if (o.read)
          c.sources.push_back(o.storage);
    }
}

void Capuchin::swap(Candidate &c) {
  c.choice = Candidate::Swap;
  leaving.insert(
      std::upper_bound(leaving.begin(), leaving.end(), &c, leavesBefore), &c);
  returning.insert(
      std::upper_bound(returning.begin(), returning.end(), &c, returnsBefore),
      &c);
}

/// How much later than its back-access a swap would be done: the link, one
/// transfer at a time, is simulated with all that are swapped already.
int64_t Capuchin::swapOverhead(const Candidate &c) const {
  int64_t gone = 0;
  for (const Candidate *x : leaving) {
    if (!leavesBefore(x, &c))
      break;
    gone = std::max(gone, endOf(x->from)) + x->swapNs;
  }
  gone = std::max(gone, endOf(c.from)) + c.swapNs;
  // Backwards, the latest starts with which all are in time.
  int64_t start = INT64_MAX;
  for (size_t i = returning.size(); i-- > 0 && returnsBefore(&c, returning[i]);)
    start = std::min(start, layers.startNs[returning[i]->to]) -
            returning[i]->swapNs;
  start = std::min(start, layers.startNs[c.to]) - c.swapNs;
  return std::max<int64_t>(0, gone - start);
}

/// By storage, how many of those that are made again are made from it.
void Capuchin::countUsers() {
  users.assign(a.problem.storages.size(), 0);
  for (const Candidate *x : remade)
    for (size_t k = 0; k < x->sources.size(); ++k)
      if (std::find(x->sources.begin(), x->sources.begin() + ptrdiff_t(k),
                    x->sources[k]) == x->sources.begin() + ptrdiff_t(k))
        ++users[x->sources[k]];
}

/// Time that others that are made again lose if this one has to be made again
/// for each of them, at another operator.
int64_t Capuchin::extraNs(const Candidate &c) const {
  uint32_t s = a.slotStorage[c.slot];
  int64_t times = users[s];
  if (times > 0)
    for (const Candidate *x : remadeAt[c.to])
      times -= std::find(x->sources.begin(), x->sources.end(), s) !=
               x->sources.end();
  return times * c.remakeNs;
}

void Capuchin::recompute(Candidate &c) {
  c.choice = Candidate::Recompute;
  remade.push_back(&c);
  remadeAt[c.to].push_back(&c);
  uint32_t s = a.slotStorage[c.slot];
  for (Candidate &x : candidates) {
    auto it = std::find(x.sources.begin(), x.sources.end(), s);
    if (&x == &c || it == x.sources.end())
      continue;
    x.sources.erase(it);
    x.sources.insert(x.sources.end(), c.sources.begin(), c.sources.end());
    x.remakeNs += c.remakeNs;
  }
}

void Capuchin::choose(uint64_t saving) {
  uint64_t saved = 0;
  for (Candidate &c : candidates)
    if (c.choice != Candidate::Undecided)
      saved += c.bytes;
  // The most urgent first; a swap that hides costs nothing.
  for (Candidate &c : candidates) {
    if (saved >= saving)
      return;
    if (c.choice != Candidate::Undecided || c.freeNs < 0 || !host ||
        swapOverhead(c) > 0)
      continue;
    swap(c);
    saved += c.bytes;
  }
  while (saved < saving) {
    Candidate *best = nullptr, *again = nullptr;
    int64_t extra = 0;
    countUsers();
    for (Candidate &c : candidates) {
      if (c.choice != Candidate::Undecided)
        continue;
      if (!best && host)
        best = &c;
      if (!c.remakeable)
        continue;
      int64_t e = extraNs(c);
      if (!again || c.msps(e) > again->msps(extra))
        again = &c, extra = e;
    }
    if (!best && !again)
      return;
    // Overheads for each byte, for they are two tensors.
    double swapCost = best ? double(swapOverhead(*best)) /
                                 double(std::max<uint64_t>(best->bytes, 1))
                           : 0;
    if (!best || (again && 1 / again->msps(extra) <= swapCost)) {
      recompute(*again);
      saved += again->bytes;
    } else {
      swap(*best);
      saved += best->bytes;
    }
  }
}

/// The operator before which a swap-in is triggered.
uint32_t Capuchin::trigger(const Candidate &c) const {
  int64_t start = layers.startNs[c.to] - c.swapNs - c.earlierNs;
  auto it = std::upper_bound(layers.startNs.begin(), layers.startNs.end(),
                             std::max<int64_t>(start, 0));
  uint32_t at = uint32_t(it - layers.startNs.begin()) - 1;
  at = std::max(at, c.from + 1);
  // Inside the peak it would take what it is there to save.
  if (at >= peakBegin && at <= peakEnd)
    at = peakEnd + 1;
  return std::min(at, c.to);
}

PolicyAnswer Capuchin::build() {
  PlanBuilder b(a, limit);
  b.mayRecompute = true;
  passiveBytes = 0;
  std::vector<uint64_t> lastUsed(a.numSlots());
  std::vector<bool> remake(a.numSlots());
  uint64_t clock = 0;
  b.used = [&](uint32_t slot) { lastUsed[slot] = ++clock; };
  // Passive mode: the tensor at the head of the access list goes.
  b.makeRoom = [&](uint64_t) {
    uint32_t oldest = none;
    for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
      if (a.slotBytes[slot] && b.movable(slot) &&
          (oldest == none || lastUsed[slot] < lastUsed[oldest]) &&
          (b.copied(slot) || b.tierFor(slot) ||
           (b.remakeable(slot) && (!host || remake[slot]))))
        oldest = slot;
    if (oldest == none)
      return false;
    passiveBytes += a.slotBytes[oldest];
    if ((remake[oldest] || !host) && b.forget(oldest))
      return true;
    return b.sendAway(oldest, b.tierFor(oldest)) || b.forget(oldest);
  };
  if (!b.placeAll())
    return b.fail();
  std::vector<std::vector<const Candidate *>> out(a.numOps), in(a.numOps);
  for (const Candidate &c : candidates) {
    if (c.choice == Candidate::Undecided)
      continue;
    out[c.from].push_back(&c);
    if (c.choice == Candidate::Swap)
      in[trigger(c)].push_back(&c);
    else
      remake[c.slot] = true;
  }
  std::vector<const Candidate *> waiting;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    waiting.insert(waiting.end(), in[at].begin(), in[at].end());
    std::erase_if(waiting, [&](const Candidate *c) {
      return c->to <= at || b.present(c->slot) ||
             (b.room() >= a.slotBytes[c->slot] + b.newBytes(at) &&
              b.prefetch(c->slot));
    });
    if (!b.perform(at))
      return b.fail();
    for (const Candidate *c : out[at])
      if (c->choice != Candidate::Recompute || !b.forget(c->slot))
        b.sendAway(c->slot, b.tierFor(c->slot));
  }
  return b.answer();
}

/// Which back-accesses wait for their tensor; their triggers move.
bool Capuchin::waits(const Plan &plan) {
  SimulationOptions o;
  o.budgets = limit;
  o.timeline = true;
  o.maxRounds = 4;
  Simulation sim = simulate(a.problem, plan, o);
  std::vector<Candidate *> of(a.numSlots());
  for (Candidate &c : candidates)
    if (c.choice == Candidate::Swap)
      of[c.slot] = &c;
  std::vector<bool> ran(a.numOps);
  std::vector<int64_t> loaded(a.numSlots(), -1);
  int64_t free = 0;
  bool any = false;
  for (size_t i = 0; i < plan.actions.size(); ++i) {
    const Action &x = plan.actions[i];
    int64_t end = sim.startNs[i] + sim.durationNs[i];
    if (x.kind == ActionKind::Load)
      loaded[a.slot(x.storage, x.part)] = end;
    if (x.kind != ActionKind::Run)
      continue;
    for (const Operand &operand : a.operands[x.op]) {
      uint32_t slot = a.slot(operand.storage, operand.part);
      Candidate *c = of[slot];
      if (!c || ran[x.op] || c->to != x.op || loaded[slot] <= free)
        continue;
      // Earlier than its eviction it cannot come back.
      if (int64_t more = c->swapNs / 20; trigger(*c) > c->from + 1 && more > 0)
        c->earlierNs += more, any = true;
    }
    ran[x.op] = true;
    free = end;
  }
  return any;
}

PolicyAnswer Capuchin::run(const PolicyRequest &request) {
  measure();
  remadeAt.resize(a.numOps);
  uint64_t saving = excess;
  PolicyAnswer best;
  int64_t bestNs = INT64_MAX;
  // The first rounds ask for what passive mode had to evict; they are run
  // whatever `iterations` and the clock say, for a plan hangs on them.
  uint32_t rounds =
      std::min<uint32_t>(request.iterations, 400000 / (a.numOps + 1));
  for (uint32_t round = 0; round < 4 + rounds; ++round) {
    choose(saving);
    PolicyAnswer one = build();
    if (one.ok) {
      SimulationOptions o;
      o.budgets = limit;
      o.maxRounds = 4;
      int64_t ns = simulate(a.problem, one.plans[0], o).stepNs;
      if (ns < bestNs) {
        bestNs = ns;
        best = one;
        best.searches = true;
      }
    } else if (!best.ok) {
      best = one;
    }
    if (excess == 0 || (round >= 3 && best.ok && request.late()))
      break;
    bool moved = one.ok && waits(one.plans[0]);
    if (passiveBytes && round < 4)
      saving += passiveBytes;
    else if (!moved)
      break;
  }
  return best;
}

} // namespace

PolicyAnswer spillway::planner::planCapuchin(const PolicyRequest &request) {
  if (request.analysis.numOps == 0)
    return PlanBuilder(request.analysis, request.budgets).answer();
  return Capuchin(request).run(request);
}
