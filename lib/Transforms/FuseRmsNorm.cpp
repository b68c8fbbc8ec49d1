//===- FuseRmsNorm.cpp - Recognise root-mean-square normalization ---------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINFUSERMSNORM
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

/// value = x / sqrt(mean(x^2) + eps)
Value matchNormalized(Value value, double &eps) {
  Value lhs, rhs;
  auto check = [&](Value x, Value biased) -> Value {
    Value mean = biased ? matchUnary(biased, "add_scalar", eps) : Value();
    Value squares = mean ? matchLastMean(mean) : Value();
    bool matches = squares && matchSquare(squares) == x &&
                   x.getType() == value.getType() && eps >= 0;
    return matches ? x : Value();
  };
  if (matchBinary(value, "div", lhs, rhs))
    return check(lhs, matchUnary(rhs, "sqrt"));
  if (!matchBinary(value, "mul", lhs, rhs))
    return {};
  if (Value x = check(lhs, matchRsqrt(rhs)))
    return x;
  return check(rhs, matchRsqrt(lhs));
}

struct FuseRmsNormPattern : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op,
                                PatternRewriter &rewriter) const override {
    auto type = tensorType(op.getResult());
    if (op.getFn() != "mul" || type.getRank() == 0)
      return failure();
    int64_t size = type.getShape().back();
    for (auto [normalized, gamma] : {std::pair(op.getLhs(), op.getRhs()),
                                     std::pair(op.getRhs(), op.getLhs())}) {
      double eps = 0;
      if (normalized.getType() != type || !isRow(gamma, size))
        continue;
      Value x = matchNormalized(normalized, eps);
      if (!x)
        continue;
      Value row = asRow(rewriter, op.getLoc(), gamma, size);
      auto norm = RmsNormOp::create(rewriter, op.getLoc(), x, row,
                                    rewriter.getF64FloatAttr(eps));
      rewriter.replaceOp(op, norm.getResult());
      return success();
    }
    return failure();
  }
};

struct FuseRmsNormPass : impl::TrainFuseRmsNormBase<FuseRmsNormPass> {
  void runOnOperation() override {
    if (failed(fuse<FuseRmsNormPattern>(getOperation())))
      signalPassFailure();
  }
};

} // namespace
} // namespace spillway
