//===- LoopCompose.cpp - One plan of a body and what is around --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopCompose.h"
#include "Analysis.h"

#include <algorithm>
#include <map>
#include <set>

using namespace spillway::planner;

namespace {

/// By instance, which of its parts hold the present content.
using State = std::map<Instance, std::vector<bool>>;

/// Follows a plan that is right.
class Follower {
public:
  Follower(const Problem &problem, const Plan &plan)
      : problem(problem), whole(accessedAsWhole(problem)) {
    for (const Instance &i : plan.initial)
      create(i, true);
  }
  void follow(const Action &a);
  State state;

private:
  void create(const Instance &i, bool valid) {
    uint32_t n = i.part < 0 ? problem.storages[i.storage].numParts() : 1;
    state.try_emplace(i, n, valid);
  }
  template <typename F> void eachPart(const Access &a, F &&then) const {
    uint32_t n = problem.storages[a.storage].numParts();
    for (uint32_t k = 0; k < n; ++k)
      if (a.part < 0 || uint32_t(a.part) == k)
        then(k);
  }
  Instance find(const Access &a, uint32_t tier) const {
    Instance all{a.storage, -1, tier};
    return state.count(all) ? all : Instance{a.storage, a.part, tier};
  }
  void mark(const Instance &i, uint32_t part, bool valid) {
    auto it = state.find(i);
    if (it != state.end() && (i.part < 0 || uint32_t(i.part) == part))
      it->second[i.part < 0 ? part : 0] = valid;
  }

  const Problem &problem;
  std::vector<bool> whole;
};

void Follower::follow(const Action &a) {
  switch (a.kind) {
  case ActionKind::Run: {
    const Operator &op = problem.operators[a.op];
    uint32_t tier = problem.machine.engines[a.engine].tier;
    for (const InPlacePair &p : a.inPlace)
      state.erase({p.read, -1, tier});
    for (const Access &w : op.writes) {
      Instance i = find(w, tier);
      if (!state.count(i)) {
        i.part = whole[w.storage] || tier != 0 ? -1 : w.part;
        create(i, false);
      }
      eachPart(w, [&](uint32_t k) { mark(i, k, true); });
    }
    for (const Access &u : op.updates) {
      Instance mine = find(u, tier);
      eachPart(u, [&](uint32_t k) {
        for (auto it = state.lower_bound({u.storage, -1, 0});
             it != state.end() && it->first.storage == u.storage; ++it)
          if (it->first != mine)
            mark(it->first, k, false);
      });
    }
    break;
  }
  case ActionKind::Load:
    create({a.storage, a.part, 0}, true);
    break;
  case ActionKind::Store: {
    Instance i{a.storage, -1, a.tier};
    create(i, false);
    eachPart({a.storage, a.part}, [&](uint32_t k) { mark(i, k, true); });
    break;
  }
  case ActionKind::Free:
    state.erase({a.storage, a.part, a.tier});
    break;
  }
}

class Composer {
public:
  Composer(const Problem &problem, uint32_t repeat,
           const BodyProblem &bodyProblem, const Plan &body,
           const OuterProblem &outer, const Plan &outerPlan)
      : problem(problem), repeat(repeat), bodyProblem(bodyProblem), body(body),
        outer(outer), outerPlan(outerPlan) {}

  std::optional<Plan> run(std::string &reason);

private:
  /// In the outer problem's numbers.
  using Moves = std::vector<Action>;
  bool change(const State &from, const State &to, Moves &moves);
  bool fetch(const State &now, const Instance &wanted, Moves &moves) const;
  bool bridge(const State &now, const Instance &wanted, Moves &moves) const;
  bool inBody(uint32_t storage) const { return shared.count(storage) != 0; }
  /// The outer problem's repetition that has a storage for itself, or -1.
  int32_t repetitionOf(uint32_t storage) const {
    Copy c = outer.unrolled.storages[storage];
    return outer.unrolled.repeatOfStorage(c.index) == int32_t(repeat)
               ? int32_t(c.repetition)
               : -1;
  }
  Action fromOuter(Action a) const;
  Action fromBody(Action a) const;

  const Problem &problem;
  uint32_t repeat;
  const BodyProblem &bodyProblem;
  const Plan &body;
  const OuterProblem &outer;
  const Plan &outerPlan;
  Unrolled folded; ///< the first repetition, one of the loop, the last
  std::set<uint32_t> shared; ///< the body's persistent storages, outer numbers
  std::string why;
};

/// The first and the last repetition.
Action Composer::fromOuter(Action a) const {
  const Unrolled &u = outer.unrolled;
  auto storage = [&](uint32_t s) {
    Copy c = u.storages[s];
    bool mine = u.repeatOfStorage(c.index) == int32_t(repeat);
    return folded.storage(c.index, mine ? c.repetition * 2 : c.repetition);
  };
  if (a.kind != ActionKind::Run) {
    a.storage = storage(a.storage);
    return a;
  }
  Copy c = u.operators[outer.order[a.op]];
  bool mine = u.repeatOfOp(c.index) == int32_t(repeat);
  a.op = folded.op(c.index, mine ? c.repetition * 2 : c.repetition);
  for (InPlacePair &p : a.inPlace)
    p = {storage(p.written), storage(p.read)};
  return a;
}

/// The one between.
Action Composer::fromBody(Action a) const {
  auto storage = [&](uint32_t s) {
    return folded.storage(bodyProblem.storages[s], 1);
  };
  if (a.kind != ActionKind::Run) {
    a.storage = storage(a.storage);
    return a;
  }
  a.op = folded.op(problem.repeats[repeat].first + a.op, 1);
  for (InPlacePair &p : a.inPlace)
    p = {storage(p.written), storage(p.read)};
  return a;
}

/// Gets valid content into an instance that is missing or stale.
bool Composer::fetch(const State &now, const Instance &wanted,
                     Moves &moves) const {
  const Storage &s = outer.unrolled.problem.storages[wanted.storage];
  auto valid = [&](const Instance &i, uint32_t part) {
    auto it = now.find(i);
    return it != now.end() && (i.part < 0 || uint32_t(i.part) == part) &&
           it->second[i.part < 0 ? part : 0];
  };
  if (wanted.tier == 0) {
    for (uint32_t t = 1; t < problem.machine.tiers.size(); ++t) {
      bool all = true;
      for (uint32_t k = 0; k < s.numParts(); ++k)
        if (wanted.part < 0 || uint32_t(wanted.part) == k)
          all &= valid({wanted.storage, -1, t}, k);
      if (all) {
        moves.push_back(Action::load(wanted.storage, wanted.part, t));
        return true;
      }
    }
    return false;
  }
  auto it = now.find(wanted);
  for (uint32_t k = 0; k < s.numParts(); ++k) {
    if (it != now.end() && it->second[k])
      continue;
    if (valid({wanted.storage, -1, 0}, k)) {
      // The whole is stored once, for all of its parts.
      bool every = true;
      for (uint32_t j = 0; j < s.numParts(); ++j)
        every &= valid({wanted.storage, -1, 0}, j);
      int32_t part = s.numParts() == 1 || every ? -1 : int32_t(k);
      moves.push_back(Action::store(wanted.storage, part, wanted.tier));
      if (part < 0)
        break;
      continue;
    }
    if (!valid({wanted.storage, int32_t(k), 0}, k))
      return false;
    moves.push_back(Action::store(wanted.storage, int32_t(k), wanted.tier));
  }
  return true;
}

/// From one tier off the device to another, over the device.
bool Composer::bridge(const State &now, const Instance &wanted,
                      Moves &moves) const {
  if (wanted.tier == 0)
    return false;
  for (auto it = now.lower_bound({wanted.storage, -1, 0});
       it != now.end() && it->first.storage == wanted.storage; ++it) {
    const Instance &i = it->first;
    if (i.tier == 0)
      return false; // some of it is there: it would be in the way
    if (i == wanted || std::find(it->second.begin(), it->second.end(), false) !=
                           it->second.end())
      continue;
    moves.push_back(Action::load(i.storage, -1, i.tier));
    moves.push_back(Action::store(i.storage, -1, wanted.tier));
    moves.push_back(Action::free(i.storage, -1, 0));
    return true;
  }
  return false;
}

/// What leads from one state to another, for what the body knows. All that is
/// in `to` becomes valid.
bool Composer::change(const State &from, const State &to, Moves &moves) {
  auto good = [](const std::vector<bool> &valid) {
    return std::find(valid.begin(), valid.end(), false) == valid.end();
  };
  // What leaves the device must be somewhere first; then it leaves, then the
  // rest comes; what it came from is needed until then.
  Moves stores, frees, bridges, loads, ends;
  for (auto &[i, valid] : to) {
    if (!inBody(i.storage))
      continue;
    auto it = from.find(i);
    if (it != from.end() && good(it->second))
      continue;
    if (i.tier == 0 && it != from.end())
      frees.push_back(Action::free(i.storage, i.part, 0));
    Moves direct;
    if (fetch(from, i, direct)) {
      Moves &list = i.tier == 0 ? loads : stores;
      list.insert(list.end(), direct.begin(), direct.end());
    } else if (!bridge(from, i, bridges)) {
      why = "the content of storage " +
            std::to_string(outer.unrolled.problem.storages[i.storage].id) +
            " is not where the repetitions expect it";
      return false;
    }
  }
  for (auto &[i, valid] : from)
    if (inBody(i.storage) && !to.count(i))
      (i.tier == 0 ? frees : ends)
          .push_back(Action::free(i.storage, i.part, i.tier));
  for (Moves *part : {&stores, &frees, &bridges, &loads, &ends})
    moves.insert(moves.end(), part->begin(), part->end());
  return true;
}

std::optional<Plan> Composer::run(std::string &reason) {
  std::vector<uint32_t> counts = outer.unrolled.counts;
  counts[repeat] = 3;
  folded = unroll(problem, counts);
  uint32_t count = problem.repeats[repeat].count;
  State inside;
  for (uint32_t s = 0; s < bodyProblem.storages.size(); ++s)
    if (bodyProblem.problem.storages[s].kind == StorageKind::Persistent)
      shared.insert(outer.unrolled.storage(bodyProblem.storages[s], 0));
  for (const Instance &i : body.initial) {
    const Storage &s = bodyProblem.problem.storages[i.storage];
    if (s.kind != StorageKind::Persistent)
      continue;
    Instance mine{outer.unrolled.storage(bodyProblem.storages[i.storage], 0),
                  i.part, i.tier};
    inside[mine].assign(i.part < 0 ? s.numParts() : 1, true);
  }

  Plan out;
  for (const Instance &i : outerPlan.initial) {
    Copy c = outer.unrolled.storages[i.storage];
    bool mine = outer.unrolled.repeatOfStorage(c.index) == int32_t(repeat);
    if (mine && c.repetition > 0)
      continue;
    for (uint32_t k = 0; k < (mine ? 3u : 1u); ++k)
      out.initial.push_back({folded.storage(c.index, k), i.part, i.tier});
  }
  std::sort(out.initial.begin(), out.initial.end());

  Follower follower(outer.problem, outerPlan);
  bool behind = false;
  std::set<Instance> dropped; // gone, while the outer plan still has them
  // Loads for the last repetition that are issued before the loop: in the
  // loop, that would be another repetition.
  Moves late;
  for (const Action &a : outerPlan.actions) {
    bool gap = a.kind == ActionKind::Run && a.op == outer.gap;
    if (gap) {
      State before = follower.state;
      follower.follow(a);
      State after = follower.state;
      Moves moves;
      if (!change(before, inside, moves)) {
        reason = why;
        return std::nullopt;
      }
      for (auto &[i, valid] : before) {
        const Storage &s = outer.problem.storages[i.storage];
        bool fed = s.kind == StorageKind::Fed && i.tier == s.home.value_or(1);
        if (repetitionOf(i.storage) == 0 && !fed) {
          moves.push_back(Action::free(i.storage, i.part, i.tier));
          dropped.insert(i);
        }
      }
      for (const Action &m : moves)
        out.actions.push_back(fromOuter(m));
      Loop loop;
      loop.repeat = repeat;
      loop.count = count - 2;
      loop.first = uint32_t(out.actions.size());
      for (const Action &b : body.actions)
        out.actions.push_back(fromBody(b));
      loop.last = uint32_t(out.actions.size()) - 1;
      out.loops.push_back(loop);
      // Behind, only what is valid has to be there again.
      State wanted;
      for (auto &[i, valid] : after) {
        bool any = std::find(valid.begin(), valid.end(), true) != valid.end();
        if (any || inside.count(i))
          wanted.emplace(i, valid);
        else if (inBody(i.storage))
          dropped.insert(i);
      }
      moves.clear();
      if (!change(inside, wanted, moves)) {
        reason = why;
        return std::nullopt;
      }
      moves.insert(moves.end(), late.begin(), late.end());
      behind = true;
      for (const Action &m : moves)
        out.actions.push_back(fromOuter(m));
      continue;
    }
    follower.follow(a);
    if (!behind && a.kind != ActionKind::Run && repetitionOf(a.storage) == 1) {
      if (a.kind == ActionKind::Load)
        late.push_back(a);
      else if (a.kind == ActionKind::Free)
        std::erase_if(late, [&](const Action &l) {
          return l.storage == a.storage && l.part == a.part;
        });
      continue;
    }
    if (a.kind == ActionKind::Store)
      dropped.erase({a.storage, -1, a.tier});
    if (a.kind == ActionKind::Free &&
        dropped.erase({a.storage, a.part, a.tier}))
      continue;
    out.actions.push_back(fromOuter(a));
  }
  return out;
}

} // namespace

std::optional<Plan>
spillway::planner::composeLoop(const Problem &problem, uint32_t repeat,
                               const BodyProblem &bodyProblem, const Plan &body,
                               const OuterProblem &outer, const Plan &outerPlan,
                               std::string &reason) {
  return Composer(problem, repeat, bodyProblem, body, outer, outerPlan)
      .run(reason);
}
