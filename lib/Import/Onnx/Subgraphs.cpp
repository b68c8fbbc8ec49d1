//===- Subgraphs.cpp - Branches and functions ---------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

using namespace mlir;

namespace spillway::onnximport {

LogicalResult Importer::visitIf(const onnx::NodeProto &node, Scope &scope,
                                const Opsets &opsets) {
  ValueState *condition =
      node.input_size() ? scope.find(node.input(0)) : nullptr;
  if (!condition || !condition->constant) {
    unsupported(node, " with a condition that is not known when compiling");
    poison(node, scope);
    return success();
  }
  bool taken = condition->constant->getNumElements() &&
               condition->constant->number(0) != 0;
  NodeView view(node, kFirstOpset);
  const onnx::AttributeProto *branch =
      view.find(taken ? "then_branch" : "else_branch");
  if (!branch || !branch->has_g() ||
      branch->g().output_size() != node.output_size())
    return fail(node, "its branch does not give its " +
                          llvm::Twine(node.output_size()) + " outputs");
  Scope inner;
  inner.parent = &scope;
  for (const onnx::TensorProto &tensor : branch->g().initializer()) {
    std::string error;
    ConstTensor value;
    if (!readTensor(tensor, value, error))
      return fail(node,
                  "initializer '" + tensor.name() + "' of its branch " + error);
    ValueState *state = define(inner, tensor.name());
    state->type = value.getType();
    state->shape.assign(value.getShape().begin(), value.getShape().end());
    state->constant = value;
  }
  if (failed(walk(branch->g().node(), inner, opsets, nullptr)))
    return failure();
  for (int i = 0; i < node.output_size(); ++i) {
    ValueState *result = inner.find(branch->g().output(i).name());
    if (!result)
      return fail(node, "its branch does not define '" +
                            branch->g().output(i).name() + "'");
    scope.values[node.output(i)] = result;
  }
  return success();
}

LogicalResult Importer::visitFunction(const onnx::NodeProto &node,
                                      const onnx::FunctionProto &function,
                                      Scope &scope) {
  Opsets opsets;
  for (const onnx::OperatorSetIdProto &opset : function.opset_import())
    opsets[opset.domain() == "ai.onnx" ? "" : opset.domain()] = opset.version();
  // The body sees its own inputs only, and the attributes of the call.
  Scope inner;
  for (int i = 0; i < function.input_size() && i < node.input_size(); ++i)
    if (ValueState *state = scope.find(node.input(i)))
      inner.values[function.input(i)] = state;
  NodeView call(node, 0);
  Nodes body;
  for (const onnx::NodeProto &original : function.node()) {
    onnx::NodeProto &copy = *body.Add();
    copy = original;
    copy.set_name(node.name() + "/" + original.name());
    copy.clear_attribute();
    for (const onnx::AttributeProto &attribute : original.attribute()) {
      if (attribute.ref_attr_name().empty()) {
        *copy.add_attribute() = attribute;
      } else if (const onnx::AttributeProto *given =
                     call.find(attribute.ref_attr_name())) {
        onnx::AttributeProto &bound = *copy.add_attribute();
        bound = *given;
        bound.set_name(attribute.name());
      }
    }
    // An optional operand that the call left out.
    for (std::string &input : *copy.mutable_input())
      if (!input.empty() && llvm::is_contained(function.input(), input) &&
          !inner.find(input))
        input.clear();
  }
  if (failed(walk(body, inner, opsets, nullptr)))
    return failure();
  for (int i = 0; i < node.output_size(); ++i) {
    ValueState *result =
        i < function.output_size() ? inner.find(function.output(i)) : nullptr;
    if (!result)
      return fail(node,
                  "its function does not define output " + llvm::Twine(i));
    scope.values[node.output(i)] = result;
  }
  return success();
}

} // namespace spillway::onnximport
