//===- Dtr.cpp - Dynamic tensor rematerialization ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kirisame et al., "Dynamic tensor rematerialization", ICLR 2021, run offline:
// when an allocation does not fit, the resident tensor with the least h is
// evicted; what is needed again is made again, recursively.
//  * `dtr`: h = (cost of it and of its evicted neighbourhood) / (bytes *
//    staleness); the neighbourhood is the evicted ancestors and descendants
//    that are reached through evicted tensors.
//  * `dtr-eq`: the neighbourhood's cost is that of the union-find classes of
//    its evicted neighbours; a class cannot be split, so a tensor that is made
//    again lowers the cost of the class, and is in a class of its own when it
//    is evicted again.
//  * `dtr-msps`: h = (cost of it and of its evicted ancestors) / bytes, as in
//    Capuchin (the paper's appendix D).
// As in the authors' simulator: staleness is the time since the last access,
// where a rematerialization counts as an access of what it reads; of equals,
// what entered the pool last is evicted; a tensor is evicted eagerly with its
// last use in the program, but one that is made again after that stays in the
// pool; an operator that runs again needs room for all its results; outputs may
// be evicted and are made again when the step ends.
//
//===----------------------------------------------------------------------===//

#include "../RunPlan.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

enum class Heuristic { Neighbourhood, Classes, Msps };

class Dtr {
public:
  Dtr(const PolicyRequest &request, Heuristic heuristic)
      : request(request), a(request.analysis), problem(a.problem),
        limit(request.budgets[0]), heuristic(heuristic) {}

  PolicyAnswer run();

private:
  bool materialize(uint32_t op, bool first, uint32_t depth);
  bool room(uint64_t bytes);
  double hOf(uint32_t s);
  void visit(uint32_t s, bool up, double &cost);
  void touch(uint32_t s, bool up);
  void enter(uint32_t s);
  void leave(uint32_t s);
  void joinClasses(uint32_t s);
  double classesAround(uint32_t s);
  uint32_t root(uint32_t node) {
    while (classParent[node] != node)
      node = classParent[node] = classParent[classParent[node]];
    return node;
  }
  /// Whatever it is needed for, it can be made again in time.
  bool evictable(uint32_t s) const {
    if (!there[s] || pins[s] || a.producer[s] == none || bytes(s) == 0)
      return false;
    uint32_t next = a.nextUse(a.slot(s, -1), position);
    if (next == none)
      next = problem.storages[s].output ? a.numOps : position;
    return a.rerunUntil[a.producer[s]] >= int64_t(next);
  }
  bool temporary(uint32_t s) const {
    return problem.storages[s].kind == StorageKind::Temporary;
  }
  uint64_t bytes(uint32_t s) const { return a.slotBytes[a.slot(s, -1)]; }
  double costOf(uint32_t s) const {
    return double(problem.operators[a.producer[s]].costNs[0]);
  }
  const std::vector<uint32_t> &parents(uint32_t s) const {
    return reads[a.producer[s]];
  }

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  uint64_t limit, used = 0;
  Heuristic heuristic;
  uint32_t position = 0;
  int64_t clock = 1;
  Runs runs;
  std::vector<std::vector<uint32_t>> reads; ///< by operator: temporaries
  // By storage.
  std::vector<bool> there, evicted, stale;
  std::vector<uint32_t> pins, seen;
  std::vector<int64_t> lastAccess;
  std::vector<double> around; ///< cost of the neighbourhood, unless `stale`
  std::vector<std::vector<uint32_t>> children; ///< storages made from one
  std::vector<uint32_t> node;                  ///< its class node while evicted
  std::vector<uint32_t> pool;                  ///< in order of entering
  uint32_t stamp = 0;
  // By class node.
  std::vector<uint32_t> classParent;
  std::vector<double> classCost;
};

/// Residents that reach `s` through evicted tensors have to be looked at again.
void Dtr::touch(uint32_t s, bool up) {
  auto step = [&](uint32_t t) {
    if (seen[t] == stamp)
      return;
    seen[t] = stamp;
    stale[t] = true;
    if (evicted[t])
      touch(t, up);
  };
  if (!up) {
    for (uint32_t c : children[s])
      step(c);
  } else if (a.producer[s] != none) {
    for (uint32_t p : parents(s))
      step(p);
  }
}

void Dtr::enter(uint32_t s) {
  there[s] = true;
  used += bytes(s);
  if (a.producer[s] == none)
    return;
  pool.push_back(s);
  stale[s] = true;
  if (!evicted[s])
    return;
  evicted[s] = false;
  if (heuristic == Heuristic::Classes) {
    classCost[root(node[s])] -= costOf(s);
    return;
  }
  ++stamp;
  touch(s, true);
  touch(s, false);
}

void Dtr::leave(uint32_t s) {
  there[s] = false;
  used -= bytes(s);
  if (a.producer[s] == none)
    return;
  pool.erase(std::find(pool.begin(), pool.end(), s));
  evicted[s] = true;
  if (heuristic == Heuristic::Classes)
    return joinClasses(s);
  ++stamp;
  touch(s, true);
  touch(s, false);
}

void Dtr::joinClasses(uint32_t s) {
  node[s] = uint32_t(classParent.size());
  classParent.push_back(node[s]);
  classCost.push_back(costOf(s));
  auto join = [&](uint32_t other) {
    if (!evicted[other])
      return;
    uint32_t x = root(node[s]), y = root(node[other]);
    if (x == y)
      return;
    classParent[x] = y;
    classCost[y] += classCost[x];
  };
  for (uint32_t p : parents(s))
    join(p);
  for (uint32_t c : children[s])
    join(c);
}

double Dtr::classesAround(uint32_t s) {
  double cost = 0;
  std::vector<uint32_t> roots;
  auto count = [&](uint32_t t) {
    if (!evicted[t])
      return;
    uint32_t r = root(node[t]);
    if (std::find(roots.begin(), roots.end(), r) != roots.end())
      return;
    roots.push_back(r);
    cost += classCost[r];
  };
  for (uint32_t p : parents(s))
    count(p);
  for (uint32_t c : children[s])
    count(c);
  return cost;
}

void Dtr::visit(uint32_t s, bool up, double &cost) {
  for (uint32_t t : up ? parents(s) : children[s]) {
    if (!evicted[t] || seen[t] == stamp)
      continue;
    seen[t] = stamp;
    cost += costOf(t);
    visit(t, up, cost);
  }
}

double Dtr::hOf(uint32_t s) {
  if (heuristic == Heuristic::Classes) {
    around[s] = classesAround(s);
  } else if (stale[s]) {
    stale[s] = false;
    around[s] = 0;
    ++stamp;
    visit(s, true, around[s]);
    if (heuristic == Heuristic::Neighbourhood)
      visit(s, false, around[s]);
  }
  double cost = costOf(s) + around[s], size = double(bytes(s));
  if (heuristic == Heuristic::Msps)
    return cost / size;
  double age = double(clock - lastAccess[s]);
  return age > 0 ? cost / (size * age) : 1e300;
}

bool Dtr::room(uint64_t wanted) {
  while (used + wanted > limit) {
    uint32_t victim = none;
    double least = 0;
    for (uint32_t s : pool) {
      if (!evictable(s))
        continue;
      double h = hOf(s);
      if (victim == none || h <= least)
        victim = s, least = h;
      if (h == 0)
        break;
    }
    if (victim == none)
      return false;
    leave(victim);
  }
  return true;
}

bool Dtr::materialize(uint32_t index, bool first, uint32_t depth) {
  // A thrashing plan is no plan.
  if (depth > 4000 || runs.size() > 30 * size_t(a.numOps) + 1000)
    return false;
  const Operator &op = problem.operators[index];
  const auto &operands = a.operands[index];
  std::vector<uint32_t> pinned;
  auto pin = [&](uint32_t s) {
    ++pins[s];
    pinned.push_back(s);
  };
  auto done = [&](bool ok) {
    for (uint32_t s : pinned)
      --pins[s];
    return ok;
  };
  for (uint32_t s : reads[index])
    lastAccess[s] = clock;
  for (uint32_t s : reads[index])
    if (there[s])
      pin(s);
  for (uint32_t s : reads[index]) {
    if (there[s]) {
      if (std::find(pinned.begin(), pinned.end(), s) == pinned.end())
        pin(s); // made beside another one
      continue;
    }
    if (a.producer[s] == none || !materialize(a.producer[s], false, depth + 1))
      return done(false);
    pin(s);
  }
  uint64_t wanted = problem.aligned(op.workspace);
  std::vector<uint32_t> made;
  for (const Operand &o : operands) {
    if (!o.written || !temporary(o.storage))
      continue;
    bool twice = std::find(made.begin(), made.end(), o.storage) != made.end();
    bool whole = a.producer[o.storage] != none;
    if (twice || (there[o.storage] && !whole))
      continue;
    wanted += bytes(o.storage);
    if (!there[o.storage])
      made.push_back(o.storage);
  }
  if (!room(wanted))
    return done(false);
  runs.push_back(index);
  clock += op.costNs[0];
  for (uint32_t s : made) {
    if (!there[s])
      enter(s);
    if (first)
      lastAccess[s] = clock;
  }
  return done(true);
}

PolicyAnswer Dtr::run() {
  uint32_t n = uint32_t(problem.storages.size());
  there.assign(n, false);
  evicted = stale = there;
  pins.assign(n, 0);
  seen = node = pins;
  lastAccess.assign(n, 0);
  around.assign(n, 0);
  children.resize(n);
  reads.resize(a.numOps);
  for (uint32_t at = 0; at < a.numOps; ++at) {
    for (const Operand &o : a.operands[at])
      if (temporary(o.storage) && (o.read || o.updated))
        reads[at].push_back(o.storage);
    for (const Operand &o : a.operands[at])
      if (o.written && a.producer[o.storage] == at)
        for (uint32_t r : reads[at])
          children[r].push_back(o.storage);
  }
  // A parent that has no producer is never evicted, nor its classes.
  used = residentBytes(a);
  PolicyAnswer answer;
  auto stuck = [&](uint32_t op) {
    answer.reason = "operator " + std::to_string(problem.operators[op].id) +
                    " does not fit, whatever is evicted";
    return answer;
  };
  for (position = 0; position < a.numOps; ++position) {
    if (used > limit || !materialize(position, true, 0))
      return stuck(position);
    for (const Operand &o : a.operands[position])
      if (temporary(o.storage) && there[o.storage] && !pins[o.storage] &&
          a.lastUse[o.storage] == position)
        leave(o.storage);
  }
  for (uint32_t s = 0; s < n; ++s)
    if (problem.storages[s].output && temporary(s) &&
        !a.uses[a.slot(s, -1)].empty()) {
      if (!there[s] && !materialize(a.producer[s], false, 0))
        return stuck(a.producer[s]);
      ++pins[s];
    }
  return answerOfRuns(request, {runs}, "");
}

} // namespace

PolicyAnswer spillway::planner::planDtr(const PolicyRequest &request) {
  return Dtr(request, Heuristic::Neighbourhood).run();
}

PolicyAnswer spillway::planner::planDtrEq(const PolicyRequest &request) {
  return Dtr(request, Heuristic::Classes).run();
}

PolicyAnswer spillway::planner::planDtrMsps(const PolicyRequest &request) {
  return Dtr(request, Heuristic::Msps).run();
}
