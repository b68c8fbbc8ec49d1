//===- TrainToProblem.h - A frozen step as a planning problem ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_CONVERSION_TRAINTOPROBLEM_H
#define SPILLWAY_CONVERSION_TRAINTOPROBLEM_H

#include "spillway/Export/StepTable.h"
#include "spillway/Planner/Problem.h"
#include "spillway/Target/Target.h"
#include <map>
#include <string>
#include <vector>

namespace spillway {

/// Measured times of kernels in ns, by signature (`getSignature`).
using KernelProfile = std::map<std::string, int64_t>;

/// A problem and where its parts come from. Operators have the indices of
/// `StepTable::ops` and the ids of freezing. An updated value shares the storage
/// of the value that it replaces; a storage's id is the index of its first value.
struct StepProblem {
  planner::Problem problem;
  /// Index into `problem.storages`, by index into `StepTable::values`.
  std::vector<uint32_t> storageOfValue;
};

/// Costs are the roofline of `target` (the slower of its arithmetic and its
/// memory traffic, plus the launch), or what `profile` measured. Operators that
/// only update parameters and state have a cost on engines off the device, too.
mlir::FailureOr<StepProblem> buildProblem(const StepTable &table, const Target &target,
                                          const KernelProfile *profile = nullptr);

/// One op on one engine, in ns.
int64_t costNs(const TableOp &op, const EngineRates &engine);

} // namespace spillway

#endif // SPILLWAY_CONVERSION_TRAINTOPROBLEM_H
