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
    // Updates between which nothing but views stands are one run; so are small
    // updates between which only other updates stand.
    SmallVector<SmallVector<UpdateOpInterface>> runs(1);
    for (Operation &op : getOperation().getBlock().without_terminator()) {
      if (auto update = dyn_cast<UpdateOpInterface>(op)) {
        if (isSmall(update))
          runs.back().push_back(update);
      } else if (!isa<ViewOpInterface>(op) && !runs.back().empty()) {
        runs.emplace_back();
      }
    }
    for (SmallVector<UpdateOpInterface> &run : runs)
      while (run.size() > 1)
        fuseFirst(run);
  }

private:
  bool isSmall(UpdateOpInterface update) {
    return llvm::all_of(llvm::seq(update.getNumGroups()), [&](unsigned group) {
      return getByteSize(update->getOperand(update.getGroupOperands(group)[0]).getType()) <= maxBytes;
    });
  }

  /// Joins all that can be joined with the first of the run, at the place of
  /// the last of them, and takes them from the run.
  static void fuseFirst(SmallVector<UpdateOpInterface> &run) {
    UpdateOpInterface first = run.front();
    SmallVector<UpdateOpInterface> joined, rest;
    for (UpdateOpInterface update : run)
      (update == first || first.canFuseWith(update) ? joined : rest).push_back(update);
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
