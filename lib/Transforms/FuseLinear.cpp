//===- FuseLinear.cpp - Give a matrix product its bias --------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINFUSELINEAR
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

struct FuseBias : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op,
                                PatternRewriter &rewriter) const override {
    auto type = tensorType(op.getResult());
    if (op.getFn() != "add" || type.getRank() == 0)
      return failure();
    int64_t size = type.getShape().back();
    for (auto [product, bias] : {std::pair(op.getLhs(), op.getRhs()),
                                 std::pair(op.getRhs(), op.getLhs())}) {
      if (product.getType() != type || !isRow(bias, size))
        continue;
      // Rows may have been regrouped in between, columns not.
      Value inner = product;
      if (auto view = product.getDefiningOp<ReshapeOp>();
          view && view->hasOneUse())
        inner = view.getInput();
      auto matmul = inner.getDefiningOp<MatmulOp>();
      if (!matmul || matmul.getBias() || !matmul->hasOneUse() ||
          tensorType(inner).getShape().back() != size)
        continue;
      // The bias may have been made after the product.
      rewriter.setInsertionPoint(op);
      Value row = asRow(rewriter, op.getLoc(), bias, size);
      Value sum = MatmulOp::create(rewriter, matmul.getLoc(), matmul.getA(),
                                   matmul.getB(), matmul.getTransposeA(),
                                   matmul.getTransposeB(), row);
      rewriter.replaceOp(op,
                         reshape(rewriter, op.getLoc(), sum, type.getShape()));
      return success();
    }
    return failure();
  }
};

struct FuseLinearPass : impl::TrainFuseLinearBase<FuseLinearPass> {
  void runOnOperation() override {
    if (failed(fuse<FuseBias>(getOperation())))
      signalPassFailure();
  }
};

} // namespace
} // namespace spillway
