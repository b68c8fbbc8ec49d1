//===- StepTable.cpp - A frozen step as values and views ------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Export/StepTable.h"

using namespace mlir;
using namespace spillway;

uint64_t TableView::extent() const {
  int64_t last = 0;
  for (auto [size, stride] : llvm::zip(sizes, strides)) {
    if (size == 0)
      return 0;
    last += (size - 1) * stride;
  }
  return uint64_t(last + 1) * uint64_t(train::getElementByteSize(element));
}

std::optional<uint32_t> StepTable::findOp(uint32_t id) const {
  auto it = opOfId.find(id);
  return it == opOfId.end() ? std::nullopt : std::optional(it->second);
}

template <typename T>
static std::optional<uint32_t> findNamed(const std::vector<T> &list,
                                         StringRef name) {
  for (auto [index, element] : llvm::enumerate(list))
    if (element.name == name)
      return uint32_t(index);
  return std::nullopt;
}

std::optional<uint32_t> StepTable::findTensor(StringRef name) const {
  return findNamed(tensors, name);
}
std::optional<uint32_t> StepTable::findOutput(StringRef name) const {
  return findNamed(outputs, name);
}

std::string spillway::describeLocation(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (auto file = dyn_cast<FileLineColLoc>(loc))
    return (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
            Twine(file.getColumn()))
        .str();
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    std::string text;
    for (Location part : fused.getLocations()) {
      std::string one = describeLocation(part);
      if (!one.empty())
        text += (text.empty() ? "" : ", ") + one;
    }
    return text;
  }
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return describeLocation(call.getCallee());
  return "";
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

uint32_t StepTable::addValue(Value root, std::string name) {
  uint32_t index = values.size();
  values.push_back(
      {root, uint64_t(train::getByteSize(root.getType())), std::move(name)});
  places[root] = {index, 0};
  return index;
}

/// A result is a piece of the tensor that it is assembled into, if it is.
static train::AssembleOp findAssemble(Value result) {
  for (Operation *user : result.getUsers()) {
    if (auto assemble = dyn_cast<train::AssembleOp>(user))
      return assemble;
    if (isa<train::ViewOpInterface>(user))
      if (train::AssembleOp assemble = findAssemble(user->getResult(0)))
        return assemble;
  }
  return {};
}

LogicalResult StepTable::addValues() {
  for (BlockArgument arg : step.getBlock().getArguments())
    addValue(arg, step.getArgName(arg.getArgNumber()).str());
  // What an updated tensor is called after the step is what it was before.
  DenseMap<Value, std::string> updatedNames;
  train::ReturnOp ret = step.getReturn();
  for (auto [target, value] : llvm::zip(ret.getTargets(), ret.getValues()))
    updatedNames[value] =
        step.getArgName(cast<BlockArgument>(target).getArgNumber()).str() +
        " (updated)";
  auto nameOf = [&](Value root, Operation *op, unsigned result) {
    if (auto it = updatedNames.find(root); it != updatedNames.end())
      return it->second;
    std::string name = op->getName().stripDialect().str();
    if (auto id = op->getAttrOfType<IntegerAttr>(train::kIdAttr))
      name += "." + std::to_string(id.getInt());
    if (op->getNumResults() > 1)
      name += "#" + std::to_string(result);
    return name;
  };
  for (Operation &op : step.getBlock()) {
    if (!isa<train::KernelOpInterface>(op))
      continue;
    for (OpResult result : op.getResults()) {
      train::AssembleOp assemble = findAssemble(result);
      if (!assemble) {
        addValue(result, nameOf(result, &op, result.getResultNumber()));
        continue;
      }
      if (places.contains(result))
        continue;
      // The first piece brings in the tensor and all other pieces.
      uint32_t whole =
          addValue(assemble.getResult(),
                   nameOf(assemble.getResult(), &op, result.getResultNumber()));
      uint64_t offset = 0;
      for (Value piece : assemble.getPieces()) {
        FailureOr<train::ViewOf> view = train::traceView(piece);
        if (failed(view) || view->layout.offset != 0 ||
            !view->layout.isDense() ||
            train::getByteSize(view->root.getType()) !=
                train::getByteSize(piece.getType()))
          return assemble.emitOpError(
              "expects each piece to be the whole result of an update");
        places[view->root] = {whole, offset};
        offset += uint64_t(train::getByteSize(piece.getType()));
      }
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

FailureOr<TableView> StepTable::viewOf(Operation *user, Value value) {
  Operation *culprit = nullptr;
  FailureOr<train::ViewOf> view = train::traceView(value, &culprit);
  if (failed(view))
    return culprit->emitOpError("expects an operand of which its result is a "
                                "strided view: copy the operand first");
  auto place = places.find(view->root);
  if (place == places.end())
    return user->emitOpError("reads a value that is neither an argument nor "
                             "the result of a kernel");
  TableView result;
  result.value = place->second.value;
  result.element = getElementTypeOrSelf(value.getType());
  result.offset = place->second.offset +
                  uint64_t(view->layout.offset) *
                      uint64_t(train::getElementByteSize(result.element));
  result.sizes = view->layout.sizes;
  result.strides = view->layout.strides;
  return result;
}

LogicalResult StepTable::addOps() {
  for (Operation &op : step.getBlock()) {
    auto kernel = dyn_cast<train::KernelOpInterface>(op);
    if (!kernel) {
      if (!isa<train::ViewOpInterface, train::AssembleOp, train::ReturnOp>(op))
        return op.emitOpError("has no kernel and is no view: it cannot be "
                              "part of a plan");
      continue;
    }
    auto id = op.getAttrOfType<IntegerAttr>(train::kIdAttr);
    if (!id)
      return op.emitOpError("has no id: freeze the step first");
    if (!opOfId.try_emplace(uint32_t(id.getInt()), ops.size()).second)
      return op.emitOpError()
             << "has the id " << id.getInt() << ", which another op has";
    TableOp entry;
    entry.op = &op;
    entry.id = uint32_t(id.getInt());
    for (Value operand : op.getOperands()) {
      FailureOr<TableView> view = viewOf(&op, operand);
      if (failed(view))
        return failure();
      entry.inputs.push_back(std::move(*view));
    }
    for (Value result : op.getResults())
      entry.outputs.push_back(*viewOf(&op, result));
    if (auto cost = dyn_cast<train::CostOpInterface>(op))
      entry.workspaceBytes = uint64_t(cost.getWorkspaceBytes(step.getLanes()));
    entry.recomputable = !isa<train::UpdateOpInterface>(op);
    ops.push_back(std::move(entry));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Tensors and outputs
//===----------------------------------------------------------------------===//

LogicalResult StepTable::addResults() {
  train::ReturnOp ret = step.getReturn();
  DenseMap<Value, Value> updated;
  for (auto [target, value] : llvm::zip(ret.getTargets(), ret.getValues()))
    updated[target] = value;
  // The value of storage level that `value` is all of.
  auto wholeValue = [&](Value value, StringRef what) -> FailureOr<uint32_t> {
    FailureOr<TableView> view = viewOf(ret, value);
    if (failed(view))
      return failure();
    uint64_t bytes = uint64_t(train::getByteSize(value.getType()));
    if (view->offset != 0 || view->extent() != bytes ||
        values[view->value].bytes != bytes)
      return ret.emitOpError() << "expects " << what
                               << " to be a whole value, not a part of one: "
                                  "copy it first";
    return view->value;
  };
  for (BlockArgument arg : step.getBlock().getArguments()) {
    TableTensor tensor;
    tensor.argument = arg;
    tensor.name = step.getArgName(arg.getArgNumber()).str();
    tensor.role = step.getRole(arg.getArgNumber());
    tensor.valueIn = tensor.valueOut = places[arg].value;
    if (Value value = updated.lookup(arg)) {
      FailureOr<uint32_t> out =
          wholeValue(value, "the update of \"" + tensor.name + "\"");
      if (failed(out))
        return failure();
      tensor.valueOut = *out;
    }
    tensors.push_back(std::move(tensor));
  }
  auto addOutput = [&](StringRef name, Value value) -> LogicalResult {
    FailureOr<uint32_t> index =
        wholeValue(value, ("output \"" + name + "\"").str());
    if (failed(index))
      return failure();
    outputs.push_back({name.str(), *index, train::tensorType(value)});
    return success();
  };
  if (Value loss = ret.getLoss())
    if (failed(addOutput("loss", loss)))
      return failure();
  for (auto [name, value] : llvm::zip(ret.getOutputNames(), ret.getOutputs()))
    if (failed(addOutput(cast<StringAttr>(name).getValue(), value)))
      return failure();
  return success();
}

FailureOr<StepTable> StepTable::build(train::StepOp step) {
  StepTable table;
  table.step = step;
  if (failed(table.addValues()) || failed(table.addOps()) ||
      failed(table.addResults()))
    return failure();
  return table;
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

std::string spillway::getSignature(const TableOp &op, int64_t lanes) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto kernel = cast<train::KernelOpInterface>(op.op);
  auto printView = [&](const TableView &view) {
    os << view.element << '[';
    llvm::interleave(view.sizes, os, "x");
    os << ']';
    // Strides that are not those of a dense tensor are part of the layout.
    if (!train::Layout{0, view.sizes, view.strides}.isDense()) {
      os << '@';
      llvm::interleave(view.strides, os, "x");
    }
  };
  os << kernel.getKernelName() << '(';
  llvm::interleave(op.inputs, os, printView, ",");
  os << ")->(";
  llvm::interleave(op.outputs, os, printView, ",");
  os << ')';
  NamedAttrList attributes;
  kernel.getKernelAttributes(lanes, attributes);
  for (NamedAttribute attribute :
       attributes.getDictionary(op.op->getContext())) {
    os << ' ' << attribute.getName().getValue() << '=';
    attribute.getValue().print(os, /*elideType=*/true);
  }
  return text;
}
