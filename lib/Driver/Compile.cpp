//===- Compile.cpp - The whole way ---------------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Driver/Compiler.h"
#include "spillway/Conversion/OffloadToSched.h"
#include "spillway/Driver/Stats.h"
#include "spillway/Export/Export.h"
#include "spillway/Transforms/Schedule.h"
#include "llvm/Support/MemoryBuffer.h"
#include <chrono>

using namespace mlir;

namespace spillway {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string print(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  op->print(os, OpPrintingFlags().elideLargeElementsAttrs(64));
  os << '\n';
  return text;
}

/// Which parameters are trained and which are not: the choice was a rule's, and
/// --freeze and --trainable overrule it.
void listParameters(train::StepOp step, std::string &summary) {
  llvm::DenseSet<Value> updated;
  for (Value target : step.getReturn().getTargets())
    updated.insert(target);
  for (bool trained : {true, false}) {
    uint64_t count = 0, elements = 0;
    std::string names;
    llvm::raw_string_ostream os(names);
    for (BlockArgument arg : step.getBlock().getArguments()) {
      if (step.getRole(arg.getArgNumber()) != train::Role::param || updated.contains(arg) != trained)
        continue;
      ++count;
      elements += train::tensorType(arg).getNumElements();
      os << "  " << step.getArgName(arg.getArgNumber()) << " [";
      llvm::interleave(train::tensorType(arg).getShape(), os, ", ");
      os << "]\n";
    }
    if (trained || count)
      summary += std::to_string(count) + (trained ? " parameters are trained, " : " parameters are not trained, ") +
                 std::to_string(elements) + " elements:\n" + names;
  }
}

/// Runs one policy, or adopts a plan that was made elsewhere.
FailureOr<CompileStats> makePlan(const planner::Problem &problem, const CompileOptions &options,
                                 const std::vector<uint64_t> &budgets, StringRef policy, MLIRContext &context) {
  CompileStats stats;
  stats.budgets = budgets;
  stats.policy = policy.str();
  stats.numOps = problem.operators.size();
  stats.unconstrainedPeakBytes = planner::unconstrainedPeakBytes(problem);
  Clock::time_point start = Clock::now();
  if (options.planFile.empty()) {
    if (llvm::none_of(planner::policies(), [&](const planner::PolicyInfo &info) { return info.name == policy; })) {
      InFlightDiagnostic error = emitError(UnknownLoc::get(&context)) << "unknown policy '" << policy << "'; there are:";
      for (const planner::PolicyInfo &info : planner::policies())
        error << ' ' << info.name;
      return failure();
    }
    planner::PlanOptions planOptions;
    planOptions.policy = policy.str();
    planOptions.iterations = options.iterations;
    if (options.planSeconds > 0)
      planOptions.deadline = start + std::chrono::nanoseconds(int64_t(options.planSeconds * 1e9));
    std::vector<std::vector<uint64_t>> usable = usableBudgets(problem, budgets);
    planOptions.budgets = usable.front();
    planOptions.hostEngine = false; // no runtime executes on it yet
    stats.result = planner::plan(problem, planOptions);
    // What was found beside the slots is asked for with them.
    planner::Infeasible &no = stats.result.infeasible;
    if (!stats.result.feasible && no.smallestFoundBytes)
      no.smallestFoundBytes += budgets[no.tier] - usable.front()[no.tier];
    planOptions.findSmallest = false;
    for (size_t i = 1; i < usable.size() && !stats.result.feasible; ++i) {
      planOptions.budgets = usable[i];
      if (planner::PlanResult other = planner::plan(problem, planOptions); other.feasible)
        stats.result = std::move(other);
    }
  } else {
    Location loc = FileLineColLoc::get(&context, options.planFile, 0, 0);
    auto buffer = llvm::MemoryBuffer::getFile(options.planFile);
    if (!buffer)
      return emitError(loc, "cannot read the plan: ") << buffer.getError().message();
    std::string error;
    std::optional<planner::Plan> plan = planner::parsePlan((*buffer)->getBuffer(), problem, error);
    if (!plan)
      return emitError(loc) << error;
    stats.result = planner::adopt(problem, *plan, budgets);
    if (std::optional<Staging> staging = stagingOf(problem, &*plan); staging && stats.result.feasible &&
        staging->bytes() > budgets[staging->tier] - stats.result.peakBytes[staging->tier])
      return emitError(loc) << "the plan does not hold: the slots of its transfers over two links need "
                            << staging->bytes() << " bytes of " << problem.machine.tiers[staging->tier].name
                            << " beside the " << stats.result.peakBytes[staging->tier] << " of its peak, expected at most "
                            << budgets[staging->tier];
    stats.policy = "file";
    if (!stats.result.feasible)
      return emitError(loc) << "the plan does not hold: " << stats.result.infeasible.reason;
  }
  stats.planSeconds = secondsSince(start);
  return stats;
}

} // namespace

LogicalResult compile(StringRef path, const CompileOptions &options, EmitLevel level, bool allPolicies,
                      MLIRContext &context, CompileResult &result) {
  Clock::time_point start = Clock::now();
  FailureOr<Target> target = loadTarget(context, options.target);
  if (failed(target))
    return failure();
  FailureOr<std::vector<uint64_t>> budgets = resolveBudgets(options, *target, context);
  if (failed(budgets))
    return failure();
  OwningOpRef<ModuleOp> module = loadModel(path, options, context);
  if (!module || failed(freezeStep(*module, options, *target)))
    return failure();
  FailureOr<train::StepOp> step = findStep(*module);
  if (failed(step))
    return failure();
  if (level == EmitLevel::Train) {
    result.output = print(*module);
    return success();
  }

  listParameters(*step, result.summary);

  FailureOr<StepTable> table = StepTable::build(*step);
  if (failed(table))
    return failure();
  KernelProfile profile;
  if (!options.profileFile.empty()) {
    FailureOr<KernelProfile> loaded = loadProfile(options.profileFile, context);
    if (failed(loaded))
      return failure();
    profile = std::move(*loaded);
  }
  FailureOr<StepProblem> stepProblem = buildProblem(*table, *target, &profile);
  if (failed(stepProblem))
    return failure();
  const planner::Problem &problem = stepProblem->problem;
  if (level == EmitLevel::Problem) {
    result.output = planner::printProblem(problem);
    return success();
  }

  if (options.planSeconds > 0 && options.planFile.empty())
    emitRemark(UnknownLoc::get(&context)) << "with --plan-seconds the plan depends on how fast this machine is; the "
                                             "same command may give another one";
  if (allPolicies) {
    std::vector<CompileStats> all;
    llvm::json::Array array;
    bool any = false;
    for (const planner::PolicyInfo &info : planner::policies()) {
      FailureOr<CompileStats> stats = makePlan(problem, options, *budgets, info.name, context);
      if (failed(stats))
        return failure();
      any |= stats->result.feasible;
      array.push_back(toJson(*stats, problem));
      all.push_back(std::move(*stats));
    }
    llvm::raw_string_ostream os(result.summary);
    printPolicies(os, all, problem);
    result.stats = llvm::json::Object{{"feasible", any}, {"policies", std::move(array)}};
    if (!any)
      return emitError(UnknownLoc::get(&context)) << "no policy has a plan within the budgets";
    return success();
  }

  FailureOr<CompileStats> stats = makePlan(problem, options, *budgets, options.policy, context);
  if (failed(stats))
    return failure();
  stats->compileSeconds = secondsSince(start);
  if (!stats->result.feasible) {
    emitInfeasible(context, problem, *budgets, stats->result.infeasible);
    result.stats = toJson(*stats, problem);
    return failure();
  }
  if (level == EmitLevel::Plan) {
    result.output = planner::printPlan(stats->result.plan, problem);
    return success();
  }

  context.loadDialect<offload::OffloadDialect, sched::SchedDialect>();
  FailureOr<offload::StepOp> planned =
      applyPlan(*table, *stepProblem, stats->result.plan, *budgets, &stats->result);
  if (failed(planned))
    return failure();
  if (level == EmitLevel::Offload) {
    result.output = print(*planned);
    return success();
  }
  if (failed(assignOffsets(*planned)))
    return failure();
  FailureOr<sched::ProgramOp> program = convertOffloadToSched(*planned, *table);
  if (failed(program) || failed(insertWaits(*program, *table)))
    return failure();
  if (level == EmitLevel::Sched) {
    result.output = print(*program);
    return success();
  }
  ExportReport report;
  report.target = target->name;
  report.policy = stats->policy;
  report.predictedStepNs = stats->result.simulation.stepNs;
  report.lowerBoundNs = stats->result.lowerBoundNs;
  report.unconstrainedPeakBytes = stats->unconstrainedPeakBytes;
  report.numRecomputed = stats->result.numRecomputed;
  report.numSwapped = stats->result.numSwapped;
  FailureOr<std::vector<uint8_t>> file = exportPlan(*table, *program, report);
  if (failed(file))
    return failure();
  result.output.assign(file->begin(), file->end());
  stats->verified = true; // exportPlan fails where the verifier rejects
  // With the slots of transfers and the results that the planner does not see.
  for (auto [peak, tier] : llvm::zip(stats->result.peakBytes, program->getTiers().getAsRange<sched::TierAttr>()))
    peak = std::max(peak, tier.getArena());

  stats->compileSeconds = secondsSince(start);
  result.stats = toJson(*stats, problem);
  llvm::raw_string_ostream os(result.summary);
  printSummary(os, *stats, problem);
  return success();
}

} // namespace spillway
