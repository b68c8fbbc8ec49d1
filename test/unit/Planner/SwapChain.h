//===- SwapChain.h - Worked examples of swapping policies -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A network as papers draw it: a chain of layers, one operator forward and one
// backward each, over feature maps x0 -> x1 -> ... -> xn. The backward operator
// of layer i reads xi-1 and the gradient of xi. Every transfer takes one
// nanosecond a byte; bytes are not rounded up.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_PLANNER_SWAPCHAIN_H
#define SPILLWAY_TEST_PLANNER_SWAPCHAIN_H

#include "Chain.h"
#include "Planner/Policy.h"
#include "Training.h"

#include <gtest/gtest.h>

namespace spillway::planner::testing {

/// What a policy answers within live bytes by tier; missing tiers are
/// unlimited.
inline PolicyAnswer ask(PolicyFunction policy, const Problem &p,
                        std::vector<uint64_t> budgets, uint32_t iterations = 0,
                        bool fixedOrder = true) {
  budgets.resize(p.machine.tiers.size(), unlimited);
  Analysis a(p);
  return policy({a, budgets, iterations, fixedOrder});
}

/// The plan that it prefers.
inline Plan firstPlan(PolicyFunction policy, const Problem &p,
                      std::vector<uint64_t> budgets, uint32_t iterations = 0) {
  PolicyAnswer answer = ask(policy, p, std::move(budgets), iterations);
  EXPECT_TRUE(answer.ok) << answer.reason;
  return answer.ok ? answer.plans[0] : Plan();
}

/// Device, host (and NVMe), links of so many bytes a second and no latency; no
/// operators yet (Chain.h's addOp adds them).
inline Problem emptySwapProblem(uint64_t bytesPerSecond, bool nvme = false) {
  Problem p;
  p.alignment = 1;
  p.machine = makeMachine(true, nvme, bytesPerSecond);
  for (Link &l : p.machine.links)
    l.latencyNs = 0;
  return p;
}

struct ChainLayer {
  int64_t ns = 100;    ///< forward; backward takes twice as long
  uint64_t bytes = 10; ///< of its result
  bool heavy = false;  ///< CONV or FC: 100 flops for each byte
};

struct SwapChain {
  Problem problem;
  /// Feature map x0 is the input batch, made by an operator of its own.
  std::vector<uint32_t> maps;
  /// By layer, operators.
  std::vector<uint32_t> forward, backward;
};

inline SwapChain makeSwapChain(uint64_t inputBytes,
                               const std::vector<ChainLayer> &layers) {
  SwapChain c;
  Problem &p = c.problem;
  p = emptySwapProblem(1000000000);
  auto storage = [&](const std::string &name, uint64_t bytes) {
    Storage s;
    s.id = uint32_t(p.storages.size());
    s.name = name;
    s.bytes = bytes;
    p.storages.push_back(s);
    return s.id;
  };
  auto op = [&](const std::string &name, int64_t ns, std::vector<Access> reads,
                uint32_t result, bool heavy) {
    Operator o;
    o.id = uint32_t(p.operators.size());
    o.name = name;
    o.costNs = {ns};
    o.writes = {{result, -1}};
    uint64_t bytes = p.storages[result].bytes;
    for (const Access &r : reads)
      bytes += p.storages[r.storage].bytes;
    o.flops = bytes * (heavy ? 100 : 1);
    o.reads = std::move(reads);
    p.operators.push_back(o);
    return o.id;
  };
  c.maps.push_back(storage("x0", inputBytes));
  op("input", 1, {}, c.maps[0], false);
  for (const ChainLayer &l : layers) {
    std::string n = std::to_string(c.maps.size());
    uint32_t x = c.maps.back();
    c.maps.push_back(storage("x" + n, l.bytes));
    c.forward.push_back(op("fwd" + n, l.ns, {{x, -1}}, c.maps.back(), l.heavy));
  }
  uint32_t g = storage("dloss", p.storages[c.maps.back()].bytes);
  op("loss", 1, {{c.maps.back(), -1}}, g, false);
  c.backward.resize(layers.size());
  for (uint32_t i = uint32_t(layers.size()); i-- > 0;) {
    uint32_t x = c.maps[i], dx = storage("dx", p.storages[x].bytes);
    c.backward[i] = op("bwd" + std::to_string(i + 1), 2 * layers[i].ns,
                       {{x, -1}, {g, -1}}, dx, layers[i].heavy);
    g = dx;
  }
  return c;
}

/// Where in the issue order an action is; the end if it is not there.
inline size_t find(const Plan &plan, const Action &action, size_t from = 0) {
  for (size_t i = from; i < plan.actions.size(); ++i)
    if (plan.actions[i] == action)
      return i;
  return plan.actions.size();
}

inline size_t count(const Plan &plan, ActionKind kind) {
  size_t n = 0;
  for (const Action &a : plan.actions)
    n += a.kind == kind;
  return n;
}

} // namespace spillway::planner::testing

#endif // SPILLWAY_TEST_PLANNER_SWAPCHAIN_H
