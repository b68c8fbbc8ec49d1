//===- FuseRotary.cpp - Recognise rotary position embedding ---------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusePatterns.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINFUSEROTARY
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

/// value = concat(-x[.., D/2:], x[.., :D/2]) along the last dimension.
Value matchRotatedHalf(Value value) {
  auto concat = value.getDefiningOp<ConcatOp>();
  if (!concat || concat.getInputs().size() != 2)
    return {};
  int64_t rank = tensorType(value).getRank(),
          size = tensorType(value).getShape().back();
  if (static_cast<int64_t>(concat.getDim()) != rank - 1 || size % 2)
    return {};
  auto high = concat.getInputs()[0], low = concat.getInputs()[1];
  high = matchUnary(high, "neg");
  auto upper = high ? high.getDefiningOp<SliceOp>() : SliceOp();
  auto lower = low.getDefiningOp<SliceOp>();
  if (!upper || !lower || upper.getInput() != lower.getInput())
    return {};
  // Two slices of a slice fold into slices of its operand: then the offsets of
  // both start at the first element of x within that operand.
  SmallVector<int64_t> first(lower.getOffsets()), second(upper.getOffsets());
  first.back() += size / 2;
  if (first != second ||
      tensorType(upper.getResult()).getShape().back() != size / 2 ||
      upper.getType() != lower.getType())
    return {};
  return lower.getInput();
}

/// Whether `x` is what the two slices of a rotated half together cover.
bool covers(Value x, Value base, SliceOp lower) {
  if (x == base)
    return x.getType() == base.getType();
  auto slice = x.getDefiningOp<SliceOp>();
  return slice && slice.getInput() == base &&
         slice.getOffsets() == lower.getOffsets();
}

/// cos or sin that broadcasts to [B, H, T, D] (`heads` = 1) or [B, T, H, D]
/// (`heads` = 2) with one row for all heads, as [T, D] or [B, T, D].
Value asTable(PatternRewriter &rewriter, Location loc, Value table,
              ArrayRef<int64_t> shape, int heads, bool buildIt) {
  ArrayRef<int64_t> have = tensorType(table).getShape();
  SmallVector<int64_t> full(shape.size() - std::min(shape.size(), have.size()),
                            1);
  full.append(have.begin(), have.end());
  int64_t batch = shape[0], length = shape[3 - heads], size = shape[3];
  if (full.size() != 4 || full[heads] != 1 || full[3] != size ||
      full[3 - heads] != length || (full[0] != 1 && full[0] != batch))
    return {};
  if (!buildIt)
    return table;
  // A view that repeats rows for a batch is seen through.
  if (auto repeated = table.getDefiningOp<BroadcastOp>())
    if (Value shared =
            asTable(rewriter, loc, repeated.getInput(), shape, heads, true))
      return shared;
  if (full[0] == 1)
    return reshape(rewriter, loc, table, {length, size});
  return reshape(rewriter, loc, table, {batch, length, size});
}

/// x * cos + rotate_half(x) * sin
struct FuseRotaryPattern : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op,
                                PatternRewriter &rewriter) const override {
    auto type = tensorType(op.getResult());
    if (op.getFn() != "add" || type.getRank() != 4)
      return failure();
    Value products[2][2];
    if (!matchBinary(op.getLhs(), "mul", products[0][0], products[0][1]) ||
        !matchBinary(op.getRhs(), "mul", products[1][0], products[1][1]))
      return failure();
    for (int plain : {0, 1})
      for (int i : {0, 1})
        for (int j : {0, 1}) {
          Value x = products[plain][i], cos = products[plain][1 - i];
          Value rotated = products[1 - plain][j],
                sin = products[1 - plain][1 - j];
          Value base = matchRotatedHalf(rotated);
          if (!base || x.getType() != type ||
              !covers(x, base,
                      rotated.getDefiningOp<ConcatOp>()
                          .getInputs()[1]
                          .getDefiningOp<SliceOp>()))
            continue;
          for (int heads : {1, 2}) {
            ArrayRef<int64_t> shape = type.getShape();
            if (!asTable(rewriter, op.getLoc(), cos, shape, heads, false) ||
                !asTable(rewriter, op.getLoc(), sin, shape, heads, false))
              continue;
            Value cosTable =
                asTable(rewriter, op.getLoc(), cos, shape, heads, true);
            Value sinTable =
                asTable(rewriter, op.getLoc(), sin, shape, heads, true);
            if (cosTable.getType() != sinTable.getType())
              continue;
            SmallVector<int64_t> order = {0, 2, 1, 3};
            if (heads == 1)
              x = transposed(rewriter, op.getLoc(), x, order);
            Value y = RopeOp::create(rewriter, op.getLoc(), x, cosTable,
                                     sinTable, rewriter.getBoolAttr(false),
                                     rewriter.getBoolAttr(false));
            if (heads == 1)
              y = transposed(rewriter, op.getLoc(), y, order);
            rewriter.replaceOp(op, y);
            return success();
          }
        }
    return failure();
  }
};

struct FuseRotaryPass : impl::TrainFuseRotaryBase<FuseRotaryPass> {
  void runOnOperation() override {
    if (failed(fuse<FuseRotaryPattern>(getOperation())))
      signalPassFailure();
  }
};

} // namespace
} // namespace spillway
