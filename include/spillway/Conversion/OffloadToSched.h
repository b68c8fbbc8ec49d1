//===- OffloadToSched.h - From offload to sched -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_CONVERSION_OFFLOADTOSCHED_H
#define SPILLWAY_CONVERSION_OFFLOADTOSCHED_H

#include "Offload/Offload.h"
#include "Sched/Sched.h"

namespace spillway {
class StepTable;

/// Writes the program of a step whose buffers have addresses, behind the step.
/// Order, streams and addresses are the step's; there are no waits yet.
mlir::FailureOr<sched::ProgramOp> convertOffloadToSched(offload::StepOp step,
                                                        const StepTable &table);

} // namespace spillway

#endif // SPILLWAY_CONVERSION_OFFLOADTOSCHED_H
