//===- NNOps.cpp - Layers and losses ---- -*- C++ -*-===//
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

static int64_t lastSize(Value value) { return tensorType(value).getShape().back(); }
static int64_t rowsOf(Value value) { return tensorType(value).getNumElements() / std::max<int64_t>(1, lastSize(value)); }
static RankedTensorType dropLast(RankedTensorType type) {
  return RankedTensorType::get(type.getShape().drop_back(), type.getElementType());
}

/// No gradient may arrive at a result that only serves the derivative.
static LogicalResult rejectGradsFrom(Operation *op, ValueRange grads, unsigned first) {
  for (unsigned i = first; i < grads.size(); ++i)
    if (grads[i])
      return op->emitOpError("has no derivative for its result ") << i;
  return success();
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

static LogicalResult verifyHasLast(Operation *op, Value value) {
  if (tensorType(value).getRank() < 1)
    return op->emitOpError("expects an operand of rank 1 or more, but got ") << value.getType();
  return success();
}

LogicalResult SoftmaxOp::verify() { return verifyHasLast(*this, getInput()); }
LogicalResult SoftmaxGradOp::verify() { return verifyHasLast(*this, getGrad()); }

int64_t SoftmaxOp::getFlops() { return 20 * tensorType(getInput()).getNumElements(); }
SmallVector<std::pair<unsigned, unsigned>> SoftmaxOp::getInPlacePairs() { return {{0, 0}}; }
LogicalResult SoftmaxOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                       SmallVectorImpl<Value> &operandGrads) {
  operandGrads.push_back(SoftmaxGradOp::create(builder, getLoc(), grads[0], getResult()));
  return success();
}

int64_t SoftmaxGradOp::getFlops() { return 4 * tensorType(getGrad()).getNumElements(); }
SmallVector<std::pair<unsigned, unsigned>> SoftmaxGradOp::getInPlacePairs() { return {{0, 0}}; }

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

static LogicalResult verifyNormParameter(Operation *op, Value input, Value parameter, StringRef name) {
  if (tensorType(input).getRank() < 1 || tensorType(parameter).getShape() != tensorType(input).getShape().take_back())
    return op->emitOpError("expects ") << name << " of the size of the last dimension of " << input.getType()
           << ", but got " << parameter.getType();
  return success();
}

/// What the gradient of a norm is given besides gamma: a gradient of the result
/// and the statistics of each row.
static LogicalResult verifyNormGrad(Operation *op, Value grad, Value input, ValueRange statistics) {
  if (grad.getType() != input.getType())
    return op->emitOpError("expects a gradient of type ") << input.getType() << ", but got " << grad.getType();
  for (Value statistic : statistics)
    if (tensorType(statistic).getShape() != tensorType(input).getShape().drop_back())
      return op->emitOpError("expects one statistic for each row of ") << input.getType() << ", but got "
             << statistic.getType();
  return success();
}

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto input = tensorType(adaptor.getInput());
  if (input.getRank() < 1)
    return emitInferError<LayerNormOp>(loc, "expects an input of rank 1 or more, but got ", input);
  types.append({input, dropLast(input), dropLast(input)});
  return success();
}
LogicalResult LayerNormOp::verify() {
  if (failed(verifyInferred(*this)) || failed(verifyNormParameter(*this, getInput(), getGamma(), "gamma")))
    return failure();
  return verifyNormParameter(*this, getInput(), getBeta(), "beta");
}
int64_t LayerNormOp::getFlops() { return 8 * tensorType(getInput()).getNumElements(); }
LogicalResult LayerNormOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                         SmallVectorImpl<Value> &operandGrads) {
  if (failed(rejectGradsFrom(*this, grads, 1)))
    return failure();
  auto grad = LayerNormGradOp::create(builder, getLoc(), grads[0], getInput(), getGamma(), getMean(), getRstd());
  operandGrads.append({grad.getDinput(), grad.getDgamma(), grad.getDbeta()});
  return success();
}

LogicalResult LayerNormGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  types.append({adaptor.getInput().getType(), adaptor.getGamma().getType(), adaptor.getGamma().getType()});
  return success();
}
LogicalResult LayerNormGradOp::verify() {
  if (failed(verifyInferred(*this)) || failed(verifyNormParameter(*this, getInput(), getGamma(), "gamma")))
    return failure();
  return verifyNormGrad(*this, getGrad(), getInput(), {getMean(), getRstd()});
}
int64_t LayerNormGradOp::getFlops() { return 14 * tensorType(getInput()).getNumElements(); }
int64_t LayerNormGradOp::getWorkspaceBytes(int64_t) {
  return spillway::workspace::layerNormGradBytes(rowsOf(getInput()), lastSize(getInput()));
}
SmallVector<std::pair<unsigned, unsigned>> LayerNormGradOp::getInPlacePairs() { return {{0, 0}}; }

LogicalResult RmsNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto input = tensorType(adaptor.getInput());
  if (input.getRank() < 1)
    return emitInferError<RmsNormOp>(loc, "expects an input of rank 1 or more, but got ", input);
  types.append({input, dropLast(input)});
  return success();
}
LogicalResult RmsNormOp::verify() {
  if (failed(verifyInferred(*this)))
    return failure();
  return verifyNormParameter(*this, getInput(), getGamma(), "gamma");
}
int64_t RmsNormOp::getFlops() { return 5 * tensorType(getInput()).getNumElements(); }
LogicalResult RmsNormOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                       SmallVectorImpl<Value> &operandGrads) {
  if (failed(rejectGradsFrom(*this, grads, 1)))
    return failure();
  auto grad = RmsNormGradOp::create(builder, getLoc(), grads[0], getInput(), getGamma(), getRstd());
  operandGrads.append({grad.getDinput(), grad.getDgamma()});
  return success();
}

LogicalResult RmsNormGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  types.append({adaptor.getInput().getType(), adaptor.getGamma().getType()});
  return success();
}
LogicalResult RmsNormGradOp::verify() {
  if (failed(verifyInferred(*this)) || failed(verifyNormParameter(*this, getInput(), getGamma(), "gamma")))
    return failure();
  return verifyNormGrad(*this, getGrad(), getInput(), getRstd());
}
int64_t RmsNormGradOp::getFlops() { return 10 * tensorType(getInput()).getNumElements(); }
int64_t RmsNormGradOp::getWorkspaceBytes(int64_t) {
  return spillway::workspace::rmsNormGradBytes(rowsOf(getInput()), lastSize(getInput()));
}
SmallVector<std::pair<unsigned, unsigned>> RmsNormGradOp::getInPlacePairs() { return {{0, 0}}; }

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto q = tensorType(adaptor.getQ());
  if (q.getRank() != 4)
    return emitInferError<AttentionOp>(loc, "expects a query of rank 4, but got ", q);
  types.push_back(q);
  types.push_back(RankedTensorType::get({q.getDimSize(0), q.getDimSize(2), q.getDimSize(1)}, q.getElementType()));
  return success();
}

/// (C1) to (C3) of attention, for it and its gradient.
template <typename OpTy> static LogicalResult verifyAttention(OpTy op) {
  if (failed(verifyInferred(op)))
    return failure();
  auto q = tensorType(op.getQ()), k = tensorType(op.getK()), v = tensorType(op.getV());
  if (k != v || q.getRank() != 4 || k.getElementType() != q.getElementType() || k.getRank() != 4 || k.getDimSize(0) != q.getDimSize(0) || k.getDimSize(3) != q.getDimSize(3))
    return op.emitOpError("expects keys and values of one type [B, S, K, D] for a query ") << q << ", but got " << k
           << " and " << v;
  if (k.getDimSize(2) == 0 || q.getDimSize(2) % k.getDimSize(2) != 0)
    return op.emitOpError("expects a number of key heads that divides ") << q.getDimSize(2) << ", but got "
           << k.getDimSize(2);
  if (op.getMask()) {
    SmallVector<int64_t> scores = {q.getDimSize(0), q.getDimSize(2), q.getDimSize(1), k.getDimSize(1)};
    FailureOr<SmallVector<int64_t>> joined = broadcastShapes(scores, tensorType(op.getMask()).getShape());
    if (failed(joined) || *joined != scores)
      return op.emitOpError("expects a mask that broadcasts to [") << scores << "], but got "
             << op.getMask().getType();
  }
  return success();
}

LogicalResult AttentionOp::verify() { return verifyAttention(*this); }

/// Pairs of a query and a key that are worked on.
template <typename OpTy> static int64_t scoreElements(OpTy op) {
  auto q = tensorType(op.getQ()), k = tensorType(op.getK());
  int64_t pairs = q.getDimSize(0) * q.getDimSize(2) * q.getDimSize(1) * k.getDimSize(1);
  return op.getCausal() ? (pairs + 1) / 2 : pairs;
}

/// [B, T, H, D] with a dense last dimension.
static bool acceptsHeadStrides(ArrayRef<int64_t> strides, ArrayRef<int64_t> sizes) {
  return strides.back() == 1 || sizes.back() == 1;
}

/// [B, H, T, S]
template <typename OpTy> static SmallVector<int64_t> scoreShape(OpTy op) {
  auto q = tensorType(op.getQ()), k = tensorType(op.getK());
  return {q.getDimSize(0), q.getDimSize(2), q.getDimSize(1), k.getDimSize(1)};
}

int64_t AttentionOp::getFlops() { return scoreElements(*this) * (4 * lastSize(getQ()) + 20); }
StringRef AttentionOp::getWorkKind() { return "attention"; }
int64_t AttentionOp::getWorkspaceBytes(int64_t lanes) {
  return spillway::workspace::attentionBytes(tensorType(getQ()).getDimSize(1), tensorType(getK()).getDimSize(1), lanes);
}
void AttentionOp::getKernelAttributes(int64_t lanes, NamedAttrList &attributes) {
  appendInherentAttributes(*this, attributes);
  attributes.set("lanes", Builder(getContext()).getI64IntegerAttr(lanes));
}
SmallVector<int64_t> AttentionOp::getReadShape(unsigned index) {
  return index == 3 ? scoreShape(*this) : SmallVector<int64_t>(tensorType(getOperand(index)).getShape());
}
bool AttentionOp::acceptsStrides(unsigned index, ArrayRef<int64_t> strides) {
  return index >= 3 || acceptsHeadStrides(strides, tensorType(getOperand(index)).getShape());
}

LogicalResult AttentionOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool> needed,
                                         SmallVectorImpl<Value> &operandGrads) {
  if (failed(rejectGradsFrom(*this, grads, 1)))
    return failure();
  if (getMask() && needed[3])
    return emitOpError("has no derivative for its mask");
  auto grad = AttentionGradOp::create(builder, getLoc(), grads[0], getQ(), getK(), getV(), getResult(), getLse(),
                                      getMask(), getScaleAttr(), getCausalAttr());
  operandGrads.append({grad.getDq(), grad.getDk(), grad.getDv()});
  if (getMask())
    operandGrads.push_back({});
  return success();
}

LogicalResult AttentionGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  types.append({adaptor.getQ().getType(), adaptor.getK().getType(), adaptor.getV().getType()});
  return success();
}
LogicalResult AttentionGradOp::verify() {
  if (failed(verifyAttention(*this)))
    return failure();
  auto q = tensorType(getQ());
  if (getGrad().getType() != q || getOutput().getType() != q)
    return emitOpError("expects a gradient and an output of type ") << q << ", but got " << getGrad().getType()
           << " and " << getOutput().getType();
  int64_t lse[] = {q.getDimSize(0), q.getDimSize(2), q.getDimSize(1)};
  if (tensorType(getLse()).getShape() != ArrayRef<int64_t>(lse))
    return emitOpError("expects an lse of shape [") << ArrayRef<int64_t>(lse) << "], but got " << getLse().getType();
  return success();
}
int64_t AttentionGradOp::getFlops() { return scoreElements(*this) * (10 * lastSize(getQ()) + 24); }
StringRef AttentionGradOp::getWorkKind() { return "attention"; }
int64_t AttentionGradOp::getWorkspaceBytes(int64_t lanes) {
  return spillway::workspace::attentionGradBytes(tensorType(getQ()).getDimSize(1), tensorType(getK()).getDimSize(1),
                                                 lanes);
}
void AttentionGradOp::getKernelAttributes(int64_t lanes, NamedAttrList &attributes) {
  appendInherentAttributes(*this, attributes);
  attributes.set("lanes", Builder(getContext()).getI64IntegerAttr(lanes));
}
SmallVector<int64_t> AttentionGradOp::getReadShape(unsigned index) {
  return index == 6 ? scoreShape(*this) : SmallVector<int64_t>(tensorType(getOperand(index)).getShape());
}
bool AttentionGradOp::acceptsStrides(unsigned index, ArrayRef<int64_t> strides) {
  if (index == 5)
    return false; // lse
  return index >= 6 || acceptsHeadStrides(strides, tensorType(getOperand(index)).getShape());
}

//===----------------------------------------------------------------------===//
// Rotary position embedding
//===----------------------------------------------------------------------===//

LogicalResult RopeOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getInput().getType());
  return success();
}

LogicalResult RopeOp::verify() {
  auto x = tensorType(getInput()), cos = tensorType(getCos()), sin = tensorType(getSin());
  if (x.getRank() != 4 || x.getDimSize(3) % 2 != 0)
    return emitOpError("expects an input [B, T, H, D] with an even D, but got ") << x;
  bool fits = cos == sin && (cos.getRank() == 2 || cos.getRank() == 3) &&
              cos.getDimSize(cos.getRank() - 2) == x.getDimSize(1) && cos.getShape().back() == x.getDimSize(3) &&
              (cos.getRank() == 2 || cos.getDimSize(0) == x.getDimSize(0));
  if (!fits)
    return emitOpError("expects cos and sin of one type [T, D] or [B, T, D] for ") << x << ", but got " << cos
           << " and " << sin;
  return success();
}

int64_t RopeOp::getFlops() { return 3 * tensorType(getInput()).getNumElements(); }
bool RopeOp::acceptsStrides(unsigned index, ArrayRef<int64_t> strides) {
  return index > 0 || acceptsHeadStrides(strides, tensorType(getInput()).getShape());
}

LogicalResult RopeOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool> needed,
                                    SmallVectorImpl<Value> &operandGrads) {
  if (needed[1] || needed[2])
    return emitOpError("has no derivative for cos and sin");
  operandGrads.push_back(RopeOp::create(builder, getLoc(), grads[0].getType(), grads[0], getCos(), getSin(),
                                        builder.getBoolAttr(!getInverse()), getInterleavedAttr()));
  operandGrads.append(2, Value());
  return success();
}

//===----------------------------------------------------------------------===//
// Cross-entropy
//===----------------------------------------------------------------------===//

LogicalResult CrossEntropyOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  auto logits = tensorType(adaptor.getLogits());
  if (logits.getRank() != 2)
    return emitInferError<CrossEntropyOp>(loc, "expects logits of rank 2, but got ", logits);
  auto scalar = RankedTensorType::get({}, logits.getElementType());
  types.append({scalar, dropLast(logits), scalar});
  return success();
}

LogicalResult CrossEntropyOp::verify() {
  if (failed(verifyInferred(*this)))
    return failure();
  auto logits = tensorType(getLogits()), labels = tensorType(getLabels());
  if (labels.getRank() != 1 || labels.getDimSize(0) != logits.getDimSize(0))
    return emitOpError("expects one label for each of ") << logits.getDimSize(0) << " rows, but got " << labels;
  return success();
}

std::optional<int64_t> CrossEntropyOp::getIndexLimit(unsigned index) {
  return index == 1 ? std::optional(lastSize(getLogits())) : std::nullopt;
}
int64_t CrossEntropyOp::getWorkspaceBytes(int64_t) { return spillway::workspace::crossEntropyBytes(); }
int64_t CrossEntropyOp::getFlops() { return 20 * tensorType(getLogits()).getNumElements(); }

LogicalResult CrossEntropyOp::differentiate(OpBuilder &builder, ValueRange grads, ArrayRef<bool>,
                                            SmallVectorImpl<Value> &operandGrads) {
  if (failed(rejectGradsFrom(*this, grads, 1)))
    return failure();
  operandGrads.push_back(CrossEntropyGradOp::create(builder, getLoc(), getLogits().getType(), grads[0], getLogits(),
                                                    getLabels(), getLse(), getCount(), getIgnoreIndexAttr()));
  operandGrads.push_back({});
  return success();
}

LogicalResult CrossEntropyGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                   SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getLogits().getType());
  return success();
}
LogicalResult CrossEntropyGradOp::verify() {
  if (failed(verifyInferred(*this)))
    return failure();
  auto logits = tensorType(getLogits());
  if (logits.getRank() != 2)
    return emitOpError("expects logits of rank 2, but got ") << logits;
  ArrayRef<int64_t> rows = logits.getShape().take_front();
  if (tensorType(getLabels()).getShape() != rows || tensorType(getLse()).getShape() != rows)
    return emitOpError("expects labels and lse of ") << rows[0] << " rows, but got " << getLabels().getType()
           << " and " << getLse().getType();
  if (tensorType(getGrad()).getRank() != 0 || tensorType(getCount()).getRank() != 0)
    return emitOpError("expects a scalar gradient and a scalar count, but got ") << getGrad().getType() << " and "
           << getCount().getType();
  return success();
}
int64_t CrossEntropyGradOp::getFlops() { return 20 * tensorType(getLogits()).getNumElements(); }
SmallVector<std::pair<unsigned, unsigned>> CrossEntropyGradOp::getInPlacePairs() { return {{1, 0}}; }
