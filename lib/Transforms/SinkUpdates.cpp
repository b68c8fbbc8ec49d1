//===- SinkUpdates.cpp - Move updates to where their gradients are final -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Train.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINSINKUPDATES
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

/// Whether `op` replaces (a part of) the value `root`, which it then reads last.
bool replaces(Operation *op, Value root) {
  auto update = dyn_cast<UpdateOpInterface>(op);
  if (!update)
    return false;
  for (unsigned group = 0; group < update.getNumGroups(); ++group)
    for (auto [position, operand] : llvm::enumerate(update.getGroupOperands(group)))
      if (position != 1 && viewRoot(op->getOperand(operand)) == root)
        return true;
  return false;
}

/// The last op that reads `value`, which is `root` or a view of it, and does not
/// replace it.
Operation *lastReader(Value value, Value root) {
  Operation *last = nullptr;
  for (Operation *user : value.getUsers()) {
    if (isa<ReturnOp>(user) || replaces(user, root))
      continue;
    Operation *reader = user;
    if (isa<ViewOpInterface>(user))
      reader = lastReader(user->getResult(0), root);
    if (reader && (!last || last->isBeforeInBlock(reader)))
      last = reader;
  }
  return last;
}

struct SinkUpdatesPass : impl::TrainSinkUpdatesBase<SinkUpdatesPass> {
  void runOnOperation() override {
    StepOp step = getOperation();
    SmallVector<UpdateOpInterface> updates;
    for (Operation &op : step.getBlock())
      if (auto update = dyn_cast<UpdateOpInterface>(op))
        updates.push_back(update);
    for (UpdateOpInterface update : updates)
      if (failed(move(update)))
        return signalPassFailure();
    for (Operation &op : llvm::make_early_inc_range(step.getBlock().without_terminator()))
      if (isa<AssembleOp>(op))
        op.moveBefore(step.getReturn());
    // The operands that all updates share (bias corrections) are needed by the
    // first of them: hoist what depends on arguments alone.
    for (Operation &op : llvm::make_early_inc_range(step.getBlock().without_terminator())) {
      if (isa<UpdateOpInterface>(op) || llvm::none_of(op.getUsers(), llvm::IsaPred<UpdateOpInterface>))
        continue;
      Operation *first = nullptr;
      for (Operation *user : op.getUsers())
        if (!first || user->isBeforeInBlock(first))
          first = user;
      if (first->isBeforeInBlock(&op))
        op.moveBefore(first);
    }
  }

  /// To right behind everything it reads and every reader of what it replaces.
  static LogicalResult move(UpdateOpInterface update) {
    Operation *op = update, *after = nullptr;
    auto raise = [&](Operation *candidate) {
      if (candidate && (!after || after->isBeforeInBlock(candidate)))
        after = candidate;
    };
    llvm::SmallSetVector<Value, 8> grouped;
    for (unsigned group = 0; group < update.getNumGroups(); ++group)
      for (auto [position, operand] : llvm::enumerate(update.getGroupOperands(group))) {
        Value value = op->getOperand(operand);
        grouped.insert(value);
        raise(value.getDefiningOp());
        if (position == 1)
          continue;
        // All but the gradient are replaced.
        Value root = viewRoot(value);
        raise(lastReader(root, root));
      }
    for (Value operand : op->getOperands())
      if (!grouped.contains(operand) && !isHoistable(operand))
        raise(operand.getDefiningOp());
    for (Operation *user : op->getUsers())
      if (after && !isa<ReturnOp, AssembleOp>(user) && !after->isBeforeInBlock(user)) {
        InFlightDiagnostic diagnostic =
            op->emitOpError("replaces a value that is still read when its result is used already");
        diagnostic.attachNote(after->getLoc()) << "the last reader of the replaced value";
        return diagnostic;
      }
    if (!after)
      op->moveBefore(&op->getBlock()->front());
    else
      op->moveAfter(after);
    return success();
  }

  /// Computed from arguments of the step alone.
  static bool isHoistable(Value value) {
    Operation *op = value.getDefiningOp();
    return !op || llvm::all_of(op->getOperands(), llvm::IsaPred<BlockArgument>);
  }
};

} // namespace
} // namespace spillway
