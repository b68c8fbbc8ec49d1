//===- Checkmate.cpp - Optimal recomputation of small graphs ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Jain et al., "Checkmate: breaking the memory wall with optimal tensor
// rematerialization", MLSys 2020. Stage t ends with the first run of operator t
// ("frontier advancing"); R[t,i] says that operator i runs in stage t, S[t,s]
// that storage s is there when it starts, U[t,k] the bytes after operator k:
//     min sum c_i R[t,i],  R[t,t] = 1,
//     R[t,k] <= R[t,u] + S[t,u]  for what k reads,  S[t+1,s] <= S[t,s] +
//     R[t,s], U[t,k] = U[t,k-1] - what is freed after k-1 + m_k R[t,k] <= M.
// FREE[t,i,k], that i is freed after k, has POET's tighter form (Patil et al.,
// ICML 2022): FREE <= R[t,k], FREE + S[t+1,i] <= 1, FREE + R[t,j] <= 1 for
// later readers j. It need not be integer then. `checkmate` solves the program
// with CBC from the best start that other policies find, `checkmate-lp` its
// relaxation at 0.9 M, rounds S at thresholds, closes R under what each stage
// needs, and takes the cheapest that fits.
// The order of first runs is kept. Variables for storages that nobody can need
// any more are left out.
//
//===----------------------------------------------------------------------===//

#include "../RunPlan.h"
#include "../Solver/Milp.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

using namespace spillway::planner;

namespace {

class Checkmate {
public:
  Checkmate(const PolicyRequest &request, double share)
      : a(request.analysis), problem(a.problem), numOps(a.numOps),
        budget(double(std::min<uint64_t>(request.budgets[0], 1ull << 60)) *
               share) {
    look();
  }
  /// Columns that the program will have, about.
  uint64_t size() const {
    uint64_t columns = 0;
    for (uint32_t k = 0; k < numOps; ++k)
      columns += (2 + reads[k].size() + makes[k].size()) *
                 uint64_t(lastStage(k) - k + 1);
    return columns;
  }
  void build();
  /// A sequence of runs as values of the columns.
  std::vector<double> columnsOf(const Runs &runs) const;
  Runs runsOf(const std::vector<double> &columns) const;
  /// What is there at each stage's start where S is above a threshold, and the
  /// cheapest runs for that.
  Runs round(const std::vector<double> &columns, double threshold) const;

  LinearProgram program;

private:
  void look();
  uint32_t lastStage(uint32_t op) const {
    return again[op] ? std::min(until[op], numOps - 1) : op;
  }
  uint32_t columnR(uint32_t stage, uint32_t op) const {
    return stage < op || stage > lastStage(op) ? none : rows[op] + (stage - op);
  }
  /// S of a storage, at stages from its producer's next one on.
  uint32_t columnS(uint32_t stage, uint32_t s) const {
    uint32_t p = maker[s];
    if (p == none || stage <= p || stage > usefulUntil[s])
      return none;
    return keeps[s] + (stage - p - 1);
  }
  struct FreeColumn {
    uint32_t column, stage, storage, op;
  };

  const Analysis &a;
  const Problem &problem;
  uint32_t numOps;
  double budget;
  std::vector<std::vector<uint32_t>> reads, makes; ///< by operator: storages
  std::vector<bool> again;                         ///< by operator
  std::vector<uint32_t> until;       ///< by operator: last stage of use
  std::vector<uint32_t> maker;       ///< by storage, none: not decided on
  std::vector<uint32_t> usefulUntil; ///< by storage: the last stage
  std::vector<double> size_;         ///< by storage: share of the budget
  std::vector<double> base;          ///< by stage: what is there anyway
  std::vector<std::vector<uint32_t>> readers; ///< by storage
  std::vector<uint32_t> rows, keeps; ///< first column by operator, storage
  std::vector<FreeColumn> frees;
  std::vector<std::vector<uint32_t>> memory; ///< by stage, operator: column
};

void Checkmate::look() {
  uint32_t numStorages = uint32_t(problem.storages.size());
  reads.resize(numOps);
  makes.resize(numOps);
  again.assign(numOps, false);
  until.assign(numOps, 0);
  maker.assign(numStorages, none);
  usefulUntil.assign(numStorages, 0);
  size_.assign(numStorages, 0);
  readers.resize(numStorages);
  base.assign(numOps, double(residentBytes(a)) / budget);
  for (uint32_t s = 0; s < numStorages; ++s) {
    const auto &uses = a.uses[a.slot(s, -1)];
    size_[s] = double(a.slotBytes[a.slot(s, -1)]) / budget;
    if (problem.storages[s].kind != StorageKind::Temporary || uses.empty())
      continue;
    if (a.producer[s] != none) {
      maker[s] = a.producer[s];
      continue;
    }
    uint32_t last = problem.storages[s].output ? numOps - 1 : uses.back();
    for (uint32_t t = uses.front(); t <= last; ++t)
      base[t] += size_[s];
  }
  for (uint32_t k = 0; k < numOps; ++k) {
    again[k] = problem.operators[k].recomputable;
    for (const Operand &o : a.operands[k]) {
      if (o.written)
        again[k] = again[k] && canRemake(a, o.storage);
      if (maker[o.storage] == none)
        continue;
      if (o.written) {
        makes[k].push_back(o.storage);
      } else {
        reads[k].push_back(o.storage);
        readers[o.storage].push_back(k);
      }
    }
    again[k] = again[k] && !makes[k].empty();
  }
  for (uint32_t k = numOps; k-- > 0;)
    for (uint32_t s : makes[k]) {
      usefulUntil[s] = problem.storages[s].output ? numOps : k;
      for (uint32_t r : readers[s])
        usefulUntil[s] =
            std::max(usefulUntil[s], again[r] ? std::max(r, lastStage(r)) : r);
      until[k] = std::max(until[k], usefulUntil[s]);
    }
}

void Checkmate::build() {
  double total = 0;
  for (const Operator &o : problem.operators)
    total += double(o.costNs[0]);
  total = std::max(total, 1.0);
  rows.resize(numOps);
  keeps.resize(problem.storages.size());
  memory.resize(numOps);
  for (uint32_t k = 0; k < numOps; ++k) {
    double cost = double(problem.operators[k].costNs[0]) / total * 1000;
    rows[k] = program.numColumns();
    for (uint32_t t = k; t <= lastStage(k); ++t)
      program.addColumn(t == k ? 1 : 0, 1, cost, true);
    for (uint32_t s : makes[k]) {
      keeps[s] = program.numColumns();
      for (uint32_t t = k + 1; t <= usefulUntil[s]; ++t)
        program.addColumn(t == numOps ? 1 : 0, 1, 0, true);
    }
  }
  using Term = LinearProgram::Term;
  auto add = [&](std::vector<Term> &terms, uint32_t column, double factor) {
    if (column != none)
      terms.push_back({column, factor});
  };
  std::vector<Term> terms;
  for (uint32_t s = 0; s < keeps.size(); ++s)
    for (uint32_t t = maker[s] == none ? 1 : maker[s] + 1;
         maker[s] != none && t <= usefulUntil[s]; ++t) {
      terms = {{columnS(t, s), 1}};
      add(terms, columnS(t - 1, s), -1);
      add(terms, columnR(t - 1, maker[s]), -1);
      program.addRow(-unbounded, 0, terms);
    }
  for (uint32_t k = 0; k < numOps; ++k)
    for (uint32_t t = k; t <= lastStage(k); ++t)
      for (uint32_t s : reads[k]) {
        terms = {{columnR(t, k), 1}};
        add(terms, columnR(t, maker[s]), -1);
        add(terms, columnS(t, s), -1);
        program.addRow(-unbounded, 0, terms);
      }
  for (uint32_t t = 0; t < numOps; ++t) {
    memory[t].assign(numOps, none);
    std::vector<Term> change; // since the last memory column
    double constant = base[t];
    for (uint32_t s = 0; s < keeps.size(); ++s)
      if (uint32_t c = columnS(t, s); c != none)
        change.push_back({c, size_[s]});
    uint32_t before = none;
    for (uint32_t k = 0; k <= t; ++k) {
      uint32_t run = columnR(t, k);
      if (run == none)
        continue;
      for (uint32_t s : makes[k])
        change.push_back({run, size_[s]});
      double workspace =
          double(problem.aligned(problem.operators[k].workspace)) / budget;
      uint32_t u = memory[t][k] = program.addColumn(0, 1, 0);
      change.push_back({u, -1});
      add(change, before, 1);
      program.addRow(-constant, -constant, change);
      constant = 0;
      if (workspace > 0)
        program.addRow(-unbounded, 1, {{u, 1}, {run, workspace}});
      before = u;
      change.clear();
      for (uint32_t s : reads[k]) {
        uint32_t f = program.addColumn(0, 1, 0);
        frees.push_back({f, t, s, k});
        change.push_back({f, -size_[s]});
        program.addRow(-unbounded, 0, {{f, 1}, {run, -1}});
        if (uint32_t c = columnS(t + 1, s); c != none)
          program.addRow(-unbounded, 1, {{f, 1}, {c, 1}});
        for (uint32_t j : readers[s])
          if (uint32_t later = columnR(t, j); j > k && later != none)
            program.addRow(-unbounded, 1, {{f, 1}, {later, 1}});
      }
    }
  }
}

std::vector<double> Checkmate::columnsOf(const Runs &runs) const {
  std::vector<double> x(program.numColumns());
  uint32_t stage = 0;
  for (uint32_t op : runs) {
    uint32_t c = stage < numOps ? columnR(stage, op) : none;
    if (c == none)
      return {};
    x[c] = 1;
    stage += op == stage;
  }
  auto ran = [&](uint32_t t, uint32_t op) {
    uint32_t c = columnR(t, op);
    return c != none && x[c] > 0.5;
  };
  // Backwards: what a stage needs and does not make was there at its start.
  for (uint32_t s = 0; s < maker.size(); ++s) {
    if (maker[s] == none)
      continue;
    bool needed = problem.storages[s].output;
    if (uint32_t c = columnS(numOps, s); c != none)
      x[c] = 1;
    for (uint32_t t = numOps; t-- > 0;) {
      for (uint32_t r : readers[s])
        needed |= ran(t, r);
      if (ran(t, maker[s]))
        needed = false;
      if (uint32_t c = columnS(t, s); c != none)
        x[c] = needed;
      else if (needed)
        return {};
    }
  }
  for (const FreeColumn &f : frees) {
    uint32_t kept = columnS(f.stage + 1, f.storage);
    bool free = ran(f.stage, f.op) && (kept == none || x[kept] < 0.5);
    for (uint32_t j : readers[f.storage])
      free = free && (j <= f.op || !ran(f.stage, j));
    x[f.column] = free;
  }
  uint32_t next = 0;
  for (uint32_t t = 0; t < numOps; ++t) {
    double u = base[t];
    for (uint32_t s = 0; s < keeps.size(); ++s)
      if (uint32_t c = columnS(t, s); c != none)
        u += size_[s] * x[c];
    for (uint32_t k = 0; k <= t; ++k) {
      if (memory[t][k] == none)
        continue;
      for (uint32_t s : makes[k])
        u += size_[s] * x[columnR(t, k)];
      x[memory[t][k]] = u;
      for (;
           next < frees.size() && frees[next].stage == t && frees[next].op == k;
           ++next)
        u -= size_[frees[next].storage] * x[frees[next].column];
    }
  }
  return x;
}

Runs Checkmate::runsOf(const std::vector<double> &x) const {
  Runs runs;
  for (uint32_t t = 0; t < numOps; ++t)
    for (uint32_t k = 0; k <= t; ++k)
      if (uint32_t c = columnR(t, k); c != none && x[c] > 0.5)
        runs.push_back(k);
  return runs;
}

Runs Checkmate::round(const std::vector<double> &x, double threshold) const {
  std::vector<bool> there(maker.size()), kept;
  auto wanted = [&](uint32_t t, uint32_t s) {
    uint32_t c = columnS(t, s);
    return c != none && x[c] >= threshold;
  };
  Runs runs;
  for (uint32_t t = 0; t < numOps; ++t) {
    std::vector<bool> run(t + 1);
    run[t] = true;
    // R[t,s] >= S[t+1,s] - S[t,s].
    for (uint32_t s = 0; s < maker.size(); ++s)
      if (maker[s] != none && maker[s] <= t && wanted(t + 1, s) && !there[s] &&
          columnR(t, maker[s]) != none)
        run[maker[s]] = true;
    for (uint32_t k = t + 1; k-- > 0;)
      for (uint32_t s : reads[k])
        if (run[k] && !there[s])
          run[maker[s]] = true;
    for (uint32_t k = 0; k <= t; ++k) {
      if (!run[k])
        continue;
      runs.push_back(k);
      for (uint32_t s : makes[k])
        there[s] = true;
    }
    // What cannot be made again stays.
    for (uint32_t s = 0; s < maker.size(); ++s)
      if (there[s] && again[maker[s]])
        there[s] = wanted(t + 1, s);
  }
  return runs;
}

Runs runsOfPlan(const Plan &plan) {
  Runs runs;
  for (const Action &action : plan.actions)
    if (action.kind == ActionKind::Run)
      runs.push_back(action.op);
  return runs;
}

PolicyAnswer tooLarge(uint64_t size, uint64_t limit, const char *name) {
  PolicyAnswer answer;
  answer.applies = false;
  answer.reason = std::string(name) + " would have " + std::to_string(size) +
                  " variables, expected at most " + std::to_string(limit) +
                  "; it is for small graphs";
  return answer;
}

/// Plans of others in the given order: starts, and a bound on the cost.
std::vector<Runs> findStarts(const PolicyRequest &request) {
  PolicyRequest quick = request;
  quick.fixedOrder = true;
  quick.iterations = std::min(request.iterations, 20u);
  std::vector<Runs> starts;
  for (PolicyFunction policy :
       {planDtr, planDtrMsps, planXla, planChenGreedy, planFastSa}) {
    PolicyAnswer answer = policy(quick);
    for (const Plan &plan : answer.plans)
      starts.push_back(runsOfPlan(plan));
  }
  return starts;
}

/// An iteration of the simplex method takes time in proportion to the rows. The
/// share that does not depend on `iterations` finds out whether there is a
/// plan.
SolveLimits limitsOf(const PolicyRequest &request,
                     const LinearProgram &program) {
  if (request.deadline)
    return {.maxIterations = UINT64_MAX, .deadline = request.deadline};
  uint64_t work = 1'000'000'000 + uint64_t(request.iterations) * 20'000'000;
  return {.maxIterations = work / (program.numRows() + 1)};
}

std::string notSolved(const PolicyRequest &request,
                      std::chrono::steady_clock::time_point begin,
                      const LinearProgram &program) {
  std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - begin;
  char text[200];
  std::snprintf(text, sizeof text,
                "checkmate's program of %u variables was not solved in %.1f s; "
                "expected %s--plan-seconds, or another policy",
                program.numColumns(), spent.count(),
                request.deadline ? "more " : "");
  return text;
}

} // namespace

PolicyAnswer spillway::planner::planCheckmate(const PolicyRequest &request) {
  const uint64_t limit = 60000;
  Checkmate model(request, 1);
  if (model.size() > limit)
    return tooLarge(model.size(), limit, "checkmate");
  auto begin = std::chrono::steady_clock::now();
  std::vector<Runs> found = findStarts(request);
  // Whether there is a plan: starts are enough if they fit.
  if (request.iterations == 0)
    if (PolicyAnswer quick = answerOfRuns(request, found, ""); quick.ok)
      return quick;
  model.build();
  MilpOptions options;
  options.maxNodes = request.iterations * 10;
  options.limits = limitsOf(request, model.program);
  double best = unbounded;
  for (const Runs &runs : found) {
    std::vector<double> x = model.columnsOf(runs);
    if (x.empty() || model.program.violation(x) > 1e-9 ||
        model.program.cost(x) >= best)
      continue;
    best = model.program.cost(x);
    options.start = std::move(x);
  }
  MilpSolution solution = solveMilp(model.program, options);
  if (!solution.columns.empty())
    found.push_back(model.runsOf(solution.columns));
  PolicyAnswer answer =
      answerOfRuns(request, found,
                   solution.status == SolveStatus::Infeasible
                       ? "checkmate's program has no solution"
                       : notSolved(request, begin, model.program));
  answer.searches = solution.status != SolveStatus::Optimal;
  return answer;
}

PolicyAnswer spillway::planner::planCheckmateLp(const PolicyRequest &request) {
  const uint64_t limit = 100000;
  Checkmate model(request, 0.9);
  if (model.size() > limit)
    return tooLarge(model.size(), limit, "checkmate-lp");
  auto begin = std::chrono::steady_clock::now();
  model.build();
  LpSolution solution = solveLp(model.program, {.deadline = request.deadline});
  std::vector<Runs> found;
  if (solution.status == SolveStatus::Optimal)
    for (int step = 1; step <= 19; ++step)
      found.push_back(model.round(solution.columns, step / 20.0));
  return answerOfRuns(
      request, found,
      solution.status == SolveStatus::Limit
          ? notSolved(request, begin, model.program)
      : solution.status == SolveStatus::Optimal
          ? "no rounding of the relaxation at 0.9 of the budget fits"
          : "the relaxation at 0.9 of the budget has no solution");
}
