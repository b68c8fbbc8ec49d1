//===- FusePatterns.h - What the fusing passes share ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_TRANSFORMS_FUSEPATTERNS_H
#define SPILLWAY_LIB_TRANSFORMS_FUSEPATTERNS_H

#include "Train/Builders.h"
#include "Train/Train.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <optional>

namespace spillway::train {

/// All that a fusing pass does: applies its patterns until nothing changes.
template <typename... Patterns>
mlir::LogicalResult fuse(mlir::Operation *root) {
  mlir::RewritePatternSet patterns(root->getContext());
  patterns.add<Patterns...>(root->getContext());
  return mlir::applyPatternsGreedily(root, std::move(patterns));
}

/// The operand of `fn` where `value` is that function of one element.
mlir::Value matchUnary(mlir::Value value, llvm::StringRef fn);

/// The same for functions with a scalar parameter.
mlir::Value matchUnary(mlir::Value value, llvm::StringRef fn, double &a);

/// The operands where `value` is that function of two elements.
bool matchBinary(mlir::Value value, llvm::StringRef fn, mlir::Value &lhs,
                 mlir::Value &rhs);

/// The one number that all elements of `value` are: of a constant or a fill,
/// seen through views.
std::optional<double> matchSplat(mlir::Value value);

/// `value` is `operand` times a number, by multiplication or division.
mlir::Value matchScaled(mlir::Value value, double &scale);

/// `value` is x squared, however spelled.
mlir::Value matchSquare(mlir::Value value);

/// `value` is 1 / sqrt(x), however spelled.
mlir::Value matchRsqrt(mlir::Value value);

/// `value` is the mean of x over its last dimension alone, with or without
/// that dimension.
mlir::Value matchLastMean(mlir::Value value);

/// A vector along the last dimension: `value` reshaped to [size] where it has
/// `size` elements, all along its last dimension; else null. Builds at most a
/// reshape.
mlir::Value asRow(mlir::PatternRewriter &rewriter, mlir::Location loc,
                  mlir::Value value, int64_t size);

/// Whether `value` could be given to asRow.
bool isRow(mlir::Value value, int64_t size);

/// `value` with dimensions in another order, or itself.
mlir::Value transposed(mlir::PatternRewriter &rewriter, mlir::Location loc,
                       mlir::Value value, llvm::ArrayRef<int64_t> permutation);

/// Equal up to the rounding of a constant that an exporter wrote down.
bool isNear(double value, double expected);

} // namespace spillway::train

#endif // SPILLWAY_LIB_TRANSFORMS_FUSEPATTERNS_H
