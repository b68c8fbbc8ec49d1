//===- Policy.h - What a policy is ------------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One file in lib/Planner/Policies makes one policy: a function from the
// problem and what is asked to a plan, and one line in Policies.def.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_POLICY_H
#define SPILLWAY_LIB_PLANNER_POLICY_H

#include "Analysis.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace spillway::planner {

struct PolicyRequest {
  const Analysis &analysis;
  /// By tier. The sum of live bytes has to stay within; addresses come later.
  std::vector<uint64_t> budgets;
  /// How hard to search. 0: only find out whether there is a plan. Whatever is
  /// feasible with 0 must be with any number.
  uint32_t iterations = 0;
  bool fixedOrder = true;
  /// Between two iterations a policy looks whether it is late, and answers with
  /// what it has: late or not, at least what it finds with none.
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
  bool late() const {
    return deadline && std::chrono::steady_clock::now() >= *deadline;
  }
};

struct PolicyAnswer {
  bool ok = false;
  /// Not ok because the policy cannot handle such a problem at all.
  bool applies = true;
  /// Best first; the next is tried if addresses of the one before do not fit.
  std::vector<Plan> plans;
  /// Makes the best plan's decisions into a plan again, for a problem that
  /// differs in its workspaces only; nothing if it cannot. May be empty.
  std::function<std::optional<Plan>(const Analysis &)> again;
  /// Tried when nothing else fits, not even with a lower target.
  std::vector<Plan> lastResorts;
  /// More iterations may find something better.
  bool searches = false;
  std::string reason;
  uint32_t tier = 0; ///< whose budget is too small
};

using PolicyFunction = PolicyAnswer (*)(const PolicyRequest &);

struct Policy {
  const char *name;
  const char *summary;
  PolicyFunction plan;
};

const std::vector<Policy> &allPolicies();

#define POLICY(function, name, summary)                                        \
  PolicyAnswer function(const PolicyRequest &);
#include "Policies/Policies.def"
#undef POLICY

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_POLICY_H
