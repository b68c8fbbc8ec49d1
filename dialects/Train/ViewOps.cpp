//===- ViewOps.cpp - Ops that compute nothing ---- -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Builders.h"
#include "Train/Inference.h"
#include "Train/Train.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace spillway::train;

//===----------------------------------------------------------------------===//
// ReshapeOp
//===----------------------------------------------------------------------===//

LogicalResult ReshapeOp::verify() {
  auto from = tensorType(getInput()), to = tensorType(getResult());
  if (from.getNumElements() != to.getNumElements())
    return emitOpError("expects ") << from.getNumElements() << " elements in the result, but got "
           << to.getNumElements();
  if (from.getElementType() != to.getElementType())
    return emitOpError("expects the element type ") << from.getElementType() << ", but got " << to.getElementType();
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(adaptor.getInput()))
    return dense.reshape(cast<ShapedType>(getType()));
  if (auto inner = getInput().getDefiningOp<ReshapeOp>()) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

/// Regroups dimensions: walks both shapes from the left, and for each minimal
/// group of equal products needs the input's dimensions to be mutually dense.
LogicalResult ReshapeOp::applyView(Layout &layout) {
  ArrayRef<int64_t> target = tensorType(getResult()).getShape();
  Layout result{layout.offset, SmallVector<int64_t>(target), {}};
  result.strides.assign(target.size(), 0);
  if (tensorType(getResult()).getNumElements() == 0 || layout.isDense()) {
    result.strides = denseStrides(target);
    layout = result;
    return success();
  }
  // Dimensions of size 1 carry no stride worth keeping.
  SmallVector<int64_t> sizes, strides;
  for (auto [size, stride] : llvm::zip(layout.sizes, layout.strides))
    if (size != 1) {
      sizes.push_back(size);
      strides.push_back(stride);
    }
  size_t i = 0, j = 0;
  while (i < sizes.size()) {
    while (j < target.size() && target[j] == 1)
      ++j;
    size_t firstIn = i, firstOut = j;
    int64_t in = sizes[i++], out = target[j++];
    while (in != out)
      if (in < out)
        in *= sizes[i++];
      else
        out *= target[j++];
    for (size_t k = firstIn; k + 1 < i; ++k)
      if (strides[k] != strides[k + 1] * sizes[k + 1])
        return failure();
    int64_t stride = strides[i - 1];
    for (size_t k = j; k-- > firstOut;) {
      result.strides[k] = stride;
      stride *= target[k];
    }
  }
  layout = result;
  return success();
}

LogicalResult ReshapeOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                       SmallVectorImpl<Value> &operandGrads) {
  operandGrads.push_back(reshape(builder, getLoc(), grads[0], tensorType(getInput()).getShape()));
  return success();
}

//===----------------------------------------------------------------------===//
// TransposeOp
//===----------------------------------------------------------------------===//

static bool isPermutation(ArrayRef<int64_t> permutation, int64_t rank) {
  llvm::SmallBitVector seen(rank);
  for (int64_t d : permutation) {
    if (d < 0 || d >= rank || seen.test(d))
      return false;
    seen.set(d);
  }
  return static_cast<int64_t>(permutation.size()) == rank;
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  if (!isPermutation(adaptor.getPermutation(), input.getRank()))
    return emitInferError<TransposeOp>(loc, "expects a permutation of ", input.getRank(), " dimensions, but got [",
                             adaptor.getPermutation(), "]");
  SmallVector<int64_t> shape;
  for (int64_t d : adaptor.getPermutation())
    shape.push_back(input.getDimSize(d));
  types.push_back(RankedTensorType::get(shape, input.getElementType()));
  return success();
}

LogicalResult TransposeOp::verify() { return verifyInferred(*this); }

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  ArrayRef<int64_t> permutation = getPermutation();
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return getInput();
  if (auto inner = getInput().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t d : permutation)
      composed.push_back(inner.getPermutation()[d]);
    setPermutation(composed);
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

LogicalResult TransposeOp::applyView(Layout &layout) {
  Layout result{layout.offset, {}, {}};
  for (int64_t d : getPermutation()) {
    result.sizes.push_back(layout.sizes[d]);
    result.strides.push_back(layout.strides[d]);
  }
  layout = result;
  return success();
}

LogicalResult TransposeOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                         SmallVectorImpl<Value> &operandGrads) {
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [i, d] : llvm::enumerate(getPermutation()))
    inverse[d] = i;
  operandGrads.push_back(TransposeOp::create(builder, getLoc(), grads[0], inverse));
  return success();
}

//===----------------------------------------------------------------------===//
// SliceOp
//===----------------------------------------------------------------------===//

LogicalResult SliceOp::verify() {
  auto from = tensorType(getInput()), to = tensorType(getResult());
  if (static_cast<int64_t>(getOffsets().size()) != from.getRank() || to.getRank() != from.getRank())
    return emitOpError("expects ") << from.getRank() << " offsets and a result of that rank, but got "
           << getOffsets().size() << " and " << to;
  for (int64_t d = 0; d < from.getRank(); ++d)
    if (getOffsets()[d] < 0 || getOffsets()[d] > from.getDimSize(d) - to.getDimSize(d))
      return emitOpError("expects dimension ") << d << " of the box inside [0, " << from.getDimSize(d)
             << "), but got " << to.getDimSize(d) << " elements from " << getOffsets()[d] << " on";
  if (from.getElementType() != to.getElementType())
    return emitOpError("expects the element type ") << from.getElementType() << ", but got " << to.getElementType();
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto inner = getInput().getDefiningOp<SliceOp>()) {
    SmallVector<int64_t> offsets(getOffsets());
    for (auto [offset, outer] : llvm::zip(offsets, inner.getOffsets()))
      offset += outer;
    setOffsets(offsets);
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

LogicalResult SliceOp::applyView(Layout &layout) {
  for (auto [offset, stride] : llvm::zip(getOffsets(), layout.strides))
    layout.offset += offset * stride;
  layout.sizes.assign(tensorType(getResult()).getShape().begin(), tensorType(getResult()).getShape().end());
  return success();
}

LogicalResult SliceOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                     SmallVectorImpl<Value> &operandGrads) {
  operandGrads.push_back(PadOp::create(builder, getLoc(), getInput().getType(), grads[0], getOffsets()));
  return success();
}

//===----------------------------------------------------------------------===//
// BroadcastOp
//===----------------------------------------------------------------------===//

LogicalResult BroadcastOp::verify() {
  auto from = tensorType(getInput()), to = tensorType(getResult());
  bool fits = from.getRank() <= to.getRank() && from.getElementType() == to.getElementType();
  for (int64_t d = 0; fits && d < from.getRank(); ++d) {
    int64_t have = from.getDimSize(from.getRank() - 1 - d), want = to.getDimSize(to.getRank() - 1 - d);
    fits = have == want || have == 1;
  }
  if (!fits)
    return emitOpError("expects an input that broadcasts to ") << to << ", but got " << from;
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  return {};
}

LogicalResult BroadcastOp::applyView(Layout &layout) {
  ArrayRef<int64_t> target = tensorType(getResult()).getShape();
  size_t lead = target.size() - layout.sizes.size();
  SmallVector<int64_t> strides(target.size(), 0);
  for (size_t d = 0; d < layout.sizes.size(); ++d)
    if (layout.sizes[d] == target[lead + d])
      strides[lead + d] = layout.strides[d];
  layout.sizes.assign(target.begin(), target.end());
  layout.strides = strides;
  return success();
}

LogicalResult BroadcastOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                         SmallVectorImpl<Value> &operandGrads) {
  operandGrads.push_back(sumTo(builder, getLoc(), grads[0], tensorType(getInput()).getShape()));
  return success();
}

//===----------------------------------------------------------------------===//
// AssembleOp
//===----------------------------------------------------------------------===//

LogicalResult AssembleOp::verify() {
  auto whole = tensorType(getResult());
  if (getPieces().empty() || whole.getRank() == 0)
    return emitOpError("expects at least one piece and a result of rank 1 or more");
  int64_t rows = 0;
  for (Value piece : getPieces()) {
    auto type = tensorType(piece);
    if (type.getRank() != whole.getRank() || type.getElementType() != whole.getElementType() ||
        type.getShape().drop_front() != whole.getShape().drop_front())
      return emitOpError("expects pieces shaped as ") << whole << " but for dimension 0, but got " << type;
    rows += type.getDimSize(0);
  }
  if (rows != whole.getDimSize(0))
    return emitOpError("expects pieces with ") << whole.getDimSize(0) << " rows in all, but got " << rows;
  return success();
}
