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

/// Gives the instructions the waits that their byte ranges require: an
/// instruction waits for the last write of the bytes it reads, and for the last
/// write and the reads since of those it writes, in this step or the one
/// before, unless stream order and other waits imply it (vector clocks, so no
/// wait is superfluous). Waits that are there are replaced.
mlir::LogicalResult insertWaits(sched::ProgramOp program,
                                const StepTable &table);

} // namespace spillway

#endif // SPILLWAY_CONVERSION_OFFLOADTOSCHED_H
