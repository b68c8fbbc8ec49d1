//===- Verify.cpp - Replays a plan and trusts nobody ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Replay.h"

#include <algorithm>
#include <set>

using namespace spillway::planner;

namespace {

class Replay {
public:
  Replay(const Problem &problem, const Plan &plan,
         const std::vector<uint64_t> &budgets, const ReplayRequest &request)
      : problem(problem), plan(plan), request(request) {
    for (uint32_t t = 0; t < problem.machine.tiers.size(); ++t)
      limit.push_back(t < budgets.size() ? budgets[t]
                                         : problem.machine.tiers[t].capacity);
  }

  Verdict run() {
    live = request.others;
    live.resize(limit.size(), 0);
    verdict.peakBytes.assign(limit.size(), 0);
    prepare();
    start();
    for (at = 0; verdict.ok() && at < plan.actions.size(); ++at) {
      if (std::find(request.stops.begin(), request.stops.end(), at) !=
          request.stops.end())
        request.atStops.push_back({instances, version, runs});
      step(plan.actions[at]);
    }
    if (verdict.ok())
      finish();
    return std::move(verdict);
  }

private:
  using Key = ReplayState::Key;
  using Held = ReplayState::Held;

  void fail(const std::string &text) {
    if (!verdict.ok())
      return;
    std::string where;
    if (at < plan.actions.size())
      where = "action " + std::to_string(at) + " (" +
              describe(plan.actions[at]) + "): ";
    verdict.error = where + text;
  }
  std::string storageName(uint32_t s) const {
    return "storage " + std::to_string(problem.storages[s].id) +
           (problem.storages[s].name.empty()
                ? ""
                : " '" + problem.storages[s].name + "'");
  }
  std::string name(const Key &key) const {
    auto [s, part, tier] = key;
    return storageName(s) + (part < 0 ? "" : " part " + std::to_string(part)) +
           " on " + problem.machine.tiers[tier].name;
  }
  std::string describe(const Action &a) const {
    if (a.kind == ActionKind::Run)
      return a.op < problem.operators.size()
                 ? "run operator " + std::to_string(problem.operators[a.op].id)
                 : "run a missing operator";
    static const char *const verbs[] = {"run", "load", "store", "free"};
    std::string out = verbs[int(a.kind)];
    if (a.storage < problem.storages.size())
      out += " storage " + std::to_string(problem.storages[a.storage].id);
    if (a.part >= 0)
      out += " part " + std::to_string(a.part);
    if (a.tier < problem.machine.tiers.size())
      out += " " + problem.machine.tiers[a.tier].name;
    if (a.from != 0 && a.from < problem.machine.tiers.size())
      out += " from " + problem.machine.tiers[a.from].name;
    return out;
  }

  /// The range of parts that an access touches.
  std::pair<uint32_t, uint32_t> range(uint32_t storage, int32_t part) const {
    if (part < 0)
      return {0, problem.storages[storage].numParts()};
    return {uint32_t(part), uint32_t(part) + 1};
  }
  uint64_t bytesOf(const Key &key) const {
    auto [s, part, tier] = key;
    uint64_t bytes = problem.storages[s].partBytes(part);
    uint64_t a = problem.alignment;
    return bytes / a * a + (bytes % a ? a : 0);
  }
  bool sane(uint32_t storage, int32_t part, uint32_t tier) {
    if (storage >= problem.storages.size())
      return fail("there is no such storage"), false;
    int64_t parts = problem.storages[storage].numParts();
    if (part < -1 || part >= parts || (part == 0 && parts == 1))
      return fail("there is no such part"), false;
    if (tier >= limit.size())
      return fail("there is no such tier"), false;
    if (tier != 0 && part >= 0)
      return fail("off the device an instance is of the whole storage"), false;
    return true;
  }
  bool has(uint32_t s, int32_t part, uint32_t tier) const {
    return instances.count({s, part, tier}) != 0;
  }
  Held *create(const Key &key, bool valid) {
    auto [s, part, tier] = key;
    if (tier == 0) {
      // The whole and its parts exclude each other.
      bool clash = part >= 0 && has(s, -1, 0);
      for (uint32_t k = 0; part < 0 && k < problem.storages[s].numParts(); ++k)
        clash |= has(s, int32_t(k), 0);
      if (clash)
        return fail(storageName(s) +
                    " would be on the device as a whole and as parts at once"),
               nullptr;
    }
    auto [first, last] = range(s, part);
    Held held;
    held.valid.assign(last - first, valid);
    live[tier] += bytesOf(key);
    return &instances.emplace(key, std::move(held)).first->second;
  }
  void account(uint64_t workspace, uint32_t workspaceTier) {
    for (uint32_t t = 0; t < limit.size(); ++t) {
      uint64_t bytes = live[t] + (t == workspaceTier ? workspace : 0);
      verdict.peakBytes[t] = std::max(verdict.peakBytes[t], bytes);
      if (bytes > limit[t])
        fail("needs " + std::to_string(bytes) + " bytes of " +
             problem.machine.tiers[t].name + ", expected at most " +
             std::to_string(limit[t]));
    }
  }

  /// The buffer on `tier` in which an operator finds an access, or none.
  std::map<Key, Held>::iterator find(uint32_t s, int32_t part, uint32_t tier) {
    auto it = instances.find({s, -1, tier});
    if (it == instances.end() && part >= 0 && tier == 0)
      it = instances.find({s, part, tier});
    return it;
  }
  /// Bit of `part` in the buffer `key`.
  static uint32_t bit(const Key &key, uint32_t part) {
    return std::get<1>(key) < 0 ? part : 0;
  }

  void prepare();
  void start();
  void step(const Action &a);
  void runOp(const Action &a);
  void demand(const Access &a, uint32_t tier, uint32_t expected,
              const char *verb);
  void load(const Action &a);
  void store(const Action &a);
  void finish();

  const Problem &problem;
  const Plan &plan;
  const ReplayRequest &request;
  std::vector<uint64_t> limit, live;
  std::map<Key, Held> instances;
  std::set<Key> initial;
  /// By storage and part: how many updates its present content has seen.
  std::vector<std::vector<uint32_t>> version;
  /// By operator, by operand (reads, then updates) and part: the same, as it
  /// is in the problem's own order.
  std::vector<std::vector<std::vector<uint32_t>>> expected;
  std::vector<bool> wholeSomewhere;
  std::vector<uint32_t> runs;
  size_t at = SIZE_MAX;
  Verdict verdict;
};

void Replay::prepare() {
  const auto &storages = problem.storages;
  runs.assign(problem.operators.size(), 0);
  wholeSomewhere.assign(storages.size(), false);
  version.resize(storages.size());
  for (size_t s = 0; s < storages.size(); ++s)
    version[s].assign(storages[s].numParts(), 0);
  for (const Operator &op : problem.operators) {
    std::vector<std::vector<uint32_t>> seen;
    auto note = [&](const Access &a) {
      auto [k, end] = range(a.storage, a.part);
      seen.emplace_back(version[a.storage].begin() + k,
                        version[a.storage].begin() + end);
      if (a.part < 0)
        wholeSomewhere[a.storage] = true;
    };
    for (const Access &a : op.reads)
      note(a);
    for (const Access &a : op.updates)
      note(a);
    for (const Access &a : op.writes)
      if (a.part < 0)
        wholeSomewhere[a.storage] = true;
    for (const Access &a : op.updates)
      for (auto [k, end] = range(a.storage, a.part); k < end; ++k)
        ++version[a.storage][k];
    expected.push_back(std::move(seen));
  }
  for (auto &v : version)
    std::fill(v.begin(), v.end(), 0);
}

void Replay::start() {
  for (const Instance &i : plan.initial) {
    if (!sane(i.storage, i.part, i.tier))
      return;
    const Storage &s = problem.storages[i.storage];
    Key key{i.storage, i.part, i.tier};
    if (s.kind == StorageKind::Temporary)
      return fail("initial: " + name(key) + " is temporary");
    if (s.kind == StorageKind::Fed && i.tier != s.home.value_or(1))
      return fail("initial: " + name(key) +
                  " is fed, expected it only where the host writes it");
    if (!initial.insert(key).second)
      return fail("initial: " + name(key) + " is listed twice");
    if (!create(key, true))
      return;
  }
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    if (storage.kind == StorageKind::Temporary)
      continue;
    std::optional<uint32_t> home = storage.home;
    if (storage.kind == StorageKind::Fed)
      home = home.value_or(1);
    bool atHome = !home || has(s, -1, *home);
    for (uint32_t k = 0; k < storage.numParts(); ++k) {
      bool somewhere = has(s, int32_t(k), 0);
      for (uint32_t t = 0; t < limit.size(); ++t)
        somewhere |= has(s, -1, t);
      if (!somewhere)
        return fail("initial: " + storageName(s) + " part " +
                    std::to_string(k) + " is nowhere when the step starts");
      if (!atHome && !(*home == 0 && has(s, int32_t(k), 0)))
        return fail("initial: " + storageName(s) + " is not at its home, " +
                    problem.machine.tiers[*home].name);
    }
  }
  account(0, 0);
}

void Replay::step(const Action &a) {
  switch (a.kind) {
  case ActionKind::Run:
    return runOp(a);
  case ActionKind::Load:
    return load(a);
  case ActionKind::Store:
    return store(a);
  case ActionKind::Free: {
    if (!sane(a.storage, a.part, a.tier))
      return;
    Key key{a.storage, a.part, a.tier};
    auto it = instances.find(key);
    if (it == instances.end())
      return fail(name(key) + " is not there");
    const Storage &s = problem.storages[a.storage];
    if (s.kind == StorageKind::Fed && a.tier == s.home.value_or(1))
      return fail(name(key) + " is where the host feeds it and cannot end");
    live[a.tier] -= bytesOf(key);
    instances.erase(it);
  }
  }
}

void Replay::demand(const Access &a, uint32_t tier, uint32_t operand,
                    const char *verb) {
  auto it = find(a.storage, a.part, tier);
  Key wanted{a.storage, a.part, tier};
  if (it == instances.end())
    return fail(std::string(verb) + " " + name(wanted) +
                ", which is not there");
  auto [first, end] = range(a.storage, a.part);
  const auto &want = expected[plan.actions[at].op][operand];
  for (uint32_t k = first; k < end; ++k) {
    if (!it->second.valid[bit(it->first, k)])
      return fail(std::string(verb) + " " + name(wanted) + ", which is stale");
    if (version[a.storage][k] != want[k - first])
      return fail(std::string(verb) + " " + name(wanted) + " after " +
                  std::to_string(version[a.storage][k]) +
                  " updates, expected after " +
                  std::to_string(want[k - first]));
  }
}

void Replay::runOp(const Action &a) {
  if (a.op >= problem.operators.size())
    return fail("there is no such operator");
  const Operator &op = problem.operators[a.op];
  if (a.engine >= problem.machine.engines.size() || op.cost(a.engine) < 0)
    return fail("the operator does not run on that engine");
  uint32_t tier = problem.machine.engines[a.engine].tier;
  if (runs[a.op]++ && !op.recomputable)
    return fail("the operator must run exactly once a step");
  uint32_t operand = 0;
  for (const Access &r : op.reads)
    demand(r, tier, operand++, "reads");
  for (const Access &u : op.updates)
    demand(u, tier, operand++, "updates");
  if (!verdict.ok())
    return;
  std::set<uint32_t> taken;
  for (const InPlacePair &p : a.inPlace) {
    auto it = instances.find({p.read, -1, tier});
    if (std::find(op.inPlace.begin(), op.inPlace.end(), p) == op.inPlace.end())
      return fail("the operator does not work in place on these storages");
    if (it == instances.end() || !taken.insert(p.read).second ||
        has(p.written, -1, tier))
      return fail("in place: expected the whole of " + storageName(p.read) +
                  " and no instance of " + storageName(p.written));
    const Storage &s = problem.storages[p.read];
    if (s.kind == StorageKind::Fed && tier == s.home.value_or(1))
      return fail("in place: " + storageName(p.read) + " is fed there");
    // An operand may appear twice: then its buffer must survive the run.
    live[tier] -= bytesOf(it->first);
    instances.erase(it);
  }
  for (const Access &w : op.writes) {
    auto it = find(w.storage, w.part, tier);
    if (it == instances.end()) {
      bool whole = w.part < 0 || tier != 0 || wholeSomewhere[w.storage];
      Key key{w.storage, whole ? -1 : w.part, tier};
      if (!create(key, false))
        return;
      it = instances.find(key);
    }
    for (auto [k, end] = range(w.storage, w.part); k < end; ++k) {
      if (version[w.storage][k] != 0)
        return fail("would undo an update of " + storageName(w.storage));
      it->second.valid[bit(it->first, k)] = true;
    }
  }
  for (const Access &u : op.updates)
    for (auto [k, end] = range(u.storage, u.part); k < end; ++k) {
      ++version[u.storage][k];
      Key mine = find(u.storage, u.part, tier)->first;
      for (auto it = instances.lower_bound({u.storage, -1, 0});
           it != instances.end() && std::get<0>(it->first) == u.storage; ++it) {
        int32_t part = std::get<1>(it->first);
        if (it->first != mine && (part < 0 || part == int32_t(k)))
          it->second.valid[bit(it->first, k)] = false;
      }
    }
  uint64_t workspace = op.workspace, align = problem.alignment;
  account((workspace + align - 1) / align * align, tier);
}

void Replay::load(const Action &a) {
  if (!sane(a.storage, a.part, 0) || !sane(a.storage, -1, a.tier))
    return;
  if (a.tier == 0 || problem.machine.route(a.tier, 0).empty())
    return fail("no link leads there");
  auto source = instances.find({a.storage, -1, a.tier});
  if (source == instances.end())
    return fail(name({a.storage, -1, a.tier}) + " is not there");
  auto [first, end] = range(a.storage, a.part);
  for (uint32_t k = first; k < end; ++k)
    if (!source->second.valid[k])
      return fail(name(source->first) + " is stale");
  Key key{a.storage, a.part, 0};
  if (instances.count(key))
    return fail(name(key) + " is there already");
  create(key, true);
  account(0, 0);
}

void Replay::store(const Action &a) {
  if (!sane(a.storage, a.part, 0) || !sane(a.storage, -1, a.tier) ||
      !sane(a.storage, -1, a.from))
    return;
  size_t links = problem.machine.route(a.from, a.tier).size();
  if (a.tier == 0 || a.tier == a.from || links == 0)
    return fail("no link leads there");
  if (a.from != 0 && links != 1)
    return fail("the way there is over another tier, expected a link");
  const Storage &s = problem.storages[a.storage];
  if (s.kind == StorageKind::Fed && a.tier == s.home.value_or(1))
    return fail("writes where the host feeds the storage");
  auto source = find(a.storage, a.part, a.from);
  if (source == instances.end())
    return fail(name({a.storage, a.from ? -1 : a.part, a.from}) +
                " is not there");
  auto [first, end] = range(a.storage, a.part);
  for (uint32_t k = first; k < end; ++k)
    if (!source->second.valid[bit(source->first, k)])
      return fail(name(source->first) + " is stale");
  Key key{a.storage, -1, a.tier};
  auto it = instances.find(key);
  if (it == instances.end()) {
    create(key, false);
    it = instances.find(key);
  }
  for (uint32_t k = first; k < end; ++k)
    it->second.valid[k] = true;
  account(0, 0);
}

void Replay::finish() {
  at = SIZE_MAX;
  for (uint32_t i = 0; i < runs.size(); ++i)
    if (!runs[i])
      return fail("operator " + std::to_string(problem.operators[i].id) +
                  " never runs");
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const Storage &storage = problem.storages[s];
    for (uint32_t k = 0; storage.output && k < storage.numParts(); ++k) {
      bool valid = false;
      for (auto &[key, held] : instances)
        if (std::get<0>(key) == s &&
            (std::get<1>(key) < 0 || std::get<1>(key) == int32_t(k)))
          valid |= held.valid[bit(key, k)];
      if (!valid)
        return fail(storageName(s) +
                    " is an output, but is not there when the step ends");
    }
  }
  for (auto &[key, held] : instances) {
    const Storage &s = problem.storages[std::get<0>(key)];
    if (!initial.count(key) && !s.output)
      return fail(name(key) + " is there when the step ends, but is not in "
                              "initial: expected a free");
  }
  for (const Key &key : initial) {
    auto it = instances.find(key);
    if (it == instances.end())
      return fail(name(key) + " is in initial, but is not there when the step "
                              "ends");
    const Storage &s = problem.storages[std::get<0>(key)];
    if (s.kind == StorageKind::Fed)
      continue; // the host writes the next step's
    for (bool valid : it->second.valid)
      if (!valid)
        return fail(name(key) + " is in initial, but is stale when the step "
                                "ends");
  }
}

} // namespace

Verdict spillway::planner::replay(const Problem &problem, const Plan &plan,
                                  const std::vector<uint64_t> &budgets,
                                  const ReplayRequest &request) {
  return Replay(problem, plan, budgets, request).run();
}
