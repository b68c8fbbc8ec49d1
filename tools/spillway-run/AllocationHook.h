//===- AllocationHook.h - Counts all allocations ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TOOLS_SPILLWAY_RUN_ALLOCATIONHOOK_H
#define SPILLWAY_TOOLS_SPILLWAY_RUN_ALLOCATIONHOOK_H

#include <cstdint>

namespace spillway::run {

/// Whether this build counts; a sanitizer has its own allocator.
bool countsAllocations();

/// Calls to malloc and its kin, operator new and mmap so far, by our code and
/// by libraries alike: the program's own symbols come first when they are
/// resolved.
uint64_t allocationCount();

} // namespace spillway::run

#endif // SPILLWAY_TOOLS_SPILLWAY_RUN_ALLOCATIONHOOK_H
