//===- Optimum.cpp - Small problems and their optima ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Optimum.h"
#include "Training.h"

#include <map>
#include <queue>

using namespace spillway::planner;
using namespace spillway::planner::testing;

Problem spillway::planner::testing::randomProblem(uint64_t seed, uint32_t n) {
  Random random(seed);
  Problem p = emptyProblem();
  for (uint32_t i = 0; i < n; ++i) {
    std::vector<uint32_t> reads;
    for (uint32_t r = 0; r < i; ++r)
      if (random.chance(r + 1 == i ? 60 : 25))
        reads.push_back(r);
    addOp(p, int64_t(random.in(1, 20)), random.in(1, 9), reads);
  }
  return p;
}

Problem spillway::planner::testing::randomChain(uint64_t seed,
                                                uint32_t layers) {
  Random random(seed);
  ChainOptions options{.layers = layers};
  for (uint32_t i = 0; i < layers; ++i) {
    options.costs.push_back(int64_t(random.in(1, 20)));
    options.bytes.push_back(random.in(1, 9));
  }
  return makeChain(options);
}

int64_t spillway::planner::testing::optimum(const Problem &p, uint64_t budget,
                                            bool fixedOrder) {
  uint32_t n = uint32_t(p.operators.size());
  using State = std::pair<uint32_t, uint32_t>;
  std::map<State, int64_t> best;
  std::priority_queue<std::pair<int64_t, State>> queue;
  auto reach = [&](int64_t cost, State s) {
    auto [it, fresh] = best.try_emplace(s, cost);
    if (!fresh && it->second <= cost)
      return;
    it->second = cost;
    queue.push({-cost, s});
  };
  uint32_t outputs = 0;
  for (uint32_t i = 0; i < n; ++i)
    outputs |= uint32_t(p.storages[i].output) << i;
  reach(0, {0, 0});
  while (!queue.empty()) {
    auto [negative, s] = queue.top();
    queue.pop();
    auto [live, done] = s;
    if (best[s] < -negative)
      continue;
    if (done == (1u << n) - 1 && (live & outputs) == outputs)
      return -negative;
    for (uint32_t i = 0; i < n; ++i) {
      reach(-negative, {live & ~(1u << i), done}); // free
      bool ran = done >> i & 1;
      if (!ran && fixedOrder && done != (1u << i) - 1)
        continue;
      uint32_t needs = 0;
      for (const Access &r : p.operators[i].reads)
        needs |= 1u << r.storage;
      if ((needs & ~live) != 0)
        continue;
      uint32_t with = live | 1u << i;
      uint64_t bytes = 0;
      for (uint32_t k = 0; k < n; ++k)
        bytes += (with >> k & 1) ? p.storages[k].bytes : 0;
      if (bytes <= budget)
        reach(p.operators[i].costNs[0] - negative, {with, done | 1u << i});
    }
  }
  return -1;
}
