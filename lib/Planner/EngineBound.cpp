//===- EngineBound.cpp - What engines have to do ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EngineBound.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

int64_t spillway::planner::engineBoundNs(const Problem &problem) {
  std::vector<double> times(problem.operators.size(), 1);
  for (const Repeat &r : problem.repeats)
    std::fill(times.begin() + r.first, times.begin() + r.last + 1,
              double(r.count));
  std::vector<double> busy(problem.machine.engines.size());
  std::vector<std::pair<double, double>> either; // by one or by the other
  for (uint32_t at = 0; at < problem.operators.size(); ++at) {
    const Operator &op = problem.operators[at];
    uint32_t where = 0, places = 0;
    for (uint32_t e = 0; e < op.costNs.size(); ++e)
      if (op.costNs[e] >= 0)
        where = e, ++places;
    if (places == 1)
      busy[where] += double(op.costNs[where]) * times[at];
    else if (places == 2 && busy.size() == 2)
      either.push_back(
          {double(op.costNs[0]) * times[at], double(op.costNs[1]) * times[at]});
  }
  // First all on the first engine; then what the other does best moves over
  // until both are equally busy.
  std::sort(either.begin(), either.end(), [](const auto &x, const auto &y) {
    return x.first * y.second > y.first * x.second;
  });
  for (auto [first, second] : either)
    busy[0] += first;
  for (auto [first, second] : either) {
    double gap = busy[0] - busy[1];
    if (gap <= 0)
      break;
    double share =
        first + second > gap ? gap / (first + second) : 1; // equal then
    busy[0] -= share * first;
    busy[1] += share * second;
  }
  // Exact, but for the share of one operator.
  double most = *std::max_element(busy.begin(), busy.end());
  return int64_t(std::ceil(most * (1 - 1e-15) - 1e-3));
}
