//===- PlanFile.h - What frames a plan file ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The constants of plan.fbs that are not in the schema language. A file is the
// FlatBuffers buffer followed by the SHA-256 of that buffer.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLAN_PLANFILE_H
#define SPILLWAY_PLAN_PLANFILE_H

#include <cstddef>
#include <cstdint>

namespace spillway::plan {

/// `Plan.version` of the files that this build writes and reads.
inline constexpr uint32_t kPlanVersion = 1;

/// Raw bytes of SHA-256 at the end of a file.
inline constexpr size_t kTrailerBytes = 32;

/// Buffers and arenas are aligned to this, and their sizes are rounded up to
/// it.
inline constexpr uint64_t kAlignment = 256;

} // namespace spillway::plan

#endif // SPILLWAY_PLAN_PLANFILE_H
