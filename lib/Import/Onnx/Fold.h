//===- Fold.h - Evaluates ONNX operators on known values --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With all dimensions bound, the part of a model that computes shapes,
// positions and masks depends on nothing that a step is fed: it is evaluated
// here.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_IMPORT_ONNX_FOLD_H
#define SPILLWAY_LIB_IMPORT_ONNX_FOLD_H

#include "NodeView.h"

namespace spillway::onnximport {

/// Most stored elements of a folded value. A mask over 8192 x 8192 positions
/// is below; a larger one is refused rather than swallow the memory.
inline constexpr int64_t kMaxFoldedElements = int64_t{1} << 26;

/// One evaluation: a node, its inputs (null where left out), its results.
struct FoldCall : NodeView {
  FoldCall(const onnx::NodeProto &node, int64_t opset,
           llvm::ArrayRef<const ConstTensor *> inputs)
      : NodeView(node, opset), inputs(inputs) {}

  bool has(size_t i) const { return i < inputs.size() && inputs[i]; }
  const ConstTensor &in(size_t i) const { return *inputs[i]; }
  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }
  bool give(ConstTensor result) {
    outputs.push_back(std::move(result));
    return true;
  }
  /// Integers of input `i`, or of attribute `name` (older operator sets).
  std::optional<Shape> intsOf(size_t i, llvm::StringRef name) const {
    return has(i) ? std::optional(in(i).toInts()) : getInts(name);
  }

  llvm::ArrayRef<const ConstTensor *> inputs;
  llvm::SmallVector<ConstTensor, 2> outputs;
  std::string error;
};

/// Returns false with `call.error` set where the inputs are not valid.
using FoldFunction = bool (*)(FoldCall &call);

/// The evaluator of an operator of the default domain, or null. Inputs that
/// are not optional are there when it is called.
FoldFunction findFold(llvm::StringRef op);

// Tables of the parts, one entry an operator.
struct FoldEntry {
  const char *op;
  FoldFunction function;
};
llvm::ArrayRef<FoldEntry> elementwiseFolds();
llvm::ArrayRef<FoldEntry> structureFolds();
llvm::ArrayRef<FoldEntry> indexingFolds();
llvm::ArrayRef<FoldEntry> reductionFolds();

/// The positions start, start + step, ... that ONNX's Slice takes of a
/// dimension of `size` elements.
struct SliceRange {
  int64_t start, step, count;
};
SliceRange clampSlice(int64_t start, int64_t end, int64_t step, int64_t size);

/// The shape that Reshape gives: 0 copies, -1 is inferred. Nothing where the
/// element counts do not agree.
std::optional<Shape> resolveReshape(llvm::ArrayRef<int64_t> from,
                                    llvm::ArrayRef<int64_t> to, bool allowZero);

/// The number of elements of each part that Split cuts a dimension into, or
/// nothing (with `error` set) where they do not add up.
std::optional<Shape> resolveSplit(const NodeView &node, int64_t size,
                                  std::optional<Shape> sizes,
                                  std::string &error);

} // namespace spillway::onnximport

#endif // SPILLWAY_LIB_IMPORT_ONNX_FOLD_H
