//===- ApplyPlanPass.cpp - The pass train-apply-plan ----------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Conversion/TrainToProblem.h"
#include "spillway/Transforms/Passes.h"
#include "spillway/Transforms/Schedule.h"
#include "llvm/Support/MemoryBuffer.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINAPPLYPLAN
#include "spillway/Transforms/Passes.h.inc"
} // namespace spillway

using namespace mlir;
using namespace spillway;

namespace {
struct ApplyPlanPass : spillway::impl::TrainApplyPlanBase<ApplyPlanPass> {
  using TrainApplyPlanBase::TrainApplyPlanBase;

  LogicalResult apply(train::StepOp step, const Target &machine) {
    FailureOr<StepTable> table = StepTable::build(step);
    if (failed(table))
      return failure();
    FailureOr<StepProblem> problem = buildProblem(*table, machine);
    if (failed(problem))
      return failure();
    std::vector<uint64_t> budgets;
    if (deviceBudget)
      budgets.push_back(deviceBudget);
    planner::PlanResult result;
    if (planFile.empty()) {
      planner::PlanOptions options;
      options.policy = policy;
      options.budgets = budgets;
      options.hostEngine = false; // no runtime executes on it yet
      result = planner::plan(problem->problem, options);
    } else {
      auto file = llvm::MemoryBuffer::getFile(planFile);
      if (!file)
        return emitError(step.getLoc()) << "cannot read the plan '" << planFile
                                        << "': " << file.getError().message();
      std::string error;
      std::optional<planner::Plan> plan =
          planner::parsePlan((*file)->getBuffer(), problem->problem, error);
      if (!plan)
        return emitError(step.getLoc()) << planFile << ": " << error;
      result = planner::adopt(problem->problem, *plan, budgets);
    }
    if (!result.feasible)
      return emitError(step.getLoc())
             << "there is no plan: " << result.infeasible.reason;
    return applyPlan(*table, *problem, result.plan, budgets,
                     keepLayout ? &result : nullptr);
  }

  void runOnOperation() override {
    FailureOr<Target> machine = loadTarget(getContext(), target);
    if (failed(machine))
      return signalPassFailure();
    auto steps = llvm::to_vector(getOperation().getOps<train::StepOp>());
    for (train::StepOp step : steps)
      if (failed(apply(step, *machine)))
        return signalPassFailure();
  }
};
} // namespace
