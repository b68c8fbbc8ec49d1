//===- PlacedTest.h - What tests of static placement share ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_PLANNER_PLACEDTEST_H
#define SPILLWAY_TEST_PLANNER_PLACEDTEST_H

#include "Planner/Policy.h"
#include "Training.h"
#include "spillway/Planner/Verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spillway::planner::testing {

/// Every update may run on engine 1, in `factor` times its time on the device.
inline void allowHostUpdates(Problem &p, int64_t factor) {
  for (Operator &op : p.operators)
    if (!op.updates.empty())
      op.costNs = {op.costNs[0], op.costNs[0] * factor};
}

inline PlanResult planPlaced(const Problem &p, const std::string &policy,
                             const std::vector<uint64_t> &budgets = {}) {
  PlanOptions options;
  options.policy = policy;
  options.budgets = budgets;
  options.findSmallest = false;
  return plan(p, options);
}

/// What a policy decides first, in its own order of actions: `plan` may find
/// the same in another order faster. Peaks are those after addresses.
inline PlanResult decide(const Problem &p, const std::string &policy,
                         std::vector<uint64_t> budgets = {}) {
  budgets.resize(p.machine.tiers.size(), unlimited);
  Analysis a(p);
  PlanResult r;
  for (const Policy &candidate : allPolicies()) {
    if (policy != candidate.name)
      continue;
    PolicyAnswer answer = candidate.plan({a, budgets});
    if (answer.ok)
      return adopt(p, answer.plans.front(), {});
    r.infeasible.reason = answer.reason;
    r.infeasible.applies = answer.applies;
  }
  return r;
}

/// The number of actions of a kind, of one storage or (UINT32_MAX) of any.
inline uint32_t countActions(const PlanResult &r, ActionKind kind,
                             uint32_t storage = UINT32_MAX) {
  uint32_t n = 0;
  for (const Action &a : r.plan.actions)
    n += a.kind == kind && (storage == UINT32_MAX || a.storage == storage);
  return n;
}

/// Where an action is in the plan; the number of actions if it is not there.
inline size_t positionOf(const PlanResult &r, const Action &wanted,
                         size_t from = 0) {
  for (size_t i = from; i < r.plan.actions.size(); ++i) {
    Action a = r.plan.actions[i];
    a.inPlace.clear();
    if (a == wanted)
      return i;
  }
  return r.plan.actions.size();
}

/// A chain of layers y_i = f_i(y_{i-1}, w_i), a loss, and back:
///   loss: (y_n) -> loss, dy_n;  dw_i: (dy_i, y_{i-1}) -> g_i;
///   dx_i: (dy_i, w_i) -> dy_{i-1} (for i > 1);  u_i: g_i updates w_i and m_i.
/// Each layer's f is two operators, the first making h_i, which dw_i reads too.
/// 1 ns an operator, links of 1 byte a ns, no latency, alignment 1.
struct LayerChainOptions {
  uint32_t layers = 4;
  uint64_t activation = 100, inner = 100, parameter = 100, state = 100;
  bool nvme = false;
};

struct LayerChain {
  Problem problem;
  std::vector<uint32_t> y, h, w, m, g;     ///< storages by layer
  std::vector<uint32_t> f1, f2, dw, dx, u; ///< operators by layer
  uint32_t x = 0, loss = 0, lossOp = 0;
};

LayerChain makeLayerChain(const LayerChainOptions &options);

} // namespace spillway::planner::testing

#endif // SPILLWAY_TEST_PLANNER_PLACEDTEST_H
