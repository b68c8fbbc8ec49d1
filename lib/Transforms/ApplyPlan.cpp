//===- ApplyPlan.cpp - From a plan to offload ops
//--------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replays the plan's actions and writes an op for each. What is where is known
// as the plan knows it, by instance; what it is called, as an SSA value.
//
//===----------------------------------------------------------------------===//

#include "spillway/Conversion/OffloadBuffers.h"
#include "spillway/Conversion/TrainToProblem.h"
#include "spillway/Export/StepTable.h"
#include "spillway/Transforms/Schedule.h"
#include <map>

using namespace mlir;
using namespace spillway;
using planner::Action;
using planner::ActionKind;
using planner::Instance;

namespace {

/// Of transfers through a tier between: enough slots that both links are busy,
/// and chunks that make their latencies small.
constexpr int64_t kSlots = 2, kSlotBytes = 4 << 20;

/// The content of one instance.
struct Content {
  /// The tensor or the stash; null while `transfer` is not awaited.
  Value value;
  Value transfer;
  /// The parts that updates have replaced in `value`, which is a whole tensor.
  std::map<uint32_t, Value> pieces;
  /// Instances whose stores still read this one.
  SmallVector<Instance> readers;
};

class PlanApplier {
public:
  PlanApplier(const StepTable &table, const StepProblem &mapping,
              const planner::Plan &plan, ArrayRef<uint64_t> budgets,
              const planner::PlanResult *layout)
      : table(table), mapping(mapping), problem(mapping.problem), plan(plan),
        budgets(budgets), layout(layout), step(table.step),
        builder(step.getContext()) {}

  FailureOr<offload::StepOp> apply();

private:
  // The frame of the step.
  void makeStep();
  LogicalResult addArguments();
  LogicalResult addReturn();

  // Actions.
  LogicalResult act(const Action &action);
  LogicalResult run(const Action &action);
  LogicalResult load(const Action &action);
  LogicalResult store(const Action &action);
  LogicalResult free(const Action &action);
  LogicalResult setResult(const Action &action, const TableOp &entry,
                          Operation *op, unsigned index);
  void storeOutput(uint32_t storage, Value value);

  // Contents.
  Content *find(uint32_t storage, int32_t part, uint32_t tier);
  /// The value of an instance's content as it is now, all of it.
  Value contentOf(const Instance &instance, Content &content);
  Value awaitContent(Content &content);
  void awaitReaders(Content &content);
  /// The value that operand `index` of an op of the frozen step has now.
  FailureOr<Value> operand(const TableOp &entry, unsigned index);
  Value replayViews(Value original, Value base, int64_t row);
  void end(const Instance &instance);

  // What the planner has laid out.
  void readLayout();
  void placeAt(const Instance &instance, uint32_t first,
               OffloadBuffer::Origin origin);
  void timeAt(Operation *op);

  // Types.
  RankedTensorType wholeType(uint32_t storage);
  FailureOr<RankedTensorType> partType(uint32_t storage, int32_t part);
  Type instanceType(RankedTensorType tensor, uint32_t tier);
  /// The part that a view is exactly; -1 for the whole or anything else.
  int32_t partOf(const TableView &view);
  int64_t firstRow(uint32_t storage, uint32_t part);

  InFlightDiagnostic fail();
  std::string describe(const Instance &instance);

  const StepTable &table;
  const StepProblem &mapping;
  const planner::Problem &problem;
  const planner::Plan &plan;
  ArrayRef<uint64_t> budgets;
  const planner::PlanResult *layout;
  train::StepOp step;
  OpBuilder builder;
  offload::StepOp result;

  std::map<Instance, Content> contents;
  /// Outputs on their way to the host, by storage.
  std::map<uint32_t, Value> outputs;
  uint64_t bytesOfOutputs = 0;
  SmallVector<Instance> arguments;
  std::vector<bool> hasRun;
  /// The first value of each storage, and whether the plan stores it.
  std::vector<uint32_t> valueOfStorage;
  std::vector<bool> isStored;
  /// The planned address of each life, by where it begins.
  std::map<std::pair<Instance, uint32_t>, uint64_t> addresses;
  std::map<Instance, uint64_t> wrapping;
  size_t position = 0;
};
} // namespace

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
// Addresses and times
//===----------------------------------------------------------------------===//

void PlanApplier::readLayout() {
  if (!layout)
    return;
  for (const planner::Buffer &buffer : layout->buffers) {
    const planner::Lifetime &life = buffer.lifetime;
    addresses[{life.instance, life.first}] = buffer.offset;
    if (life.wraps)
      wrapping[life.instance] = buffer.offset;
  }
}

void PlanApplier::placeAt(const Instance &instance, uint32_t first,
                          OffloadBuffer::Origin origin) {
  if (auto it = addresses.find({instance, first}); it != addresses.end())
    OffloadBuffer::setAddress(origin, it->second);
}

void PlanApplier::timeAt(Operation *op) {
  if (!layout || position >= layout->simulation.startNs.size())
    return;
  op->setAttr(kTimeAttr, builder.getDenseI64ArrayAttr(
                             {layout->simulation.startNs[position],
                              layout->simulation.durationNs[position]}));
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

//===----------------------------------------------------------------------===//
// Actions
//===----------------------------------------------------------------------===//

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
  // A run again while the first result is there: it is made anew.
  if (contents.contains(instance))
    end(instance);
  contents[instance].value = value;
  if (!takesPlace)
    placeAt(instance, uint32_t(position), {op, index});
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
  if (layout && bytes > capacity - layout->peakBytes[1] - bytesOfOutputs)
    return;
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
       action.tier >= problem.machine.tiers.size()))
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

//===----------------------------------------------------------------------===//
// The frame
//===----------------------------------------------------------------------===//

void PlanApplier::makeStep() {
  MLIRContext *context = builder.getContext();
  const planner::Machine &machine = problem.machine;
  SmallVector<Attribute> tiers, links;
  for (auto [index, tier] : llvm::enumerate(machine.tiers))
    tiers.push_back(sched::TierAttr::get(
        context, tier.name,
        index < budgets.size() ? budgets[index] : tier.capacity, 0));
  for (const planner::Link &link : machine.links)
    links.push_back(sched::LinkAttr::get(
        context, link.name, machine.tiers[link.from].name,
        machine.tiers[link.to].name,
        builder.getF64FloatAttr(double(link.bytesPerSecond)),
        uint64_t(link.latencyNs), link.group));
  builder.setInsertionPointAfter(step);
  result = offload::StepOp::create(
      builder, step.getLoc(),
      builder.getStringAttr(step.getSymName() + "_plan"),
      FlatSymbolRefAttr::get(step.getSymNameAttr()), builder.getArrayAttr({}),
      builder.getArrayAttr(tiers), builder.getArrayAttr(links));
  builder.setInsertionPointToStart(&result.getBody().emplaceBlock());
  // Transfers that take two links need slots in between.
  uint64_t largest = 0;
  std::string between;
  for (const Action &action : plan.actions) {
    if (action.kind != ActionKind::Load && action.kind != ActionKind::Store)
      continue;
    if (action.tier >= machine.tiers.size() ||
        action.storage >= problem.storages.size())
      continue; // an error, when it is its turn
    std::vector<uint32_t> route = machine.route(action.tier, 0);
    if (route.size() != 2)
      continue;
    between = machine.tiers[machine.links[route[0]].to].name;
    largest = std::max(largest,
                       problem.storages[action.storage].partBytes(action.part));
  }
  if (!largest)
    return;
  int64_t bytes = std::min(kSlotBytes, int64_t(sched::alignUp(largest)));
  result->setAttr(
      kStagingAttr,
      builder.getDictionaryAttr(
          {builder.getNamedAttr("tier", builder.getStringAttr(between)),
           builder.getNamedAttr("slots", builder.getI64IntegerAttr(kSlots)),
           builder.getNamedAttr("bytes", builder.getI64IntegerAttr(bytes))}));
}

LogicalResult PlanApplier::addArguments() {
  SmallVector<Attribute> holds;
  SmallVector<int64_t> argAddresses;
  std::map<uint32_t, SmallVector<Instance>> initial;
  for (const Instance &instance : plan.initial)
    initial[instance.storage].push_back(instance);
  auto add = [&](const Instance &instance, const TableTensor &tensor,
                 bool fed) -> LogicalResult {
    FailureOr<RankedTensorType> type =
        partType(instance.storage, instance.part);
    if (failed(type))
      return failure();
    int64_t offset = instance.part < 0
                         ? 0
                         : int64_t(problem.storages[instance.storage].partBegin(
                               instance.part));
    contents[instance].value = result.getBlock().addArgument(
        instanceType(*type, instance.tier), tensor.argument.getLoc());
    holds.push_back(
        offload::HoldAttr::get(builder.getContext(), tensor.name, offset, fed));
    auto planned = wrapping.find(instance);
    argAddresses.push_back(
        planned == wrapping.end() ? -1 : int64_t(planned->second));
    if (!fed)
      arguments.push_back(instance);
    return success();
  };
  for (const TableTensor &tensor : table.tensors) {
    uint32_t storage = mapping.storageOfValue[tensor.valueIn];
    const planner::Storage &entry = problem.storages[storage];
    if (entry.kind == planner::StorageKind::Fed) {
      uint32_t tier =
          entry.home.value_or(problem.machine.tiers.size() > 1 ? 1 : 0);
      if (failed(add({storage, -1, tier}, tensor, true)))
        return failure();
    }
    if (auto it = initial.find(storage); it != initial.end()) {
      if (entry.kind != planner::StorageKind::Fed)
        for (const Instance &instance : it->second)
          if (failed(add(instance, tensor, false)))
            return failure();
      initial.erase(it);
    }
  }
  for (auto &[storage, instances] : initial)
    return fail() << describe(instances.front())
                  << " is there when the step starts, but is no argument of "
                     "the step";
  if (layout) {
    if (result->hasAttr(kStagingAttr))
      argAddresses.append(2 * kSlots, -1);
    OffloadBuffer::setAddresses(result, argAddresses);
  }
  result.setHoldsAttr(builder.getArrayAttr(holds));
  return success();
}

LogicalResult PlanApplier::addReturn() {
  SmallVector<Value> outputValues, carried;
  for (const TableOutput &output : table.outputs) {
    uint32_t storage = mapping.storageOfValue[output.value];
    if (auto it = outputs.find(storage); it != outputs.end()) {
      Content content;
      content.transfer = it->second;
      outputValues.push_back(awaitContent(content));
      continue;
    }
    Value value;
    for (uint32_t tier = problem.machine.tiers.size(); tier-- > 0 && !value;)
      if (Content *content = find(storage, -1, tier))
        value = contentOf({storage, -1, tier}, *content);
    if (!value)
      return fail() << "output \"" << output.name << "\" is nowhere";
    outputValues.push_back(value);
  }
  for (const Instance &instance : arguments) {
    Content *content = find(instance.storage, instance.part, instance.tier);
    if (!content)
      return fail() << "expects " << describe(instance)
                    << ", as at the start of the step, but it is not there";
    carried.push_back(contentOf(instance, *content));
  }
  // Transfers that nothing waited for.
  for (auto &[instance, content] : contents)
    awaitContent(content);
  offload::ReturnOp::create(builder, step.getLoc(), outputValues, carried);
  return success();
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
