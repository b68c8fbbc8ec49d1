//===- Attempt.h - A policy's plan with addresses ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A policy keeps the sum of live bytes within a target; the addresses need a
// little more. So plans are asked for with lower and lower targets, loads are
// issued later where that makes the addresses fit, and of all that fits the
// plan that is fastest with its addresses is kept.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_ATTEMPT_H
#define SPILLWAY_LIB_PLANNER_ATTEMPT_H

#include "Layout.h"
#include "Policy.h"
#include "spillway/Planner/Planner.h"

namespace spillway::planner {

class Attempt {
public:
  Attempt(const Analysis &a, const Policy &policy, const PlanOptions &options)
      : a(a), policy(policy), options(options) {}

  /// True if a plan was found, which is then in `plan` and `layout`; else
  /// `reason`, `tier` and `applies` say why not. Whether there is one does not
  /// depend on `iterations`.
  bool run(const std::vector<uint64_t> &budgets, uint32_t iterations);

  Plan plan;
  Layout layout;
  std::string reason;
  uint32_t tier = 0;
  bool applies = true;

private:
  bool ask(const std::vector<uint64_t> &target, uint32_t iterations,
           PolicyAnswer &answer);
  void improveUntilLate(const std::vector<uint64_t> &target,
                        uint32_t iterations);
  bool take(std::vector<Plan> &plans, bool effort);
  bool fit(Plan &candidate, Layout &l, bool effort);
  bool lower(std::vector<uint64_t> &target, uint32_t round);

  const Analysis &a;
  const Policy &policy;
  const PlanOptions &options;
  std::vector<uint64_t> budgets;
  std::vector<uint64_t> excess; ///< by tier: what the last plans lacked
  int64_t stepNs = INT64_MAX;   ///< of `plan`
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_ATTEMPT_H
