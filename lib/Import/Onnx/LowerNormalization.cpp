//===- LowerNormalization.cpp - Softmax and normalizations ----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Lowering.h"

using namespace mlir;

namespace spillway::onnximport {
namespace {

/// Exchanges `axis` and the last dimension: its own inverse.
Value swapLast(NodeLowering &n, Value x, int64_t axis) {
  int64_t rank = static_cast<int64_t>(NodeLowering::shapeOf(x).size());
  Shape order;
  for (int64_t i = 0; i < rank; ++i)
    order.push_back(i);
  std::swap(order[axis], order[rank - 1]);
  return n.transpose(x, order);
}

LogicalResult lowerSoftmax(NodeLowering &n) {
  std::optional<int64_t> axis = normalizeAxis(n.getInt("axis", -1), n.rank(0));
  if (!axis || !n.isFloat(0))
    return n.fail("expected a float operand and an axis of it");
  Value x = n.value(0);
  if (!x)
    return failure();
  Value y = train::SoftmaxOp::create(n.builder, n.loc, swapLast(n, x, *axis));
  return n.give(swapLast(n, y, *axis));
}

/// x - max - log(sum(exp(x - max)))
LogicalResult lowerLogSoftmax(NodeLowering &n) {
  std::optional<int64_t> axis = normalizeAxis(n.getInt("axis", -1), n.rank(0));
  if (!axis || !n.isFloat(0))
    return n.fail("expected a float operand and an axis of it");
  Value x = n.value(0);
  if (!x)
    return failure();
  Value top = train::ReduceOp::create(n.builder, n.loc, x,
                                      train::Reduction::max, {*axis});
  Value shifted = n.binary("sub", x, top);
  Value sum = train::ReduceOp::create(n.builder, n.loc, n.unary("exp", shifted),
                                      train::Reduction::sum, {*axis});
  return n.give(n.binary("sub", shifted, n.unary("log", sum)));
}

/// A normalization over the dimensions from `axis` on, whose scale (input 1)
/// has their shape: x as [.., D], and the scale as [D].
struct NormOperands {
  Value x, gamma;
  int64_t size = 0;
  Shape shape;
};

FailureOr<NormOperands> normOperands(NodeLowering &n, int64_t givenAxis) {
  std::optional<int64_t> axis = normalizeAxis(givenAxis, n.rank(0));
  if (!axis || !n.isFloat(0) || !n.has(1) || n.type(1) != n.type(0))
    return n.fail(
        "expected a float operand, an axis of it, and a scale of its type");
  NormOperands result;
  result.shape.assign(n.shape(0).begin(), n.shape(0).end());
  ArrayRef<int64_t> normalized = n.shape(0).drop_front(*axis);
  result.size = countElements(normalized);
  std::optional<Shape> both = broadcastShapes(n.shape(1), normalized);
  if (!both || ArrayRef<int64_t>(*both) != normalized)
    return n.fail("expected a scale of shape " + toString(normalized) +
                  ", but found " + toString(n.shape(1)));
  Value x = n.value(0), gamma = n.value(1);
  if (!x || !gamma)
    return failure();
  Shape rows(n.shape(0).take_front(*axis));
  rows.push_back(result.size);
  result.x = n.reshape(x, rows);
  result.gamma = n.reshape(n.broadcast(gamma, normalized), {result.size});
  return result;
}

LogicalResult layerNorm(NodeLowering &n, int64_t axis, size_t betaInput) {
  FailureOr<NormOperands> operands = normOperands(n, axis);
  if (failed(operands))
    return failure();
  Value beta;
  if (n.has(betaInput)) {
    if (countElements(n.shape(betaInput)) != operands->size)
      return n.fail("expected a bias of " + llvm::Twine(operands->size) +
                    " elements, but found shape " +
                    toString(n.shape(betaInput)));
    beta = n.value(betaInput);
    if (!beta)
      return failure();
    beta = n.reshape(beta, {operands->size});
  } else {
    beta = n.importer.materialize(
        ConstTensor::splat(n.type(0), {operands->size}, 0).dense(), n.loc);
  }
  auto norm = train::LayerNormOp::create(
      n.builder, n.loc, operands->x, operands->gamma, beta,
      n.builder.getF64FloatAttr(n.getFloat("epsilon", 1e-5)));
  return n.give(n.reshape(norm.getResult(), operands->shape));
}

LogicalResult rmsNorm(NodeLowering &n, int64_t axis) {
  FailureOr<NormOperands> operands = normOperands(n, axis);
  if (failed(operands))
    return failure();
  auto norm = train::RmsNormOp::create(
      n.builder, n.loc, operands->x, operands->gamma,
      n.builder.getF64FloatAttr(n.getFloat("epsilon", 1e-5)));
  return n.give(n.reshape(norm.getResult(), operands->shape));
}

LogicalResult lowerLayerNorm(NodeLowering &n) {
  return layerNorm(n, n.getInt("axis", -1), 2);
}

LogicalResult lowerRmsNorm(NodeLowering &n) {
  return rmsNorm(n, n.getInt("axis", -1));
}

/// Of com.microsoft: the sum of two operands (and a bias), normalized; output
/// 3 is the sum.
template <bool rms> LogicalResult lowerSkipNorm(NodeLowering &n) {
  size_t biasInput = rms ? 3 : 4;
  if (!n.has(1) || n.shape(0) != n.shape(1) || !n.has(2))
    return n.fail("expected two operands of one shape and a scale");
  Value x = n.value(0), skip = n.value(1);
  if (!x || !skip)
    return failure();
  Value sum = n.binary("add", x, skip);
  if (n.has(biasInput)) {
    Value bias = n.value(biasInput);
    if (!bias)
      return failure();
    sum = n.binary("add", sum, bias);
  }
  // The operands as those of the plain normalization: sum, scale, bias.
  ValueState state;
  state.type = n.type(0);
  state.shape.assign(n.shape(0).begin(), n.shape(0).end());
  state.value = sum;
  SmallVector<ValueState *, 4> inputs(n.inputs);
  n.inputs = {&state, inputs[2]};
  if (!rms && inputs.size() > 3)
    n.inputs.push_back(inputs[3]);
  LogicalResult result = rms ? rmsNorm(n, -1) : layerNorm(n, -1, 2);
  n.inputs = inputs;
  if (failed(result))
    return failure();
  n.outputs.resize(3);
  return n.give(sum);
}

constexpr LowerEntry kLowerings[] = {
    {"Softmax", lowerSoftmax},
    {"LogSoftmax", lowerLogSoftmax},
    {"LayerNormalization", lowerLayerNorm},
    {"RMSNormalization", lowerRmsNorm},
    {"SimplifiedLayerNormalization", lowerRmsNorm},
    {"SimplifiedLayerNormalization", lowerRmsNorm, "com.microsoft"},
    {"SkipLayerNormalization", lowerSkipNorm<false>, "com.microsoft"},
    {"SkipSimplifiedLayerNormalization", lowerSkipNorm<true>, "com.microsoft"},
};

} // namespace

llvm::ArrayRef<LowerEntry> normalizationLowerings() { return kLowerings; }

} // namespace spillway::onnximport
