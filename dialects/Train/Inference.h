//===- Inference.h - Verifying what type inference says ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An op that infers its result types checks its operands there once, for the
// parser and the verifier. Left to itself, InferTypeOpInterface reports each
// failure twice, and without the name of the op.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DIALECTS_TRAIN_INFERENCE_H
#define SPILLWAY_DIALECTS_TRAIN_INFERENCE_H

#include "Train/Train.h"

namespace spillway::train {

/// The error of OpTy::inferReturnTypes, as emitOpError has it.
template <typename OpTy, typename... Args>
llvm::LogicalResult emitInferError(std::optional<mlir::Location> loc, Args &&...args) {
  return mlir::emitOptionalError(loc, "'", OpTy::getOperationName(), "' op ", std::forward<Args>(args)...);
}

/// Verifies that the results of `op` have the types that it infers.
template <typename OpTy> llvm::LogicalResult verifyInferred(OpTy op) {
  llvm::SmallVector<mlir::Type> types;
  if (failed(OpTy::inferReturnTypes(op.getContext(), op.getLoc(), op->getOperands(), op->getAttrDictionary(),
                                    op->getPropertiesStorage(), op->getRegions(), types)))
    return llvm::failure();
  if (llvm::equal(types, op->getResultTypes()))
    return llvm::success();
  return op->emitOpError("expects results of type ") << types << ", but got " << op->getResultTypes();
}

} // namespace spillway::train

#endif // SPILLWAY_DIALECTS_TRAIN_INFERENCE_H
