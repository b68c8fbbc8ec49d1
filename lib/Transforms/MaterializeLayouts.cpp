//===- MaterializeLayouts.cpp - Copy where a kernel cannot read a view -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Train.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINMATERIALIZELAYOUTS
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

struct MaterializeLayoutsPass : impl::TrainMaterializeLayoutsBase<MaterializeLayoutsPass> {
  void runOnOperation() override {
    // In order, so that what is copied for one reader serves the later ones.
    for (Operation &op : llvm::make_early_inc_range(getOperation().getBlock())) {
      auto kernel = dyn_cast<KernelOpInterface>(op);
      if (!kernel && !isa<ReturnOp>(op))
        continue;
      for (OpOperand &operand : op.getOpOperands()) {
        if (kernel)
          broadcast(operand, kernel);
        makeReadable(operand, kernel);
      }
    }
  }

private:
  DenseMap<Value, Value> copies;

  Value copyOf(Value value) {
    Value &copy = copies[value];
    if (!copy) {
      OpBuilder builder(value.getContext());
      builder.setInsertionPointAfterValue(value);
      copy = CopyOp::create(builder, value.getLoc(), value);
    }
    return copy;
  }

  /// Broadcasting is in the view, not in the kernel.
  static void broadcast(OpOperand &operand, KernelOpInterface kernel) {
    SmallVector<int64_t> shape = kernel.getReadShape(operand.getOperandNumber());
    auto type = tensorType(operand.get());
    if (type.getShape() == ArrayRef(shape))
      return;
    OpBuilder builder(operand.getOwner());
    operand.set(BroadcastOp::create(builder, operand.getOwner()->getLoc(),
                                    RankedTensorType::get(shape, type.getElementType()), operand.get()));
  }

  void makeReadable(OpOperand &operand, KernelOpInterface kernel) {
    while (true) {
      if (operand.get().getDefiningOp<AssembleOp>())
        return;
      Operation *culprit = nullptr;
      FailureOr<ViewOf> view = traceView(operand.get(), &culprit);
      if (failed(view)) {
        // The reshape reads a strided tensor: let it read a copy.
        culprit->setOperand(0, copyOf(culprit->getOperand(0)));
        continue;
      }
      if (view->layout.isDense())
        return;
      if (kernel && kernel.acceptsStrides(operand.getOperandNumber(), view->layout.strides))
        return;
      operand.set(copyOf(operand.get()));
      return;
    }
  }
};

} // namespace
} // namespace spillway
