//===- Differentiate.cpp - Append the gradients of the loss -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Builders.h"
#include "Train/Train.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINDIFFERENTIATE
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

struct DifferentiatePass : impl::TrainDifferentiateBase<DifferentiatePass> {
  using TrainDifferentiateBase::TrainDifferentiateBase;
  void runOnOperation() override {
    if (failed(differentiate(getOperation())))
      signalPassFailure();
  }

  LogicalResult differentiate(StepOp step);
};

bool isFloat(Value value) { return isa<FloatType>(tensorType(value).getElementType()); }

bool isTrained(StepOp step, BlockArgument arg) {
  unsigned index = arg.getArgNumber();
  return step.getRole(index) == Role::param && !step.getArgAttr(index, "frozen") && isFloat(arg);
}

/// Values that depend on a trained parameter by differentiable types.
DenseSet<Value> findActive(StepOp step) {
  DenseSet<Value> active;
  for (BlockArgument arg : step.getBlock().getArguments())
    if (isTrained(step, arg))
      active.insert(arg);
  for (Operation &op : step.getBlock().without_terminator()) {
    if (llvm::none_of(op.getOperands(), [&](Value operand) { return active.contains(operand); }))
      continue;
    for (Value result : op.getResults())
      if (isFloat(result))
        active.insert(result);
  }
  return active;
}

/// What an implementation of the interface promises, so that a plugin's mistake
/// is named where it is made.
LogicalResult checkGradients(Operation *op, ValueRange grads) {
  if (grads.size() != op->getNumOperands())
    return op->emitOpError("expects its derivative to give ")
           << op->getNumOperands() << " gradients, but got " << grads.size();
  for (auto [i, grad] : llvm::enumerate(grads))
    if (grad && grad.getType() != op->getOperand(i).getType())
      return op->emitOpError("expects its derivative to give a gradient of type ")
             << op->getOperand(i).getType() << " for operand " << i << ", but got " << grad.getType();
  return success();
}

LogicalResult DifferentiatePass::differentiate(StepOp step) {
  ReturnOp ret = step.getReturn();
  Value loss = ret.getLoss();
  if (!loss)
    return step.emitError("there is no loss to differentiate; give one with --loss");
  if (llvm::any_of(ret.getOutputNames().getAsValueRange<StringAttr>(),
                   [](StringRef name) { return name.starts_with("grad:"); }) ||
      !ret.getTargets().empty())
    return step.emitError("is differentiated already");
  DenseSet<Value> active = findActive(step);
  if (!active.contains(loss))
    return step.emitError("the loss depends on no trained parameter");

  OpBuilder builder(ret);
  DenseMap<Value, Value> grads;
  grads[loss] = FillOp::create(builder, loss.getLoc(), loss.getType(), builder.getF64FloatAttr(1.0));
  auto accumulate = [&](Value value, Value grad, Location loc) {
    Value &sum = grads[value];
    sum = sum ? Value(BinaryOp::create(builder, loc, "add", sum, grad)) : grad;
  };

  SmallVector<Operation *> forward;
  for (Operation &op : step.getBlock().without_terminator())
    forward.push_back(&op);
  forward.pop_back(); // the gradient of the loss
  for (Operation *op : llvm::reverse(forward)) {
    SmallVector<Value> resultGrads;
    for (Value result : op->getResults())
      resultGrads.push_back(grads.lookup(result));
    if (llvm::none_of(resultGrads, [](Value grad) { return static_cast<bool>(grad); }))
      continue;
    SmallVector<bool> needed;
    for (Value operand : op->getOperands())
      needed.push_back(active.contains(operand));
    if (llvm::none_of(needed, [](bool n) { return n; }))
      continue;
    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable)
      return op->emitOpError("has no derivative, but the loss depends on trained parameters through it");
    SmallVector<Value> operandGrads;
    if (failed(differentiable.differentiate(builder, resultGrads, needed, operandGrads)) ||
        failed(checkGradients(op, operandGrads)))
      return failure();
    for (auto [operand, grad, need] : llvm::zip(op->getOperands(), operandGrads, needed))
      if (grad && need)
        accumulate(operand, grad, op->getLoc());
  }

  if (llvm::none_of(step.getBlock().getArguments(),
                    [&](BlockArgument arg) { return isTrained(step, arg) && grads.lookup(arg); }))
    return step.emitError("no gradient of the loss reaches a trained parameter");

  SmallVector<Attribute> names(ret.getOutputNames().getValue());
  SmallVector<Value> outputs(ret.getOutputs());
  for (BlockArgument arg : step.getBlock().getArguments()) {
    if (!isTrained(step, arg))
      continue;
    StringRef name = step.getArgName(arg.getArgNumber());
    Value grad = grads.lookup(arg);
    if (!grad) {
      if (!allowUnused)
        return step.emitError("the loss does not depend on the parameter '") << name << "'";
      step.setArgAttr(arg.getArgNumber(), "frozen", builder.getUnitAttr());
      continue;
    }
    names.push_back(builder.getStringAttr("grad:" + name));
    outputs.push_back(grad);
  }
  ret.getOutputsMutable().assign(outputs);
  ret.setOutputNamesAttr(builder.getArrayAttr(names));
  return success();
}

} // namespace
} // namespace spillway
