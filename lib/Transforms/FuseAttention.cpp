//===- FuseAttention.cpp - Recognise scaled dot-product attention ---------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionMask.h"
#include "FusePatterns.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINFUSEATTENTION
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

/// What lies between the scores and the softmax.
struct Scores {
  MatmulOp product;
  double scale = 1;
  Value mask;     ///< Null, or the one mask.
  Value inverted; ///< A boolean that forbids where true, in place of `mask`.
};

/// Whether `value` is a product of matrices, scaled or not.
bool isScaledProduct(Value value) {
  double ignored = 1;
  while (Value x = matchScaled(value, ignored))
    value = x;
  return value.getDefiningOp<MatmulOp>() != nullptr;
}

/// Follows scale and mask, in any order, from the softmax to the product.
bool matchScores(Value value, Scores &scores) {
  while (true) {
    double a = 1;
    Value lhs, rhs;
    if (auto product = value.getDefiningOp<MatmulOp>()) {
      scores.product = product;
      return !product.getBias() && !product.getTransposeA();
    }
    if (Value x = matchScaled(value, a)) {
      scores.scale *= a;
      value = x;
      continue;
    }
    bool masked = scores.mask || scores.inverted;
    // A mask that would be scaled too is another mask.
    if (matchBinary(value, "add", lhs, rhs) && !masked && scores.scale == 1) {
      bool left = isScaledProduct(lhs);
      Value next = left ? lhs : rhs;
      scores.mask = left ? rhs : lhs;
      if (next.getType() != value.getType())
        return false;
      value = next;
      continue;
    }
    if (auto select = value.getDefiningOp<SelectOp>(); select && !masked) {
      std::optional<double> whereTrue = matchSplat(select.getLhs());
      std::optional<double> whereFalse = matchSplat(select.getRhs());
      if (whereFalse && forbids(*whereFalse)) {
        scores.mask = select.getCondition();
        value = select.getLhs();
      } else if (whereTrue && forbids(*whereTrue)) {
        scores.inverted = select.getCondition();
        value = select.getRhs();
      } else {
        return false;
      }
      continue;
    }
    // A floor under the scores that only a forbidden one could reach.
    if (matchBinary(value, "max", lhs, rhs)) {
      std::optional<double> floor = matchSplat(rhs);
      if (floor && *floor < -1e30 && lhs.getType() == value.getType()) {
        value = lhs;
        continue;
      }
    }
    return false;
  }
}

/// The softmax under what exporters put around it: a guard against rows with
/// nothing to see, whose result is 0 in the kernel too.
SoftmaxOp matchProbabilities(Value value) {
  if (auto select = value.getDefiningOp<SelectOp>()) {
    auto isNaN = select.getCondition().getDefiningOp<CompareOp>();
    if (!isNaN || isNaN.getFn() != "ne" || isNaN.getLhs() != isNaN.getRhs() ||
        isNaN.getLhs() != select.getRhs() || matchSplat(select.getLhs()) != 0.0)
      return {};
    value = select.getRhs();
  }
  return value.getDefiningOp<SoftmaxOp>();
}

SmallVector<int64_t> swapLast(int64_t rank) {
  auto order = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

struct FuseAttentionPattern : OpRewritePattern<MatmulOp> {
  FuseAttentionPattern(MLIRContext *context, MaskClassifier &classifier)
      : OpRewritePattern(context), classifier(classifier) {}

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    int64_t rank = tensorType(op.getResult()).getRank();
    SoftmaxOp softmax = matchProbabilities(op.getA());
    Scores scores;
    if (!softmax || op.getBias() || op.getTransposeA() ||
        (rank != 3 && rank != 4) || !matchScores(softmax.getInput(), scores))
      return failure();
    if (scores.mask && isLearned(scores.mask))
      return rewriter.notifyMatchFailure(op, "the mask is learned");

    // The scale may be split over both operands, and stand before or after the
    // transposition of the keys.
    double scale = scores.scale, a = 1;
    Value q = scores.product.getA(), k = scores.product.getB(), v = op.getB();
    while (Value x = matchScaled(q, a)) {
      scale *= a;
      q = x;
    }
    bool rowsAreKeys = scores.product.getTransposeB();
    while (true) {
      if (Value x = matchScaled(k, a)) {
        scale *= a;
        k = x;
        continue;
      }
      auto transpose = k.getDefiningOp<TransposeOp>();
      if (!transpose ||
          transpose.getPermutation() != ArrayRef<int64_t>(swapLast(rank)))
        break;
      rowsAreKeys = !rowsAreKeys;
      k = transpose.getInput();
    }
    ArrayRef<int64_t> matrix = tensorType(softmax.getResult()).getShape();
    int64_t queries = matrix[rank - 2], keys = matrix[rank - 1];
    if (tensorType(q).getShape().back() !=
        tensorType(op.getResult()).getShape().back())
      return rewriter.notifyMatchFailure(op, "keys and values differ in size");
    Location loc = op.getLoc();
    if (!rowsAreKeys)
      k = transposed(rewriter, loc, k, swapLast(rank));
    if (op.getTransposeB())
      v = transposed(rewriter, loc, v, swapLast(rank));

    // To [B, T, H, D]; without heads each matrix of the batch is one.
    auto toHeadsLast = [&](Value value) -> Value {
      if (rank == 4)
        return transposed(rewriter, loc, value, {0, 2, 1, 3});
      ArrayRef<int64_t> shape = tensorType(value).getShape();
      return reshape(rewriter, loc, value, {shape[0], shape[1], 1, shape[2]});
    };
    Value heads[3] = {toHeadsLast(q), toHeadsLast(k), toHeadsLast(v)};

    Value mask = scores.mask;
    if (scores.inverted) {
      Value truth = ConstantOp::create(
          rewriter, loc,
          DenseElementsAttr::get(
              RankedTensorType::get({}, rewriter.getI1Type()), true));
      mask = LogicalOp::create(rewriter, loc, "xor", scores.inverted, truth);
    }
    bool causal = false;
    splitMask(mask, causal, queries, keys, classifier);
    if (mask && rank == 3) {
      SmallVector<int64_t> shape(tensorType(mask).getShape());
      shape.insert(shape.begin(), 3 - shape.size(), 1);
      shape.insert(shape.begin() + 1, 1);
      mask = reshape(rewriter, loc, mask, shape);
    }
    auto attention = AttentionOp::create(
        rewriter, loc, heads[0], heads[1], heads[2], mask,
        rewriter.getF64FloatAttr(scale), rewriter.getBoolAttr(causal));
    Value result = attention.getResult();
    result = rank == 3 ? reshape(rewriter, loc, result,
                                 tensorType(op.getResult()).getShape())
                       : transposed(rewriter, loc, result, {0, 2, 1, 3});
    rewriter.replaceOp(op, result);
    return success();
  }

  MaskClassifier &classifier;
};

/// An attention that came as one op with a mask: what the mask says is an
/// attribute where it can be.
struct SimplifyMask : OpRewritePattern<AttentionOp> {
  SimplifyMask(MLIRContext *context, MaskClassifier &classifier)
      : OpRewritePattern(context), classifier(classifier) {}

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    Value mask = op.getMask();
    bool causal = op.getCausal();
    if (!splitMask(mask, causal, tensorType(op.getQ()).getDimSize(1),
                   tensorType(op.getK()).getDimSize(1), classifier))
      return failure();
    auto simple = AttentionOp::create(
        rewriter, op.getLoc(), op.getQ(), op.getK(), op.getV(), mask,
        op.getScaleAttr(), rewriter.getBoolAttr(causal));
    rewriter.replaceOp(op, simple.getResults());
    return success();
  }

  MaskClassifier &classifier;
};

/// The [B, S, K, D] of which `value` [B, S, H, D] repeats each head H / K
/// times: a transposed merge of a broadcast. Null where it does not.
Value peelRepeat(PatternRewriter &rewriter, Value value) {
  auto turn = value.getDefiningOp<TransposeOp>();
  if (!turn || turn.getPermutation() != ArrayRef<int64_t>({0, 2, 1, 3}))
    return {};
  auto merge = turn.getInput().getDefiningOp<ReshapeOp>();
  if (!merge)
    return {};
  auto repeat = merge.getInput().getDefiningOp<BroadcastOp>();
  if (!repeat || tensorType(merge.getInput()).getRank() != 5 ||
      tensorType(repeat.getInput()).getRank() != 5)
    return {};
  ArrayRef<int64_t> wide = tensorType(merge.getInput()).getShape();
  ArrayRef<int64_t> narrow = tensorType(repeat.getInput()).getShape();
  ArrayRef<int64_t> merged = tensorType(merge.getResult()).getShape();
  SmallVector<int64_t> expected(wide);
  expected[2] = 1;
  if (narrow != ArrayRef<int64_t>(expected) ||
      merged !=
          ArrayRef<int64_t>({wide[0], wide[1] * wide[2], wide[3], wide[4]}))
    return {};
  Value heads = reshape(rewriter, value.getLoc(), repeat.getInput(),
                        {narrow[0], narrow[1], narrow[3], narrow[4]});
  return transposed(rewriter, value.getLoc(), heads, {0, 2, 1, 3});
}

/// Keys and values that are repeated for groups of queries: the kernel does it.
struct UngroupHeads : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    Value k = peelRepeat(rewriter, op.getK()),
          v = k ? peelRepeat(rewriter, op.getV()) : Value();
    if (!v || k.getType() != v.getType())
      return failure();
    rewriter.replaceOpWithNewOp<AttentionOp>(op, op.getQ(), k, v, op.getMask(),
                                             op.getScaleAttr(),
                                             op.getCausalAttr());
    return success();
  }
};

/// reshape(transpose(x)) where both leave each other's dimensions alone:
/// exporters merge batch and heads around the transposition of the keys.
struct SwapReshapeTranspose : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose || transpose.getPermutation().size() != 3 ||
        transpose.getPermutation() != ArrayRef<int64_t>({0, 2, 1}))
      return failure();
    ArrayRef<int64_t> from = tensorType(op.getInput()).getShape();
    ArrayRef<int64_t> to = tensorType(op.getResult()).getShape();
    if (to.size() != 4 || from.take_back(2) != to.take_back(2))
      return failure();
    Value split = reshape(rewriter, op.getLoc(), transpose.getInput(),
                          {to[0], to[1], to[3], to[2]});
    rewriter.replaceOp(op,
                       transposed(rewriter, op.getLoc(), split, {0, 1, 3, 2}));
    return success();
  }
};

struct FuseAttentionPass : impl::TrainFuseAttentionBase<FuseAttentionPass> {
  void runOnOperation() override {
    // First the views around the keys are brought into one form.
    if (failed(fuse<SwapReshapeTranspose>(getOperation())))
      return signalPassFailure();
    MaskClassifier classifier;
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseAttentionPattern, SimplifyMask>(&getContext(), classifier);
    patterns.add<UngroupHeads>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace spillway
