//===- Passes.h - From one dialect to the next ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_CONVERSION_PASSES_H
#define SPILLWAY_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace spillway {

#define GEN_PASS_DECL
#include "spillway/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "spillway/Conversion/Passes.h.inc"

} // namespace spillway

#endif // SPILLWAY_CONVERSION_PASSES_H
