//===- Milp.cpp - Linear programs, with and without integers ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Milp.h"

#include <CbcEventHandler.hpp>
#include <CbcModel.hpp>
#include <CbcSolver.hpp>
#include <CglPreProcess.hpp>
#include <CglProbing.hpp>
#include <CglTwomir.hpp>
#include <ClpEventHandler.hpp>
#include <ClpSimplex.hpp>
#include <CoinError.hpp>
#include <CoinMessageHandler.hpp>
#include <CoinPackedMatrix.hpp>
#include <OsiClpSolverInterface.hpp>

#include <algorithm>
#include <cmath>
#include <dlfcn.h>
#include <mutex>
#include <string>

using namespace spillway::planner;

namespace {

/// Says nothing, whatever the level.
class Silence : public CoinMessageHandler {
public:
  Silence() { setLogLevel(0); }
  int print() override { return 0; }
  CoinMessageHandler *clone() const override { return new Silence(*this); }
};

/// One solver at a time, on one thread: CBC keeps some of its parameters in
/// globals, and where the system's BLAS is OpenBLAS it would wake its threads
/// for matrices of a few rows.
class Alone {
public:
  Alone() : guard(lock()) {
    auto get = reinterpret_cast<int (*)()>(
        dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
    set = reinterpret_cast<void (*)(int)>(
        dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    if (!get || !set)
      return;
    before = get();
    set(1);
  }
  ~Alone() {
    if (before)
      set(before);
  }

private:
  static std::mutex &lock() {
    static std::mutex instance;
    return instance;
  }
  std::lock_guard<std::mutex> guard;
  void (*set)(int) = nullptr;
  int before = 0;
};

/// Iterations of all programs that a solver works on, and whether there were
/// enough of them.
class Meter {
public:
  explicit Meter(const SolveLimits &limits) : limits(limits) {}
  /// Asked once an iteration: whether to stop.
  bool tick() {
    stopped = stopped || ++count > limits.maxIterations || late();
    return stopped && !closing;
  }
  bool late() const {
    return limits.deadline &&
           std::chrono::steady_clock::now() >= *limits.deadline;
  }
  double secondsLeft() const {
    std::chrono::duration<double> left =
        *limits.deadline - std::chrono::steady_clock::now();
    return std::max(left.count(), 0.0);
  }

  const SolveLimits limits;
  uint64_t count = 0;
  /// From here on no answer of the solver proves anything.
  bool stopped = false;
  /// The search is over; programs are solved once more for what it found.
  bool closing = false;
  /// CBC's own copy of the model, once its search begins.
  CbcModel *tree = nullptr;
};

/// Programs are copied with their handlers: all copies share one meter.
class StopProgram : public ClpEventHandler {
public:
  explicit StopProgram(Meter &meter) : meter(&meter) {}
  int event(Event what) override {
    return what == endOfIteration && meter->tick() ? 0 : -1;
  }
  ClpEventHandler *clone() const override { return new StopProgram(*this); }

private:
  Meter *meter;
};

/// Ends the search as if time had run out: what a user's stop has found is
/// lost.
class StopTree : public CbcEventHandler {
public:
  explicit StopTree(Meter &meter) : meter(&meter) {}
  CbcAction event(CbcEvent) override {
    if (meter->stopped) {
      meter->closing = true;
      model_->setMaximumSeconds(0); // of the search, or of one inside it
      if (meter->tree)
        meter->tree->setMaximumSeconds(0);
    }
    return noAction;
  }
  CbcEventHandler *clone() const override { return new StopTree(*this); }

private:
  Meter *meter;
};

/// Of the one solver at work; CBC's callback is a plain function.
Meter *atWork = nullptr;

int afterPhase(CbcModel *model, int phase) {
  atWork->tree = phase == 3 ? model : nullptr;
  atWork->closing = phase >= 4;
  return 0;
}

CoinPackedMatrix matrixOf(const LinearProgram &p) {
  std::vector<CoinBigIndex> starts(p.rowBegin.begin(), p.rowBegin.end());
  std::vector<int> columns(p.columnOf.begin(), p.columnOf.end());
  std::vector<int> lengths(p.numRows());
  for (uint32_t r = 0; r < p.numRows(); ++r)
    lengths[r] = int(p.rowBegin[r + 1] - p.rowBegin[r]);
  CoinPackedMatrix rows(false, int(p.numColumns()), int(p.numRows()),
                        CoinBigIndex(columns.size()), p.coefficients.data(),
                        columns.data(), starts.data(), lengths.data());
  // Columns that no row has are columns all the same.
  rows.setDimensions(int(p.numRows()), int(p.numColumns()));
  return rows;
}

/// The solvers' infinity is the largest finite number.
std::vector<double> finite(std::vector<double> bounds) {
  for (double &b : bounds)
    if (std::isinf(b))
      b = b > 0 ? COIN_DBL_MAX : -COIN_DBL_MAX;
  return bounds;
}

SolveStatus statusOf(const ClpSimplex &simplex) {
  switch (simplex.status()) {
  case 0:
    return SolveStatus::Optimal;
  case 1:
    return SolveStatus::Infeasible;
  case 2:
    return SolveStatus::Unbounded;
  default:
    return SolveStatus::Limit;
  }
}

} // namespace

uint32_t LinearProgram::addColumn(double lower, double upper, double cost,
                                  bool isInteger) {
  columnLower.push_back(lower);
  columnUpper.push_back(upper);
  costs.push_back(cost);
  integer.push_back(isInteger);
  return numColumns() - 1;
}

uint32_t LinearProgram::addRow(double lower, double upper,
                               const std::vector<Term> &terms) {
  std::vector<Term> sorted = terms;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size();) {
    size_t next = i;
    double sum = 0;
    for (; next < sorted.size() && sorted[next].first == sorted[i].first;
         ++next)
      sum += sorted[next].second;
    if (sum != 0) {
      columnOf.push_back(sorted[i].first);
      coefficients.push_back(sum);
    }
    i = next;
  }
  rowBegin.push_back(uint32_t(columnOf.size()));
  rowLower.push_back(lower);
  rowUpper.push_back(upper);
  return numRows() - 1;
}

double LinearProgram::cost(const std::vector<double> &columns) const {
  double sum = 0;
  for (uint32_t c = 0; c < numColumns(); ++c)
    sum += costs[c] * columns[c];
  return sum;
}

double LinearProgram::violation(const std::vector<double> &columns) const {
  double worst = 0;
  auto note = [&](double value, double lower, double upper) {
    worst = std::max({worst, lower - value, value - upper});
  };
  for (uint32_t c = 0; c < numColumns(); ++c) {
    note(columns[c], columnLower[c], columnUpper[c]);
    if (integer[c])
      worst = std::max(worst, std::fabs(columns[c] - std::round(columns[c])));
  }
  for (uint32_t r = 0; r < numRows(); ++r) {
    double sum = 0;
    for (uint32_t k = rowBegin[r]; k < rowBegin[r + 1]; ++k)
      sum += coefficients[k] * columns[columnOf[k]];
    note(sum, rowLower[r], rowUpper[r]);
  }
  return worst;
}

LpSolution spillway::planner::solveLp(const LinearProgram &program,
                                      const SolveLimits &limits) {
  LpSolution out;
  Meter meter(limits);
  Alone alone;
  try {
    Silence silence;
    ClpSimplex simplex;
    simplex.passInMessageHandler(&silence);
    simplex.setLogLevel(0);
    simplex.loadProblem(matrixOf(program), finite(program.columnLower).data(),
                        finite(program.columnUpper).data(),
                        program.costs.data(), finite(program.rowLower).data(),
                        finite(program.rowUpper).data());
    StopProgram stop(meter);
    simplex.passInEventHandler(&stop);
    ClpSolve how;
    how.setPresolveType(ClpSolve::presolveOn);
    simplex.initialSolve(how);
    out.status = meter.stopped ? SolveStatus::Limit : statusOf(simplex);
    if (out.status != SolveStatus::Optimal)
      return out;
    out.value = simplex.objectiveValue();
    const double *columns = simplex.primalColumnSolution();
    out.columns.assign(columns, columns + program.numColumns());
    const double *duals = simplex.dualRowSolution();
    out.duals.assign(duals, duals + program.numRows());
  } catch (const CoinError &) {
    out = {};
  }
  return out;
}

/// Without a word on standard output.
static void load(OsiClpSolverInterface &solver, const LinearProgram &program,
                 Silence &silence) {
  solver.passInMessageHandler(&silence);
  solver.getModelPtr()->passInMessageHandler(&silence);
  solver.messageHandler()->setLogLevel(0);
  solver.getModelPtr()->setLogLevel(0);
  solver.loadProblem(matrixOf(program), finite(program.columnLower).data(),
                     finite(program.columnUpper).data(), program.costs.data(),
                     finite(program.rowLower).data(),
                     finite(program.rowUpper).data());
}

MilpSolution spillway::planner::solveMilp(const LinearProgram &program,
                                          const MilpOptions &options) {
  MilpSolution out;
  bool started = options.start.size() == program.numColumns() &&
                 program.violation(options.start) < 1e-6;
  if (started) {
    out.status = SolveStatus::Feasible;
    out.columns = options.start;
    out.value = program.cost(options.start);
  }
  Meter meter(options.limits);
  Alone alone;
  if (meter.late())
    return out;
  try {
    Silence silence;
    OsiClpSolverInterface solver;
    load(solver, program, silence);
    StopProgram stopProgram(meter);
    solver.getModelPtr()->passInEventHandler(&stopProgram);
    solver.setIntParam(OsiNameDiscipline, 1);
    for (uint32_t c = 0; c < program.numColumns(); ++c) {
      solver.setColName(int(c), "x" + std::to_string(c));
      if (program.integer[c])
        solver.setInteger(int(c));
    }
    // Where columns have names rows must have some, too: Clp's presolve, which
    // CBC's postprocessing calls, copies the names of both (coin-or/Cbc#515).
    for (uint32_t r = 0; r < program.numRows(); ++r)
      solver.setRowName(int(r), "r" + std::to_string(r));
    CbcModel model(solver);
    model.passInMessageHandler(&silence);
    model.setLogLevel(0);
    StopTree stopTree(meter);
    model.passInEventHandler(&stopTree);
    CbcSolverUsefulData data;
    data.noPrinting_ = true;
    data.useSignalHandler_ = false;
    CbcMain0(model, data);
    model.setLogLevel(0);
    model.setRandomSeed(1);
    if (started) {
      std::vector<std::pair<std::string, double>> values;
      for (uint32_t c = 0; c < program.numColumns(); ++c)
        if (program.integer[c])
          values.push_back({"x" + std::to_string(c), options.start[c]});
      model.setMIPStart(values);
    }
    std::string nodes = std::to_string(options.maxNodes);
    std::string gap = std::to_string(options.relativeGap);
    std::string seconds =
        std::to_string(options.limits.deadline ? meter.secondsLeft() : 0);
    std::vector<const char *> arguments = {
        "spillway",    "-log",      "0",        "-slog",
        "0",           "-threads",  "0",        "-maxNodes",
        nodes.c_str(), "-ratioGap", gap.c_str()};
    if (options.limits.deadline)
      arguments.insert(arguments.end(),
                       {"-timeMode", "elapsed", "-sec", seconds.c_str()});
    arguments.insert(arguments.end(), {"-solve", "-quit"});
    atWork = &meter;
    CbcMain1(int(arguments.size()), arguments.data(), model, afterPhase, data);
    const double *best = model.bestSolution();
    // All of the tree was searched, or nothing in it beats the start, or the
    // gap is closed.
    bool finished = !meter.stopped && model.status() == 0 &&
                    model.secondaryStatus() >= 0 &&
                    model.secondaryStatus() <= 2;
    if (best) {
      std::vector<double> columns(best, best + program.numColumns());
      for (uint32_t c = 0; c < program.numColumns(); ++c)
        if (program.integer[c])
          columns[c] = std::round(columns[c]);
      double value = program.cost(columns);
      bool right = !meter.stopped || program.violation(columns) < 1e-5;
      if (right && (!started || value < out.value)) {
        out.columns = std::move(columns);
        out.value = value;
      }
      if (!meter.stopped)
        out.bound = std::min(out.value, model.getBestPossibleObjValue());
      if (!out.columns.empty())
        out.status = finished ? SolveStatus::Optimal : SolveStatus::Feasible;
    } else if (meter.stopped) {
      return out;
    } else if (model.isProvenInfeasible() && !started) {
      out.status = SolveStatus::Infeasible;
    } else if (model.isContinuousUnbounded() && !started) {
      out.status = SolveStatus::Unbounded;
    } else {
      out.bound = model.getBestPossibleObjValue();
    }
  } catch (const CoinError &) {
  }
  return out;
}

double spillway::planner::boundMilp(const LinearProgram &program,
                                    uint32_t maxNodes, double worthwhile) {
  Alone alone;
  try {
    Silence silence;
    OsiClpSolverInterface solver;
    load(solver, program, silence);
    for (uint32_t c = 0; c < program.numColumns(); ++c)
      if (program.integer[c])
        solver.setInteger(int(c));
    CglPreProcess presolve;
    presolve.passInMessageHandler(&silence);
    OsiSolverInterface *smaller = presolve.preProcess(solver, false, 3);
    if (!smaller)
      return unbounded;
    CbcModel model(*smaller);
    model.passInMessageHandler(&silence);
    model.setLogLevel(0);
    model.solver()->messageHandler()->setLogLevel(0);
    model.setRandomSeed(1);
    // By default better solutions by less than this are not looked for, and the
    // bound would be above them.
    model.setCutoffIncrement(0);
    CglProbing probing;
    probing.setUsingObjective(1);
    probing.setMaxPass(1);
    probing.setMaxPassRoot(1);
    probing.setMaxProbeRoot(500);
    probing.setMaxLook(10);
    probing.setMaxLookRoot(20);
    probing.setRowCuts(3);
    CglTwomir rounding;
    model.addCutGenerator(&probing, -1, "probing");
    model.addCutGenerator(&rounding, -1, "rounding");
    model.setMaximumNodes(int(maxNodes));
    model.setMaximumCutPassesAtRoot(20);
    model.initialSolve();
    if (model.isInitialSolveProvenPrimalInfeasible())
      return unbounded;
    if (double value = model.solver()->getObjValue(); value <= worthwhile)
      return value;
    model.branchAndBound();
    return model.isProvenInfeasible() ? unbounded
                                      : model.getBestPossibleObjValue();
  } catch (const CoinError &) {
    return -unbounded;
  }
}
