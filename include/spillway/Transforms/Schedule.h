//===- Schedule.h - From a plan to a schedule -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions behind the passes from a frozen step and a plan to a program
// that may be exported. Each fails after an error at the op.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRANSFORMS_SCHEDULE_H
#define SPILLWAY_TRANSFORMS_SCHEDULE_H

#include "Offload/Offload.h"
#include "Sched/Sched.h"
#include "spillway/Planner/Planner.h"
#include <optional>

namespace spillway {
class StepTable;
struct StepProblem;

/// Slots of a tier through which transfers over two links go, chunk by chunk.
struct Staging {
  uint32_t tier = 0;
  uint64_t slots = 0; ///< for loads, and as many for stores
  uint64_t slotBytes = 0;
  /// What they take of the tier.
  uint64_t bytes() const { return 2 * slots * slotBytes; }
};

/// The slots that a plan's transfers need; without a plan, those that suffice
/// for any plan of the problem. Nothing where every transfer has its own link.
std::optional<Staging> stagingOf(const planner::Problem &problem,
                                 const planner::Plan *plan = nullptr);

/// Writes the step that does what `plan` says, behind the frozen step of
/// `table`, as its `@NAME_plan`. The plan may come from anywhere: an action
/// that cannot be done is an error that names it. `budgets` are by tier and
/// become the tiers' capacities; a missing one is the machine's. `layout`, if
/// given, is the planner's result for this plan: its addresses and times are
/// kept.
mlir::FailureOr<offload::StepOp>
applyPlan(const StepTable &table, const StepProblem &problem,
          const planner::Plan &plan, llvm::ArrayRef<uint64_t> budgets = {},
          const planner::PlanResult *layout = nullptr);

/// Gives every buffer of the step an address; those that have one keep it.
/// Fails where a tier's buffers do not fit into its capacity.
mlir::LogicalResult assignOffsets(offload::StepOp step);

/// Gives the instructions the waits that their byte ranges require: an
/// instruction waits for the last write of the bytes it reads, and for the last
/// write and the reads since of those it writes, in this step or the one
/// before, unless stream order and other waits imply it (vector clocks, so no
/// wait is superfluous). Waits that are there are replaced.
mlir::LogicalResult insertWaits(sched::ProgramOp program,
                                const StepTable &table);

} // namespace spillway

#endif // SPILLWAY_TRANSFORMS_SCHEDULE_H
