//===- Signature.cpp - The model's inputs and outputs -------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

using namespace mlir;

namespace spillway::onnximport {

LogicalResult Importer::bindInputs() {
  llvm::StringSet<> initializers;
  for (const onnx::TensorProto &tensor : file.model.graph().initializer())
    initializers.insert(tensor.name());
  llvm::StringSet<> known;
  std::vector<std::string> unbound;
  for (const onnx::ValueInfoProto &input : file.model.graph().input()) {
    // Older files list initializers among the inputs.
    if (initializers.contains(input.name()))
      continue;
    if (!input.type().has_tensor_type() ||
        !input.type().tensor_type().has_shape())
      return fail("input '" + input.name() + "' is no tensor of known rank");
    ValueState *state = define(top, input.name());
    state->type = input.type().tensor_type().elem_type();
    int64_t axis = 0;
    for (const auto &dim : input.type().tensor_type().shape().dim()) {
      int64_t size = dim.dim_value();
      if (!dim.has_dim_value()) {
        std::string name = dim.dim_param();
        if (name.empty())
          name = input.name() + "." + std::to_string(axis);
        auto bound = options.dims.find(name);
        if (known.insert(name).second && bound == options.dims.end())
          unbound.push_back(name);
        size = bound == options.dims.end() ? 1 : bound->second;
        dims[name] = size;
      }
      if (size < 1)
        return fail("dimension " + llvm::Twine(axis) + " of input '" +
                    input.name() + "' is " + llvm::Twine(size) +
                    ", expected at least 1");
      state->shape.push_back(size);
      ++axis;
    }
    Type element = convertType(state->type, context);
    if (!element)
      return fail("input '" + input.name() + "' has element type " +
                  llvm::Twine(state->type) + ", which is not supported");
    auto dict = builder.getDictionaryAttr(
        builder.getNamedAttr("name", builder.getStringAttr(input.name())));
    state->value =
        step.addArgument(RankedTensorType::get(state->shape, element),
                         NameLoc::get(builder.getStringAttr(input.name())),
                         train::Role::input, dict);
  }
  if (!unbound.empty()) {
    std::string names, flags;
    for (const std::string &name : unbound) {
      names += (names.empty() ? "'" : ", '") + name + "'";
      flags += " --dim " + name + "=VALUE";
    }
    return fail(
        llvm::Twine(unbound.size() == 1 ? "dimension " : "dimensions ") +
        names + (unbound.size() == 1 ? " is" : " are") +
        " symbolic and not bound: pass" + flags);
  }
  for (const auto &[name, size] : options.dims)
    if (!known.contains(name)) {
      std::string names;
      for (const auto &[other, value] : dims)
        names += (names.empty() ? "" : ", ") + other;
      return fail("--dim " + name + "=" + llvm::Twine(size) +
                  " binds no dimension of the model, which has " +
                  (names.empty() ? "no symbolic ones" : "these: " + names));
    }
  return success();
}

LogicalResult Importer::checkDeclared(const onnx::NodeProto &node,
                                      const std::string &name,
                                      const ValueState &state) {
  auto it = declared.find(name);
  if (it == declared.end() || !it->second->type().has_tensor_type())
    return success();
  const auto &tensor = it->second->type().tensor_type();
  if (tensor.elem_type() && tensor.elem_type() != state.type)
    return fail(node, "its output '" + name + "' is declared as " +
                          getTypeName(tensor.elem_type()) +
                          ", but is computed as " + getTypeName(state.type));
  if (!tensor.has_shape())
    return success();
  std::string expected;
  bool agrees =
      tensor.shape().dim_size() == static_cast<int>(state.shape.size());
  for (int i = 0; i < tensor.shape().dim_size(); ++i) {
    const auto &dim = tensor.shape().dim(i);
    expected +=
        (i ? ", " : "") + (dim.has_dim_value() ? std::to_string(dim.dim_value())
                           : dim.dim_param().empty() ? std::string("?")
                                                     : dim.dim_param());
    if (!agrees)
      continue;
    int64_t found = state.shape[i];
    auto bound = dims.find(dim.dim_param());
    if (dim.has_dim_value())
      agrees = found == dim.dim_value();
    else if (bound != dims.end())
      agrees = found == bound->second;
  }
  if (agrees)
    return success();
  return fail(node, "expected shape [" + expected + "] for its output '" +
                        name + "', as the model declares it, but found " +
                        toString(state.shape));
}

LogicalResult Importer::giveOutputs() {
  SmallVector<Value> values;
  SmallVector<Attribute> names;
  for (const onnx::ValueInfoProto &output : file.model.graph().output()) {
    ValueState *state = top.find(output.name());
    if (!state)
      return fail("output '" + output.name() +
                  "' of the model is given by no node");
    Value value =
        materialize(*state, NameLoc::get(builder.getStringAttr(output.name())));
    if (!value)
      return failure();
    values.push_back(value);
    names.push_back(builder.getStringAttr(output.name()));
  }
  if (values.empty())
    return fail("the model has no outputs");
  OperationState state(module->getLoc(), train::ReturnOp::getOperationName());
  train::ReturnOp::build(builder, state, Value(), values, ValueRange(),
                         ValueRange(), builder.getArrayAttr(names));
  builder.create(state);
  return success();
}

} // namespace spillway::onnximport
