//===- Export.h - From sched to a plan file ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_EXPORT_EXPORT_H
#define SPILLWAY_EXPORT_EXPORT_H

#include "Sched/Sched.h"
#include "spillway/Export/StepTable.h"
#include <cstdint>
#include <string>
#include <vector>

namespace spillway {

/// What `Plan.report` says; nothing in it is needed to run a plan.
struct ExportReport {
  std::string target, policy;
  uint64_t predictedStepNs = 0, lowerBoundNs = 0;
  uint64_t unconstrainedPeakBytes = 0;
  uint32_t numRecomputed = 0, numSwapped = 0;
};

/// The `Program` of a step: a finished FlatBuffers buffer, which is a function
/// of the step alone. Fails after an error at the op that a program cannot say.
mlir::FailureOr<std::vector<uint8_t>> exportProgram(const StepTable &table);

/// A plan file's bytes, trailer included. The same input gives the same bytes.
/// Fails after an error where the program and the step do not fit together, or
/// where the plan verifier rejects the plan (its message is the error's).
mlir::FailureOr<std::vector<uint8_t>> exportPlan(const StepTable &table,
                                                 sched::ProgramOp program,
                                                 const ExportReport &report);

} // namespace spillway

#endif // SPILLWAY_EXPORT_EXPORT_H
