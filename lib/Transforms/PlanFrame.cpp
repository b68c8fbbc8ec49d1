//===- PlanFrame.cpp - A planned step's arguments, results, addresses -----===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanApplier.h"

using namespace mlir;
using namespace spillway;
using planner::Instance;

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
  // What is made again while it is there stays where it was.
  if (auto it = addresses.find({instance, first}); it != addresses.end())
    lastAddress[instance] = it->second;
  if (auto it = lastAddress.find(instance);
      origin.owner && it != lastAddress.end())
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
  staging = stagingOf(problem, &plan);
  if (!staging)
    return;
  auto number = [&](StringRef name, uint64_t value) {
    return builder.getNamedAttr(name,
                                builder.getI64IntegerAttr(int64_t(value)));
  };
  result->setAttr(
      kStagingAttr,
      builder.getDictionaryAttr(
          {builder.getNamedAttr("tier", builder.getStringAttr(
                                            machine.tiers[staging->tier].name)),
           number("slots", staging->slots),
           number("bytes", staging->slotBytes)}));
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
    if (staging)
      argAddresses.append(2 * staging->slots, -1);
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
