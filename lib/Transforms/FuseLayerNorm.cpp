//===- FuseLayerNorm.cpp - Recognise layer normalization ------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINFUSELAYERNORM
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

/// value = (x - mean) / sqrt(variance + eps)
Value matchNormalized(Value value, double &eps) {
  Value centered, biased, lhs, rhs;
  if (matchBinary(value, "div", centered, rhs)) {
    biased = matchUnary(rhs, "sqrt");
  } else if (matchBinary(value, "mul", lhs, rhs)) {
    centered = lhs;
    biased = matchRsqrt(rhs);
    if (!biased) {
      centered = rhs;
      biased = matchRsqrt(lhs);
    }
  }
  Value variance = biased ? matchUnary(biased, "add_scalar", eps) : Value();
  Value squares = variance ? matchLastMean(variance) : Value();
  if (!squares || eps < 0)
    return {};
  // The deviation may be computed twice: once to square, once to scale.
  Value x, mean, x2, mean2, deviation = matchSquare(squares);
  if (!deviation || !matchBinary(centered, "sub", x, mean) ||
      matchLastMean(mean) != x || !matchBinary(deviation, "sub", x2, mean2) ||
      x2 != x || matchLastMean(mean2) != x)
    return {};
  return x.getType() == value.getType() ? x : Value();
}

/// value = normalized * gamma, with gamma along the last dimension.
Value matchScale(Value value, double &eps, Value &gamma) {
  Value lhs, rhs;
  if (!matchBinary(value, "mul", lhs, rhs))
    return {};
  int64_t size =
      tensorType(value).getRank() ? tensorType(value).getShape().back() : 0;
  for (auto [normalized, scale] : {std::pair(lhs, rhs), std::pair(rhs, lhs)})
    if (isRow(scale, size) && normalized.getType() == value.getType())
      if (Value x = matchNormalized(normalized, eps)) {
        gamma = scale;
        return x;
      }
  return {};
}

struct FuseLayerNormPattern : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op,
                                PatternRewriter &rewriter) const override {
    auto type = tensorType(op.getResult());
    if (op.getFn() != "add" || type.getRank() == 0)
      return failure();
    int64_t size = type.getShape().back();
    for (auto [scaled, beta] : {std::pair(op.getLhs(), op.getRhs()),
                                std::pair(op.getRhs(), op.getLhs())}) {
      Value gamma;
      double eps = 0;
      if (scaled.getType() != type || !isRow(beta, size))
        continue;
      Value x = matchScale(scaled, eps, gamma);
      if (!x)
        continue;
      gamma = asRow(rewriter, op.getLoc(), gamma, size);
      Value row = asRow(rewriter, op.getLoc(), beta, size);
      auto norm = LayerNormOp::create(rewriter, op.getLoc(), x, gamma, row,
                                      rewriter.getF64FloatAttr(eps));
      rewriter.replaceOp(op, norm.getResult());
      return success();
    }
    return failure();
  }
};

struct FuseLayerNormPass : impl::TrainFuseLayerNormBase<FuseLayerNormPass> {
  void runOnOperation() override {
    if (failed(fuse<FuseLayerNormPattern>(getOperation())))
      signalPassFailure();
  }
};

} // namespace
} // namespace spillway
