//===- Layout.h - How a value sees its storage ----*- C++ -*-  -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DIALECTS_TRAIN_LAYOUT_H
#define SPILLWAY_DIALECTS_TRAIN_LAYOUT_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace spillway::train {

/// Bytes of one element; a truth value takes one.
int64_t getElementByteSize(mlir::Type elementType);

/// Bytes of a dense tensor of this type.
int64_t getByteSize(mlir::Type type);

/// Row-major strides, in elements.
llvm::SmallVector<int64_t> denseStrides(llvm::ArrayRef<int64_t> sizes);

/// Sizes and strides in elements, and the offset of the first element.
struct Layout {
  int64_t offset = 0;
  llvm::SmallVector<int64_t> sizes;
  llvm::SmallVector<int64_t> strides;

  static Layout dense(mlir::Type type);
  /// Row-major without gaps (strides of dimensions of size 1 do not matter).
  bool isDense() const;
};

/// How `value` sees `root`, the value that is no view: an argument of the step,
/// the result of an op, or the result of an assemble.
struct ViewOf {
  mlir::Value root;
  Layout layout;
};

/// The value that `value` is a view of, by however many views, or itself.
mlir::Value viewRoot(mlir::Value value);

/// Follows views (ViewOpInterface) from `value` to its root. Fails where a view
/// on the way cannot be expressed by strides; `culprit`, if given, is then set to
/// the view op whose operand must be copied first.
mlir::FailureOr<ViewOf> traceView(mlir::Value value, mlir::Operation **culprit = nullptr);

} // namespace spillway::train

#endif // SPILLWAY_DIALECTS_TRAIN_LAYOUT_H
