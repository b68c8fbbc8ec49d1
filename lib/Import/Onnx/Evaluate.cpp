//===- Evaluate.cpp - Nodes whose results are known now -----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"
#include "Importer.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace spillway::onnximport {

LogicalResult Importer::evaluate(const onnx::NodeProto &node, Scope &scope,
                                 int64_t opset, ArrayRef<ValueState *> inputs,
                                 bool &done) {
  llvm::StringRef op = node.op_type();
  SmallVector<const ConstTensor *, 4> constants;
  // Of its second operand CastLike takes the type alone.
  ConstTensor like;
  if (op == "CastLike" && inputs.size() == 2 && inputs[1] &&
      getStorage(inputs[1]->type))
    like = ConstTensor::splat(inputs[1]->type, {}, 0);
  for (ValueState *input : inputs) {
    bool isLike = like.getType() && input == inputs[1] && !constants.empty();
    if (input && !input->constant && !isLike && op != "Shape" && op != "Size")
      return success();
    constants.push_back(isLike                     ? &like
                        : input && input->constant ? &*input->constant
                                                   : nullptr);
  }
  FoldCall call(node, opset, constants);
  bool ok = true;
  if (op == "Shape" || op == "Size") {
    if (inputs.size() != 1)
      return fail(node,
                  "expected 1 input, found " + llvm::Twine(inputs.size()));
    ArrayRef<int64_t> shape = inputs[0]->shape;
    SliceRange range =
        clampSlice(call.getInt("start", 0), call.getInt("end", INT64_MAX), 1,
                   static_cast<int64_t>(shape.size()));
    call.give(op == "Size"
                  ? ConstTensor::scalarInt(countElements(shape))
                  : ConstTensor::ofInts(shape.slice(range.start, range.count)));
  } else if (op == "Constant") {
    if (node.attribute_size() != 1)
      return fail(node, "expected one attribute, found " +
                            llvm::Twine(node.attribute_size()));
    const onnx::AttributeProto &value = node.attribute(0);
    ConstTensor tensor;
    if (value.name() == "value") {
      ok = value.t().data_location() != onnx::TensorProto::EXTERNAL
               ? readTensor(value.t(), tensor, call.error)
               : call.fail("has external data, which is supported for "
                           "initializers only");
    } else if (value.name() == "value_int") {
      tensor = ConstTensor::scalarInt(value.i());
    } else if (value.name() == "value_ints") {
      tensor =
          ConstTensor::ofInts(Shape(value.ints().begin(), value.ints().end()));
    } else if (value.name() == "value_float") {
      tensor = ConstTensor::splat(1, {}, value.f());
    } else if (value.name() == "value_floats") {
      tensor = ConstTensor::allocate(1, {value.floats_size()});
      std::copy(value.floats().begin(), value.floats().end(),
                tensor.mutableFloats());
    } else {
      ok = call.fail("has a constant of kind '" + value.name() +
                     "', which is not supported");
    }
    if (ok)
      call.give(tensor);
  } else {
    // An op that takes at least one operand, of which none may be left out
    // before the last; optional ones come last, and are checked by the folds.
    bool needsOperands = op != "ConstantOfShape" || !constants.empty();
    size_t required =
        llvm::StringSwitch<size_t>(op)
            .Cases({"Range", "Where", "ScatterND", "Slice"}, 3)
            .Cases({"Reshape", "Expand", "Gather", "GatherND", "GatherElements",
                    "Tile"},
                   2)
            .Cases(
                {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"},
                2)
            .Cases({"And", "Or", "Xor", "Add", "Sub", "Mul", "Div"}, 2)
            .Cases({"Pow", "Mod", "MatMul", "CumSum", "CastLike"}, 2)
            .Default(1);
    for (size_t i = 0; i < required; ++i)
      needsOperands &= call.has(i);
    if (!needsOperands)
      return fail(node, "expected at least " + llvm::Twine(required) +
                            " inputs, found " + llvm::Twine(constants.size()));
    ok = findFold(op)(call);
  }
  if (!ok)
    return fail(node, call.error);
  if (static_cast<int>(call.outputs.size()) < node.output_size())
    call.outputs.resize(
        node.output_size()); // Dropout's mask: defined below if asked for.
  done = true;
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty())
      continue;
    if (call.outputs[i].getType() == 0)
      return fail(node, "its output '" + node.output(i) + "' is not supported");
    ValueState *state = define(scope, node.output(i));
    state->type = call.outputs[i].getType();
    state->shape.assign(call.outputs[i].getShape().begin(),
                        call.outputs[i].getShape().end());
    state->constant = std::move(call.outputs[i]);
    if (failed(checkDeclared(node, node.output(i), *state)))
      return failure();
  }
  return success();
}

} // namespace spillway::onnximport
