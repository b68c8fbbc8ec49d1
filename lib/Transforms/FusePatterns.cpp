//===- FusePatterns.cpp - What the fusing passes share --------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"
#include <cmath>

using namespace mlir;

namespace spillway::train {

Value matchUnary(Value value, llvm::StringRef fn) {
  auto op = value.getDefiningOp<UnaryOp>();
  return op && op.getFn() == fn ? op.getInput() : Value();
}

Value matchUnary(Value value, llvm::StringRef fn, double &a) {
  auto op = value.getDefiningOp<UnaryOp>();
  if (!op || op.getFn() != fn || !op.getA())
    return {};
  a = op.getA()->convertToDouble();
  return op.getInput();
}

bool matchBinary(Value value, llvm::StringRef fn, Value &lhs, Value &rhs) {
  auto op = value.getDefiningOp<BinaryOp>();
  if (!op || op.getFn() != fn)
    return false;
  lhs = op.getLhs();
  rhs = op.getRhs();
  return true;
}

std::optional<double> matchSplat(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto fill = dyn_cast<FillOp>(op))
      return fill.getValue().convertToDouble();
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
      if (!dense || !dense.isSplat())
        return std::nullopt;
      if (isa<FloatType>(dense.getElementType()))
        return dense.getSplatValue<APFloat>().convertToDouble();
      return std::nullopt;
    }
    if (!isa<ViewOpInterface>(op))
      return std::nullopt;
    value = op->getOperand(0);
  }
  return std::nullopt;
}

Value matchScaled(Value value, double &scale) {
  if (Value x = matchUnary(value, "mul_scalar", scale))
    return x;
  Value lhs, rhs;
  if (matchBinary(value, "mul", lhs, rhs))
    for (auto [x, other] : {std::pair(lhs, rhs), std::pair(rhs, lhs)})
      if (std::optional<double> a = matchSplat(other);
          a && x.getType() == value.getType()) {
        scale = *a;
        return x;
      }
  if (matchBinary(value, "div", lhs, rhs) && lhs.getType() == value.getType())
    if (std::optional<double> a = matchSplat(rhs); a && *a != 0) {
      scale = 1 / *a;
      return lhs;
    }
  return {};
}

Value matchSquare(Value value) {
  double exponent = 0;
  if (Value x = matchUnary(value, "square"))
    return x;
  if (Value x = matchUnary(value, "pow_scalar", exponent))
    return exponent == 2 ? x : Value();
  Value lhs, rhs;
  return matchBinary(value, "mul", lhs, rhs) && lhs == rhs ? lhs : Value();
}

Value matchRsqrt(Value value) {
  if (Value x = matchUnary(value, "rsqrt"))
    return x;
  if (Value root = matchUnary(value, "reciprocal"))
    return matchUnary(root, "sqrt");
  double exponent = 0;
  if (Value x = matchUnary(value, "pow_scalar", exponent))
    return exponent == -0.5 ? x : Value();
  Value lhs, rhs;
  if (matchBinary(value, "div", lhs, rhs) && matchSplat(lhs) == 1.0)
    return matchUnary(rhs, "sqrt");
  return {};
}

Value matchLastMean(Value value) {
  if (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  auto reduce = value.getDefiningOp<ReduceOp>();
  if (!reduce || reduce.getKind() != Reduction::mean)
    return {};
  int64_t rank = tensorType(reduce.getInput()).getRank();
  return reduce.getDims() == ArrayRef<int64_t>{rank - 1} ? reduce.getInput()
                                                         : Value();
}

bool isRow(Value value, int64_t size) {
  auto type = tensorType(value);
  return type.getRank() >= 1 && type.getNumElements() == size &&
         type.getShape().back() == size;
}

Value asRow(PatternRewriter &rewriter, Location loc, Value value,
            int64_t size) {
  return isRow(value, size) ? reshape(rewriter, loc, value, {size}) : Value();
}

Value transposed(PatternRewriter &rewriter, Location loc, Value value,
                 ArrayRef<int64_t> permutation) {
  return rewriter.createOrFold<TransposeOp>(loc, value, permutation);
}

bool isNear(double value, double expected) {
  return std::fabs(value - expected) <= 1e-4 * std::fabs(expected);
}

} // namespace spillway::train
