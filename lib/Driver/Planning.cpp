//===- Planning.cpp - Budgets, and why one cannot be met ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Driver/Compiler.h"
#include "spillway/Support/Bytes.h"
#include "spillway/Transforms/Schedule.h"

using namespace mlir;

namespace spillway {

FailureOr<std::vector<uint64_t>> resolveBudgets(const CompileOptions &options, const Target &target,
                                                MLIRContext &context) {
  std::vector<uint64_t> budgets;
  for (const planner::Tier &tier : target.machine.tiers)
    budgets.push_back(tier.capacity);
  for (const auto &[name, bytes] : options.budgets) {
    std::optional<uint32_t> tier = target.machine.findTier(name);
    if (!tier)
      return emitError(UnknownLoc::get(&context))
             << "the target '" << target.name << "' has no tier '" << name << "' to give a budget";
    if (bytes > budgets[*tier])
      return emitError(UnknownLoc::get(&context))
             << "the " << name << " budget of " << bytes << " bytes (" << formatBytes(bytes)
             << ") is above the capacity of that tier of '" << target.name << "', " << budgets[*tier] << " bytes ("
             << formatBytes(budgets[*tier]) << "); lower it or choose another --target";
    budgets[*tier] = bytes;
  }
  return budgets;
}

std::vector<std::vector<uint64_t>> usableBudgets(const planner::Problem &problem,
                                                 const std::vector<uint64_t> &budgets) {
  std::optional<Staging> staging = stagingOf(problem);
  if (!staging)
    return {budgets};
  std::vector<std::vector<uint64_t>> out;
  if (budgets[staging->tier] >= staging->bytes()) {
    out.push_back(budgets);
    out.back()[staging->tier] -= staging->bytes();
  }
  out.push_back(budgets);
  for (uint32_t tier = 1; tier < budgets.size(); ++tier)
    if (problem.machine.route(tier, 0).size() == 2)
      out.back()[tier] = 0;
  return out;
}

void emitInfeasible(MLIRContext &context, const planner::Problem &problem, const std::vector<uint64_t> &budgets,
                    const planner::Infeasible &why) {
  const std::string &tier = problem.machine.tiers[why.tier].name;
  InFlightDiagnostic error = emitError(UnknownLoc::get(&context));
  if (!why.applies) {
    error << "the policy does not apply: " << why.reason << "; choose another with --policy";
    return;
  }
  auto size = [](uint64_t bytes) { return std::to_string(bytes) + " bytes (" + formatBytes(bytes) + ")"; };
  error << "no plan fits the " << tier << " budget of " << size(budgets[why.tier]);
  if (!why.reason.empty())
    error << ": " << why.reason;
  error << "\n  proven floor: " << size(why.floorBytes) << " of " << tier << ", below which no plan exists";
  if (why.smallestFoundBytes)
    error << "\n  smallest budget found: " << size(why.smallestFoundBytes) << "; --" << tier
          << "-budget=" << why.smallestFoundBytes << " compiles";
  if (!why.peakStorages.empty()) {
    error << "\n  the floor is set by ";
    if (why.peakOperator < problem.operators.size())
      error << "op " << problem.operators[why.peakOperator].id << " (" << problem.operators[why.peakOperator].name
            << "), which needs at once:";
    for (uint32_t storage : ArrayRef(why.peakStorages).take_front(6))
      error << "\n    " << problem.storages[storage].name << ": " << formatBytes(problem.storages[storage].bytes);
    if (why.peakStorages.size() > 6)
      error << "\n    and " << why.peakStorages.size() - 6 << " more";
  }
  std::vector<uint64_t> usable = usableBudgets(problem, budgets).front();
  for (uint32_t t = 0; t < budgets.size(); ++t)
    if (usable[t] != budgets[t])
      error << "\n  of the " << problem.machine.tiers[t].name << " budget, " << size(budgets[t] - usable[t])
            << (usable[t] ? " are kept for the slots of transfers over two links"
                          : " cannot be used: there is no room for the slots of its transfers");
  error << "\n  to need less: a smaller batch or sequence (--dim), or more of another tier";
}

} // namespace spillway
