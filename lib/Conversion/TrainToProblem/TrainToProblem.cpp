//===- TrainToProblem.cpp - A frozen step as a planning problem ------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Conversion/TrainToProblem.h"
#include <cmath>
#include <set>

using namespace mlir;
using namespace spillway;
using planner::Access;
using planner::StorageKind;

int64_t spillway::costNs(const TableOp &op, const EngineRates &engine) {
  auto cost = dyn_cast<train::CostOpInterface>(op.op);
  if (!cost)
    return static_cast<int64_t>(engine.launchOverheadNs);
  Type element = Float32Type::get(op.op->getContext());
  if (!op.op->getResultTypes().empty())
    element = getElementTypeOrSelf(op.op->getResult(0).getType());
  StringRef work = cost.getWorkKind() == "memory" ? "elementwise" : cost.getWorkKind();
  double arithmetic = static_cast<double>(cost.getFlops()) / engine.flops(work, element);
  double traffic = static_cast<double>(cost.getBytesMoved()) / engine.memoryBytesPerSecond;
  return static_cast<int64_t>(engine.launchOverheadNs) +
         static_cast<int64_t>(std::ceil(std::max(arithmetic, traffic) * 1e9));
}

namespace {

class ProblemBuilder {
public:
  ProblemBuilder(const StepTable &table, const Target &target, const KernelProfile *profile)
      : table(table), step(table.step), target(target), profile(profile) {}

  FailureOr<StepProblem> build() {
    addStorages();
    for (const TableTensor &tensor : table.tensors)
      if (!table.values[tensor.valueIn].bytes)
        return step.emitError("'") << table.values[tensor.valueIn].name
                                   << "' has no elements, expected at least one; leave it out of the model";
    cutParts();
    for (const TableOp &op : table.ops)
      addOperator(op);
    std::vector<std::string> faults = result.problem.check();
    if (!faults.empty())
      return step.emitError("makes no planning problem: ") << faults.front();
    return std::move(result);
  }

private:
  const StepTable &table;
  train::StepOp step;
  const Target &target;
  const KernelProfile *profile;
  StepProblem result;

  planner::Storage &storageOf(const TableView &view) {
    return result.problem.storages[result.storageOfValue[view.value]];
  }

  void addStorages() {
    planner::Problem &problem = result.problem;
    problem.name = step.getSymName().str();
    problem.machine = target.machine;
    // The new value of an updated tensor lies where the old one did.
    std::vector<uint32_t> first(table.values.size());
    for (uint32_t value = 0; value < first.size(); ++value)
      first[value] = value;
    for (const TableTensor &tensor : table.tensors)
      first[tensor.valueOut] = tensor.valueIn;
    result.storageOfValue.resize(first.size());
    for (uint32_t value = 0; value < first.size(); ++value) {
      if (first[value] != value)
        continue;
      result.storageOfValue[value] = static_cast<uint32_t>(problem.storages.size());
      planner::Storage storage;
      storage.id = value;
      storage.name = table.values[value].name;
      storage.bytes = table.values[value].bytes;
      problem.storages.push_back(storage);
    }
    for (uint32_t value = 0; value < first.size(); ++value)
      result.storageOfValue[value] = result.storageOfValue[first[value]];
    for (const TableTensor &tensor : table.tensors) {
      bool fed = tensor.role == train::Role::input || tensor.role == train::Role::hyper;
      problem.storages[result.storageOfValue[tensor.valueIn]].kind = fed ? StorageKind::Fed : StorageKind::Persistent;
    }
    for (const TableOutput &output : table.outputs)
      problem.storages[result.storageOfValue[output.value]].output = true;
  }

  /// Where updates touch blocks of a storage, the blocks are its parts.
  void cutParts() {
    std::vector<std::set<uint64_t>> cuts(result.problem.storages.size());
    for (const TableOp &op : table.ops) {
      if (op.recomputable)
        continue;
      for (const auto *views : {&op.inputs, &op.outputs})
        for (const TableView &view : *views) {
          uint32_t storage = result.storageOfValue[view.value];
          cuts[storage].insert(view.offset);
          cuts[storage].insert(view.offset + view.extent());
        }
    }
    for (auto [storage, points] : llvm::zip(result.problem.storages, cuts)) {
      points.erase(0);
      points.erase(storage.bytes);
      storage.parts.assign(points.begin(), points.end());
    }
  }

  /// The whole storage, unless the view is exactly one part of it.
  Access accessOf(const TableView &view) {
    Access access;
    access.storage = result.storageOfValue[view.value];
    const planner::Storage &storage = result.problem.storages[access.storage];
    if (storage.numParts() == 1)
      return access;
    for (uint32_t part = 0; part < storage.numParts(); ++part)
      if (storage.partBegin(part) == view.offset && storage.partEnd(part) == view.offset + view.extent())
        access.part = static_cast<int32_t>(part);
    return access;
  }

  void addOperator(const TableOp &op) {
    planner::Operator entry;
    entry.id = op.id;
    entry.name = op.op->getName().getStringRef().str();
    if (std::string location = describeLocation(op.op->getLoc()); !location.empty())
      entry.name += " " + location;
    entry.workspace = op.workspaceBytes;
    entry.recomputable = op.recomputable;
    if (auto cost = dyn_cast<train::CostOpInterface>(op.op))
      entry.flops = static_cast<uint64_t>(cost.getFlops());
    // Kernels run where they are compiled for: the compute engine. Updates may
    // run elsewhere as well (`addHostCosts`).
    entry.costNs.assign(target.engines.size(), -1);
    entry.costNs[0] = costNs(op, target.compute());
    if (profile)
      if (auto it = profile->find(getSignature(op, step.getLanes())); it != profile->end())
        entry.costNs[0] = it->second;

    // An in-place pair of an update is one access that replaces the content.
    auto kernel = cast<train::KernelOpInterface>(op.op);
    SmallVector<std::pair<unsigned, unsigned>> pairs = kernel.getInPlacePairs();
    auto add = [](std::vector<Access> &list, Access access) {
      if (!llvm::is_contained(list, access))
        list.push_back(access);
    };
    llvm::SmallDenseSet<unsigned> updatedInputs, updatedOutputs;
    if (!op.recomputable)
      for (auto [input, output] : pairs) {
        add(entry.updates, accessOf(op.inputs[input]));
        updatedInputs.insert(input);
        updatedOutputs.insert(output);
      }
    for (auto [i, view] : llvm::enumerate(op.inputs))
      if (!updatedInputs.contains(i))
        add(entry.reads, accessOf(view));
    for (auto [i, view] : llvm::enumerate(op.outputs))
      if (!updatedOutputs.contains(i))
        add(entry.writes, accessOf(view));
    if (op.recomputable)
      for (auto [input, output] : pairs)
        addInPlace(entry, op.inputs[input], op.outputs[output]);
    addHostCosts(op, entry);
    result.problem.operators.push_back(std::move(entry));
  }

  /// An operator that does nothing but replace parameters and state may run
  /// beside them, on an engine off the device: the roofline of that engine,
  /// which for such operators is its memory.
  void addHostCosts(const TableOp &op, planner::Operator &entry) {
    bool onlyUpdates = !entry.updates.empty() && entry.writes.empty();
    for (const Access &update : entry.updates)
      onlyUpdates &= result.problem.storages[update.storage].kind == StorageKind::Persistent;
    for (size_t engine = 1; onlyUpdates && engine < target.engines.size(); ++engine)
      if (target.machine.engines[engine].tier != 0)
        entry.costNs[engine] = costNs(op, target.engines[engine]);
  }

  /// A result may take over the buffer of an operand that it sees whole.
  void addInPlace(planner::Operator &entry, const TableView &input, const TableView &output) {
    const planner::Storage &read = storageOf(input), &written = storageOf(output);
    if (read.kind != StorageKind::Temporary || read.bytes != written.bytes || input.offset != 0 ||
        output.offset != 0 || input.strides != output.strides || input.sizes != output.sizes ||
        input.element != output.element)
      return;
    uint32_t readIndex = result.storageOfValue[input.value], writtenIndex = result.storageOfValue[output.value];
    // Not where the op reads the operand a second time through another view.
    unsigned readers = llvm::count_if(entry.reads, [&](const Access &access) { return access.storage == readIndex; });
    if (readers == 1)
      entry.inPlace.push_back({writtenIndex, readIndex});
  }
};

} // namespace

FailureOr<StepProblem> spillway::buildProblem(const StepTable &table, const Target &target,
                                              const KernelProfile *profile) {
  return ProblemBuilder(table, target, profile).build();
}
