//===- Lowering.h - How one ONNX node becomes train ops ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An operator is added by a function `LogicalResult(NodeLowering &)` and one
// line of its part's table. The function checks shapes before it builds an op:
// a model that contradicts itself must give a diagnostic that names the node,
// what was expected and what was found.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_IMPORT_ONNX_LOWERING_H
#define SPILLWAY_LIB_IMPORT_ONNX_LOWERING_H

#include "NodeView.h"
#include "Train/Train.h"

namespace spillway::onnximport {

class Importer;

/// What is known of an ONNX value.
struct ValueState {
  OnnxType type = 0;
  Shape shape;
  std::optional<ConstTensor> constant; ///< Where it is known.
  mlir::Value value;                   ///< Null until an op needs it.
  mlir::Value
      compact; ///< The constant without its repeated dimensions, likewise.
  const onnx::TensorProto *initializer = nullptr;
  bool poisoned = false; ///< Comes from an operator that is not supported.
};

class NodeLowering : public NodeView {
public:
  NodeLowering(Importer &importer, const onnx::NodeProto &node, int64_t opset,
               llvm::ArrayRef<ValueState *> inputs, mlir::Location loc);

  // Inputs.
  size_t numInputs() const { return inputs.size(); }
  bool has(size_t i) const { return i < inputs.size() && inputs[i]; }
  llvm::ArrayRef<int64_t> shape(size_t i) const { return inputs[i]->shape; }
  int64_t rank(size_t i) const {
    return static_cast<int64_t>(inputs[i]->shape.size());
  }
  OnnxType type(size_t i) const { return inputs[i]->type; }
  bool isFloat(size_t i) const { return getStorage(type(i)) == Storage::Float; }
  /// The values of input `i` where they are known, or null.
  const ConstTensor *constant(size_t i) const {
    return has(i) && inputs[i]->constant ? &*inputs[i]->constant : nullptr;
  }
  /// The one number that all elements of a known input are.
  std::optional<double> splat(size_t i) const;
  /// The input as an SSA value; emits an error and returns null where the type
  /// cannot be computed with.
  mlir::Value value(size_t i);
  /// The same, but a known input comes without its repeated dimensions, for
  /// ops that broadcast.
  mlir::Value broadcastable(size_t i);
  /// Integers of input `i` (which must be known), or of attribute `name`.
  mlir::FailureOr<std::optional<Shape>> intsOf(size_t i, llvm::StringRef name);

  // Results.
  mlir::LogicalResult give(mlir::Value result);
  mlir::LogicalResult fail(const llvm::Twine &message);

  // Building. Shapes are the caller's to check.
  mlir::Value reshape(mlir::Value v, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value v, llvm::ArrayRef<int64_t> permutation);
  mlir::Value slice(mlir::Value v, llvm::ArrayRef<int64_t> offsets,
                    llvm::ArrayRef<int64_t> sizes);
  mlir::Value broadcast(mlir::Value v, llvm::ArrayRef<int64_t> shape);
  mlir::Value unary(llvm::StringRef fn, mlir::Value v);
  mlir::Value unary(llvm::StringRef fn, mlir::Value v, double a);
  mlir::Value binary(llvm::StringRef fn, mlir::Value a, mlir::Value b);
  mlir::Value cast(mlir::Value v, mlir::Type element);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> parts, int64_t axis);
  mlir::Value fill(double value, llvm::ArrayRef<int64_t> shape,
                   mlir::Type element);

  static llvm::ArrayRef<int64_t> shapeOf(mlir::Value v);
  static mlir::Type elementOf(mlir::Value v);

  Importer &importer;
  mlir::OpBuilder &builder;
  mlir::Location loc;
  llvm::SmallVector<mlir::Value, 3> outputs;
  llvm::SmallVector<ValueState *, 4> inputs;
};

using LowerFunction = mlir::LogicalResult (*)(NodeLowering &node);

struct LowerEntry {
  const char *op;
  LowerFunction function;
  /// "" is ONNX's own operator set.
  const char *domain = "";
};

/// How to lower an operator, or null.
LowerFunction findLowering(llvm::StringRef domain, llvm::StringRef op);

// Tables of the parts.
llvm::ArrayRef<LowerEntry> elementwiseLowerings();
llvm::ArrayRef<LowerEntry> structureLowerings();
llvm::ArrayRef<LowerEntry> contractionLowerings();
llvm::ArrayRef<LowerEntry> normalizationLowerings();
llvm::ArrayRef<LowerEntry> attentionLowerings();

/// Type of `elements` of an ONNX element type, or null where train has none.
mlir::Type convertType(OnnxType type, mlir::MLIRContext *context);

} // namespace spillway::onnximport

#endif // SPILLWAY_LIB_IMPORT_ONNX_LOWERING_H
