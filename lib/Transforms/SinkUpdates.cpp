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

/// The last op, before `limit`, that reads `storage` or a view of it.
Operation *lastReader(Value storage, Operation *limit) {
  Operation *last = nullptr;
  for (Operation *user : storage.getUsers()) {
    if (user == limit || isa<ReturnOp>(user))
      continue;
    Operation *reader = user;
    if (isa<ViewOpInterface>(user))
      reader = lastReader(user->getResult(0), limit);
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
      moveUp(update);
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
  static void moveUp(UpdateOpInterface update) {
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
        if (position != 1) // all but the gradient are replaced
          raise(lastReader(value, op));
      }
    for (Value operand : op->getOperands())
      if (!grouped.contains(operand) && !isHoistable(operand))
        raise(operand.getDefiningOp());
    if (!after)
      op->moveBefore(&op->getBlock()->front());
    else
      op->moveAfter(after);
  }

  /// Computed from arguments of the step alone.
  static bool isHoistable(Value value) {
    Operation *op = value.getDefiningOp();
    return !op || llvm::all_of(op->getOperands(), llvm::IsaPred<BlockArgument>);
  }
};

} // namespace
} // namespace spillway
