//===- MilpTest.cpp - Linear programs of known answer -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/Solver/Milp.h"
#include "Training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using spillway::planner::testing::Random;
using ::testing::DoubleNear;
using ::testing::ElementsAre;

namespace {

TEST(SolveLp, ValueColumnsAndDuals) {
  // max 3x + 5y, x <= 4, 2y <= 12, 3x + 2y <= 18: x = 2, y = 6, worth 36, and
  // the resources are worth 0, 3/2 and 1.
  LinearProgram p;
  uint32_t x = p.addColumn(0, unbounded, -3), y = p.addColumn(0, unbounded, -5);
  p.addRow(-unbounded, 4, {{x, 1}});
  p.addRow(-unbounded, 12, {{y, 2}});
  p.addRow(-unbounded, 18, {{x, 3}, {y, 2}});
  LpSolution s = solveLp(p);
  ASSERT_EQ(s.status, SolveStatus::Optimal);
  EXPECT_NEAR(s.value, -36, 1e-9);
  EXPECT_THAT(s.columns, ElementsAre(DoubleNear(2, 1e-9), DoubleNear(6, 1e-9)));
  EXPECT_THAT(s.duals, ElementsAre(DoubleNear(0, 1e-9), DoubleNear(-1.5, 1e-9),
                                   DoubleNear(-1, 1e-9)));
}

TEST(SolveLp, StopsAtItsLimits) {
  // A path of products needs a pivot a row.
  LinearProgram p;
  std::vector<uint32_t> x;
  for (int i = 0; i < 40; ++i)
    x.push_back(p.addColumn(0, unbounded, 1));
  for (int i = 0; i + 1 < 40; ++i)
    p.addRow(1 + i % 3, unbounded, {{x[i], 1}, {x[i + 1], 2}});
  EXPECT_EQ(solveLp(p).status, SolveStatus::Optimal);
  EXPECT_EQ(solveLp(p, {.maxIterations = 2}).status, SolveStatus::Limit);
  EXPECT_EQ(solveLp(p, {.deadline = std::chrono::steady_clock::now()}).status,
            SolveStatus::Limit);
}

TEST(SolveLp, RangesAndRepeatedTerms) {
  LinearProgram p;
  uint32_t x = p.addColumn(-unbounded, unbounded, 1);
  p.addRow(3, 8, {{x, 1}, {x, 1}});
  LpSolution s = solveLp(p);
  ASSERT_EQ(s.status, SolveStatus::Optimal);
  EXPECT_NEAR(s.columns[x], 1.5, 1e-9);
}

TEST(SolveLp, InfeasibleAndUnbounded) {
  LinearProgram p;
  uint32_t x = p.addColumn(0, unbounded, -1);
  p.addRow(1, unbounded, {{x, 1}});
  EXPECT_EQ(solveLp(p).status, SolveStatus::Unbounded);
  p.addRow(-unbounded, 0.5, {{x, 1}});
  EXPECT_EQ(solveLp(p).status, SolveStatus::Infeasible);
}

/// Seven things to carry, at most 50; the best set weighs 50 and is worth 107.
LinearProgram knapsack() {
  const double worth[] = {31, 47, 29, 35, 44, 15, 20};
  const double weight[] = {14, 25, 13, 17, 23, 9, 11};
  LinearProgram p;
  std::vector<LinearProgram::Term> row;
  for (int i = 0; i < 7; ++i)
    row.push_back({p.addBinary(-worth[i]), weight[i]});
  p.addRow(-unbounded, 50, row);
  return p;
}

double bestByHand(const LinearProgram &p) {
  double best = 0;
  for (uint32_t set = 0; set < 1u << p.numColumns(); ++set) {
    std::vector<double> x;
    for (uint32_t c = 0; c < p.numColumns(); ++c)
      x.push_back(set >> c & 1);
    if (p.violation(x) == 0)
      best = std::min(best, p.cost(x));
  }
  return best;
}

TEST(SolveMilp, Knapsack) {
  LinearProgram p = knapsack();
  LpSolution relaxed = solveLp(p);
  MilpSolution s = solveMilp(p);
  ASSERT_EQ(s.status, SolveStatus::Optimal);
  EXPECT_EQ(s.value, bestByHand(p));
  EXPECT_LT(relaxed.value, s.value);
  EXPECT_GE(s.bound, relaxed.value - 1e-6);
  EXPECT_LE(s.bound, s.value);
  EXPECT_EQ(p.violation(s.columns), 0);
}

TEST(SolveMilp, StartIsKeptWhereNothingBetterIsFound) {
  LinearProgram p = knapsack();
  MilpOptions options;
  options.start = solveMilp(p).columns;
  MilpSolution s = solveMilp(p, options);
  EXPECT_EQ(s.status, SolveStatus::Optimal);
  EXPECT_EQ(s.value, bestByHand(p));
  // One that breaks the program is not taken.
  options.start.assign(7, 1);
  EXPECT_EQ(solveMilp(p, options).value, bestByHand(p));
}

TEST(SolveMilp, Infeasible) {
  LinearProgram p;
  uint32_t x = p.addBinary(1), y = p.addBinary(1);
  p.addRow(1, 1, {{x, 2}, {y, 2}});
  EXPECT_EQ(solveMilp(p).status, SolveStatus::Infeasible);
}

/// Half of these crash in CBC's postprocessing where columns have names and
/// rows have none (coin-or/Cbc#515).
TEST(SolveMilp, PostprocessingFindsNamesOfRows) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    LinearProgram p;
    const uint32_t n = 6;
    for (uint32_t i = 0; i < n; ++i)
      p.addColumn(0, 1, double(random.in(1, 9)), i % 3 == 0);
    for (uint32_t r = 0; r < n; ++r) {
      std::vector<LinearProgram::Term> terms;
      for (uint32_t k = 0; k < 3; ++k)
        terms.push_back(
            {uint32_t(random.in(0, n - 1)), double(random.in(0, 4)) - 1.5});
      p.addRow(-unbounded, double(random.in(0, 2)), terms);
    }
    std::vector<LinearProgram::Term> all;
    for (uint32_t i = 0; i < n; ++i)
      all.push_back({i, double(random.in(1, 7))});
    p.addRow(n * 1.3, unbounded, all);
    MilpSolution s = solveMilp(p);
    if (s.status == SolveStatus::Optimal) {
      EXPECT_LT(p.violation(s.columns), 1e-6) << seed;
    } else {
      EXPECT_EQ(s.status, SolveStatus::Infeasible) << seed;
    }
  }
}

TEST(SolveMilp, SaysNothing) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  MilpSolution s = solveMilp(knapsack());
  solveLp(knapsack());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(s.status, SolveStatus::Optimal);
}

/// Market split: hard to prove, easy to satisfy with slack.
LinearProgram marketSplit(uint32_t columns, int rows) {
  LinearProgram p;
  uint64_t state = 7;
  auto draw = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return double(state >> 33) / double(1u << 31) * 99;
  };
  for (uint32_t i = 0; i < columns; ++i)
    p.addBinary(0);
  for (int r = 0; r < rows; ++r) {
    std::vector<LinearProgram::Term> row;
    double sum = 0;
    for (uint32_t i = 0; i < columns; ++i) {
      row.push_back({i, std::floor(draw())});
      sum += row.back().second;
    }
    row.push_back({p.addColumn(0, unbounded, 1), 1});
    row.push_back({p.addColumn(0, unbounded, 1), -1});
    p.addRow(std::floor(sum / 2), std::floor(sum / 2), row);
  }
  return p;
}

TEST(SolveMilp, NodeLimitGivesWhatWasFound) {
  LinearProgram p = marketSplit(30, 4);
  MilpOptions options;
  options.maxNodes = 50;
  MilpSolution a = solveMilp(p, options), b = solveMilp(p, options);
  ASSERT_EQ(a.status, SolveStatus::Feasible);
  EXPECT_LT(p.violation(a.columns), 1e-6);
  EXPECT_LE(a.bound, a.value);
  EXPECT_EQ(a.columns, b.columns);
}

TEST(SolveMilp, IterationLimitGivesWhatWasFoundAndProvesNothing) {
  LinearProgram p = marketSplit(30, 4);
  MilpOptions options;
  options.maxNodes = 1000000;
  options.limits.maxIterations = 12000;
  MilpSolution a = solveMilp(p, options), b = solveMilp(p, options);
  ASSERT_EQ(a.status, SolveStatus::Feasible);
  EXPECT_LT(p.violation(a.columns), 1e-5);
  EXPECT_EQ(a.columns, b.columns);
  EXPECT_EQ(a.bound, -unbounded);
  // Too few for the relaxation: nothing is known, least of all infeasibility.
  options.limits.maxIterations = 1;
  a = solveMilp(p, options);
  EXPECT_EQ(a.status, SolveStatus::Limit);
  EXPECT_TRUE(a.columns.empty());
}

TEST(SolveMilp, StopsAtTheDeadline) {
  LinearProgram p = marketSplit(40, 5);
  MilpOptions options;
  options.maxNodes = 100000000;
  auto begin = std::chrono::steady_clock::now();
  options.limits.deadline = begin + std::chrono::milliseconds(700);
  MilpSolution s = solveMilp(p, options);
  std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - begin;
  EXPECT_LT(spent.count(), 3);
  if (s.status == SolveStatus::Limit) { // a slow machine has found nothing
    EXPECT_TRUE(s.columns.empty());
    return;
  }
  ASSERT_EQ(s.status, SolveStatus::Feasible);
  EXPECT_LT(p.violation(s.columns), 1e-5);
}

} // namespace
