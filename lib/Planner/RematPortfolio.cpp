//===- RematPortfolio.cpp - Several searches on one tier --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RematPortfolio.h"

#include <algorithm>

using namespace spillway::planner;

std::vector<std::vector<uint32_t>>
spillway::planner::findRematPlans(const Analysis &a,
                                  const RematRequest &request,
                                  const std::vector<uint32_t> &start) {
  std::vector<std::vector<uint32_t>> found;
  auto search = [&](uint64_t moves, uint64_t seed,
                    const std::vector<uint32_t> &from) {
    RematOptions options{moves, request.fixedOrder, seed};
    if (!start.empty() || !found.empty())
      options.deadline = request.deadline;
    auto sequence = searchRemat(a, request.budget, options, from);
    if (!sequence.empty())
      found.push_back(std::move(sequence));
  };
  // What is feasible must not depend on the number of iterations.
  if (start.empty())
    for (uint64_t seed = 11; seed < 15 && found.empty(); ++seed)
      search(std::min<uint64_t>(500000, 20000 + 5000 * a.numOps), seed, {});
  uint64_t moves =
      request.iterations * std::min<uint64_t>(5000, 200 + 50 * a.numOps);
  if (moves == 0)
    return found;
  for (uint64_t seed = 2; seed < 6; ++seed)
    search(moves, seed, seed % 2 ? start : std::vector<uint32_t>());
  return found;
}
