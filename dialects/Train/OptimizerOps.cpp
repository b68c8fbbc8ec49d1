//===- OptimizerOps.cpp - Updates of parameters -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Inference.h"
#include "Train/Train.h"
#include "spillway/KernelWorkspace.h"

using namespace mlir;
using namespace spillway::train;

//===----------------------------------------------------------------------===//
// Clipping and bias correction
//===----------------------------------------------------------------------===//

static Type scalarF32(MLIRContext *context) { return RankedTensorType::get({}, Float32Type::get(context)); }

LogicalResult SumSquaresOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor,
                                             SmallVectorImpl<Type> &types) {
  types.push_back(scalarF32(context));
  return success();
}
static LogicalResult verifyNotEmpty(Operation *op) {
  if (op->getNumOperands() == 0)
    return op->emitOpError("expects at least one operand");
  return success();
}
LogicalResult SumSquaresOp::verify() { return verifyNotEmpty(*this); }
LogicalResult ClipScaleOp::verify() { return verifyNotEmpty(*this); }

int64_t SumSquaresOp::getFlops() {
  int64_t flops = 0;
  for (Value input : getInputs())
    flops += 2 * tensorType(input).getNumElements();
  return flops;
}

int64_t SumSquaresOp::getWorkspaceBytes(int64_t) { return spillway::workspace::sumSquaresBytes(); }

LogicalResult ClipScaleOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(scalarF32(context));
  return success();
}

LogicalResult BiasCorrectionOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor,
                                                 SmallVectorImpl<Type> &types) {
  types.append(2, scalarF32(context));
  return success();
}

//===----------------------------------------------------------------------===//
// What updates share: groups of (parameter, gradient, state...)
//===----------------------------------------------------------------------===//

/// Operands of a group are contiguous, `size` a group, from operand `first` on;
/// the gradient, their second, has no result.
static SmallVector<unsigned> groupOperands(unsigned first, unsigned size, unsigned group) {
  return llvm::to_vector(llvm::seq(first + group * size, first + (group + 1) * size));
}
static SmallVector<unsigned> groupResults(unsigned size, unsigned group) {
  return llvm::to_vector(llvm::seq(group * (size - 1), (group + 1) * (size - 1)));
}

static void inferUpdated(ValueRange tensors, unsigned size, SmallVectorImpl<Type> &types) {
  for (auto [i, tensor] : llvm::enumerate(tensors))
    if (i % size != 1)
      types.push_back(tensor.getType());
}

template <typename OpTy> static LogicalResult verifyGroups(OpTy op, ValueRange tensors, unsigned size) {
  if (tensors.empty() || tensors.size() % size != 0)
    return op->emitOpError("expects a positive multiple of ") << size << " tensors, but got " << tensors.size();
  for (unsigned i = 0; i < tensors.size(); ++i)
    if (tensors[i].getType() != tensors[i - i % size].getType())
      return op->emitOpError("expects tensors of one type in a group, but got ") << tensors[i - i % size].getType()
             << " and " << tensors[i].getType();
  return verifyInferred(op);
}

template <typename OpTy> static SmallVector<std::pair<unsigned, unsigned>> inPlaceGroups(OpTy op) {
  SmallVector<std::pair<unsigned, unsigned>> pairs;
  for (unsigned group = 0; group < op.getNumGroups(); ++group) {
    SmallVector<unsigned> operands = op.getGroupOperands(group);
    operands.erase(operands.begin() + 1);
    for (auto [operand, result] : llvm::zip(operands, op.getGroupResults(group)))
      pairs.push_back({operand, result});
  }
  return pairs;
}

template <typename OpTy> static void kernelAttributes(OpTy op, NamedAttrList &attributes) {
  appendInherentAttributes(op, attributes);
  Builder builder(op.getContext());
  attributes.set("groups", builder.getI64IntegerAttr(op.getNumGroups()));
  attributes.set("scaled", builder.getBoolAttr(op.getScale() != nullptr));
}

template <typename OpTy> static bool sameButGroups(OpTy op, Operation *other) {
  auto that = dyn_cast<OpTy>(other);
  if (!that || op.getTensors().getBeginOperandIndex() != that.getTensors().getBeginOperandIndex())
    return false;
  unsigned first = op.getTensors().getBeginOperandIndex();
  NamedAttrList mine, theirs;
  appendInherentAttributes(op, mine);
  appendInherentAttributes(that, theirs);
  return mine.getDictionary(op.getContext()) == theirs.getDictionary(op.getContext()) &&
         llvm::equal(op->getOperands().take_front(first), that->getOperands().take_front(first));
}

//===----------------------------------------------------------------------===//
// AdamWOp
//===----------------------------------------------------------------------===//

LogicalResult AdamWOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  inferUpdated(adaptor.getTensors(), 4, types);
  return success();
}
LogicalResult AdamWOp::verify() { return verifyGroups(*this, getTensors(), 4); }
int64_t AdamWOp::getFlops() {
  int64_t elements = 0;
  for (Type type : getResultTypes())
    elements += cast<ShapedType>(type).getNumElements();
  return 4 * elements;
}
unsigned AdamWOp::getNumGroups() { return getTensors().size() / 4; }
SmallVector<unsigned> AdamWOp::getGroupOperands(unsigned group) {
  return groupOperands(getTensors().getBeginOperandIndex(), 4, group);
}
SmallVector<unsigned> AdamWOp::getGroupResults(unsigned group) { return groupResults(4, group); }
SmallVector<std::pair<unsigned, unsigned>> AdamWOp::getInPlacePairs() { return inPlaceGroups(*this); }
void AdamWOp::getKernelAttributes(int64_t, NamedAttrList &attributes) { kernelAttributes(*this, attributes); }
bool AdamWOp::canFuseWith(Operation *other) { return sameButGroups(*this, other); }
Operation *AdamWOp::createWithGroups(OpBuilder &builder, Location loc, ValueRange tensors) {
  SmallVector<Type> types;
  inferUpdated(tensors, 4, types);
  return AdamWOp::create(builder, loc, types, getLr(), getC1(), getC2(), getScale(), tensors, getBeta1Attr(),
                         getBeta2Attr(), getEpsAttr(), getWeightDecayAttr());
}

//===----------------------------------------------------------------------===//
// SgdOp
//===----------------------------------------------------------------------===//

static unsigned sgdGroup(const APFloat &momentum) { return momentum.isZero() ? 2 : 3; }

LogicalResult SgdOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  inferUpdated(adaptor.getTensors(), sgdGroup(adaptor.getMomentum()), types);
  return success();
}
LogicalResult SgdOp::verify() { return verifyGroups(*this, getTensors(), sgdGroup(getMomentum())); }
int64_t SgdOp::getFlops() {
  int64_t elements = 0;
  for (Type type : getResultTypes())
    elements += cast<ShapedType>(type).getNumElements();
  return 2 * elements;
}
unsigned SgdOp::getNumGroups() { return getTensors().size() / sgdGroup(getMomentum()); }
SmallVector<unsigned> SgdOp::getGroupOperands(unsigned group) {
  return groupOperands(getTensors().getBeginOperandIndex(), sgdGroup(getMomentum()), group);
}
SmallVector<unsigned> SgdOp::getGroupResults(unsigned group) { return groupResults(sgdGroup(getMomentum()), group); }
SmallVector<std::pair<unsigned, unsigned>> SgdOp::getInPlacePairs() { return inPlaceGroups(*this); }
void SgdOp::getKernelAttributes(int64_t, NamedAttrList &attributes) { kernelAttributes(*this, attributes); }
bool SgdOp::canFuseWith(Operation *other) { return sameButGroups(*this, other); }
Operation *SgdOp::createWithGroups(OpBuilder &builder, Location loc, ValueRange tensors) {
  SmallVector<Type> types;
  inferUpdated(tensors, sgdGroup(getMomentum()), types);
  return SgdOp::create(builder, loc, types, getLr(), getScale(), tensors, getMomentumAttr(), getWeightDecayAttr());
}
