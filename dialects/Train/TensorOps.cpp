//===- TensorOps.cpp - Contractions, reductions, data movement -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Builders.h"
#include "Train/Inference.h"
#include "Train/Train.h"
#include "spillway/KernelWorkspace.h"

using namespace mlir;
using namespace spillway::train;

//===----------------------------------------------------------------------===//
// ReduceOp
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto input = tensorType(adaptor.getInput());
  SmallVector<int64_t> shape(input.getShape());
  int64_t previous = -1;
  for (int64_t d : adaptor.getDims()) {
    if (d <= previous || d >= input.getRank())
      return emitInferError<ReduceOp>(loc, "expects ascending dimensions below ", input.getRank(), ", but got [",
                               adaptor.getDims(), "]");
    shape[d] = 1;
    previous = d;
  }
  types.push_back(RankedTensorType::get(shape, input.getElementType()));
  return success();
}

LogicalResult ReduceOp::verify() { return verifyInferred(*this); }
int64_t ReduceOp::getFlops() { return tensorType(getInput()).getNumElements(); }
int64_t ReduceOp::getWorkspaceBytes(int64_t) {
  int64_t outputs = tensorType(getResult()).getNumElements();
  int64_t reduced = outputs ? tensorType(getInput()).getNumElements() / outputs : 0;
  return spillway::workspace::reduceBytes(outputs, reduced);
}
bool ReduceOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }

void ReduceOp::getKernelAttributes(int64_t, NamedAttrList &attributes) {
  attributes.set("fn", StringAttr::get(getContext(), stringifyReduction(getKind())));
  attributes.set("dims", getDimsAttr());
}

LogicalResult ReduceOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                      SmallVectorImpl<Value> &operandGrads) {
  if (getKind() == Reduction::max)
    return emitOpError("has no derivative for 'max'");
  Value g = grads[0];
  auto input = tensorType(getInput());
  int64_t elements = tensorType(getResult()).getNumElements();
  if (getKind() == Reduction::mean && elements > 0)
    g = UnaryOp::create(builder, getLoc(), g, "mul_scalar",
                        static_cast<double>(elements) / static_cast<double>(input.getNumElements()));
  operandGrads.push_back(BroadcastOp::create(builder, getLoc(), input, g));
  return success();
}

//===----------------------------------------------------------------------===//
// ConcatOp
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  if (adaptor.getInputs().empty())
    return emitInferError<ConcatOp>(loc, "expects at least one input");
  auto first = tensorType(adaptor.getInputs()[0]);
  int64_t dim = static_cast<int64_t>(adaptor.getDim());
  if (dim < 0 || dim >= first.getRank())
    return emitInferError<ConcatOp>(loc, "expects a dimension below ", first.getRank(), ", but got ", dim);
  SmallVector<int64_t> shape(first.getShape());
  shape[dim] = 0;
  for (Value input : adaptor.getInputs()) {
    auto type = tensorType(input);
    bool fits = type.getRank() == first.getRank() && type.getElementType() == first.getElementType();
    for (int64_t d = 0; fits && d < first.getRank(); ++d)
      fits = d == dim || type.getDimSize(d) == first.getDimSize(d);
    if (!fits)
      return emitInferError<ConcatOp>(loc, "expects inputs alike but for dimension ", dim, ", but got ", first, " and ", type);
    shape[dim] += type.getDimSize(dim);
  }
  types.push_back(RankedTensorType::get(shape, first.getElementType()));
  return success();
}

LogicalResult ConcatOp::verify() { return verifyInferred(*this); }
bool ConcatOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }

LogicalResult ConcatOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                      SmallVectorImpl<Value> &operandGrads) {
  SmallVector<int64_t> offsets(tensorType(getResult()).getRank(), 0);
  for (Value input : getInputs()) {
    operandGrads.push_back(SliceOp::create(builder, getLoc(), input.getType(), grads[0], offsets));
    offsets[getDim()] += tensorType(input).getDimSize(getDim());
  }
  return success();
}

//===----------------------------------------------------------------------===//
// PadOp
//===----------------------------------------------------------------------===//

LogicalResult PadOp::verify() {
  auto from = tensorType(getInput()), to = tensorType(getResult());
  if (from.getRank() != to.getRank() || static_cast<int64_t>(getLow().size()) != from.getRank() ||
      from.getElementType() != to.getElementType())
    return emitOpError("expects one offset a dimension and a result of the input's rank and element type, but got ")
           << to;
  for (int64_t d = 0; d < from.getRank(); ++d)
    if (getLow()[d] < 0 || getLow()[d] > to.getDimSize(d) - from.getDimSize(d))
      return emitOpError("expects dimension ") << d << " of the input inside [0, " << to.getDimSize(d)
             << "), but got " << from.getDimSize(d) << " elements from " << getLow()[d] << " on";
  return success();
}

bool PadOp::acceptsStrides(unsigned, ArrayRef<int64_t>) { return true; }

LogicalResult PadOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                   SmallVectorImpl<Value> &operandGrads) {
  operandGrads.push_back(SliceOp::create(builder, getLoc(), getInput().getType(), grads[0], getLow()));
  return success();
}

/// The summands of a tree of additions that nothing else uses.
static void collectSummands(Value value, bool isRoot, SmallVectorImpl<Value> &summands) {
  auto add = value.getDefiningOp<BinaryOp>();
  if (!add || add.getFn() != "add" || (!isRoot && !value.hasOneUse()) ||
      add.getLhs().getType() != add.getRhs().getType()) {
    summands.push_back(value);
    return;
  }
  collectSummands(add.getLhs(), false, summands);
  collectSummands(add.getRhs(), false, summands);
}

namespace {
/// The derivatives of the slices that a tensor was split into add up to their
/// concatenation: one pass over the data instead of several over zeros.
struct SumOfPadsToConcat : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    SmallVector<Value> summands;
    collectSummands(op.getResult(), true, summands);
    SmallVector<PadOp> pads;
    for (Value summand : summands)
      if (auto pad = summand.getDefiningOp<PadOp>())
        pads.push_back(pad);
    if (pads.size() < 2 || pads.size() != summands.size())
      return failure();
    auto whole = tensorType(op.getResult());
    // They differ from the whole along one dimension, and tile it.
    std::optional<int64_t> dim;
    for (PadOp pad : pads)
      for (int64_t d = 0; d < whole.getRank(); ++d)
        if (tensorType(pad.getInput()).getDimSize(d) != whole.getDimSize(d)) {
          if (dim && *dim != d)
            return failure();
          dim = d;
        }
    if (!dim)
      return failure();
    llvm::sort(pads, [&](PadOp a, PadOp b) { return a.getLow()[*dim] < b.getLow()[*dim]; });
    int64_t next = 0;
    for (PadOp pad : pads) {
      if (pad.getLow()[*dim] != next)
        return failure();
      next += tensorType(pad.getInput()).getDimSize(*dim);
    }
    if (next != whole.getDimSize(*dim))
      return failure();
    SmallVector<Value> inputs;
    for (PadOp pad : pads)
      inputs.push_back(pad.getInput());
    rewriter.replaceOpWithNewOp<ConcatOp>(op, whole, inputs, rewriter.getI64IntegerAttr(*dim));
    return success();
  }
};
} // namespace

void PadOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<SumOfPadsToConcat>(context);
}

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

void MatmulOp::build(OpBuilder &builder, OperationState &state, Value a, Value b, bool transposeA, bool transposeB,
                     Value bias) {
  auto left = tensorType(a), right = tensorType(b);
  SmallVector<int64_t> shape(left.getShape());
  shape[shape.size() - 2] = left.getDimSize(left.getRank() - (transposeA ? 1 : 2));
  shape.back() = right.getDimSize(right.getRank() - (transposeB ? 2 : 1));
  build(builder, state, RankedTensorType::get(shape, left.getElementType()), a, b, bias,
        builder.getBoolAttr(transposeA), builder.getBoolAttr(transposeB));
}

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto a = tensorType(adaptor.getA()), b = tensorType(adaptor.getB());
  int64_t rank = a.getRank();
  if (rank < 2 || b.getRank() != rank || a.getShape().drop_back(2) != b.getShape().drop_back(2))
    return emitInferError<MatmulOp>(loc, "expects operands of one rank of at least 2 with equal leading dimensions, but got ",
                             a, " and ", b);
  bool ta = adaptor.getTransposeA(), tb = adaptor.getTransposeB();
  int64_t m = a.getDimSize(rank - (ta ? 1 : 2)), k = a.getDimSize(rank - (ta ? 2 : 1));
  int64_t k2 = b.getDimSize(rank - (tb ? 1 : 2)), n = b.getDimSize(rank - (tb ? 2 : 1));
  if (k != k2)
    return emitInferError<MatmulOp>(loc, "expects contracted dimensions that agree, but got ", k, " in ", a, " and ", k2,
                             " in ", b);
  SmallVector<int64_t> shape(a.getShape());
  shape[rank - 2] = m;
  shape[rank - 1] = n;
  types.push_back(RankedTensorType::get(shape, a.getElementType()));
  return success();
}

LogicalResult MatmulOp::verify() {
  if (failed(verifyInferred(*this)))
    return failure();
  if (tensorType(getA()).getElementType() != tensorType(getB()).getElementType())
    return emitOpError("expects operands of one element type, but got ") << getA().getType() << " and "
           << getB().getType();
  int64_t n = tensorType(getResult()).getShape().back();
  if (getBias() && tensorType(getBias()).getShape() != ArrayRef<int64_t>{n})
    return emitOpError("expects a bias of ") << n << " elements, but got " << getBias().getType();
  return success();
}

int64_t MatmulOp::getFlops() {
  auto a = tensorType(getA());
  int64_t k = a.getDimSize(a.getRank() - (getTransposeA() ? 2 : 1));
  return 2 * k * tensorType(getResult()).getNumElements();
}
StringRef MatmulOp::getWorkKind() { return "gemm"; }

bool MatmulOp::acceptsStrides(unsigned index, ArrayRef<int64_t> strides) {
  if (index > 1)
    return false;
  ArrayRef<int64_t> sizes = tensorType(getOperand(index)).getShape();
  // A matrix with one dense side whose rows do not overlap, or its transpose.
  size_t r = strides.size();
  auto isRowMajor = [&](size_t row, size_t column) {
    return (strides[column] == 1 || sizes[column] == 1) && (strides[row] >= sizes[column] || sizes[row] == 1);
  };
  return isRowMajor(r - 2, r - 1) || isRowMajor(r - 1, r - 2);
}

LogicalResult MatmulOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool> needed,
                                      SmallVectorImpl<Value> &operandGrads) {
  Value g = grads[0], a = getA(), b = getB();
  bool ta = getTransposeA(), tb = getTransposeB();
  auto product = [&](Value x, Value y, bool tx, bool ty) -> Value {
    return MatmulOp::create(builder, getLoc(), x, y, tx, ty);
  };
  operandGrads.push_back(!needed[0] ? Value() : ta ? product(b, g, tb, true) : product(g, b, false, !tb));
  operandGrads.push_back(!needed[1] ? Value() : tb ? product(g, a, true, ta) : product(a, g, !ta, false));
  if (getBias())
    operandGrads.push_back(needed[2] ? sumTo(builder, getLoc(), g, tensorType(getBias()).getShape()) : Value());
  return success();
}

namespace {
/// A transposed operand is read in place.
struct FoldTranspose : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    Value operands[2] = {op.getA(), op.getB()};
    bool flags[2] = {op.getTransposeA(), op.getTransposeB()};
    bool changed = false;
    for (int i : {0, 1}) {
      auto transpose = operands[i].getDefiningOp<TransposeOp>();
      if (!transpose)
        continue;
      auto swapped = llvm::to_vector(llvm::seq<int64_t>(0, tensorType(operands[i]).getRank()));
      std::swap(swapped[swapped.size() - 1], swapped[swapped.size() - 2]);
      if (transpose.getPermutation() != ArrayRef<int64_t>(swapped))
        continue;
      operands[i] = transpose.getInput();
      flags[i] = !flags[i];
      changed = true;
    }
    if (!changed)
      return failure();
    rewriter.replaceOpWithNewOp<MatmulOp>(op, operands[0], operands[1], flags[0], flags[1], op.getBias());
    return success();
  }
};
} // namespace

void MatmulOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<FoldTranspose>(context);
}

//===----------------------------------------------------------------------===//
// EmbeddingOp, EmbeddingGradOp
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto table = tensorType(adaptor.getTable());
  if (table.getRank() != 2)
    return emitInferError<EmbeddingOp>(loc, "expects a table of rank 2, but got ", table);
  SmallVector<int64_t> shape(tensorType(adaptor.getIds()).getShape());
  shape.push_back(table.getDimSize(1));
  types.push_back(RankedTensorType::get(shape, table.getElementType()));
  return success();
}

LogicalResult EmbeddingOp::verify() { return verifyInferred(*this); }

/// Only the rows that are looked up move.
int64_t EmbeddingOp::getBytesMoved() { return 2 * getByteSize(getType()) + getByteSize(getIds().getType()); }

std::optional<int64_t> EmbeddingOp::getIndexLimit(unsigned index) {
  return index == 1 ? std::optional(tensorType(getTable()).getDimSize(0)) : std::nullopt;
}

LogicalResult EmbeddingOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                         SmallVectorImpl<Value> &operandGrads) {
  operandGrads.push_back(EmbeddingGradOp::create(builder, getLoc(), getTable().getType(), grads[0], getIds()));
  operandGrads.push_back({});
  return success();
}

std::optional<int64_t> EmbeddingGradOp::getIndexLimit(unsigned index) {
  return index == 1 ? std::optional(tensorType(getResult()).getDimSize(0)) : std::nullopt;
}

LogicalResult EmbeddingGradOp::verify() {
  auto grad = tensorType(getGrad()), table = tensorType(getResult());
  if (table.getRank() != 2 || grad.getRank() < 1 || grad.getElementType() != table.getElementType() ||
      grad.getShape().drop_back() != tensorType(getIds()).getShape() ||
      grad.getShape().back() != table.getDimSize(1))
    return emitOpError("expects a gradient of the shape of the indices and a row of ") << table << ", but got " << grad;
  return success();
}
