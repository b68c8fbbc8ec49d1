//===- Problem.cpp - Is a problem well-formed? ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Repeats.h"

#include <algorithm>
#include <set>

using namespace spillway::planner;

namespace {

/// Collects the faults of one problem.
class Checker {
public:
  explicit Checker(const Problem &problem) : problem(problem) {}

  std::vector<std::string> run() {
    machine();
    storages();
    if (faults.empty())
      operators();
    if (faults.empty())
      order();
    if (faults.empty())
      for (std::string &text : checkRepeats(problem))
        fault(std::move(text));
    return std::move(faults);
  }

private:
  void fault(std::string text) {
    // A wrong file tends to be wrong everywhere: the first faults tell.
    if (faults.size() < 20)
      faults.push_back(std::move(text));
  }
  static std::string quoted(const std::string &name) {
    return "'" + name + "'";
  }
  std::string storageName(uint32_t index) const {
    const Storage &s = problem.storages[index];
    return "storage " + std::to_string(s.id) +
           (s.name.empty() ? "" : " " + quoted(s.name));
  }
  static std::string opName(const Operator &op) {
    return "operator " + std::to_string(op.id) +
           (op.name.empty() ? "" : " " + quoted(op.name));
  }

  void machine();
  void storages();
  void operators();
  void access(const Operator &op, const Access &access, const char *role);
  void order();

  /// So that sums of everything cannot overflow, whatever is done with them.
  static constexpr uint64_t mostBytes = uint64_t(1) << 60;
  static constexpr uint64_t mostAlignment = uint64_t(1) << 30;
  static constexpr int64_t mostNs = int64_t(1) << 50; ///< 13 days

  const Problem &problem;
  std::vector<std::string> faults;
};

void Checker::machine() {
  const Machine &m = problem.machine;
  if (m.tiers.empty())
    fault("machine: expected at least one tier, found none");
  if (m.engines.empty())
    fault("machine: expected at least one engine, found none");
  else if (m.engines[0].tier != 0)
    fault("machine: expected the first engine on the first tier, found it on "
          "another");
  std::set<std::string> names;
  for (const Tier &tier : m.tiers)
    if (!names.insert(tier.name).second)
      fault("machine: two tiers are named " + quoted(tier.name));
  names.clear();
  for (const Engine &engine : m.engines) {
    if (!names.insert(engine.name).second)
      fault("machine: two engines are named " + quoted(engine.name));
    if (engine.tier >= m.tiers.size())
      fault("machine: engine " + quoted(engine.name) + " is on a missing tier");
  }
  names.clear();
  for (const Link &link : m.links) {
    if (!names.insert(link.name).second)
      fault("machine: two links are named " + quoted(link.name));
    if (link.from >= m.tiers.size() || link.to >= m.tiers.size() ||
        link.from == link.to)
      fault("machine: link " + quoted(link.name) +
            " must join two different tiers");
    if (link.bytesPerSecond == 0)
      fault("machine: link " + quoted(link.name) +
            ": expected a positive bandwidth, found 0");
    if (link.latencyNs < 0 || link.latencyNs > mostNs)
      fault("machine: link " + quoted(link.name) +
            ": expected a latency of 0 to 2^50 ns, found " +
            std::to_string(link.latencyNs));
  }
  if (problem.alignment == 0 || problem.alignment > mostAlignment)
    fault("alignment: expected 1 to 2^30 bytes, found " +
          std::to_string(problem.alignment));
}

void Checker::storages() {
  std::set<uint32_t> ids;
  uint64_t total = 0;
  uint64_t alignment =
      std::clamp<uint64_t>(problem.alignment, 1, mostAlignment);
  for (uint32_t i = 0; i < problem.storages.size(); ++i) {
    const Storage &s = problem.storages[i];
    if (!ids.insert(s.id).second)
      fault(storageName(i) + ": the id is taken by another storage");
    if (s.bytes > mostBytes || (total += s.bytes + alignment) > mostBytes) {
      fault(storageName(i) + ": more than 2^60 bytes in all");
      total = 0;
    }
    uint64_t previous = 0;
    for (uint64_t cut : s.parts) {
      if (cut <= previous || cut >= s.bytes) {
        fault(storageName(i) + ": expected cut points ascending inside (0, " +
              std::to_string(s.bytes) + "), found " + std::to_string(cut));
        break;
      }
      previous = cut;
    }
    if (s.home && *s.home >= problem.machine.tiers.size())
      fault(storageName(i) + ": its home is a missing tier");
    if (s.kind == StorageKind::Temporary && s.home)
      fault(storageName(i) + ": a temporary storage has no home");
    if (s.kind != StorageKind::Temporary && s.output)
      fault(storageName(i) + ": only a temporary storage can be an output");
    if (s.kind == StorageKind::Fed && !s.home &&
        problem.machine.tiers.size() < 2)
      fault(storageName(i) +
            ": a fed storage needs a home where there is no second tier");
  }
}

void Checker::access(const Operator &op, const Access &access,
                     const char *role) {
  if (access.storage >= problem.storages.size())
    return fault(opName(op) + " " + role + " a missing storage");
  const Storage &s = problem.storages[access.storage];
  if (access.part < -1 || access.part >= int32_t(s.numParts()))
    fault(opName(op) + " " + role + " part " + std::to_string(access.part) +
          " of " + storageName(access.storage) + ", which has " +
          std::to_string(s.numParts()));
  else if (access.part == 0 && s.parts.empty())
    fault(opName(op) + " " + role + " part 0 of " +
          storageName(access.storage) +
          ", which has no parts: expected part -1, the whole");
}

void Checker::operators() {
  std::set<uint32_t> ids;
  int64_t total = 0;
  for (const Operator &op : problem.operators) {
    if (!ids.insert(op.id).second)
      fault(opName(op) + ": the id is taken by another operator");
    for (const Access &a : op.reads)
      access(op, a, "reads");
    for (const Access &a : op.writes)
      access(op, a, "writes");
    for (const Access &a : op.updates)
      access(op, a, "updates");
    if (op.costNs.size() > problem.machine.engines.size())
      fault(opName(op) + " has costs for more engines than there are");
    if (op.cost(0) < 0)
      fault(opName(op) + ": expected a cost of at least 0 ns on engine " +
            (problem.machine.engines.empty()
                 ? std::string("0")
                 : quoted(problem.machine.engines[0].name)) +
            ", found none");
    int64_t most = 0;
    for (int64_t cost : op.costNs)
      most = std::max(most, cost);
    if (most > mostNs)
      fault(opName(op) + ": a cost of more than 2^50 ns");
    else if ((total += most) > 64 * mostNs) {
      fault(opName(op) + ": more than 2^56 ns in all");
      total = 0;
    }
    if (op.workspace > mostBytes)
      fault(opName(op) + ": a workspace of more than 2^60 bytes");
    if (op.recomputable && !op.updates.empty())
      fault(opName(op) + " updates a storage, so it cannot be recomputable");
  }
}

void Checker::order() {
  const auto &all = problem.storages;
  // By storage and part, whether the content is there.
  std::vector<std::vector<bool>> there(all.size()), made(all.size());
  for (uint32_t i = 0; i < all.size(); ++i) {
    there[i].assign(all[i].numParts(), all[i].kind != StorageKind::Temporary);
    made[i].assign(all[i].numParts(), false);
  }
  auto parts = [&](const Access &a) {
    uint32_t n = all[a.storage].numParts();
    return a.part < 0 ? std::pair<uint32_t, uint32_t>(0, n)
                      : std::pair<uint32_t, uint32_t>(a.part, a.part + 1);
  };
  for (const Operator &op : problem.operators) {
    std::vector<std::pair<Access, const char *>> needs;
    for (const Access &a : op.reads)
      needs.push_back({a, " reads "});
    for (const Access &a : op.updates)
      needs.push_back({a, " updates "});
    for (auto &[a, verb] : needs)
      for (auto [k, end] = parts(a); k < end; ++k)
        if (!there[a.storage][k]) {
          fault(opName(op) + verb + storageName(a.storage) +
                " before it is written: the order is not valid, or there is a "
                "cycle");
          break;
        }
    for (const Access &a : op.updates)
      if (all[a.storage].kind == StorageKind::Fed)
        fault(opName(op) + " updates " + storageName(a.storage) +
              ", which is fed");
    for (const Access &a : op.writes) {
      if (all[a.storage].kind != StorageKind::Temporary)
        fault(opName(op) + " writes " + storageName(a.storage) +
              ", which is not temporary: expected an update");
      for (auto [k, end] = parts(a); k < end; ++k) {
        if (made[a.storage][k]) {
          fault(opName(op) + " writes " + storageName(a.storage) +
                ", which another operator has written");
          break;
        }
        there[a.storage][k] = made[a.storage][k] = true;
      }
    }
    for (const InPlacePair &p : op.inPlace) {
      auto whole = [&](const std::vector<Access> &list, uint32_t s) {
        return std::find(list.begin(), list.end(), Access{s, -1}) != list.end();
      };
      if (!whole(op.writes, p.written) || !whole(op.reads, p.read))
        fault(opName(op) + ": in_place must name a written and a read storage, "
                           "both whole");
      else if (all[p.written].bytes != all[p.read].bytes)
        fault(opName(op) + ": in_place joins " + storageName(p.written) +
              " and " + storageName(p.read) + " of different bytes");
    }
  }
  for (uint32_t i = 0; i < all.size(); ++i)
    if (all[i].output &&
        std::find(made[i].begin(), made[i].end(), false) != made[i].end())
      fault(storageName(i) + " is an output that no operator writes");
}

/// FNV-1a.
struct Hash {
  uint64_t value = 14695981039346656037u;
  void add(uint64_t x) {
    for (int i = 0; i < 8; ++i, x >>= 8)
      value = (value ^ (x & 255)) * 1099511628211u;
  }
  void add(const std::vector<Access> &list) {
    add(list.size());
    for (const Access &a : list)
      add(a.storage), add(uint64_t(int64_t(a.part)));
  }
};

} // namespace

std::vector<std::string> Problem::check() const { return Checker(*this).run(); }

uint64_t Problem::fingerprint() const {
  Hash h;
  h.add(alignment);
  h.add(machine.tiers.size());
  h.add(storages.size());
  for (const Storage &s : storages) {
    h.add(s.id), h.add(s.bytes), h.add(uint64_t(s.kind)), h.add(s.output);
    h.add(s.home ? *s.home + 1 : 0);
    h.add(s.parts.size());
    for (uint64_t cut : s.parts)
      h.add(cut);
  }
  h.add(operators.size());
  for (const Operator &op : operators) {
    h.add(op.id), h.add(op.workspace), h.add(op.recomputable);
    h.add(op.reads), h.add(op.writes), h.add(op.updates);
    h.add(op.inPlace.size());
    for (const InPlacePair &p : op.inPlace)
      h.add(p.written), h.add(p.read);
  }
  for (const Repeat &r : repeats)
    if (r.count > 1)
      h.add(r.first), h.add(r.last), h.add(r.count);
  return h.value;
}
