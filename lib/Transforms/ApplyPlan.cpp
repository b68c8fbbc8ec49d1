//===- ApplyPlan.cpp - From a plan to offload ops -------------------------===//
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

LogicalResult PlanApplier::setResult(const Action &action, const TableOp &entry,
                                     Operation *op, unsigned index) {
  const TableView &view = entry.outputs[index];
  uint32_t storage = mapping.storageOfValue[view.value];
  int32_t part = partOf(view);
  Value value = op->getResult(index);
  bool isUpdate =
      problem.storages[storage].kind == planner::StorageKind::Persistent;
  if (isUpdate) {
    Content *content = find(storage, -1, 0);
    if (content && part >= 0) {
      content->pieces[part] = value;
    } else if (content || (content = find(storage, part, 0))) {
      content->value = value;
      content->pieces.clear();
    } else {
      return fail() << "it updates " << describe({storage, part, 0})
                    << ", which is not there";
    }
    return success();
  }
  Instance instance{storage, -1, 0};
  bool takesPlace = false;
  if (auto pairs = op->getAttrOfType<DenseI64ArrayAttr>(offload::kInPlaceAttr))
    for (int64_t i = 1; i < pairs.size(); i += 2)
      takesPlace |= pairs[i] == int64_t(index);
  contents[instance].value = value;
  placeAt(instance, uint32_t(position), {takesPlace ? nullptr : op, index});
  return success();
}

LogicalResult PlanApplier::run(const Action &action) {
  if (action.op >= table.ops.size())
    return fail() << "there is no such operator";
  if (problem.machine.engines[action.engine].tier != 0)
    return fail() << "engine \"" << problem.machine.engines[action.engine].name
                  << "\" does not compute on the device, which cannot be "
                     "compiled yet";
  const TableOp &entry = table.ops[action.op];
  SmallVector<Value> operands;
  for (unsigned i = 0; i < entry.inputs.size(); ++i) {
    FailureOr<Value> value = operand(entry, i);
    if (failed(value))
      return failure();
    operands.push_back(*value);
  }
  // Which results are computed where an operand is.
  SmallVector<int64_t> inPlace;
  SmallVector<Instance> takenOver;
  auto kernel = cast<train::KernelOpInterface>(entry.op);
  for (auto [input, output] : kernel.getInPlacePairs()) {
    uint32_t read = mapping.storageOfValue[entry.inputs[input].value];
    uint32_t written = mapping.storageOfValue[entry.outputs[output].value];
    bool isPlanned =
        llvm::is_contained(action.inPlace, planner::InPlacePair{written, read});
    if (read != written && !isPlanned)
      continue;
    if (llvm::any_of(llvm::seq<size_t>(0, inPlace.size() / 2),
                     [&](size_t i) { return inPlace[2 * i + 1] == output; }))
      continue;
    inPlace.push_back(input);
    inPlace.push_back(output);
    if (read != written)
      takenOver.push_back({read, -1, 0});
    // Stores of the old content must be done before it goes.
    for (int32_t part : {-1, partOf(entry.inputs[input])})
      if (Content *content = find(read, part, 0))
        awaitReaders(*content);
  }
  if (takenOver.size() != action.inPlace.size())
    return fail() << "its in-place pairs are not permitted by the kernel";
  // A run again while the first result is there: it is made anew, in its place.
  for (const TableView &view : entry.outputs)
    if (Instance result{mapping.storageOfValue[view.value], -1, 0};
        problem.storages[result.storage].kind !=
            planner::StorageKind::Persistent &&
        contents.contains(result))
      end(result);
  Operation *op = builder.clone(*entry.op);
  op->setOperands(operands);
  if (hasRun[action.op]) {
    op->removeAttr(train::kIdAttr);
    op->setAttr(offload::kRecomputeOfAttr, builder.getI64IntegerAttr(entry.id));
  }
  if (!inPlace.empty())
    op->setAttr(offload::kInPlaceAttr, builder.getDenseI64ArrayAttr(inPlace));
  for (const Instance &instance : takenOver)
    contents.erase(instance);
  for (unsigned i = 0; i < entry.outputs.size(); ++i)
    if (failed(setResult(action, entry, op, i)))
      return failure();
  if (!hasRun[action.op])
    for (auto [index, view] : llvm::enumerate(entry.outputs))
      if (uint32_t storage = mapping.storageOfValue[view.value];
          problem.storages[storage].output)
        storeOutput(storage, op->getResult(index));
  timeAt(op);
  if (layout && entry.workspaceBytes)
    OffloadBuffer::setAddress({op, std::nullopt},
                              layout->workspaceOffsets[position]);
  hasRun[action.op] = true;
  return success();
}

/// Sends an output to the host as soon as it is there, unless the plan does, or
/// its last bytes there are taken: the host then reads it on the device.
void PlanApplier::storeOutput(uint32_t storage, Value value) {
  const planner::Machine &machine = problem.machine;
  if (isStored[storage] || machine.tiers.size() < 2 ||
      !result.findLink(machine.tiers[0].name, machine.tiers[1].name))
    return;
  RankedTensorType type = wholeType(storage);
  uint64_t bytes = sched::alignUp(uint64_t(train::getByteSize(type)));
  uint64_t capacity =
      budgets.size() > 1 ? budgets[1] : machine.tiers[1].capacity;
  if (layout) {
    uint64_t taken = layout->peakBytes[1] + bytesOfOutputs;
    if (staging && staging->tier == 1)
      taken += staging->bytes();
    if (taken > capacity || bytes > capacity - taken)
      return;
  }
  bytesOfOutputs += bytes;
  outputs[storage] = offload::StoreStartOp::create(
      builder, value.getLoc(),
      offload::TransferType::get(builder.getContext(), instanceType(type, 1)),
      value, Value());
}

LogicalResult PlanApplier::load(const Action &action) {
  Content *stash = find(action.storage, -1, action.tier);
  if (!stash)
    return fail() << "there is nothing to load";
  FailureOr<RankedTensorType> type = partType(action.storage, action.part);
  if (failed(type))
    return failure();
  Instance instance{action.storage, action.part, 0};
  if (contents.contains(instance))
    end(instance);
  uint64_t offset =
      action.part < 0 ? 0
                      : problem.storages[action.storage].partBegin(action.part);
  Value from = awaitContent(*stash);
  auto op = offload::LoadStartOp::create(
      builder, from.getLoc(),
      offload::TransferType::get(builder.getContext(), *type), from, offset);
  contents[instance].transfer = op;
  placeAt(instance, uint32_t(position), {op, 0});
  timeAt(op);
  return success();
}

LogicalResult PlanApplier::store(const Action &action) {
  if (action.from != 0)
    return fail() << "it copies from "
                  << problem.machine.tiers[action.from].name
                  << " without the device, which no runtime executes yet";
  uint64_t offset =
      action.part < 0 ? 0
                      : problem.storages[action.storage].partBegin(action.part);
  Instance source{action.storage, action.part, 0};
  Content *content = find(action.storage, action.part, 0);
  Value value;
  if (content) {
    value = contentOf(source, *content);
  } else if (action.part >= 0 && (content = find(action.storage, -1, 0))) {
    // A part of a tensor that is there as a whole.
    source.part = -1;
    FailureOr<RankedTensorType> type = partType(action.storage, action.part);
    if (failed(type))
      return failure();
    if (auto it = content->pieces.find(action.part);
        it != content->pieces.end()) {
      value = it->second;
    } else {
      Value whole = awaitContent(*content);
      SmallVector<int64_t> offsets(type->getRank(), 0);
      offsets[0] = firstRow(action.storage, uint32_t(action.part));
      value = train::SliceOp::create(builder, whole.getLoc(), *type, whole,
                                     offsets);
    }
  } else {
    return fail() << "there is nothing to store";
  }
  Instance destination{action.storage, -1, action.tier};
  Value into;
  if (Content *stash = find(action.storage, -1, action.tier))
    into = awaitContent(*stash);
  Type type = instanceType(wholeType(action.storage), action.tier);
  contents[destination].value = {};
  auto op = offload::StoreStartOp::create(
      builder, value.getLoc(),
      offload::TransferType::get(builder.getContext(), type), value, into,
      offset);
  contents[destination].transfer = op;
  if (!into)
    placeAt(destination, uint32_t(position), {op, 0});
  timeAt(op);
  content->readers.push_back(destination);
  return success();
}

LogicalResult PlanApplier::free(const Action &action) {
  Instance instance{action.storage, action.part, action.tier};
  if (!contents.contains(instance))
    return fail() << "there is nothing to free";
  end(instance);
  return success();
}

LogicalResult PlanApplier::act(const Action &action) {
  if (action.kind != ActionKind::Run &&
      (action.storage >= problem.storages.size() ||
       action.tier >= problem.machine.tiers.size() ||
       action.from >= problem.machine.tiers.size()))
    return fail() << "there is no such storage or tier";
  switch (action.kind) {
  case ActionKind::Run:
    return run(action);
  case ActionKind::Load:
    return load(action);
  case ActionKind::Store:
    return store(action);
  case ActionKind::Free:
    return free(action);
  }
  return failure();
}

FailureOr<offload::StepOp> PlanApplier::apply() {
  valueOfStorage.assign(problem.storages.size(), UINT32_MAX);
  for (auto [value, storage] : llvm::enumerate(mapping.storageOfValue))
    valueOfStorage[storage] =
        std::min(valueOfStorage[storage], uint32_t(value));
  isStored.resize(problem.storages.size());
  for (const Action &action : plan.actions)
    if (action.kind == ActionKind::Store)
      isStored[action.storage] = true;
  hasRun.resize(table.ops.size());
  readLayout();
  makeStep();
  auto fill = [&]() -> LogicalResult {
    position = plan.actions.size();
    if (failed(addArguments()))
      return failure();
    for (position = 0; position < plan.actions.size(); ++position)
      if (failed(act(plan.actions[position])))
        return failure();
    return addReturn();
  };
  if (failed(fill())) {
    result.erase();
    return failure();
  }
  return result;
}

FailureOr<offload::StepOp>
spillway::applyPlan(const StepTable &table, const StepProblem &problem,
                    const planner::Plan &plan, ArrayRef<uint64_t> budgets,
                    const planner::PlanResult *layout) {
  return PlanApplier(table, problem, plan, budgets, layout).apply();
}
