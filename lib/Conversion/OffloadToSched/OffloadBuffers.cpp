//===- OffloadBuffers.cpp - The buffers of an offload.step ----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Conversion/OffloadBuffers.h"

using namespace mlir;
using namespace spillway;
using namespace spillway::offload;

std::optional<uint64_t> OffloadBuffer::getAddress(const Origin &origin) {
  if (!origin.index) {
    auto address = origin.owner->getAttrOfType<IntegerAttr>(kWorkspaceAttr);
    return address ? std::optional(uint64_t(address.getInt())) : std::nullopt;
  }
  auto all = origin.owner->getAttrOfType<DenseI64ArrayAttr>(kAddressesAttr);
  if (!all || *origin.index >= all.size() || all[*origin.index] < 0)
    return std::nullopt;
  return uint64_t(all[*origin.index]);
}

void OffloadBuffer::setAddress(const Origin &origin, uint64_t address) {
  Builder builder(origin.owner->getContext());
  if (!origin.index) {
    origin.owner->setAttr(kWorkspaceAttr,
                          builder.getI64IntegerAttr(int64_t(address)));
    return;
  }
  SmallVector<int64_t> all;
  if (auto known =
          origin.owner->getAttrOfType<DenseI64ArrayAttr>(kAddressesAttr))
    all.assign(known.asArrayRef().begin(), known.asArrayRef().end());
  all.resize(origin.owner->getNumResults(), -1);
  all[*origin.index] = int64_t(address);
  origin.owner->setAttr(kAddressesAttr, builder.getDenseI64ArrayAttr(all));
}

void OffloadBuffer::setAddresses(offload::StepOp step,
                                 ArrayRef<int64_t> addresses) {
  step->setAttr(kAddressesAttr,
                DenseI64ArrayAttr::get(step.getContext(), addresses));
}

static uint64_t bytesOf(Type type) {
  if (auto transfer = dyn_cast<TransferType>(type))
    type = transfer.getValue();
  if (auto stash = dyn_cast<StashType>(type))
    type = stash.getTensor();
  return uint64_t(train::getByteSize(type));
}

unsigned OffloadBuffers::begin(Type type, OffloadBuffer::Origin origin) {
  OffloadBuffer buffer;
  if (auto transfer = dyn_cast<TransferType>(type))
    type = transfer.getValue();
  buffer.tier = step.getTierOf(type);
  buffer.bytes = bytesOf(type);
  buffer.first = position;
  buffer.end = numPositions;
  buffer.origins.push_back(origin);
  buffers.push_back(std::move(buffer));
  freedBy.push_back(nullptr);
  return buffers.size() - 1;
}

OffloadBuffers::Place OffloadBuffers::getPlace(Value value) const {
  auto placeOf = [&](Value root) {
    Place place = roots.lookup(root);
    if (auto it = mergedInto.find(place.buffer); it != mergedInto.end())
      place.buffer = it->second;
    return place;
  };
  if (roots.contains(value))
    return placeOf(value);
  // Whatever reaches this line was checked when it was visited.
  train::ViewOf view = *train::traceView(value);
  Place place = placeOf(view.root);
  place.offset += uint64_t(view.layout.offset) *
                  uint64_t(train::getElementByteSize(
                      getElementTypeOrSelf(value.getType())));
  return place;
}

LogicalResult OffloadBuffers::checkUses(Operation &op) {
  for (Value operand : op.getOperands()) {
    Value root = operand;
    if (!roots.contains(root)) {
      FailureOr<train::ViewOf> view = train::traceView(operand);
      if (failed(view))
        return op.emitOpError("expects operands that are strided views");
      root = view->root;
    }
    auto it = roots.find(root);
    if (it == roots.end())
      return op.emitOpError("uses a value that has no buffer");
    if (Operation *end = freedBy[it->second.buffer]) {
      InFlightDiagnostic diag = op.emitOpError("uses a buffer that has ended");
      diag.attachNote(end->getLoc()) << "it is freed here";
      return diag;
    }
  }
  return success();
}

LogicalResult OffloadBuffers::visitKernel(Operation &op) {
  SmallVector<std::optional<Place>> taken(op.getNumResults());
  if (auto pairs = op.getAttrOfType<DenseI64ArrayAttr>(kInPlaceAttr))
    for (int64_t i = 0; i + 1 < pairs.size(); i += 2) {
      Value operand = op.getOperand(pairs[i]);
      if (bytesOf(operand.getType()) !=
          bytesOf(op.getResult(pairs[i + 1]).getType()))
        return op.emitOpError() << "expects result " << pairs[i + 1]
                                << " to be as large as operand " << pairs[i]
                                << ", whose place it takes";
      taken[pairs[i + 1]] = getPlace(operand);
    }
  for (OpResult result : op.getResults()) {
    unsigned index = result.getResultNumber();
    roots[result] = taken[index]
                        ? *taken[index]
                        : Place{begin(result.getType(), {&op, index}), 0};
  }
  if (auto cost = dyn_cast<train::CostOpInterface>(op))
    if (int64_t bytes = cost.getWorkspaceBytes(lanes)) {
      OffloadBuffer workspace;
      workspace.tier = step.getDevice();
      workspace.bytes = uint64_t(bytes);
      workspace.first = position;
      workspace.end = position + 1;
      workspace.origins.push_back({&op, std::nullopt});
      workspaces[&op] = buffers.size();
      buffers.push_back(std::move(workspace));
      freedBy.push_back(nullptr);
    }
  return success();
}

LogicalResult OffloadBuffers::visitAssemble(train::AssembleOp op) {
  Place first = getPlace(op.getPieces().front());
  uint64_t offset = first.offset;
  for (Value piece : op.getPieces()) {
    Place place = getPlace(piece);
    if (place.buffer != first.buffer || place.offset != offset)
      return op.emitOpError(
          "expects pieces that lie side by side in one buffer");
    offset += bytesOf(piece.getType());
  }
  roots[op.getResult()] = first;
  return success();
}

LogicalResult OffloadBuffers::visit(Operation &op) {
  if (failed(checkUses(op)))
    return failure();
  if (isa<train::ViewOpInterface, ReturnOp>(op))
    return success();
  if (auto assemble = dyn_cast<train::AssembleOp>(op))
    return visitAssemble(assemble);
  if (isa<train::KernelOpInterface>(op))
    return visitKernel(op);
  if (auto load = dyn_cast<LoadStartOp>(op)) {
    roots[load.getTransfer()] = {begin(load.getTransfer().getType(), {&op, 0}),
                                 0};
    return success();
  }
  if (auto store = dyn_cast<StoreStartOp>(op)) {
    roots[store.getTransfer()] =
        store.getInto()
            ? getPlace(store.getInto())
            : Place{begin(store.getTransfer().getType(), {&op, 0}), 0};
    return success();
  }
  if (auto await = dyn_cast<AwaitOp>(op)) {
    roots[await.getResult()] = getPlace(await.getTransfer());
    return success();
  }
  if (auto free = dyn_cast<FreeOp>(op)) {
    unsigned buffer = getPlace(free.getBuffer()).buffer;
    buffers[buffer].end = position;
    freedBy[buffer] = &op;
    return success();
  }
  return op.emitOpError("cannot be scheduled: it has no kernel, and is neither "
                        "a view nor a transfer");
}

/// Ties what is carried into the next step to the argument that it becomes.
LogicalResult OffloadBuffers::closeStep() {
  ReturnOp ret = step.getReturn();
  std::vector<bool> closed(buffers.size());
  unsigned next = 0;
  for (BlockArgument arg : step.getBlock().getArguments()) {
    HoldAttr hold = step.getHold(arg.getArgNumber());
    unsigned mine = roots.lookup(arg).buffer;
    if (hold.getFed()) {
      if (freedBy[mine])
        return freedBy[mine]->emitOpError()
               << "ends the buffer of \"" << hold.getTensor()
               << "\", which the host writes in each step";
      continue;
    }
    Value carried = ret.getCarried()[next];
    Place place = getPlace(carried);
    OffloadBuffer &final = buffers[place.buffer];
    if (place.offset != 0 || final.bytes != buffers[mine].bytes ||
        final.tier != buffers[mine].tier || closed[place.buffer])
      return ret.emitOpError()
             << "expects carried value " << next << " (\"" << hold.getTensor()
             << "\") to be a whole buffer of its own";
    closed[place.buffer] = true;
    ++next;
    if (place.buffer == mine) {
      final.wraps = true;
      final.first = final.end = 0;
      continue;
    }
    if (!freedBy[mine] || buffers[mine].end > final.first)
      return ret.emitOpError()
             << "carries another buffer as \"" << hold.getTensor()
             << "\", while that of the argument is still there";
    // One buffer that is reborn within the step: it must come back to where
    // it was.
    final.wraps = true;
    final.end = buffers[mine].end;
    final.origins.append(buffers[mine].origins);
    buffers[mine].origins.clear();
    buffers[mine].bytes = 0;
    mergedInto[mine] = place.buffer;
  }
  return success();
}

FailureOr<OffloadBuffers> OffloadBuffers::build(StepOp step) {
  OffloadBuffers result;
  result.step = step;
  Block &block = step.getBlock();
  result.numPositions = uint32_t(std::distance(block.begin(), block.end()));
  auto original = SymbolTable::lookupNearestSymbolFrom<train::StepOp>(
      step, step.getStepAttr());
  if (!original)
    return step.emitOpError()
           << "expects " << step.getStepAttr() << " to be a train.step";
  result.lanes = original.getLanes();
  for (BlockArgument arg : block.getArguments())
    result.roots[arg] = {
        result.begin(arg.getType(), {step.getOperation(), arg.getArgNumber()}),
        0};
  if (auto staging = step->getAttrOfType<DictionaryAttr>(kStagingAttr)) {
    auto tier = staging.getAs<StringAttr>("tier");
    auto slots = staging.getAs<IntegerAttr>("slots"),
         bytes = staging.getAs<IntegerAttr>("bytes");
    if (!tier || !slots || !bytes || slots.getInt() < 1 || bytes.getInt() < 1)
      return step.emitOpError() << "expects '" << kStagingAttr
                                << "' to have a tier, slots and bytes";
    for (int64_t i = 0; i < 2 * slots.getInt(); ++i) {
      OffloadBuffer slot;
      slot.tier = tier.getValue();
      slot.bytes = uint64_t(bytes.getInt());
      slot.wraps = true;
      slot.origins.push_back({step, unsigned(block.getNumArguments() + i)});
      result.staging.push_back(result.buffers.size());
      result.buffers.push_back(std::move(slot));
      result.freedBy.push_back(nullptr);
    }
  }
  for (Operation &op : block) {
    if (failed(result.visit(op)))
      return failure();
    ++result.position;
  }
  if (failed(result.closeStep()))
    return failure();
  return result;
}
