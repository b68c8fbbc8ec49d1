//===- Train.h - The train dialect ---------------*- C++ -*-  -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DIALECTS_TRAIN_TRAIN_H
#define SPILLWAY_DIALECTS_TRAIN_TRAIN_H

#include "Train/Layout.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace spillway::train {
class ReturnOp;

/// The name of the attribute that freezing gives to every kernel op.
inline constexpr llvm::StringLiteral kIdAttr = "id";

/// The inherent attributes of `op`, but for segment sizes.
void appendInherentAttributes(mlir::Operation *op, mlir::NamedAttrList &attributes);

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}
} // namespace spillway::train

#include "Train/TrainDialect.h.inc"
#include "Train/TrainEnums.h.inc"
#include "Train/TrainInterfaces.h.inc"
#define GET_ATTRDEF_CLASSES
#include "Train/TrainAttributes.h.inc"
#define GET_OP_CLASSES
#include "Train/TrainOps.h.inc"

#endif // SPILLWAY_DIALECTS_TRAIN_TRAIN_H
