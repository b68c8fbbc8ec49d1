//===- Offload.h - The offload dialect --------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What moves: a plan at the level of tensors. See README.md beside this file.
//
//===----------------------------------------------------------------------===//

#ifndef OFFLOAD_OFFLOAD_H
#define OFFLOAD_OFFLOAD_H

#include "Sched/Sched.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"

namespace spillway::offload {
class ReturnOp;

/// On a `train` op, in the place of its id: a further run of the op of that id.
inline constexpr llvm::StringLiteral kRecomputeOfAttr = "recompute_of";

/// On any op: pairs (operand, result) that share a buffer.
inline constexpr llvm::StringLiteral kInPlaceAttr = "offload.in_place";
} // namespace spillway::offload

#include "Offload/OffloadDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "Offload/OffloadTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "Offload/OffloadAttrs.h.inc"
#define GET_OP_CLASSES
#include "Offload/OffloadOps.h.inc"

#endif // OFFLOAD_OFFLOAD_H
