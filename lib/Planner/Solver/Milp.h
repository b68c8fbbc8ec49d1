//===- Milp.h - Linear programs, with and without integers ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thin wrapper around COIN-OR's Clp and CBC. A program minimises
//     sum of cost * column,  column bounds,  row bounds on sparse sums.
// Both solvers run on one thread, print nothing, and are limited by numbers of
// iterations and nodes: the same program has the same answer. A clock limits
// them only where a deadline is given.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_SOLVER_MILP_H
#define SPILLWAY_LIB_PLANNER_SOLVER_MILP_H

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace spillway::planner {

/// A bound that is none: infinity, or minus infinity.
inline constexpr double unbounded = std::numeric_limits<double>::infinity();

/// Rows and columns are numbered from 0 in order of addition.
class LinearProgram {
public:
  using Term = std::pair<uint32_t, double>; ///< column, coefficient

  uint32_t addColumn(double lower, double upper, double cost,
                     bool integer = false);
  /// A column that is 0 or 1.
  uint32_t addBinary(double cost) { return addColumn(0, 1, cost, true); }
  /// lower <= sum of the terms <= upper. Terms of one column are added up.
  uint32_t addRow(double lower, double upper, const std::vector<Term> &terms);

  uint32_t numColumns() const { return uint32_t(costs.size()); }
  uint32_t numRows() const { return uint32_t(rowLower.size()); }

  std::vector<double> columnLower, columnUpper, costs;
  std::vector<bool> integer;
  std::vector<double> rowLower, rowUpper;
  // The matrix by rows.
  std::vector<uint32_t> rowBegin{0}, columnOf;
  std::vector<double> coefficients;

  /// Cost of an assignment, and by how much it misses the worst of all bounds.
  double cost(const std::vector<double> &columns) const;
  double violation(const std::vector<double> &columns) const;
};

enum class SolveStatus : uint8_t {
  Optimal,  ///< to within the gap
  Feasible, ///< the limit was reached; `columns` is the best found
  Infeasible,
  Unbounded,
  Limit ///< the limit was reached (or numbers went bad) without a solution
};

/// When a solver gives up.
struct SolveLimits {
  /// Of the simplex method, over all programs that are solved on the way.
  uint64_t maxIterations = 1000000;
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
};

struct LpSolution {
  SolveStatus status = SolveStatus::Limit;
  double value = 0;
  std::vector<double> columns;
  /// By row: how much `value` rises where the row's active bound is raised by
  /// one.
  std::vector<double> duals;
};

/// Ignores which columns are integer.
LpSolution solveLp(const LinearProgram &program,
                   const SolveLimits &limits = {});

struct MilpOptions {
  SolveLimits limits = {};
  /// Of the search tree. 0: the root only, with its cuts and heuristics.
  uint32_t maxNodes = 10000;
  /// Stop where the bound is known to be this close, as a share of the value.
  double relativeGap = 1e-6;
  /// A solution to begin with, by column; empty for none. One that violates
  /// the program is not used.
  std::vector<double> start;
};

struct MilpSolution {
  SolveStatus status = SolveStatus::Limit;
  double value = 0;
  /// No solution is cheaper.
  double bound = -unbounded;
  /// Integer columns are whole numbers.
  std::vector<double> columns;
};

MilpSolution solveMilp(const LinearProgram &program,
                       const MilpOptions &options = {});

/// Only what no solution is cheaper than, by branch and cut. There are no
/// heuristics: in a few nodes this says more about the bound. Minus infinity
/// where it is not known; infinity where there is no solution. Costs should be
/// such that 1e-6 does not matter. Where the relaxation's value is not above
/// `worthwhile`, that is the answer.
double boundMilp(const LinearProgram &program, uint32_t maxNodes,
                 double worthwhile = -unbounded);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_SOLVER_MILP_H
