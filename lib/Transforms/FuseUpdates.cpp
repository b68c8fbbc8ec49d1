//===- FuseUpdates.cpp - Join small updates that sit together -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Train.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINFUSEUPDATES
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

struct FuseUpdatesPass : impl::TrainFuseUpdatesBase<FuseUpdatesPass> {
  using TrainFuseUpdatesBase::TrainFuseUpdatesBase;

  void runOnOperation() override {
    // A run: small updates between which nothing but views and other updates
    // stands, and nothing that reads a result of theirs, for the fused op comes
    // at the place of the last.
    SmallVector<UpdateOpInterface> run;
    for (Operation &op : llvm::make_early_inc_range(getOperation().getBlock())) {
      auto update = dyn_cast<UpdateOpInterface>(op);
      bool readsRun = llvm::any_of(
          op.getOperands(), [&](Value value) { return llvm::is_contained(run, value.getDefiningOp()); });
      if (readsRun || (!update && !isa<ViewOpInterface>(op))) {
        while (run.size() > 1)
          fuseFirst(run);
        run.clear();
      }
      if (update && isSmall(update) && !readsArgument(update))
        run.push_back(update);
    }
  }

private:
  static int64_t groupBytes(UpdateOpInterface update, unsigned group) {
    return getByteSize(update->getOperand(update.getGroupOperands(group)[0]).getType());
  }
  static int64_t totalBytes(UpdateOpInterface update) {
    int64_t bytes = 0;
    for (unsigned group = 0; group < update.getNumGroups(); ++group)
      bytes += groupBytes(update, group);
    return bytes;
  }
  bool isSmall(UpdateOpInterface update) {
    return llvm::all_of(llvm::seq(update.getNumGroups()),
                        [&](unsigned group) { return groupBytes(update, group) <= maxBytes; });
  }
  /// Whether a gradient is an argument, which another update of the run may replace.
  static bool readsArgument(UpdateOpInterface update) {
    return llvm::any_of(llvm::seq(update.getNumGroups()), [&](unsigned group) {
      return isa<BlockArgument>(viewRoot(update->getOperand(update.getGroupOperands(group)[1])));
    });
  }

  /// Joins all that can be joined with the first of the run, as far as the total
  /// allows, at the place of the last of them, and takes them from the run.
  void fuseFirst(SmallVector<UpdateOpInterface> &run) {
    UpdateOpInterface first = run.front();
    SmallVector<UpdateOpInterface> joined, rest;
    int64_t total = 0;
    for (UpdateOpInterface update : run) {
      int64_t bytes = totalBytes(update);
      if (update != first && (!first.canFuseWith(update) || total + bytes > maxTotalBytes)) {
        rest.push_back(update);
        continue;
      }
      joined.push_back(update);
      total += bytes;
    }
    run = rest;
    if (joined.size() == 1)
      return;
    SmallVector<Value> operands, results;
    for (UpdateOpInterface update : joined)
      for (unsigned group = 0; group < update.getNumGroups(); ++group) {
        for (unsigned operand : update.getGroupOperands(group))
          operands.push_back(update->getOperand(operand));
        for (unsigned result : update.getGroupResults(group))
          results.push_back(update->getResult(result));
      }
    OpBuilder builder(joined.back());
    SmallVector<Location> locations;
    for (UpdateOpInterface update : joined)
      locations.push_back(update.getLoc());
    Operation *fused = first.createWithGroups(builder, builder.getFusedLoc(locations), operands);
    for (auto [old, replacement] : llvm::zip(results, fused->getResults()))
      old.replaceAllUsesWith(replacement);
    for (UpdateOpInterface update : joined)
      update->erase();
  }
};

} // namespace
} // namespace spillway
