//===- Stats.h - What a compilation reports ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DRIVER_STATS_H
#define SPILLWAY_DRIVER_STATS_H

#include "spillway/Planner/Planner.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>
#include <string>
#include <vector>

namespace spillway {

struct CompileStats {
  std::string policy;
  double compileSeconds = 0, planSeconds = 0;
  uint64_t numOps = 0;
  uint64_t unconstrainedPeakBytes = 0;
  std::vector<uint64_t> budgets; ///< by tier
  /// The plan, or why there is none.
  planner::PlanResult result;
  bool verified = false;
  /// Why compilation stopped, where the reason is not a budget.
  std::string error;
};

/// The object of `--stats`; bytes, flops and counts are integers, seconds are not.
llvm::json::Object toJson(const CompileStats &stats, const planner::Problem &problem);

/// A few lines for a person: does it fit, peaks, bytes, how good.
void printSummary(llvm::raw_ostream &os, const CompileStats &stats, const planner::Problem &problem);

/// A table with a line a policy.
void printPolicies(llvm::raw_ostream &os, llvm::ArrayRef<CompileStats> all, const planner::Problem &problem);

} // namespace spillway

#endif // SPILLWAY_DRIVER_STATS_H
