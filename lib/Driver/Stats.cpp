//===- Stats.cpp - What a compilation reports --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Driver/Stats.h"
#include "spillway/Support/Bytes.h"
#include "llvm/Support/Format.h"

using namespace llvm;

namespace spillway {

static double seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

static json::Object bytesByTier(const planner::Machine &machine, const std::vector<uint64_t> &bytes) {
  json::Object object;
  for (size_t i = 0; i < machine.tiers.size() && i < bytes.size(); ++i)
    object[machine.tiers[i].name] = bytes[i];
  return object;
}

json::Object toJson(const CompileStats &stats, const planner::Problem &problem) {
  const planner::PlanResult &result = stats.result;
  json::Object object{{"feasible", result.feasible},
                      {"policy", stats.policy},
                      {"compile_seconds", stats.compileSeconds},
                      {"plan_seconds", stats.planSeconds},
                      {"num_ops", stats.numOps},
                      {"unconstrained_peak_bytes", stats.unconstrainedPeakBytes},
                      {"budget_bytes", bytesByTier(problem.machine, stats.budgets)},
                      {"verified", stats.verified}};
  if (!result.feasible) {
    object["reason"] = result.infeasible.reason;
    object["tier"] = problem.machine.tiers[result.infeasible.tier].name;
    object["floor_bytes"] = result.infeasible.floorBytes;
    object["smallest_found_bytes"] = result.infeasible.smallestFoundBytes;
    return object;
  }
  json::Object links;
  for (StringRef name : {"h2d", "d2h", "nvme_read", "nvme_write"})
    links[name] = 0;
  for (size_t i = 0; i < problem.machine.links.size(); ++i)
    links[problem.machine.links[i].name] = result.simulation.linkBytes[i];
  object["peak_bytes"] = bytesByTier(problem.machine, result.peakBytes);
  object["link_bytes"] = std::move(links);
  object["predicted_step_seconds"] = seconds(result.simulation.stepNs);
  object["lower_bound_seconds"] = seconds(result.lowerBoundNs);
  object["total_flops"] = result.totalFlops;
  object["recomputed_flops"] = result.recomputedFlops;
  object["num_recomputed"] = result.numRecomputed;
  object["num_swapped"] = result.numSwapped;
  return object;
}

void printSummary(raw_ostream &os, const CompileStats &stats, const planner::Problem &problem) {
  const planner::PlanResult &result = stats.result;
  os << "policy " << stats.policy << ", " << stats.numOps << " ops; device peak with nothing moved "
     << formatBytes(stats.unconstrainedPeakBytes) << '\n';
  for (size_t i = 0; i < problem.machine.tiers.size() && i < result.peakBytes.size(); ++i)
    os << "  " << problem.machine.tiers[i].name << ": peak " << formatBytes(result.peakBytes[i]) << " of "
       << formatBytes(stats.budgets[i]) << '\n';
  os << "  recomputed " << result.numRecomputed << " ops, swapped " << result.numSwapped << " tensors;";
  for (size_t i = 0; i < problem.machine.links.size(); ++i)
    os << ' ' << problem.machine.links[i].name << ' ' << formatBytes(result.simulation.linkBytes[i]);
  os << " a step\n";
  double step = seconds(result.simulation.stepNs), bound = seconds(result.lowerBoundNs);
  os << format("  predicted step %.4f s; no plan is below %.4f s (ratio %.3f)\n", step, bound,
               bound > 0 ? step / bound : 1.0);
  os << format("  compiled in %.2f s, of which planning %.2f s", stats.compileSeconds, stats.planSeconds)
     << (stats.verified ? "; verified\n" : "\n");
}

void printPolicies(raw_ostream &os, ArrayRef<CompileStats> all, const planner::Problem &problem) {
  os << "policy             fits  step s    /free   /bound  device peak      moved a step     planning s\n";
  double free = 0;
  for (const planner::Operator &op : problem.operators)
    free += seconds(op.cost(0));
  for (const CompileStats &stats : all) {
    const planner::PlanResult &result = stats.result;
    os << left_justify(stats.policy, 19);
    if (!result.feasible) {
      os << "no    " << result.infeasible.reason << '\n';
      continue;
    }
    uint64_t moved = 0;
    for (uint64_t bytes : result.simulation.linkBytes)
      moved += bytes;
    double step = seconds(result.simulation.stepNs), bound = seconds(result.lowerBoundNs);
    os << format("yes   %-9.4f %-7.3f %-7.3f ", step, free > 0 ? step / free : 1.0, bound > 0 ? step / bound : 1.0)
       << left_justify(formatBytes(result.peakBytes[0]), 17) << left_justify(formatBytes(moved), 17)
       << format("%.2f\n", stats.planSeconds);
  }
}

} // namespace spillway
