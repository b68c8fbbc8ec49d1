//===- Plan.cpp - Lifetimes of instances ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Plan.h"

using namespace spillway::planner;

static constexpr uint32_t none = UINT32_MAX;

namespace {

/// By instance, the life that is open, or none.
class OpenLives {
public:
  explicit OpenLives(const Problem &problem)
      : numTiers(uint32_t(problem.machine.tiers.size())) {
    for (const Storage &s : problem.storages) {
      first.push_back(size);
      size += (s.numParts() + 1) * numTiers;
    }
    lives.assign(size, none);
  }
  uint32_t &at(const Instance &i) {
    return lives[first[i.storage] + uint32_t(i.part + 1) * numTiers + i.tier];
  }

private:
  uint32_t numTiers;
  uint32_t size = 0;
  std::vector<uint32_t> first; ///< by storage
  std::vector<uint32_t> lives;
};

} // namespace

Action Action::run(uint32_t op, uint32_t engine) {
  Action a;
  a.op = op, a.engine = engine;
  return a;
}

static Action move(ActionKind kind, uint32_t storage, int32_t part,
                   uint32_t tier) {
  Action a;
  a.kind = kind, a.storage = storage, a.part = part, a.tier = tier;
  return a;
}

Action Action::load(uint32_t storage, int32_t part, uint32_t tier) {
  return move(ActionKind::Load, storage, part, tier);
}

Action Action::store(uint32_t storage, int32_t part, uint32_t tier,
                     uint32_t from) {
  Action a = move(ActionKind::Store, storage, part, tier);
  a.from = from;
  return a;
}

Action Action::free(uint32_t storage, int32_t part, uint32_t tier) {
  return move(ActionKind::Free, storage, part, tier);
}

std::vector<bool> spillway::planner::accessedAsWhole(const Problem &problem) {
  std::vector<bool> whole(problem.storages.size());
  for (const Operator &op : problem.operators)
    for (auto *list : {&op.reads, &op.writes, &op.updates})
      for (const Access &a : *list)
        if (a.part < 0)
          whole[a.storage] = true;
  return whole;
}

std::vector<Lifetime> spillway::planner::lifetimes(const Problem &problem,
                                                   const Plan &plan) {
  std::vector<bool> whole = accessedAsWhole(problem);
  std::vector<Lifetime> out;
  OpenLives open(problem);
  uint32_t n = uint32_t(plan.actions.size());
  auto begin = [&](const Instance &i, uint32_t at, int32_t takesOver = -1) {
    open.at(i) = uint32_t(out.size());
    out.push_back({i, at, n, false, takesOver});
  };
  // An initial instance's life begins where the step before made it: at the
  // end of this function it is joined with the life that is open then.
  for (const Instance &i : plan.initial)
    begin(i, 0);
  uint32_t numInitial = uint32_t(out.size());
  auto end = [&](const Instance &i, uint32_t at) {
    uint32_t &life = open.at(i);
    if (life != none)
      out[life].end = at;
    life = none;
  };
  for (uint32_t at = 0; at < n; ++at) {
    const Action &a = plan.actions[at];
    switch (a.kind) {
    case ActionKind::Run: {
      const Operator &op = problem.operators[a.op];
      uint32_t tier = problem.machine.engines[a.engine].tier;
      for (const Access &w : op.writes) {
        Instance all{w.storage, -1, tier};
        if (open.at(all) != none)
          continue;
        Instance made{w.storage, whole[w.storage] || tier != 0 ? -1 : w.part,
                      tier};
        if (open.at(made) != none)
          continue;
        int32_t takesOver = -1;
        for (const InPlacePair &p : a.inPlace) {
          uint32_t read = open.at({p.read, -1, tier});
          if (p.written == w.storage && read != none) {
            takesOver = int32_t(read);
            end({p.read, -1, tier}, at);
          }
        }
        begin(made, at, takesOver);
      }
      break;
    }
    case ActionKind::Load:
      if (open.at({a.storage, a.part, 0}) == none)
        begin({a.storage, a.part, 0}, at);
      break;
    case ActionKind::Store:
      if (open.at({a.storage, -1, a.tier}) == none)
        begin({a.storage, -1, a.tier}, at);
      break;
    case ActionKind::Free:
      end({a.storage, a.part, a.tier}, at);
      break;
    }
  }
  // Join lives over the step's end. The joined life keeps the later index, for
  // `takesOver` of others may name it; the earlier is dropped below.
  std::vector<int32_t> into(out.size(), -1);
  for (uint32_t i = 0; i < numInitial; ++i) {
    uint32_t still = open.at(out[i].instance);
    if (still == none)
      continue;
    Lifetime &last = out[still];
    if (still == i) { // never freed
      last.end = 0;
      last.wraps = true;
      continue;
    }
    last.end = out[i].end;
    last.wraps = true;
    into[i] = int32_t(still);
  }
  std::vector<Lifetime> result;
  std::vector<int32_t> index(out.size(), -1);
  for (uint32_t i = 0; i < out.size(); ++i)
    if (into[i] < 0) {
      index[i] = int32_t(result.size());
      result.push_back(out[i]);
    }
  for (Lifetime &l : result)
    if (l.takesOver >= 0) {
      uint32_t t = uint32_t(l.takesOver);
      l.takesOver = index[into[t] < 0 ? t : uint32_t(into[t])];
    }
  return result;
}
