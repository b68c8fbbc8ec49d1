//===- Report.h - What spillway-plan tells ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TOOLS_PLAN_REPORT_H
#define SPILLWAY_TOOLS_PLAN_REPORT_H

#include "spillway/Planner/Formats.h"
#include "spillway/Planner/Planner.h"

#include <nlohmann/json.hpp>

namespace spillway::plantool {

struct Outcome {
  std::string policy;
  planner::PlanResult result;
  double seconds = 0;
  int64_t baseNs = 0, fixedOrderBoundNs = 0, boundNs = 0;
  std::vector<uint64_t> budgets;
};

/// The keys of the design for one plan.
nlohmann::ordered_json statsOf(const planner::ImportedProblem &input,
                               const Outcome &outcome);
void printOutcome(const planner::ImportedProblem &input,
                  const Outcome &outcome);
void printTable(const planner::ImportedProblem &input,
                const std::vector<Outcome> &outcomes);

/// Device memory over the issue order, by kind of storage.
std::string plotSvg(const planner::Problem &problem, const Outcome &outcome);
/// Chrome's trace format; opens in Perfetto.
std::string traceJson(const planner::Problem &problem, const Outcome &outcome);

} // namespace spillway::plantool

#endif // SPILLWAY_TOOLS_PLAN_REPORT_H
