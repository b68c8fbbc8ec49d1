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

struct FreezePass : impl::TrainFreezeBase<FreezePass> {
  using TrainFreezeBase::TrainFreezeBase;

  void runOnOperation() override {
    StepOp step = getOperation();
    if (step.getFrozen()) {
      step.emitError("is frozen already");
      return signalPassFailure();
    }
    if (lanes < 1) {
      step.emitError("expects at least one lane, but got ") << lanes;
      return signalPassFailure();
    }
    Builder builder(&getContext());
    int64_t constants = 0, id = 0;
    for (Operation &op : llvm::make_early_inc_range(step.getBlock().without_terminator())) {
      if (auto constant = dyn_cast<ConstantOp>(op)) {
        NamedAttrList dict;
        dict.set("name", builder.getStringAttr("constant." + Twine(constants++)));
        dict.set("value", constant.getValueAttr());
        Value arg = step.addArgument(constant.getType(), constant.getLoc(), Role::constant,
                                     dict.getDictionary(&getContext()));
        constant.getResult().replaceAllUsesWith(arg);
        constant.erase();
        continue;
      }
      if (isa<KernelOpInterface>(op)) {
        op.setAttr(kIdAttr, builder.getI64IntegerAttr(id++));
      } else if (!isa<ViewOpInterface, AssembleOp>(op)) {
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
