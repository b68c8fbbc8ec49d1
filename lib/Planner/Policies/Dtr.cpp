//===- Dtr.cpp - Dynamic tensor rematerialization ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kirisame et al., "Dynamic tensor rematerialization", ICLR 2021, run offline:
// when an allocation does not fit, the resident tensor with the least
//     h = (cost of it and of its evicted neighbourhood) / (bytes * staleness)
// is evicted; what is needed again is made again, recursively. `dtr` takes the
// evicted ancestors and descendants that are reached through evicted tensors,
// `dtr-eq` the paper's union-find approximation of them. A tensor dies with its
// last use. Parameters and optimizer state stay; nothing is swapped.
//
//===----------------------------------------------------------------------===//

#include "../Policy.h"

#include <algorithm>
#include <numeric>

using namespace spillway::planner;

namespace {

class Dtr {
public:
  Dtr(const PolicyRequest &request, bool classes)
      : a(request.analysis), problem(a.problem), limit(request.budgets[0]),
        classes(classes) {}

  PolicyAnswer run();

private:
  bool runOp(uint32_t op, bool first, uint32_t depth);
  bool room(uint64_t bytes);
  double neighbourhood(uint32_t s);
  void visit(uint32_t s, bool up, double &cost);
  void enter(uint32_t s);
  void leave(uint32_t s);
  uint32_t root(uint32_t s) {
    while (parent[s] != s)
      s = parent[s] = parent[parent[s]];
    return s;
  }
  bool evictable(uint32_t s) const {
    uint32_t p = a.producer[s];
    return there[s] && !pins[s] && p != none &&
           problem.storages[s].kind == StorageKind::Temporary &&
           a.lastUse[s] < a.numOps &&
           a.rerunUntil[p] >= int64_t(a.nextUse(a.slot(s, -1), position));
  }
  uint64_t bytes(uint32_t s) const { return a.slotBytes[a.slot(s, -1)]; }
  double costOf(uint32_t s) const {
    return double(problem.operators[a.producer[s]].costNs[0]);
  }

  const Analysis &a;
  const Problem &problem;
  uint64_t limit, used = 0;
  bool classes;
  uint32_t position = 0;
  double clock = 0;
  Plan plan;
  std::vector<bool> there, evicted; ///< by storage
  std::vector<uint32_t> pins, parent, seen;
  std::vector<double> lastAccess, classCost;
  std::vector<std::vector<uint32_t>> children; ///< storages made from one
  uint32_t stamp = 0;
};

void Dtr::enter(uint32_t s) {
  there[s] = true;
  used += bytes(s);
  lastAccess[s] = clock;
  if (evicted[s]) {
    evicted[s] = false;
    // A class cannot be split: its cost is lowered, as the paper does.
    if (classes && a.producer[s] != none)
      classCost[root(s)] -= costOf(s);
  }
}

void Dtr::leave(uint32_t s) {
  plan.actions.push_back(Action::free(s, -1, 0));
  there[s] = false;
  used -= bytes(s);
  if (a.producer[s] == none)
    return;
  evicted[s] = true;
  if (!classes)
    return;
  classCost[root(s)] += costOf(s);
  auto join = [&](uint32_t other) {
    uint32_t x = root(s), y = root(other);
    if (x != y && evicted[other]) {
      parent[y] = x;
      classCost[x] += classCost[y];
    }
  };
  for (const Operand &o : a.operands[a.producer[s]])
    if (o.read)
      join(o.storage);
  for (uint32_t c : children[s])
    join(c);
}

void Dtr::visit(uint32_t s, bool up, double &cost) {
  auto step = [&](uint32_t t) {
    if (!evicted[t] || seen[t] == stamp)
      return;
    seen[t] = stamp;
    cost += costOf(t);
    visit(t, up, cost);
  };
  if (!up) {
    for (uint32_t c : children[s])
      step(c);
  } else {
    for (const Operand &o : a.operands[a.producer[s]])
      if (o.read)
        step(o.storage);
  }
}

double Dtr::neighbourhood(uint32_t s) {
  double cost = 0;
  if (!classes) {
    ++stamp;
    visit(s, true, cost);
    visit(s, false, cost);
    return cost;
  }
  std::vector<uint32_t> roots;
  auto count = [&](uint32_t t) {
    if (!evicted[t])
      return;
    uint32_t r = root(t);
    if (std::find(roots.begin(), roots.end(), r) == roots.end()) {
      roots.push_back(r);
      cost += std::max(classCost[r], 0.0);
    }
  };
  for (const Operand &o : a.operands[a.producer[s]])
    if (o.read)
      count(o.storage);
  for (uint32_t c : children[s])
    count(c);
  return cost;
}

bool Dtr::room(uint64_t wanted) {
  while (used + wanted > limit) {
    uint32_t victim = none;
    double least = 0;
    for (uint32_t s = 0; s < there.size(); ++s) {
      if (!evictable(s) || bytes(s) == 0)
        continue;
      double h = (costOf(s) + neighbourhood(s)) /
                 (double(bytes(s)) * (clock - lastAccess[s] + 1));
      if (victim == none || h < least)
        victim = s, least = h;
    }
    if (victim == none)
      return false;
    leave(victim);
  }
  return true;
}

bool Dtr::runOp(uint32_t index, bool first, uint32_t depth) {
  // A thrashing plan is no plan.
  if (depth > 5000 || plan.actions.size() > 200 * size_t(a.numOps) + 10000)
    return false;
  const Operator &op = problem.operators[index];
  std::vector<uint32_t> pinned;
  auto pin = [&](uint32_t s) {
    ++pins[s];
    pinned.push_back(s);
  };
  auto unpin = [&] {
    for (uint32_t s : pinned)
      --pins[s];
  };
  for (const Operand &o : a.operands[index])
    if (there[o.storage] && (o.read || o.updated))
      pin(o.storage);
  for (const Operand &o : a.operands[index]) {
    uint32_t s = o.storage;
    if (there[s] || !(o.read || o.updated))
      continue;
    bool got = false;
    if (problem.storages[s].kind == StorageKind::Fed) {
      if ((got = room(bytes(s)))) {
        plan.actions.push_back(
            Action::load(s, -1, problem.storages[s].home.value_or(1)));
        enter(s);
      }
    } else if (a.producer[s] != none) {
      got = runOp(a.producer[s], false, depth + 1);
    }
    if (!got)
      return unpin(), false;
    pin(s);
  }
  uint64_t wanted = problem.aligned(op.workspace);
  std::vector<uint32_t> made;
  for (const Operand &o : a.operands[index])
    if (o.written) {
      if (!there[o.storage]) {
        made.push_back(o.storage);
        wanted += bytes(o.storage);
      } else {
        pin(o.storage);
      }
    }
  if (!room(wanted))
    return unpin(), false;
  plan.actions.push_back(Action::run(index));
  clock += double(op.costNs[0]);
  for (uint32_t s : made)
    enter(s);
  for (const Operand &o : a.operands[index])
    lastAccess[o.storage] = clock;
  unpin();
  // What was made again beside the result that was wanted, or from what is
  // dead, goes when room is needed; what is dead after a first run goes now.
  for (const Operand &o : a.operands[index])
    if (first && there[o.storage] && !pins[o.storage] &&
        a.lastUse[o.storage] == index &&
        problem.storages[o.storage].kind != StorageKind::Persistent)
      leave(o.storage);
  return true;
}

PolicyAnswer Dtr::run() {
  PolicyAnswer answer;
  uint32_t n = uint32_t(problem.storages.size());
  there.assign(n, false);
  evicted.assign(n, false);
  pins.assign(n, 0);
  seen.assign(n, 0);
  lastAccess.assign(n, 0);
  classCost.assign(n, 0);
  parent.resize(n);
  std::iota(parent.begin(), parent.end(), 0);
  children.resize(n);
  for (const auto &list : a.operands)
    for (const Operand &w : list) {
      if (w.written && w.part >= 0) {
        answer.applies = false;
        answer.reason = "dtr does not handle a tensor that is made in parts";
        return answer;
      }
      for (const Operand &r : list)
        if (w.written && r.read && a.producer[w.storage] != none)
          children[r.storage].push_back(w.storage);
    }
  for (uint32_t s = 0; s < n; ++s) {
    const Storage &storage = problem.storages[s];
    if (storage.kind == StorageKind::Temporary)
      continue;
    uint32_t home = storage.kind == StorageKind::Fed ? storage.home.value_or(1)
                                                     : storage.home.value_or(0);
    plan.initial.push_back({s, -1, home});
    if (home != 0 && storage.kind == StorageKind::Persistent) {
      answer.applies = false;
      answer.reason = "dtr keeps parameters on the device, but one has its "
                      "home elsewhere";
      return answer;
    }
    if (home == 0) {
      there[s] = true;
      used += bytes(s);
      ++pins[s];
    }
  }
  std::sort(plan.initial.begin(), plan.initial.end());
  for (position = 0; position < a.numOps; ++position) {
    if (used <= limit && runOp(position, true, 0)) {
      // Sources that were made again for this operator only are dead.
      for (uint32_t s = 0; s < n; ++s)
        if (there[s] && !pins[s] && a.lastUse[s] <= position &&
            problem.storages[s].kind != StorageKind::Persistent)
          leave(s);
      continue;
    }
    const Operator &op = problem.operators[position];
    answer.reason = "operator " + std::to_string(op.id) +
                    " does not fit, whatever is evicted";
    return answer;
  }
  answer.ok = true;
  answer.plans.push_back(std::move(plan));
  return answer;
}

} // namespace

PolicyAnswer spillway::planner::planDtr(const PolicyRequest &request) {
  return Dtr(request, false).run();
}

PolicyAnswer spillway::planner::planDtrEq(const PolicyRequest &request) {
  return Dtr(request, true).run();
}
