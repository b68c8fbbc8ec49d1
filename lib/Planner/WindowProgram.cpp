//===- WindowProgram.cpp - A bound for small problems -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WindowProgram.h"

#include "WindowModel.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

double spillway::planner::windowBoundNs(const Analysis &analysis,
                                        const std::vector<uint64_t> &budgets,
                                        bool anyOrder,
                                        const WindowLimits &limits) {
  if (analysis.numOps == 0 || budgets[0] == unlimited || budgets[0] == 0)
    return 0;
  // Every operator has a column, at least for the window in which it runs.
  if (analysis.numOps > limits.maxColumns)
    return 0;
  WindowModel model(analysis, budgets, anyOrder);
  if (!model.look() || !model.choosePivots(limits.maxColumns))
    return 0;
  model.build();
  double columns = model.program.numColumns();
  double nodes = std::min(limits.work / std::pow(columns + 1, 4), 1e4);
  // Where not even the relaxation of a larger program costs anything, its cuts
  // hardly ever do.
  double worthwhile =
      columns > 600 ? model.leastCost() * (1 + 1e-7) : -unbounded;
  double bound = boundMilp(model.program, uint32_t(nodes), worthwhile);
  return bound > 0 && bound < 1e30 ? bound * model.scale : 0;
}
