//===- AssignOffsets.cpp - Addresses for the buffers of a step ------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Conversion/OffloadBuffers.h"
#include "spillway/Planner/Offsets.h"
#include "spillway/Transforms/Passes.h"
#include "spillway/Transforms/Schedule.h"

namespace spillway {
#define GEN_PASS_DEF_OFFLOADASSIGNOFFSETS
#include "spillway/Transforms/Passes.h.inc"
} // namespace spillway

using namespace mlir;
using namespace spillway;

/// The item that stands for a buffer, with the address that it may have.
static planner::OffsetItem makeItem(const OffloadBuffer &buffer,
                                    uint32_t numPositions) {
  planner::OffsetItem item;
  item.bytes = sched::alignUp(buffer.bytes);
  if (!buffer.wraps) {
    item.live.push_back({buffer.first, std::max(buffer.end, buffer.first + 1)});
  } else if (buffer.first == buffer.end) {
    item.live.push_back({0, numPositions});
  } else {
    if (buffer.end)
      item.live.push_back({0, buffer.end});
    item.live.push_back({buffer.first, numPositions});
  }
  for (const OffloadBuffer::Origin &origin : buffer.origins)
    if (std::optional<uint64_t> address = OffloadBuffer::getAddress(origin))
      item.fixed = address;
  return item;
}

LogicalResult spillway::assignOffsets(offload::StepOp step) {
  FailureOr<OffloadBuffers> buffers = OffloadBuffers::build(step);
  if (failed(buffers))
    return failure();
  SmallVector<int64_t> arguments(
      step.getBlock().getNumArguments() + buffers->staging.size(), -1);
  for (auto tier : step.getTiers().getAsRange<sched::TierAttr>()) {
    std::vector<planner::OffsetItem> items;
    SmallVector<OffloadBuffer *> members;
    for (OffloadBuffer &buffer : buffers->buffers)
      if (buffer.tier == tier.getName() && !buffer.origins.empty()) {
        items.push_back(makeItem(buffer, buffers->numPositions));
        members.push_back(&buffer);
      }
    planner::OffsetOptions options;
    options.alignment = sched::kAlignment;
    planner::OffsetResult result = planner::assignOffsets(items, options);
    if (std::string clash = planner::checkOffsets(items, result.offsets);
        !clash.empty())
      return step.emitOpError() << "has addresses on tier \"" << tier.getName()
                                << "\" that do not go together: " << clash;
    if (result.height > tier.getCapacity())
      return step.emitOpError()
             << "takes " << result.height << " bytes of tier \""
             << tier.getName() << "\", but its capacity is "
             << tier.getCapacity() << " (" << result.maxLoad
             << " are live at once)";
    for (auto [buffer, offset] : llvm::zip(members, result.offsets))
      for (const OffloadBuffer::Origin &origin : buffer->origins)
        if (origin.owner == step)
          arguments[*origin.index] = int64_t(offset);
        else
          OffloadBuffer::setAddress(origin, offset);
  }
  OffloadBuffer::setAddresses(step, arguments);
  return success();
}

namespace {
struct AssignOffsetsPass
    : spillway::impl::OffloadAssignOffsetsBase<AssignOffsetsPass> {
  void runOnOperation() override {
    for (auto step : getOperation().getOps<offload::StepOp>())
      if (failed(assignOffsets(step)))
        return signalPassFailure();
  }
};
} // namespace
