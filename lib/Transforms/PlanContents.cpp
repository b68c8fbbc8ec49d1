//===- PlanContents.cpp - What is where while a plan is replayed ----------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanApplier.h"

using namespace mlir;
using namespace spillway;
using planner::Action;
using planner::ActionKind;
using planner::Instance;

//===----------------------------------------------------------------------===//
// Diagnostics and types
//===----------------------------------------------------------------------===//

std::string PlanApplier::describe(const Instance &instance) {
  std::string text = '"' + problem.storages[instance.storage].name + '"';
  if (instance.part >= 0)
    text += " part " + std::to_string(instance.part);
  return text + " on " + problem.machine.tiers[instance.tier].name;
}

InFlightDiagnostic PlanApplier::fail() {
  InFlightDiagnostic diag = step.emitError() << "cannot apply the plan: ";
  if (position >= plan.actions.size())
    return std::move(diag << "at the end of the step: ");
  const Action &action = plan.actions[position];
  diag << "action " << position << " (";
  switch (action.kind) {
  case ActionKind::Run:
    diag << "run " << problem.operators[action.op].name << ", id "
         << problem.operators[action.op].id;
    break;
  case ActionKind::Load:
    diag << "load " << describe({action.storage, action.part, action.tier});
    break;
  case ActionKind::Store:
    diag << "store " << describe({action.storage, action.part, action.tier});
    break;
  case ActionKind::Free:
    diag << "free " << describe({action.storage, action.part, action.tier});
    break;
  }
  return std::move(diag << "): ");
}

RankedTensorType PlanApplier::wholeType(uint32_t storage) {
  Value root = table.values[valueOfStorage[storage]].root;
  return train::tensorType(root);
}

int64_t PlanApplier::firstRow(uint32_t storage, uint32_t part) {
  RankedTensorType whole = wholeType(storage);
  int64_t rowBytes = train::getByteSize(whole) / whole.getDimSize(0);
  return int64_t(problem.storages[storage].partBegin(part)) / rowBytes;
}

FailureOr<RankedTensorType> PlanApplier::partType(uint32_t storage,
                                                  int32_t part) {
  RankedTensorType whole = wholeType(storage);
  if (part < 0)
    return whole;
  const planner::Storage &entry = problem.storages[storage];
  int64_t rows = whole.getRank() ? whole.getDimSize(0) : 0;
  int64_t rowBytes = rows ? train::getByteSize(whole) / rows : 0;
  if (uint32_t(part) >= entry.numParts() || !rowBytes ||
      int64_t(entry.partBegin(part)) % rowBytes ||
      int64_t(entry.partBytes(part)) % rowBytes)
    return fail() << "part " << part << " of \"" << entry.name
                  << "\" is no block of rows of " << whole;
  SmallVector<int64_t> shape(whole.getShape());
  shape[0] = int64_t(entry.partBytes(part)) / rowBytes;
  return RankedTensorType::get(shape, whole.getElementType());
}

Type PlanApplier::instanceType(RankedTensorType tensor, uint32_t tier) {
  if (tier == 0)
    return tensor;
  return offload::StashType::get(builder.getContext(), tensor,
                                 problem.machine.tiers[tier].name);
}

int32_t PlanApplier::partOf(const TableView &view) {
  const planner::Storage &storage =
      problem.storages[mapping.storageOfValue[view.value]];
  if (storage.numParts() == 1)
    return -1;
  for (uint32_t part = 0; part < storage.numParts(); ++part)
    if (storage.partBegin(part) == view.offset &&
        storage.partBytes(part) == view.extent())
      return int32_t(part);
  return -1;
}

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

Content *PlanApplier::find(uint32_t storage, int32_t part, uint32_t tier) {
  auto it = contents.find({storage, part, tier});
  return it == contents.end() ? nullptr : &it->second;
}

Value PlanApplier::awaitContent(Content &content) {
  if (content.transfer) {
    content.value = offload::AwaitOp::create(
        builder, content.transfer.getLoc(),
        cast<offload::TransferType>(content.transfer.getType()).getValue(),
        content.transfer);
    content.transfer = {};
  }
  return content.value;
}

void PlanApplier::awaitReaders(Content &content) {
  for (const Instance &reader : content.readers)
    if (Content *stash = find(reader.storage, reader.part, reader.tier))
      awaitContent(*stash);
  content.readers.clear();
}

Value PlanApplier::contentOf(const Instance &instance, Content &content) {
  Value value = awaitContent(content);
  if (content.pieces.empty())
    return value;
  SmallVector<Value> pieces;
  Location loc = value.getLoc();
  for (uint32_t part = 0; part < problem.storages[instance.storage].numParts();
       ++part) {
    if (auto it = content.pieces.find(part); it != content.pieces.end()) {
      pieces.push_back(it->second);
      continue;
    }
    RankedTensorType type = *partType(instance.storage, int32_t(part));
    SmallVector<int64_t> offsets(type.getRank(), 0);
    offsets[0] = firstRow(instance.storage, part);
    pieces.push_back(
        train::SliceOp::create(builder, loc, type, value, offsets));
  }
  content.value =
      train::AssembleOp::create(builder, loc, value.getType(), pieces);
  content.pieces.clear();
  return content.value;
}

/// Repeats on `base` the views through which `original` sees its root. `base`
/// is the root, or the block of its rows from `row` on.
Value PlanApplier::replayViews(Value original, Value base, int64_t row) {
  SmallVector<Operation *> chain;
  while (auto view = original.getDefiningOp<train::ViewOpInterface>()) {
    chain.push_back(view);
    original = view->getOperand(0);
  }
  bool isBlock = base.getType() != original.getType();
  for (Operation *view : llvm::reverse(chain)) {
    if (isBlock) {
      // Only a slice can be taken of a block as it is of the whole.
      auto slice = dyn_cast<train::SliceOp>(view);
      if (!slice)
        return {};
      isBlock = false;
      SmallVector<int64_t> offsets(slice.getOffsets());
      offsets[0] -= row;
      if (slice.getType() == base.getType())
        continue;
      base = train::SliceOp::create(builder, view->getLoc(), slice.getType(),
                                    base, offsets);
      continue;
    }
    Operation *copy = builder.clone(*view);
    copy->setOperand(0, base);
    base = copy->getResult(0);
  }
  return isBlock ? Value() : base;
}

FailureOr<Value> PlanApplier::operand(const TableOp &entry, unsigned index) {
  const TableView &view = entry.inputs[index];
  uint32_t storage = mapping.storageOfValue[view.value];
  int32_t part = partOf(view);
  Value original = entry.op->getOperand(index);
  Content *content = find(storage, -1, 0);
  Value base;
  int64_t row = 0;
  if (content) {
    Instance instance{storage, -1, 0};
    auto piece = part < 0 ? content->pieces.end() : content->pieces.find(part);
    if (piece != content->pieces.end()) {
      base = piece->second;
      row = firstRow(storage, uint32_t(part));
    } else if (part >= 0) {
      base = awaitContent(*content);
    } else {
      base = contentOf(instance, *content);
    }
  } else if (part >= 0 && (content = find(storage, part, 0))) {
    base = awaitContent(*content);
    row = firstRow(storage, uint32_t(part));
  } else {
    return fail() << "it reads " << describe({storage, part, 0})
                  << ", which is not there";
  }
  Value value = replayViews(original, base, row);
  if (!value)
    return fail() << "operand " << index << " does not see "
                  << describe({storage, part, 0})
                  << " through a slice of its rows";
  return value;
}

void PlanApplier::end(const Instance &instance) {
  auto it = contents.find(instance);
  Content &content = it->second;
  awaitReaders(content);
  Value value = awaitContent(content);
  if (!content.pieces.empty())
    value = content.pieces.begin()->second;
  offload::FreeOp::create(builder, value.getLoc(), value);
  contents.erase(it);
}
