//===- Lowering.cpp - How one ONNX node becomes train ops -----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "Importer.h"
#include "Train/Builders.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace spillway::onnximport {

Type convertType(OnnxType type, MLIRContext *context) {
  Builder builder(context);
  switch (type) {
  case 1:
    return builder.getF32Type();
  case 2:
    return builder.getIntegerType(8, /*isSigned=*/false);
  case 3:
    return builder.getI8Type();
  case 5:
    return builder.getI16Type();
  case 6:
    return builder.getI32Type();
  case 7:
    return builder.getI64Type();
  case 9:
    return builder.getI1Type();
  case 10:
    return builder.getF16Type();
  case 11:
    return builder.getF64Type();
  case 16:
    return builder.getBF16Type();
  default:
    return {};
  }
}

//===----------------------------------------------------------------------===//
// Values of the importer
//===----------------------------------------------------------------------===//

Value Importer::materialize(const ConstTensor &constant, Location loc) {
  Type element = convertType(constant.getType(), context);
  if (!element) {
    emitError(loc) << "a value of type " << getTypeName(constant.getType())
                   << " cannot be computed with in a step";
    return {};
  }
  auto type = RankedTensorType::get(constant.getShape(), element);
  int64_t count = constant.getNumElements();
  DenseElementsAttr attribute;
  switch (constant.getStorage()) {
  case Storage::Bool: {
    SmallVector<bool> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(constant.integer(i) != 0);
    attribute = DenseElementsAttr::get(type, values);
    break;
  }
  case Storage::Int: {
    SmallVector<APInt> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(APInt(element.getIntOrFloatBitWidth(),
                             constant.integer(i),
                             /*isSigned=*/true, /*implicitTrunc=*/true));
    attribute = DenseElementsAttr::get(type, values);
    break;
  }
  case Storage::Float: {
    if (element.isF32()) {
      std::vector<float> values(count);
      for (int64_t i = 0; i < count; ++i)
        values[i] = static_cast<float>(constant.number(i));
      attribute = DenseElementsAttr::get(type, ArrayRef<float>(values));
      break;
    }
    SmallVector<APFloat> values;
    for (int64_t i = 0; i < count; ++i) {
      bool loses = false;
      values.emplace_back(constant.number(i));
      values.back().convert(cast<FloatType>(element).getFloatSemantics(),
                            APFloat::rmNearestTiesToEven, &loses);
    }
    attribute = DenseElementsAttr::get(type, values);
    break;
  }
  }
  return train::ConstantOp::create(builder, loc, attribute);
}

Value Importer::materialize(ValueState &state, Location loc) {
  if (state.value)
    return state.value;
  if (state.constant) {
    if (!state.compact)
      state.compact =
          materialize(state.constant->shareBatches().compact(), loc);
    if (!state.compact)
      return {};
    auto type =
        cast<RankedTensorType>(state.compact.getType()).clone(state.shape);
    state.value =
        type == state.compact.getType()
            ? state.compact
            : train::BroadcastOp::create(builder, loc, type, state.compact)
                  .getResult();
  } else if (state.initializer) {
    if (!convertType(state.type, context)) {
      emitError(loc) << "initializer '" << state.initializer->name()
                     << "' has type " << getTypeName(state.type)
                     << ", which cannot be computed with in a step";
      return {};
    }
    state.value = addInitializerArgument(*state.initializer, loc);
  }
  return state.value;
}

void Importer::noteVocabulary(Value ids, int64_t rows) {
  while (Operation *op = ids.getDefiningOp()) {
    if (!isa<train::ViewOpInterface, train::CastOp>(op))
      return;
    ids = op->getOperand(0);
  }
  unsigned index = cast<BlockArgument>(ids).getArgNumber();
  if (step.getRole(index) != train::Role::input)
    return;
  if (auto known = llvm::dyn_cast_or_null<IntegerAttr>(
          step.getArgAttr(index, "vocabulary")))
    rows = std::min(rows, known.getInt());
  step.setArgAttr(index, "vocabulary", builder.getI64IntegerAttr(rows));
}

//===----------------------------------------------------------------------===//
// NodeLowering
//===----------------------------------------------------------------------===//

NodeLowering::NodeLowering(Importer &importer, const onnx::NodeProto &node,
                           int64_t opset, ArrayRef<ValueState *> inputs,
                           Location loc)
    : NodeView(node, opset), importer(importer), builder(importer.getBuilder()),
      loc(loc), inputs(inputs) {}

std::optional<double> NodeLowering::splat(size_t i) const {
  const ConstTensor *known = constant(i);
  if (!known || known->getNumElements() == 0)
    return std::nullopt;
  ConstTensor distinct = known->compact();
  double first = distinct.number(0);
  for (int64_t k = 1, e = distinct.getNumElements(); k < e; ++k)
    if (distinct.number(k) != first)
      return std::nullopt;
  return first;
}

Value NodeLowering::value(size_t i) {
  return importer.materialize(*inputs[i], loc);
}

Value NodeLowering::broadcastable(size_t i) {
  ValueState &state = *inputs[i];
  if (!state.constant)
    return value(i);
  if (!state.compact)
    state.compact =
        importer.materialize(state.constant->shareBatches().compact(), loc);
  return state.compact;
}

FailureOr<std::optional<Shape>> NodeLowering::intsOf(size_t i,
                                                     llvm::StringRef name) {
  if (!has(i))
    return getInts(name);
  if (const ConstTensor *known = constant(i))
    return std::optional(known->toInts());
  return fail("its " + name +
              " are not known when compiling, which is not supported");
}

LogicalResult NodeLowering::give(Value result) {
  if (!result)
    return failure();
  outputs.push_back(result);
  return success();
}

LogicalResult NodeLowering::fail(const llvm::Twine &message) {
  return importer.fail(node, message);
}

ArrayRef<int64_t> NodeLowering::shapeOf(Value v) {
  return llvm::cast<RankedTensorType>(v.getType()).getShape();
}
Type NodeLowering::elementOf(Value v) {
  return llvm::cast<RankedTensorType>(v.getType()).getElementType();
}

Value NodeLowering::reshape(Value v, ArrayRef<int64_t> shape) {
  if (auto inner = v.getDefiningOp<train::ReshapeOp>())
    v = inner.getInput();
  return train::reshape(builder, loc, v, shape);
}
Value NodeLowering::transpose(Value v, ArrayRef<int64_t> permutation) {
  return builder.createOrFold<train::TransposeOp>(loc, v, permutation);
}
Value NodeLowering::slice(Value v, ArrayRef<int64_t> offsets,
                          ArrayRef<int64_t> sizes) {
  return builder.createOrFold<train::SliceOp>(
      loc, RankedTensorType::get(sizes, elementOf(v)), v, offsets);
}
Value NodeLowering::broadcast(Value v, ArrayRef<int64_t> shape) {
  return builder.createOrFold<train::BroadcastOp>(
      loc, RankedTensorType::get(shape, elementOf(v)), v);
}
Value NodeLowering::unary(llvm::StringRef fn, Value v) {
  return train::UnaryOp::create(builder, loc, v, fn);
}
Value NodeLowering::unary(llvm::StringRef fn, Value v, double a) {
  return train::UnaryOp::create(builder, loc, v, fn, a);
}
Value NodeLowering::binary(llvm::StringRef fn, Value a, Value b) {
  return train::BinaryOp::create(builder, loc, fn, a, b);
}
Value NodeLowering::cast(Value v, Type element) {
  if (elementOf(v) == element)
    return v;
  return train::CastOp::create(builder, loc,
                               RankedTensorType::get(shapeOf(v), element), v);
}
Value NodeLowering::concat(ArrayRef<Value> parts, int64_t axis) {
  if (parts.size() == 1)
    return parts.front();
  return train::ConcatOp::create(builder, loc, parts,
                                 builder.getI64IntegerAttr(axis));
}
Value NodeLowering::fill(double value, ArrayRef<int64_t> shape, Type element) {
  return train::FillOp::create(builder, loc,
                               RankedTensorType::get(shape, element),
                               builder.getF64FloatAttr(value));
}

LowerFunction findLowering(llvm::StringRef domain, llvm::StringRef op) {
  static const llvm::StringMap<LowerFunction> table = [] {
    llvm::StringMap<LowerFunction> all;
    for (auto part :
         {elementwiseLowerings(), structureLowerings(), contractionLowerings(),
          normalizationLowerings(), attentionLowerings()})
      for (const LowerEntry &entry : part)
        all[(llvm::Twine(entry.domain) + "::" + entry.op).str()] =
            entry.function;
    return all;
  }();
  return table.lookup((domain + "::" + op).str());
}

} // namespace spillway::onnximport
