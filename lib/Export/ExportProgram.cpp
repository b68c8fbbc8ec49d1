//===- ExportProgram.cpp - The data-flow table of a plan file -------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Export/Export.h"
#include "spillway/Plan/plan_generated.h"

using namespace mlir;
using namespace spillway;

namespace {
/// Turns attributes and types of the IR into those of the schema.
class ProgramWriter {
public:
  explicit ProgramWriter(const StepTable &table)
      : table(table), step(table.step) {}

  FailureOr<std::vector<uint8_t>> write();

private:
  FailureOr<plan::DType> convert(Operation *op, Type element);
  FailureOr<std::unique_ptr<plan::ViewT>> convert(Operation *op,
                                                  const TableView &view);
  FailureOr<std::unique_ptr<plan::AttrT>> convert(Operation *op,
                                                  NamedAttribute attribute);
  FailureOr<std::unique_ptr<plan::OpT>> convert(const TableOp &op);
  FailureOr<std::unique_ptr<plan::TensorT>> convert(const TableTensor &tensor);

  const StepTable &table;
  train::StepOp step;
};
} // namespace

FailureOr<plan::DType> ProgramWriter::convert(Operation *op, Type element) {
  using plan::DType;
  if (element.isF32())
    return DType::F32;
  if (element.isF16())
    return DType::F16;
  if (element.isBF16())
    return DType::BF16;
  if (element.isF64())
    return DType::F64;
  if (auto integer = dyn_cast<IntegerType>(element)) {
    if (integer.getWidth() == 8)
      return integer.isUnsigned() ? DType::U8 : DType::I8;
    if (!integer.isUnsigned())
      switch (integer.getWidth()) {
      case 1:
        return DType::BOOL;
      case 16:
        return DType::I16;
      case 32:
        return DType::I32;
      case 64:
        return DType::I64;
      }
  }
  return op->emitOpError() << "has the element type " << element
                           << ", which a plan file cannot say";
}

FailureOr<std::unique_ptr<plan::ViewT>>
ProgramWriter::convert(Operation *op, const TableView &view) {
  auto result = std::make_unique<plan::ViewT>();
  FailureOr<plan::DType> dtype = convert(op, view.element);
  if (failed(dtype))
    return failure();
  result->value = view.value;
  result->offset = view.offset;
  result->dtype = *dtype;
  result->sizes.assign(view.sizes.begin(), view.sizes.end());
  result->strides.assign(view.strides.begin(), view.strides.end());
  return result;
}

/// The numbers of an array attribute of integers.
static std::optional<std::vector<int64_t>> getIntegers(Attribute attribute) {
  if (auto array = dyn_cast<DenseI64ArrayAttr>(attribute))
    return std::vector<int64_t>(array.asArrayRef().begin(),
                                array.asArrayRef().end());
  if (auto array = dyn_cast<DenseI32ArrayAttr>(attribute))
    return std::vector<int64_t>(array.asArrayRef().begin(),
                                array.asArrayRef().end());
  if (auto array = dyn_cast<ArrayAttr>(attribute)) {
    std::vector<int64_t> numbers;
    for (Attribute element : array) {
      auto number = dyn_cast<IntegerAttr>(element);
      if (!number)
        return std::nullopt;
      numbers.push_back(number.getInt());
    }
    return numbers;
  }
  return std::nullopt;
}

FailureOr<std::unique_ptr<plan::AttrT>>
ProgramWriter::convert(Operation *op, NamedAttribute attribute) {
  auto result = std::make_unique<plan::AttrT>();
  result->name = attribute.getName().str();
  Attribute value = attribute.getValue();
  if (auto flag = dyn_cast<BoolAttr>(value)) {
    result->kind = plan::AttrKind::INT;
    result->i = flag.getValue();
  } else if (isa<UnitAttr>(value)) {
    result->kind = plan::AttrKind::INT;
    result->i = 1;
  } else if (auto number = dyn_cast<IntegerAttr>(value)) {
    result->kind = plan::AttrKind::INT;
    result->i = number.getValue().getSExtValue();
  } else if (auto real = dyn_cast<FloatAttr>(value)) {
    result->kind = plan::AttrKind::FLOAT;
    result->f = real.getValueAsDouble();
  } else if (auto text = dyn_cast<StringAttr>(value)) {
    result->kind = plan::AttrKind::STRING;
    result->s = text.str();
  } else if (auto numbers = getIntegers(value)) {
    result->kind = plan::AttrKind::INTS;
    result->ints = std::move(*numbers);
  } else {
    return op->emitOpError()
           << "has the kernel attribute '" << attribute.getName().getValue()
           << "' = " << value << ", which a plan file cannot say";
  }
  return result;
}

FailureOr<std::unique_ptr<plan::OpT>>
ProgramWriter::convert(const TableOp &entry) {
  auto kernel = cast<train::KernelOpInterface>(entry.op);
  auto result = std::make_unique<plan::OpT>();
  result->id = entry.id;
  result->name = entry.op->getName().getStringRef().str();
  result->kernel = kernel.getKernelName();
  for (const TableView &view : entry.inputs) {
    auto converted = convert(entry.op, view);
    if (failed(converted))
      return failure();
    result->inputs.push_back(std::move(*converted));
  }
  for (const TableView &view : entry.outputs) {
    auto converted = convert(entry.op, view);
    if (failed(converted))
      return failure();
    result->outputs.push_back(std::move(*converted));
  }
  NamedAttrList attributes;
  kernel.getKernelAttributes(step.getLanes(), attributes);
  // Sorted by name.
  for (NamedAttribute attribute :
       attributes.getDictionary(entry.op->getContext())) {
    auto converted = convert(entry.op, attribute);
    if (failed(converted))
      return failure();
    result->attrs.push_back(std::move(*converted));
  }
  result->workspace_bytes = entry.workspaceBytes;
  // The op permits it for dense operands; this one may be a broadcast view.
  for (auto [operand, output] : kernel.getInPlacePairs()) {
    const TableView &from = entry.inputs[operand], &to = entry.outputs[output];
    if (from.sizes == to.sizes && from.strides == to.strides &&
        from.element == to.element)
      result->in_place.emplace_back(uint16_t(operand), uint16_t(output));
  }
  result->recomputable = entry.recomputable;
  result->signature = getSignature(entry, step.getLanes());
  result->location = describeLocation(entry.op->getLoc());
  if (auto cost = dyn_cast<train::CostOpInterface>(entry.op))
    result->flops = uint64_t(cost.getFlops());
  return result;
}

FailureOr<std::unique_ptr<plan::TensorT>>
ProgramWriter::convert(const TableTensor &tensor) {
  auto result = std::make_unique<plan::TensorT>();
  unsigned index = tensor.argument.getArgNumber();
  auto type = cast<RankedTensorType>(tensor.argument.getType());
  FailureOr<plan::DType> dtype = convert(step, type.getElementType());
  if (failed(dtype))
    return failure();
  result->name = tensor.name;
  result->role = static_cast<plan::Role>(tensor.role);
  result->dtype = *dtype;
  result->sizes.assign(type.getShape().begin(), type.getShape().end());
  result->value_in = tensor.valueIn;
  result->value_out = tensor.valueOut;
  if (auto source = dyn_cast_or_null<train::SourceAttr>(
          step.getArgAttr(index, "source"))) {
    result->file = source.getFile().str();
    result->file_offset = uint64_t(source.getOffset());
    result->file_bytes = uint64_t(source.getBytes());
  }
  if (auto data = dyn_cast_or_null<DenseElementsAttr>(
          step.getArgAttr(index, "value"))) {
    // Bytes as they lie in memory: splats and truth values are packed in IR.
    int64_t size = train::getElementByteSize(type.getElementType());
    if (type.getElementType().isInteger(1)) {
      for (bool element : data.getValues<bool>())
        result->data.push_back(element);
    } else {
      ArrayRef<char> raw = data.getRawData();
      for (int64_t i = 0, e = data.isSplat() ? type.getNumElements() : 1; i < e;
           ++i)
        result->data.insert(result->data.end(), raw.begin(), raw.end());
    }
    if (int64_t(result->data.size()) != type.getNumElements() * size)
      return step.emitOpError() << "argument \"" << tensor.name
                                << "\" expects data of its own type";
  }
  if (auto fill = dyn_cast_or_null<FloatAttr>(step.getArgAttr(index, "fill")))
    result->fill = fill.getValueAsDouble();
  if (auto tied = dyn_cast_or_null<ArrayAttr>(step.getArgAttr(index, "tied"))) {
    for (Attribute name : tied)
      result->tied_to +=
          (result->tied_to.empty() ? "" : ",") + cast<StringAttr>(name).str();
  } else if (auto name =
                 dyn_cast_or_null<StringAttr>(step.getArgAttr(index, "tied"))) {
    result->tied_to = name.str();
  }
  if (auto limit =
          dyn_cast_or_null<IntegerAttr>(step.getArgAttr(index, "vocabulary")))
    result->vocabulary = limit.getInt();
  if (auto ignored =
          dyn_cast_or_null<IntegerAttr>(step.getArgAttr(index, "ignore_index")))
    result->ignore_index = ignored.getInt();
  return result;
}

FailureOr<std::vector<uint8_t>> ProgramWriter::write() {
  plan::ProgramT program;
  program.name = step.getSymName().str();
  if (step.getModel())
    program.model = step.getModel()->str();
  for (const TableValue &value : table.values) {
    program.values.push_back(std::make_unique<plan::ValueT>());
    program.values.back()->bytes = value.bytes;
    program.values.back()->name = value.name;
  }
  for (const TableOp &op : table.ops) {
    auto converted = convert(op);
    if (failed(converted))
      return failure();
    program.ops.push_back(std::move(*converted));
  }
  for (const TableTensor &tensor : table.tensors) {
    auto converted = convert(tensor);
    if (failed(converted))
      return failure();
    program.tensors.push_back(std::move(*converted));
  }
  for (const TableOutput &output : table.outputs) {
    FailureOr<plan::DType> dtype = convert(step, output.type.getElementType());
    if (failed(dtype))
      return failure();
    auto &entry =
        program.outputs.emplace_back(std::make_unique<plan::OutputT>());
    entry->name = output.name;
    entry->dtype = *dtype;
    entry->sizes.assign(output.type.getShape().begin(),
                        output.type.getShape().end());
    entry->value = output.value;
  }
  program.tokens_per_step = uint64_t(step.getTokens());
  program.micro_batches = uint32_t(step.getMicroBatches());
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(plan::Program::Pack(builder, &program));
  return std::vector<uint8_t>(builder.GetBufferPointer(),
                              builder.GetBufferPointer() + builder.GetSize());
}

FailureOr<std::vector<uint8_t>>
spillway::exportProgram(const StepTable &table) {
  return ProgramWriter(table).write();
}
