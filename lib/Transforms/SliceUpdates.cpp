//===- SliceUpdates.cpp - Cut large updates into blocks of rows -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Train.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINSLICEUPDATES
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

/// Slices start at multiples of this many bytes, as transfers and arenas do.
constexpr int64_t kSliceAlignment = 256;

struct SliceUpdatesPass : impl::TrainSliceUpdatesBase<SliceUpdatesPass> {
  using TrainSliceUpdatesBase::TrainSliceUpdatesBase;

  void runOnOperation() override {
    if (sliceBytes < 0) {
      getOperation().emitError("expects a slice of at least 0 bytes, but got ") << sliceBytes.getValue();
      return signalPassFailure();
    }
    SmallVector<UpdateOpInterface> updates;
    int64_t updatedBytes = 0;
    for (Operation &op : getOperation().getBlock())
      if (auto update = dyn_cast<UpdateOpInterface>(op)) {
        updates.push_back(update);
        for (Type type : op.getResultTypes())
          updatedBytes += getByteSize(type);
      }
    int64_t size = sliceBytes ? sliceBytes.getValue() : std::clamp<int64_t>(updatedBytes / 512, 4 << 20, 128 << 20);
    for (UpdateOpInterface update : updates)
      if (update.getNumGroups() == 1)
        slice(update, size);
  }

private:
  static void slice(UpdateOpInterface update, int64_t size) {
    SmallVector<unsigned> group = update.getGroupOperands(0);
    auto type = tensorType(update->getOperand(group[0]));
    int64_t bytes = getByteSize(type);
    if (type.getRank() == 0 || bytes <= size)
      return;
    int64_t rows = type.getDimSize(0), rowBytes = bytes / rows;
    // As few slices as the size allows, of equal numbers of rows, each a
    // multiple of the alignment.
    int64_t unit = 1;
    while (unit * rowBytes % kSliceAlignment != 0)
      unit *= 2;
    int64_t slices = (bytes + size - 1) / size;
    int64_t step = (rows + slices - 1) / slices;
    step = std::max(unit, (step + unit - 1) / unit * unit);
    if (step >= rows)
      return;

    OpBuilder builder(update);
    Location loc = update.getLoc();
    SmallVector<SmallVector<Value>> pieces(update->getNumResults());
    for (int64_t row = 0; row < rows; row += step) {
      SmallVector<int64_t> sizes(type.getShape()), offsets(type.getRank(), 0);
      sizes[0] = std::min(step, rows - row);
      offsets[0] = row;
      auto sliceType = RankedTensorType::get(sizes, type.getElementType());
      SmallVector<Value> operands;
      for (unsigned operand : group)
        operands.push_back(SliceOp::create(builder, loc, sliceType, update->getOperand(operand), offsets));
      Operation *part = update.createWithGroups(builder, loc, operands);
      for (auto [i, result] : llvm::enumerate(part->getResults()))
        pieces[i].push_back(result);
    }
    for (auto [result, parts] : llvm::zip(update->getResults(), pieces))
      result.replaceAllUsesWith(AssembleOp::create(builder, loc, result.getType(), parts).getResult());
    update->erase();
  }
};

} // namespace
} // namespace spillway
