//===- Freeze.cpp - Give every op its stable id -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Train.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINFREEZE
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

/// The input that `value` is a view or a conversion of, if it is one.
BlockArgument findInput(StepOp step, Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<ViewOpInterface, CastOp, CopyOp>(op))
      return {};
    value = op->getOperand(0);
  }
  auto arg = cast<BlockArgument>(value);
  return step.getRole(arg.getArgNumber()) == Role::input ? arg : BlockArgument();
}

/// Tells the loader which integers each input may hold, and how many tokens
/// there are in a step: the elements of the largest input of indices.
void limitInputs(StepOp step) {
  Builder builder(step.getContext());
  int64_t tokens = 0;
  for (Operation &op : step.getBlock()) {
    auto kernel = dyn_cast<KernelOpInterface>(op);
    if (!kernel)
      continue;
    for (OpOperand &operand : op.getOpOperands()) {
      std::optional<int64_t> limit = kernel.getIndexLimit(operand.getOperandNumber());
      BlockArgument input = limit ? findInput(step, operand.get()) : BlockArgument();
      if (!input)
        continue;
      unsigned index = input.getArgNumber();
      if (auto given = dyn_cast_or_null<IntegerAttr>(step.getArgAttr(index, "vocabulary")))
        limit = std::min(*limit, given.getInt());
      step.setArgAttr(index, "vocabulary", builder.getI64IntegerAttr(*limit));
      tokens = std::max(tokens, tensorType(input).getNumElements());
    }
  }
  step.setTokens(tokens);
}

struct FreezePass : impl::TrainFreezeBase<FreezePass> {
  using TrainFreezeBase::TrainFreezeBase;

  void runOnOperation() override {
    StepOp step = getOperation();
    if (step.getFrozen()) {
      step.emitError("is frozen already");
      return signalPassFailure();
    }
    if (lanes < 1) {
      step.emitError("expects at least one lane, but got ") << lanes.getValue();
      return signalPassFailure();
    }
    limitInputs(step);
    Builder builder(&getContext());
    int64_t constants = 0, id = 0;
    for (Operation &op : llvm::make_early_inc_range(step.getBlock().without_terminator())) {
      if (auto constant = dyn_cast<ConstantOp>(op)) {
        NamedAttrList dict;
        std::string name;
        do
          name = ("constant." + Twine(constants++)).str();
        while (step.findArgument(name));
        dict.set("name", builder.getStringAttr(name));
        dict.set("value", constant.getValueAttr());
        Value arg = step.addArgument(constant.getType(), constant.getLoc(), Role::constant,
                                     dict.getDictionary(&getContext()));
        constant.getResult().replaceAllUsesWith(arg);
        constant.erase();
        continue;
      }
      if (auto assemble = dyn_cast<AssembleOp>(op)) {
        for (Value piece : assemble.getPieces())
          if (!piece.getDefiningOp<UpdateOpInterface>()) {
            op.emitOpError("expects results of updates as pieces, but got ") << piece;
            return signalPassFailure();
          }
      } else if (isa<KernelOpInterface>(op)) {
        op.setAttr(kIdAttr, builder.getI64IntegerAttr(id++));
      } else if (!isa<ViewOpInterface>(op)) {
        op.emitOpError("has no kernel, so no plan can run it; give it a KernelOpInterface");
        return signalPassFailure();
      }
    }
    step.setLanes(lanes);
    step.setFrozen(true);
  }
};

} // namespace
} // namespace spillway
