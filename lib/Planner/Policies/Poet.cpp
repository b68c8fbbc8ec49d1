//===- Poet.cpp - Rematerialization and paging as one program ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Patil et al., "POET: Training Neural Networks on Tiny Devices with Integrated
// Rematerialization and Paging", ICML 2022. Stage t ends with operator t's
// first run. R[t,i]: operator i runs in stage t; S[t,i]: its results are on the
// device when stage t begins; D[t,i]: a copy is off it; I[t,i], O[t,i]: they
// are paged in, or out, in stage t.
//
//   R[t,v] <= R[t,u] + S[t,u]             for each edge (u, v)
//   S[t+1,i] <= S[t,i] + R[t,i] + I[t,i]
//   D[t+1,i] <= D[t,i] + O[t,i];  I[t,i] <= D[t,i];  O[t,i] <= S[t,i]
//   U[t,k+1] = U[t,k] + R[t,k+1] m[k+1] - sum of F[t,(i,k)] m[i],  U <= M
//
// with F[t,(i,k)] = 1 if results of i are freed in stage t after operator k.
// The objective is the sum of the costs of R, I and O: time without overlap, or
// (as `poet-energy`) energy with the device's time as a limit. Exact, hence for
// tiny graphs only.
//
//===----------------------------------------------------------------------===//

#include "../Placement.h"
#include "../Solver/Milp.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

constexpr uint32_t maxOperators = 24;
/// Of the search tree.
constexpr uint32_t maxNodes = 400;
/// Energy of a nanosecond of transfer, in that of a nanosecond of compute, and
/// how much longer than once through everything may run: the machine has no
/// figures of its own.
constexpr double transferPower = 0.25, runtimeSlack = 1.25;

class Poet {
public:
  Poet(const PolicyRequest &r, bool energy)
      : request(r), a(r.analysis), problem(a.problem), n(a.numOps),
        energy(energy) {}

  PolicyAnswer run();

private:
  using Term = LinearProgram::Term;

  bool applies(std::string &reason);
  void findNodes();
  void addVariables();
  void addCorrectness();
  void addMemory();
  Placement place(const std::vector<double> &x) const;
  bool set(const std::vector<double> &x, uint32_t column) const {
    return x[column] > 0.5;
  }

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  uint32_t n;
  bool energy;
  bool paging = false;
  uint64_t room = 0;                ///< beside what is on the device all along
  std::vector<uint64_t> bytes;      ///< of an operator's results
  std::vector<int64_t> inNs, outNs; ///< to page them
  std::vector<std::vector<uint32_t>> from, to; ///< edges
  std::vector<uint32_t> until; ///< by operator: the last stage it may run in
  LinearProgram lp;
  std::vector<std::vector<uint32_t>> R, S, D, I, O, U; ///< columns
};

bool Poet::applies(std::string &reason) {
  if (n > maxOperators) {
    reason = "poet solves an exact program of up to " +
             std::to_string(maxOperators) + " operators, this problem has " +
             std::to_string(n);
    return false;
  }
  for (const Operator &op : problem.operators)
    for (const Access &w : op.writes)
      if (w.part >= 0) {
        reason = "poet pages results as a whole, but operator " +
                 std::to_string(op.id) + " writes a part of one";
        return false;
      }
  return true;
}

void Poet::findNodes() {
  bytes.assign(n, 0);
  inNs.assign(n, 0);
  outNs.assign(n, 0);
  from.resize(n);
  to.resize(n);
  until.assign(n, n ? n - 1 : 0);
  paging = problem.machine.tiers.size() > 1 &&
           !problem.machine.route(0, 1).empty() &&
           !problem.machine.route(1, 0).empty();
  uint64_t fixed = 0;
  std::vector<uint32_t> maker(problem.storages.size(), none);
  for (uint32_t at = 0; at < n; ++at)
    for (const Access &w : problem.operators[at].writes)
      maker[w.storage] = at;
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    uint64_t size = a.slotBytes[a.slot(s, -1)];
    if (maker[s] == none) {
      fixed += size;
      continue;
    }
    bytes[maker[s]] += size;
    if (paging) {
      inNs[maker[s]] +=
          problem.machine.transferNs(1, 0, problem.storages[s].bytes);
      outNs[maker[s]] +=
          problem.machine.transferNs(0, 1, problem.storages[s].bytes);
    }
  }
  room = request.budgets[0] - std::min(request.budgets[0], fixed);
  for (uint32_t at = 0; at < n; ++at) {
    if (!problem.operators[at].recomputable)
      until[at] = at;
    for (const Operand &o : a.operands[at]) {
      if (!o.read && !o.updated)
        continue;
      if (uint32_t m = maker[o.storage]; m != none && m != at) {
        if (from[at].empty() || from[at].back() != m)
          from[at].push_back(m);
      }
      // Not after an update of what it reads.
      for (uint32_t c = a.cellBegin[o.storage]; c < a.cellBegin[o.storage + 1];
           ++c)
        for (uint32_t u : a.updates[c])
          if (u >= at && o.read)
            until[at] = std::min(until[at], u);
    }
    std::sort(from[at].begin(), from[at].end());
    from[at].erase(std::unique(from[at].begin(), from[at].end()),
                   from[at].end());
    for (uint32_t m : from[at])
      to[m].push_back(at);
  }
  // A result that is updated later must not be made again.
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    for (uint32_t c = a.cellBegin[s]; c < a.cellBegin[s + 1]; ++c)
      if (maker[s] != none && !a.updates[c].empty())
        until[maker[s]] = maker[s];
}

void Poet::addVariables() {
  auto grid = [&](auto allowed, auto cost) {
    std::vector<std::vector<uint32_t>> out(n, std::vector<uint32_t>(n));
    for (uint32_t t = 0; t < n; ++t)
      for (uint32_t i = 0; i < n; ++i)
        out[t][i] =
            lp.addColumn(0, allowed(t, i) ? 1 : 0, cost(i), allowed(t, i));
    return out;
  };
  auto free = [](uint32_t) { return 0.0; };
  auto power = [&](int64_t ns) {
    return double(ns) * (energy ? transferPower : 1.0);
  };
  R = grid([&](uint32_t t, uint32_t i) { return i <= t && t <= until[i]; },
           [&](uint32_t i) { return double(problem.operators[i].costNs[0]); });
  S = grid([&](uint32_t t, uint32_t i) { return i < t && bytes[i]; }, free);
  auto paged = [&](uint32_t t, uint32_t i) {
    return paging && i < t && bytes[i];
  };
  D = grid(paged, free);
  I = grid(paged, [&](uint32_t i) { return power(inNs[i]); });
  O = grid(paged, [&](uint32_t i) { return power(outNs[i]); });
  for (uint32_t t = 0; t < n; ++t)
    lp.columnLower[R[t][t]] = 1;
}

void Poet::addCorrectness() {
  std::vector<Term> runtime;
  double once = 0;
  for (uint32_t t = 0; t < n; ++t) {
    once += double(problem.operators[t].costNs[0]);
    for (uint32_t v = 0; v <= t; ++v) {
      runtime.push_back({R[t][v], double(problem.operators[v].costNs[0])});
      for (uint32_t u : from[v])
        lp.addRow(-unbounded, 0, {{R[t][v], 1}, {R[t][u], -1}, {S[t][u], -1}});
      if (t + 1 < n) {
        lp.addRow(
            -unbounded, 0,
            {{S[t + 1][v], 1}, {S[t][v], -1}, {R[t][v], -1}, {I[t][v], -1}});
        lp.addRow(-unbounded, 0,
                  {{D[t + 1][v], 1}, {D[t][v], -1}, {O[t][v], -1}});
      }
      lp.addRow(-unbounded, 0, {{I[t][v], 1}, {D[t][v], -1}});
      lp.addRow(-unbounded, 0, {{O[t][v], 1}, {S[t][v], -1}});
    }
  }
  if (energy)
    lp.addRow(-unbounded, once * runtimeSlack, runtime);
}

void Poet::addMemory() {
  if (request.budgets[0] == unlimited)
    return;
  // In units of the room, for the solver's sake.
  double scale = 1.0 / double(std::max<uint64_t>(room, 1));
  auto size = [&](uint32_t i) { return double(bytes[i]) * scale; };
  U.resize(n);
  for (uint32_t t = 0; t < n; ++t) {
    std::vector<Term> freedAfter;
    for (uint32_t k = 0; k <= t; ++k) {
      U[t].push_back(lp.addColumn(0, 1, 0));
      std::vector<Term> row{{U[t][k], 1}, {R[t][k], -size(k)}};
      if (k == 0) {
        for (uint32_t i = 0; i < t; ++i)
          row.push_back({S[t][i], -size(i)});
      } else {
        row.push_back({U[t][k - 1], -1});
        row.insert(row.end(), freedAfter.begin(), freedAfter.end());
      }
      lp.addRow(0, 0, row);
      double workspace =
          double(problem.aligned(problem.operators[k].workspace)) * scale;
      if (workspace > 0)
        lp.addRow(-unbounded, 1, {{U[t][k], 1}, {R[t][k], workspace}});
      // Frees after k: of its operands, and of what it makes for nobody.
      freedAfter.clear();
      std::vector<uint32_t> candidates = from[k];
      candidates.push_back(k);
      for (uint32_t i : candidates) {
        if (!bytes[i])
          continue;
        uint32_t f = lp.addColumn(0, 1, 0, true);
        freedAfter.push_back({f, size(i)});
        lp.addRow(-unbounded, 0, {{f, 1}, {R[t][k], -1}});
        if (t + 1 < n)
          lp.addRow(-unbounded, 1, {{f, 1}, {S[t + 1][i], 1}});
        for (uint32_t j : to[i])
          if (j > k && j <= t)
            lp.addRow(-unbounded, 1, {{f, 1}, {R[t][j], 1}});
        // An output never goes.
        for (const Access &w : problem.operators[i].writes)
          if (problem.storages[w.storage].output)
            lp.columnUpper[f] = 0;
      }
    }
  }
  // Once made, an output is there at every later stage.
  for (uint32_t i = 0; i < n; ++i)
    for (const Access &w : problem.operators[i].writes)
      if (problem.storages[w.storage].output)
        for (uint32_t t = i + 1; t < n; ++t)
          lp.columnLower[S[t][i]] = lp.columnUpper[S[t][i]];
}

/// Runs by stages, and from when to when each result is there.
Placement Poet::place(const std::vector<double> &x) const {
  Placement p;
  std::vector<uint32_t> begin(n + 1);
  for (uint32_t t = 0; t < n; ++t) {
    begin[t] = uint32_t(p.runs.size());
    for (uint32_t i = 0; i <= t; ++i)
      if (set(x, R[t][i]))
        p.runs.push_back({i, 0});
  }
  begin[n] = uint32_t(p.runs.size());
  p.home.assign(problem.storages.size(), 0);
  p.resident.assign(problem.storages.size(), false);
  for (uint32_t i = 0; i < n; ++i) {
    bool pages = false;
    for (uint32_t t = 0; t < n; ++t)
      pages |= set(x, I[t][i]);
    if (!pages)
      continue; // from being made to the last read before it is made again
    std::vector<Stay> stays;
    bool here = false;
    for (uint32_t t = i; t < n; ++t) {
      bool startsHere = t > i && set(x, S[t][i]);
      if (startsHere && !here) // paged in by the stage before
        stays.push_back({0, begin[t], begin[t], begin[t]});
      here = startsHere;
      for (uint32_t at = begin[t]; at < begin[t + 1]; ++at) {
        uint32_t op = p.runs[at].op;
        if (op == i && !here) {
          stays.push_back({0, at, at, at});
          here = true;
        } else if (here && std::find(from[op].begin(), from[op].end(), i) !=
                               from[op].end()) {
          stays.back().last = at;
        }
      }
      bool goesOn = t + 1 < n && set(x, S[t + 1][i]);
      if (here && goesOn && !set(x, I[t][i]))
        stays.back().last = begin[t + 1] ? begin[t + 1] - 1 : 0;
      else
        here = false;
    }
    for (const Access &w : problem.operators[i].writes) {
      p.home[w.storage] = 1;
      for (Stay s : stays) {
        s.slot = a.slot(w.storage, -1);
        p.stays.push_back(s);
      }
    }
  }
  return p;
}

PolicyAnswer Poet::run() {
  PolicyAnswer answer;
  answer.applies = applies(answer.reason);
  if (!answer.applies)
    return answer;
  findNodes();
  addVariables();
  addCorrectness();
  addMemory();
  MilpOptions options;
  options.maxNodes = maxNodes;
  options.relativeGap = 1e-4;
  MilpSolution solution = solveMilp(lp, options);
  if (solution.columns.empty()) {
    answer.reason = solution.status == SolveStatus::Infeasible
                        ? "poet's program has no solution within " +
                              std::to_string(request.budgets[0]) +
                              " bytes of " + problem.machine.tiers[0].name
                        : "poet's program was not solved within " +
                              std::to_string(maxNodes) + " nodes";
    return answer;
  }
  addPlan(a, place(solution.columns), request.budgets, answer);
  return answer;
}

} // namespace

PolicyAnswer spillway::planner::planPoet(const PolicyRequest &request) {
  return Poet(request, false).run();
}

PolicyAnswer spillway::planner::planPoetEnergy(const PolicyRequest &request) {
  return Poet(request, true).run();
}
