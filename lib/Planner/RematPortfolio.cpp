//===- RematPortfolio.cpp - Several searches on one tier --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RematPortfolio.h"

#include "RematSearch.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace spillway::planner;

std::vector<std::vector<uint32_t>>
spillway::planner::findRematPlans(const Analysis &a,
                                  const RematRequest &request,
                                  const std::vector<uint32_t> &start) {
  std::vector<std::vector<uint32_t>> found;
  RematGraph whole = makeRematGraph(a);
  RematGraph fine = request.fixedOrder ? whole : reduce(whole, false);
  RematGraph coarse = request.fixedOrder ? whole : reduce(fine, true);
  auto env = [](const char *n, double d) { const char *e = std::getenv(n); return e ? atof(e) : d; };
  auto search = [&](const RematGraph &g, RematOptions o, const std::vector<uint32_t> &from) {
    o.budget = request.budget; o.fixedOrder = request.fixedOrder;
    RematFound f = searchRemat(g, o, contract(g, a.numOps, from));
    std::fprintf(stderr, "ops %zu moves %llu start %zu: cost %lld\n", g.ops.size(), (unsigned long long)o.moves, from.size(), (long long)f.cost);
    f.sequence = expand(g, f.sequence); f.last = expand(g, f.last);
    return f;
  };
  std::vector<uint32_t> given;
  for (uint32_t i = 0; i < a.numOps; ++i) given.push_back(i);
  std::vector<uint32_t> feasible = start;
  if (start.empty()) {
    RematOptions f;
    f.first = true; f.moves = std::min<uint64_t>(3000000, 20000 + 5000 * a.numOps);
    RematFound r = search(fine, f, given);
    if (r.sequence.empty()) return found;
    feasible = r.sequence;
  }
  found.push_back(feasible);
  if (!request.iterations) return found;
  uint64_t moves = request.iterations * 10000ull;
  auto chain = [&](uint64_t seed, double share, double hot, double hot2, bool fromFeasible) {
    RematFound f;
    f.last = fromFeasible ? feasible : given;
    RematOptions o; o.seed = seed; o.deadline = request.deadline;
    if (share > 0) {
      o.moves = uint64_t(double(moves) * share); o.hot = hot; o.cold = env("COLD", 1e-3);
      f = search(coarse, o, f.last);
    }
    if (share < 1) {
    o.moves = uint64_t(double(moves) * (1 - share)); o.hot = hot2; o.cold = env("COLD", 1e-3);
    RematFound g = search(fine, o, f.sequence.empty() ? f.last : f.sequence);
    if (g.cost < f.cost) f = g;
    }
    return f;
  };
  RematFound f = chain(uint64_t(env("SEED", 1)), env("SHARE", 0), env("HOT", 1), env("HOT2", 1), env("FEAS", 0));
  if (!f.sequence.empty()) found.push_back(f.sequence);
  return found;
}

bool spillway::planner::canSearchRemat(const Problem &problem) {
  if (problem.machine.tiers.size() != 1)
    return false;
  for (const Storage &s : problem.storages)
    if (!s.parts.empty() || s.kind == StorageKind::Fed)
      return false;
  std::vector<uint32_t> makers(problem.storages.size());
  for (const Operator &op : problem.operators) {
    if (!op.updates.empty())
      return false;
    for (const Access &w : op.writes)
      ++makers[w.storage];
  }
  return std::all_of(makers.begin(), makers.end(),
                     [](uint32_t n) { return n < 2; });
}

Plan spillway::planner::planOfSequence(const Analysis &a,
                                       const std::vector<uint32_t> &sequence) {
  Plan plan;
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s)
    if (a.problem.storages[s].kind == StorageKind::Persistent)
      plan.initial.push_back({s, -1, 0});
  // Backwards: a storage dies with the last read before it is made again.
  std::vector<bool> wanted(a.problem.storages.size());
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s)
    wanted[s] = a.problem.storages[s].output;
  std::vector<std::vector<uint32_t>> dies(sequence.size());
  for (size_t i = sequence.size(); i-- > 0;) {
    const auto &operands = a.operands[sequence[i]];
    for (const Operand &o : operands) {
      if (a.problem.storages[o.storage].kind != StorageKind::Temporary)
        continue;
      if (!wanted[o.storage])
        dies[i].push_back(o.storage);
      wanted[o.storage] = !o.written;
    }
  }
  for (size_t i = 0; i < sequence.size(); ++i) {
    plan.actions.push_back(Action::run(sequence[i]));
    for (uint32_t s : dies[i])
      plan.actions.push_back(Action::free(s, -1, 0));
  }
  return plan;
}
