//===- Builders.h - Small helpers that build train ops - -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DIALECTS_TRAIN_BUILDERS_H
#define SPILLWAY_DIALECTS_TRAIN_BUILDERS_H

#include "mlir/IR/Builders.h"

namespace spillway::train {

/// `value` reshaped, or itself where it has that shape.
mlir::Value reshape(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                    llvm::ArrayRef<int64_t> shape);

/// `value` summed over the dimensions along which `shape` was broadcast to give
/// its shape: the derivative of broadcasting. The result has `shape`.
mlir::Value sumTo(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                  llvm::ArrayRef<int64_t> shape);

/// The shape that two operands broadcast to, as NumPy has it.
mlir::FailureOr<llvm::SmallVector<int64_t>> broadcastShapes(llvm::ArrayRef<int64_t> a,
                                                            llvm::ArrayRef<int64_t> b);

} // namespace spillway::train

#endif // SPILLWAY_DIALECTS_TRAIN_BUILDERS_H
