//===- Attempt.h - A policy's plan with addresses ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A policy keeps the sum of live bytes within the budget; the addresses need a
// little more. So plans are asked for with more and more padding, loads are
// issued later where that makes the addresses fit, and of all that fits the
// plan that is fastest with its addresses is kept.
//
// Padding is workspace that operators do not have: the policy keeps so many
// bytes free while they run. Operators that take much of the budget by
// themselves get none: there the few large buffers are easily placed, and
// every byte more would have to move.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_ATTEMPT_H
#define SPILLWAY_LIB_PLANNER_ATTEMPT_H

#include "Fitting.h"
#include "Policy.h"
#include "spillway/Planner/Planner.h"

#include <functional>
#include <memory>

namespace spillway::planner {

class Attempt {
public:
  Attempt(const Analysis &a, const Policy &policy, const PlanOptions &options)
      : a(a), policy(policy), options(options),
        fitting(a.problem, options.offsets) {}

  /// True if a plan was found, which is then in `plan` and `layout`; else
  /// `reason`, `tier` and `applies` say why not. Whether there is one does not
  /// depend on `iterations`.
  bool run(const std::vector<uint64_t> &budgets, uint32_t iterations);

  /// Called when there is a plan, before a better one is looked for.
  std::function<void()> whenFound;
  Plan plan;
  Layout layout;
  int64_t stepNs = INT64_MAX; ///< of `plan`
  std::string reason;
  uint32_t tier = 0;
  bool applies = true;

private:
  struct Padded {
    Problem problem;
    Analysis analysis;
    explicit Padded(Problem p) : problem(std::move(p)), analysis(problem) {}
  };
  /// With padding; nothing where there is none.
  std::unique_ptr<Padded> padded(uint32_t permille) const;
  PolicyAnswer ask(uint32_t permille, uint32_t iterations) const;
  std::vector<PolicyAnswer> askAll(const std::vector<uint32_t> &permille,
                                   uint32_t iterations) const;
  bool onlyComputes() const;
  void search(uint32_t padding, uint32_t iterations);
  void improveUntilLate(uint32_t permille, uint32_t iterations);
  void makeAgain(const PolicyAnswer &answer, uint32_t permille);
  bool ordersByTime(const Plan &plan, bool effort) const;
  void prepare(const std::vector<Plan> &plans, bool effort);
  bool take(const std::vector<Plan> &plans, bool effort);
  bool offer(const Plan &candidate, bool effort);
  void lowerOthers();

  const Analysis &a;
  const Policy &policy;
  const PlanOptions &options;
  std::vector<uint64_t> budgets;
  std::vector<uint64_t> target; ///< by tier: what policies are told
  Fitting fitting;
  bool behindHost = false; ///< some state has to be
  int64_t engineNs = 0;    ///< what a step takes at least
  bool early = false;      ///< the policy leaves it to others when loads come
  int64_t lastNs = INT64_MAX;   ///< the fastest since it was set
  uint32_t retries = 0;         ///< of addresses that cost time
  std::vector<uint64_t> excess; ///< by tier: what the last plans lacked
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_ATTEMPT_H
