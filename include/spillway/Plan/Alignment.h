//===- Alignment.h - What FlatBuffers' verifier leaves out ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FlatBuffers' verifier aligns a vector's length, not its elements: those of
// eight bytes may lie where they must not be read.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLAN_ALIGNMENT_H
#define SPILLWAY_PLAN_ALIGNMENT_H

namespace spillway::plan {
struct Plan;
struct Program;

/// Whether all vectors of a buffer that FlatBuffers' verifier has accepted, and
/// that lies in memory at a multiple of 16, may be read.
bool hasAlignedVectors(const Plan &plan);
bool hasAlignedVectors(const Program &program);

} // namespace spillway::plan

#endif // SPILLWAY_PLAN_ALIGNMENT_H
