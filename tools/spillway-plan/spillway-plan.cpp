//===- spillway-plan.cpp - Plans a training step ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Input.h"
#include "Report.h"
#include "spillway/Planner/Loops.h"
#include "spillway/Planner/RepeatBound.h"
#include "spillway/Planner/Verify.h"

#include <chrono>
#include <cstdio>

using namespace spillway::planner;
using namespace spillway::plantool;
using Json = nlohmann::ordered_json;

namespace {

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

uint64_t bytesOf(const std::string &flag, const std::string &text,
                 const char *orElse = "") {
  auto bytes = parseBytes(text);
  if (!bytes)
    throw InputError(flag +
                     ": expected a size such as 512MiB, 8GB or a "
                     "number of bytes" +
                     orElse + ", found '" + text + "'");
  return *bytes;
}

std::vector<uint64_t> budgetsOf(const Options &options,
                                const ImportedProblem &input) {
  const Problem &p = input.problem;
  std::vector<uint64_t> out;
  for (const Tier &t : p.machine.tiers)
    out.push_back(t.capacity);
  if (options.budget.ends_with("%")) {
    auto percent = parseNumber(options.budget);
    if (!percent || percent->second != "%")
      throw InputError("--budget: expected a percentage such as 60%, found '" +
                       options.budget + "'");
    uint64_t full;
    if (input.loadOnly) {
      Problem free = p;
      free.machine.tiers[0].capacity = unlimited;
      PlanOptions keep;
      keep.policy = "keep-all";
      keep.offsets = false;
      full = plan(free, keep).peakBytes[0];
    } else {
      full = unconstrainedPeakBytes(p);
    }
    double bytes = double(full) * percent->first / 100;
    if (!(bytes < 0x1p62))
      throw InputError("--budget: expected less than 2^62 bytes, found '" +
                       options.budget + "'");
    out[0] = uint64_t(bytes);
  } else if (!options.budget.empty()) {
    out[0] =
        bytesOf("--budget", options.budget, "; or a percentage such as 60%");
  }
  const std::pair<const char *, const std::string *> others[] = {
      {"host", &options.hostBudget}, {"nvme", &options.nvmeBudget}};
  for (auto &[name, text] : others) {
    if (text->empty())
      continue;
    auto tier = p.machine.findTier(name);
    if (!tier)
      throw InputError(std::string("the machine has no tier '") + name + "'");
    out[*tier] = bytesOf(std::string("--") + name + "-budget", *text);
  }
  return out;
}

Outcome planOne(const Options &options, const ImportedProblem &input,
                const std::vector<uint64_t> &budgets,
                const std::string &policy) {
  Outcome o;
  o.policy = policy;
  o.budgets = budgets;
  PlanOptions plans;
  plans.policy = policy;
  plans.budgets = budgets;
  plans.fixedOrder = options.fixedOrder;
  plans.portfolio = !options.alone;
  plans.offsets = !input.loadOnly;
  plans.iterations = options.iterations;
  plans.findSmallest = !options.allPolicies;
  auto start = std::chrono::steady_clock::now();
  if (options.planSeconds > 0)
    plans.deadline =
        start + std::chrono::nanoseconds(int64_t(options.planSeconds * 1e9));
  o.result = plan(input.problem, plans);
  o.seconds = secondsSince(start);
  for (const Operator &op : input.problem.operators)
    o.baseNs += op.costNs[0];
  for (const Repeat &r : input.problem.repeats)
    for (uint32_t at = r.first; at <= r.last; ++at)
      o.baseNs += input.problem.operators[at].costNs[0] * (r.count - 1);
  o.boundNs = o.result.feasible && input.problem.repeats.empty()
                  ? o.result.lowerBoundNs
                  : stepLowerBoundNs(input.problem, budgets, true);
  o.fixedOrderBoundNs =
      std::max(o.boundNs, stepLowerBoundNs(input.problem, budgets, false));
  return o;
}

std::string refusal(const Problem &p, const Infeasible &no) {
  if (!no.applies)
    return "the policy does not apply: " + no.reason;
  std::string out = no.reason;
  if (no.floorBytes)
    out += "; no plan exists below " + std::to_string(no.floorBytes) +
           " bytes of " + p.machine.tiers[no.tier].name;
  if (no.smallestFoundBytes)
    out += "; the smallest budget found is " +
           std::to_string(no.smallestFoundBytes);
  if (!no.peakStorages.empty()) {
    const Operator &op = p.operators[no.peakOperator];
    out += "; operator " + std::to_string(op.id) +
           (op.name.empty() ? "" : " '" + op.name + "'") + " needs at once:";
    for (size_t i = 0; i < std::min<size_t>(no.peakStorages.size(), 5); ++i) {
      const Storage &s = p.storages[no.peakStorages[i]];
      out += (i ? ", " : " ") +
             (s.name.empty() ? "storage " + std::to_string(s.id) : s.name) +
             " (" + std::to_string(s.bytes) + ")";
    }
  }
  return out;
}

void writeOutputs(const Options &options, const ImportedProblem &input,
                  const Outcome &o) {
  const Problem &p = input.problem;
  if (!options.schedule.empty() && p.machine.tiers.size() != 1)
    throw InputError("--schedule is for problems with one tier");
  if (!options.output.empty())
    writeFile(options.output, printPlan(o.result.plan, p));
  if (!options.schedule.empty()) {
    // The input file's own numbers, and those of repetitions (Repeats.h).
    WrittenOut all = writeOut(p, o.result.plan);
    for (Action &a : all.plan.actions) {
      a.op = all.unrolled.problem.operators[a.op].id;
      a.storage = all.unrolled.problem.storages[a.storage].id;
    }
    writeFile(options.schedule, printSchedule(all.plan));
  }
  if (!options.plot.empty() || !options.trace.empty()) {
    Problem shown = unrollFor(p, o.result.plan).problem; // loops once
    if (!options.plot.empty())
      writeFile(options.plot, plotSvg(shown, o));
    if (!options.trace.empty())
      writeFile(options.trace, traceJson(shown, o));
  }
}

int runAll(const Options &options, const ImportedProblem &input,
           const std::vector<uint64_t> &budgets) {
  std::vector<Outcome> outcomes;
  Json list = Json::array();
  bool any = false;
  for (const PolicyInfo &p : policies()) {
    outcomes.push_back(planOne(options, input, budgets, p.name));
    list.push_back(statsOf(input, outcomes.back()));
    any |= outcomes.back().result.feasible;
  }
  printTable(input, outcomes);
  if (!options.stats.empty())
    writeFile(options.stats,
              Json({{"feasible", any}, {"policies", list}}).dump(1) + "\n");
  if (any)
    return 0;
  throw InputError("no policy found a plan within the budget; --policy=joint "
                   "instead of --all-policies says which budget is enough");
}

int runCheck(const Options &options, const ImportedProblem &input,
             const std::vector<uint64_t> &budgets) {
  std::string error;
  auto given = parsePlan(readFile(options.check), input.problem, error);
  if (!given)
    throw InputError(options.check + ": " + error);
  Verdict verdict = verifyPlan(input.problem, *given, budgets);
  if (!verdict.ok())
    throw InputError(options.check + ": " + verdict.error);
  std::printf("the plan is right: %zu actions", given->actions.size());
  for (uint32_t t = 0; t < input.problem.machine.tiers.size(); ++t)
    std::printf(", %s %llu bytes at most",
                input.problem.machine.tiers[t].name.c_str(),
                (unsigned long long)verdict.peakBytes[t]);
  std::printf("\n");
  return 0;
}

int runOffsets(const Options &options) {
  std::string error;
  auto input = readOffsetCsv(readFile(options.problem), error);
  if (!input)
    throw InputError(options.problem + ": " + error);
  // The output has a column of this name behind the others.
  if (!options.output.empty() &&
      ("," + input->lines[0] + ",").find(",offset,") != std::string::npos)
    throw InputError(options.problem +
                     ": line 1: expected no column 'offset' where -o is to add "
                     "one: remove it");
  OffsetOptions offsets;
  offsets.alignment = 1;
  offsets.effort = uint64_t(options.iterations) * 25000000;
  if (!options.budget.empty())
    offsets.target = bytesOf("--budget", options.budget);
  auto start = std::chrono::steady_clock::now();
  OffsetResult r = assignOffsets(input->items, offsets);
  double seconds = secondsSince(start);
  std::string fault = checkOffsets(input->items, r.offsets);
  if (!fault.empty())
    throw InputError("internal fault: " + fault + "; please report it");
  bool feasible = options.budget.empty() || r.height <= offsets.target;
  if (!options.stats.empty())
    writeFile(options.stats, Json({{"feasible", feasible},
                                   {"height", r.height},
                                   {"max_load", r.maxLoad},
                                   {"lower_bound", r.lowerBound},
                                   {"plan_seconds", seconds}})
                                     .dump(1) +
                                 "\n");
  std::printf("height   %llu (%.6f of the largest load, %llu) in %.2f s\n",
              (unsigned long long)r.height,
              double(r.height) / double(std::max<uint64_t>(r.maxLoad, 1)),
              (unsigned long long)r.maxLoad, seconds);
  if (!feasible)
    throw InputError(
        "the lowest height found, " + std::to_string(r.height) +
        ", is above the budget of " + std::to_string(offsets.target) +
        (r.lowerBound > offsets.target
             ? "; no height below " + std::to_string(r.lowerBound) + " exists"
             : "; a larger --iterations may find one"));
  if (!options.output.empty()) {
    std::string out = input->lines[0] + ",offset\n";
    for (size_t i = 0; i < r.offsets.size(); ++i)
      out += input->lines[i + 1] + "," + std::to_string(r.offsets[i]) + "\n";
    writeFile(options.output, out);
  }
  return 0;
}

int run(const Options &options) {
  checkOutputs(options);
  if (options.offsets)
    return runOffsets(options);
  ImportedProblem input = readProblem(options);
  std::vector<uint64_t> budgets = budgetsOf(options, input);
  if (!options.check.empty())
    return runCheck(options, input, budgets);
  if (options.planSeconds > 0)
    std::fprintf(stderr, "remark: with --plan-seconds the plan depends on how "
                         "fast this machine is; the same command may give "
                         "another one\n");
  if (options.allPolicies)
    return runAll(options, input, budgets);
  Outcome o = planOne(options, input, budgets, options.policy);
  if (!options.stats.empty())
    writeFile(options.stats, statsOf(input, o).dump(1) + "\n");
  if (!o.result.feasible)
    throw InputError(refusal(input.problem, o.result.infeasible));
  writeOutputs(options, input, o);
  printOutcome(input, o);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  std::string error;
  auto options = parseOptions(argc, argv, error);
  if (!options) {
    std::fprintf(stderr, "error: %s\n%s", error.c_str(), usageText);
    return 2;
  }
  if (options->help) {
    std::fputs(helpText, stdout);
    std::printf("\npolicies:\n");
    for (const PolicyInfo &p : policies())
      std::printf("  %-16s %s\n", p.name.c_str(), p.summary.c_str());
    return 0;
  }
  try {
    return run(*options);
  } catch (const std::exception &e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    removeOutput(*options);
    return 1;
  }
}
