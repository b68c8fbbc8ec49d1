//===- Passes.h - Passes over the project's dialects ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRANSFORMS_PASSES_H
#define SPILLWAY_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace spillway {

#define GEN_PASS_DECL
#include "spillway/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "spillway/Transforms/Passes.h.inc"

inline void registerTransformsPasses() { registerSpillwayTransformsPasses(); }

} // namespace spillway

#endif // SPILLWAY_TRANSFORMS_PASSES_H
