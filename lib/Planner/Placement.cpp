//===- Placement.cpp - A plan from what stays where, and when ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Placement.h"

#include "Prefetch.h"
#include "TrainingGraph.h"

#include <algorithm>
#include <tuple>

using namespace spillway::planner;

uint32_t spillway::planner::placedSlot(const Analysis &a, uint32_t storage,
                                       int32_t part) {
  return a.slot(storage, a.wholeAccess[storage] ? -1 : part);
}

std::vector<std::vector<uint32_t>>
spillway::planner::placedUses(const Analysis &a,
                              const std::vector<PlacedRun> &runs) {
  std::vector<std::vector<uint32_t>> uses(a.numSlots());
  for (uint32_t at = 0; at < runs.size(); ++at)
    if (a.problem.machine.engines[runs[at].engine].tier == 0)
      for (const Operand &o : a.operands[runs[at].op]) {
        auto &list = uses[placedSlot(a, o.storage, o.part)];
        if (list.empty() || list.back() != at)
          list.push_back(at);
      }
  return uses;
}

void spillway::planner::addStays(Placement &placement, uint32_t slot,
                                 const std::vector<uint32_t> &uses,
                                 uint32_t distance) {
  for (size_t i = 0; i < uses.size(); ++i)
    if (i && uses[i] - uses[i - 1] <= distance + 1)
      placement.stays.back().last = uses[i];
    else
      placement.stays.push_back({slot, uses[i], uses[i], uses[i]});
}

namespace {

class Placer {
public:
  Placer(const Analysis &a, const Placement &p,
         const std::vector<uint64_t> &budgets)
      : a(a), problem(a.problem), p(p), limit(budgets) {}

  Emission run();

private:
  struct Event {
    uint32_t slot, stay;
    auto operator<=>(const Event &) const = default;
  };

  uint32_t tierOf(uint32_t at) const {
    return problem.machine.engines[p.runs[at].engine].tier;
  }
  bool whole(uint32_t slot) const { return a.slotPart[slot] < 0; }
  std::pair<uint32_t, uint32_t> cells(uint32_t storage, int32_t part) const {
    uint32_t begin = a.cellBegin[storage];
    return part < 0
               ? std::pair(begin, a.cellBegin[storage + 1])
               : std::pair(begin + uint32_t(part), begin + uint32_t(part) + 1);
  }
  bool fresh(uint32_t slot) const {
    auto [c, end] = cells(a.slotStorage[slot], a.slotPart[slot]);
    return std::all_of(offFresh.begin() + c, offFresh.begin() + end,
                       [](bool b) { return b; });
  }
  void fail(uint32_t tier, std::string text) {
    if (out.reason.empty()) {
      out.reason = std::move(text);
      out.tier = tier;
    }
  }
  void take(uint32_t tier, uint64_t bytes, const char *what) {
    used[tier] += bytes;
    if (used[tier] > limit[tier])
      fail(tier, std::string(what) + " needs " + std::to_string(used[tier]) +
                     " bytes of " + problem.machine.tiers[tier].name +
                     ", expected at most " + std::to_string(limit[tier]));
  }

  void begin();
  void defaultStays();
  void spread();
  void load(uint32_t slot);
  void store(uint32_t storage, int32_t part);
  void release(uint32_t slot);
  void dropHome(uint32_t storage);
  void execute(uint32_t at);
  void onDevice(uint32_t at, const std::vector<Event> &ending);
  void elsewhere(uint32_t at);

  const Analysis &a;
  const Problem &problem;
  const Placement &p;
  std::vector<uint64_t> limit, used;
  Emission out;
  std::vector<Stay> stays;                     ///< all of them
  std::vector<std::vector<Event>> loads, ends; ///< by run
  std::vector<std::vector<uint32_t>> homeEnds; ///< storages, by run
  std::vector<uint32_t> until;     ///< by slot: last run of its present stay
  std::vector<bool> present;       ///< by slot
  std::vector<bool> offFresh;      ///< by cell
  std::vector<uint32_t> offTier;   ///< by storage, 0: no copy there now
  std::vector<uint32_t> home;      ///< as in the placement, and for host reads
  std::vector<uint32_t> homeUntil; ///< by storage: the run before or at which
                                   ///< its copy is read last, or none
  std::vector<uint32_t> lastOff;   ///< by storage: last run off the device that
                                   ///< changes it, or none
};

void Placer::begin() {
  const Machine &m = problem.machine;
  used.assign(m.tiers.size(), 0);
  present.assign(a.numSlots(), false);
  until.assign(a.numSlots(), 0);
  offFresh.assign(a.cellBegin.back(), false);
  offTier.assign(problem.storages.size(), 0);
  home = p.home;
  lastOff.assign(problem.storages.size(), none);
  for (uint32_t at = 0; at < p.runs.size(); ++at)
    if (uint32_t tier = tierOf(at))
      for (const Operand &o : a.operands[p.runs[at].op]) {
        // What is made on the device and read elsewhere is sent there.
        if (problem.storages[o.storage].kind == StorageKind::Temporary)
          home[o.storage] = tier;
        if (o.updated || o.written)
          lastOff[o.storage] = at;
      }
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    if (storage.kind == StorageKind::Temporary)
      continue;
    bool fed = storage.kind == StorageKind::Fed;
    home[s] = fed ? storage.home.value_or(1) : storage.home.value_or(home[s]);
    if (home[s]) {
      out.plan.initial.push_back({s, -1, home[s]});
      offTier[s] = home[s];
      take(home[s], a.slotBytes[a.slot(s, -1)], "what is there all along");
      auto [c, end] = cells(s, -1);
      std::fill(offFresh.begin() + c, offFresh.begin() + end, true);
    }
    if (home[s] && (fed || !p.resident[s]))
      continue;
    uint32_t first = a.slotBegin[s], end = first + 1;
    if (!a.wholeAccess[s] && !storage.parts.empty())
      first = first + 1, end = a.slotBegin[s + 1];
    for (uint32_t slot = first; slot < end; ++slot) {
      out.plan.initial.push_back({s, a.slotPart[slot], 0});
      present[slot] = true;
      until[slot] = none;
      take(0, a.slotBytes[slot], "what is there all along");
    }
  }
  std::sort(out.plan.initial.begin(), out.plan.initial.end());
}

/// Temporaries are there from where they are made to where they are read last
/// (before they are made again); fed storages from first to last use.
void Placer::defaultStays() {
  stays = p.stays;
  std::vector<bool> given(a.numSlots());
  for (const Stay &s : stays)
    given[s.slot] = true;
  std::vector<uint32_t> open(a.numSlots(), none);
  uint32_t n = uint32_t(p.runs.size());
  for (uint32_t at = 0; at < n; ++at) {
    if (tierOf(at))
      continue;
    for (const Operand &o : a.operands[p.runs[at].op]) {
      const Storage &storage = problem.storages[o.storage];
      uint32_t slot = placedSlot(a, o.storage, o.part);
      if (given[slot] || storage.kind == StorageKind::Persistent)
        continue;
      bool made = o.written && !o.read && !o.updated;
      // Parts that several operators write are one stay of the whole.
      if (open[slot] == none || (made && o.part < 0)) {
        open[slot] = uint32_t(stays.size());
        stays.push_back({slot, at, at, at});
      }
      stays[open[slot]].last = storage.output ? n : at;
    }
  }
}

void Placer::spread() {
  uint32_t n = uint32_t(p.runs.size());
  loads.resize(n + 1);
  ends.resize(n + 1);
  homeEnds.resize(n + 1);
  homeUntil.assign(problem.storages.size(), none);
  auto note = [&](uint32_t s, uint32_t at) {
    homeUntil[s] = homeUntil[s] == none ? at : std::max(homeUntil[s], at);
  };
  for (uint32_t i = 0; i < stays.size(); ++i) {
    const Stay &s = stays[i];
    loads[std::min(s.issue, n)].push_back({s.slot, i});
    ends[std::min(s.last, n)].push_back({s.slot, i});
    if (home[a.slotStorage[s.slot]])
      note(a.slotStorage[s.slot], s.issue);
  }
  for (uint32_t at = 0; at < n; ++at)
    if (tierOf(at))
      for (const Operand &o : a.operands[p.runs[at].op])
        note(o.storage, at);
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    if (problem.storages[s].kind == StorageKind::Temporary && home[s] &&
        homeUntil[s] != none && !problem.storages[s].output)
      homeEnds[std::min(homeUntil[s], n)].push_back(s);
}

void Placer::load(uint32_t slot) {
  uint32_t s = a.slotStorage[slot];
  take(0, a.slotBytes[slot], "a load");
  out.plan.actions.push_back(Action::load(s, a.slotPart[slot], offTier[s]));
  present[slot] = true;
}

void Placer::store(uint32_t s, int32_t part) {
  if (!offTier[s]) {
    offTier[s] = home[s];
    take(home[s], a.slotBytes[a.slot(s, -1)], "a store");
  }
  out.plan.actions.push_back(Action::store(s, part, home[s]));
  auto [c, end] = cells(s, part);
  std::fill(offFresh.begin() + c, offFresh.begin() + end, true);
}

void Placer::release(uint32_t slot) {
  out.plan.actions.push_back(
      Action::free(a.slotStorage[slot], a.slotPart[slot], 0));
  used[0] -= a.slotBytes[slot];
  present[slot] = false;
}

void Placer::dropHome(uint32_t s) {
  if (!offTier[s])
    return;
  out.plan.actions.push_back(Action::free(s, -1, offTier[s]));
  used[offTier[s]] -= a.slotBytes[a.slot(s, -1)];
  offTier[s] = 0;
  auto [c, end] = cells(s, -1);
  std::fill(offFresh.begin() + c, offFresh.begin() + end, false);
}

void Placer::onDevice(uint32_t at, const std::vector<Event> &ending) {
  const Operator &op = problem.operators[p.runs[at].op];
  Action action = Action::run(p.runs[at].op, p.runs[at].engine);
  auto endsHere = [&](uint32_t slot) {
    return std::any_of(ending.begin(), ending.end(), [&](const Event &e) {
      return e.slot == slot && stays[e.stay].first != at;
    });
  };
  // A result takes over the buffer of an operand that dies here.
  for (const InPlacePair &pair : op.inPlace) {
    uint32_t from = a.slot(pair.read, -1), to = a.slot(pair.written, -1);
    auto reads =
        std::count_if(op.reads.begin(), op.reads.end(),
                      [&](const Access &r) { return r.storage == pair.read; });
    bool again =
        std::any_of(action.inPlace.begin(), action.inPlace.end(),
                    [&](const InPlacePair &q) {
                      return q.written == pair.written || q.read == pair.read;
                    });
    if (again || reads != 1 || !present[from] || present[to] ||
        problem.storages[pair.read].kind != StorageKind::Temporary ||
        !endsHere(from))
      continue;
    action.inPlace.push_back(pair);
    used[0] -= a.slotBytes[from];
    present[from] = false;
  }
  for (const Operand &o : a.operands[p.runs[at].op]) {
    uint32_t slot = placedSlot(a, o.storage, o.part);
    bool taken =
        std::any_of(action.inPlace.begin(), action.inPlace.end(),
                    [&](const InPlacePair &q) { return q.read == o.storage; });
    if (!o.written && !present[slot] && !taken)
      fail(0, "internal: operator " + std::to_string(op.id) +
                  " misses storage " +
                  std::to_string(problem.storages[o.storage].id));
    if (o.written && !present[slot]) {
      take(0, a.slotBytes[slot], "a result");
      present[slot] = true;
    }
  }
  uint64_t workspace = problem.aligned(op.workspace);
  take(0, workspace, "a workspace");
  used[0] -= workspace;
  out.plan.actions.push_back(std::move(action));
  for (const Operand &o : a.operands[p.runs[at].op]) {
    if (!o.updated && !o.written)
      continue;
    auto [c, end] = cells(o.storage, o.part);
    // What is made again is the same as before; an update is new.
    bool stale = o.updated;
    for (uint32_t k = c; k < end; ++k)
      stale |= !offFresh[k];
    bool needed = problem.storages[o.storage].kind != StorageKind::Temporary ||
                  (homeUntil[o.storage] != none && homeUntil[o.storage] > at);
    if (stale && home[o.storage] && needed)
      store(o.storage, o.part);
  }
}

void Placer::elsewhere(uint32_t at) {
  const auto &operands = a.operands[p.runs[at].op];
  for (const Operand &o : operands) {
    if (!o.updated)
      continue;
    for (uint32_t slot = a.slotBegin[o.storage];
         slot < a.slotBegin[o.storage + 1]; ++slot)
      if (present[slot] &&
          (whole(slot) || a.slotPart[slot] == o.part || o.part < 0))
        release(slot);
  }
  out.plan.actions.push_back(Action::run(p.runs[at].op, p.runs[at].engine));
  uint32_t tier = tierOf(at);
  uint64_t workspace =
      problem.aligned(problem.operators[p.runs[at].op].workspace);
  take(tier, workspace, "a workspace");
  used[tier] -= workspace;
  for (const Operand &o : operands) {
    if (lastOff[o.storage] != at)
      continue;
    // The device's copy, where it stays on, is taken from the new content.
    for (uint32_t slot = a.slotBegin[o.storage];
         slot < a.slotBegin[o.storage + 1]; ++slot)
      if (!present[slot] && until[slot] > at &&
          slot == placedSlot(a, o.storage, a.slotPart[slot]))
        load(slot);
  }
}

void Placer::execute(uint32_t at) {
  std::sort(loads[at].begin(), loads[at].end(),
            [&](const Event &x, const Event &y) {
              return std::tuple(stays[x.stay].first, x.slot) <
                     std::tuple(stays[y.stay].first, y.slot);
            });
  for (const Event &e : loads[at]) {
    const Stay &s = stays[e.stay];
    until[e.slot] = std::max(until[e.slot], s.last);
    // Nothing to load where the run makes it, or where it still is.
    if (!present[e.slot] && fresh(e.slot) && offTier[a.slotStorage[e.slot]])
      load(e.slot);
  }
  if (at < p.runs.size())
    tierOf(at) ? elsewhere(at) : onDevice(at, ends[at]);
  std::sort(ends[at].begin(), ends[at].end());
  for (const Event &e : ends[at])
    if (present[e.slot] && until[e.slot] <= at && at < p.runs.size())
      release(e.slot);
  // What nobody reads any more, or not before it is made again.
  if (at < p.runs.size() && !tierOf(at))
    for (const Operand &o : a.operands[p.runs[at].op]) {
      uint32_t slot = placedSlot(a, o.storage, o.part);
      if (o.written && present[slot] && until[slot] <= at &&
          !problem.storages[o.storage].output)
        release(slot);
    }
  for (uint32_t s : homeEnds[at])
    dropHome(s);
}

Emission Placer::run() {
  begin();
  defaultStays();
  spread();
  for (uint32_t at = 0; at <= p.runs.size() && out.reason.empty(); ++at)
    execute(at);
  out.ok = out.reason.empty();
  return std::move(out);
}

} // namespace

Emission
spillway::planner::emitPlacement(const Analysis &analysis,
                                 const Placement &placement,
                                 const std::vector<uint64_t> &budgets) {
  return Placer(analysis, placement, budgets).run();
}

void spillway::planner::addPlan(const Analysis &a, const Placement &placement,
                                const std::vector<uint64_t> &budgets,
                                PolicyAnswer &answer) {
  Emission e = emitPlacement(a, placement, budgets);
  if (!e.ok) {
    if (!answer.ok) {
      answer.reason = e.reason;
      answer.tier = e.tier;
    }
    return;
  }
  answer.ok = true;
  // The same where nobody waits for bytes: as good a plan, if not better.
  Plan ordered = e.plan;
  bool waits = orderByTime(a.problem, ordered, budgets);
  answer.plans.push_back(std::move(e.plan));
  if (waits)
    answer.plans.push_back(std::move(ordered));
}

uint32_t spillway::planner::hostEngine(const Problem &problem, uint32_t op) {
  uint32_t best = 0;
  const Operator &o = problem.operators[op];
  for (uint32_t e = 1; e < problem.machine.engines.size(); ++e)
    if (problem.machine.engines[e].tier != 0 && o.cost(e) >= 0 &&
        (best == 0 || o.cost(e) < o.cost(best)))
      best = e;
  return best;
}

void spillway::planner::offloadCheckpoints(const TrainingGraph &graph,
                                           Placement &place, uint64_t atLeast) {
  const Analysis &a = graph.a;
  const Problem &problem = a.problem;
  auto uses = placedUses(a, place.runs);
  uint32_t turn = 0;
  while (turn < place.runs.size() && place.runs[turn].op < graph.turn)
    ++turn;
  struct Visit {
    uint32_t first, slot, forward, last;
  };
  std::vector<Visit> visits;
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    uint32_t slot = a.slot(s, -1);
    if (graph.role[s] != Role::Activation || a.producer[s] >= graph.turn ||
        problem.storages[s].output || placedSlot(a, s, -1) != slot ||
        graph.blockOf[a.producer[s]] + 1 >= graph.numBlocks() ||
        a.slotBytes[slot] < atLeast)
      continue;
    const auto &list = uses[slot];
    auto back = std::lower_bound(list.begin(), list.end(), turn);
    if (back == list.begin() || back == list.end())
      continue;
    // Not what is made again in between.
    bool again = false;
    for (auto it = back; it != list.end(); ++it)
      again |= place.runs[*it].op == a.producer[s];
    // What the last block reads is needed at once.
    uint32_t lastForward = place.runs[*std::prev(back)].op;
    if (again || graph.blockOf[lastForward] + 1 == graph.numBlocks())
      continue;
    visits.push_back({*back, slot, *std::prev(back), list.back()});
    place.stays.push_back({slot, list.front(), list.front(), *std::prev(back)});
    place.home[s] = 1;
  }
  std::sort(visits.begin(), visits.end(), [](const Visit &x, const Visit &y) {
    return std::pair(x.first, x.slot) < std::pair(y.first, y.slot);
  });
  // While one is in use the next is on its way.
  uint32_t before = turn, current = turn;
  for (const Visit &v : visits) {
    if (v.first != current)
      before = current;
    current = v.first;
    place.stays.push_back(
        {v.slot, std::max(before, v.forward + 1), v.first, v.last});
  }
}
