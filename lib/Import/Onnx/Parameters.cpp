//===- Parameters.cpp - Which initializers are trained --------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parameters.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Regex.h"

namespace spillway::onnximport {
namespace {

bool isFloat(int32_t type) {
  return type == onnx::TensorProto::FLOAT ||
         type == onnx::TensorProto::FLOAT16 ||
         type == onnx::TensorProto::BFLOAT16 ||
         type == onnx::TensorProto::DOUBLE;
}

/// Inputs [first, last) through which a gradient passes.
std::pair<int, int> gradientInputs(const onnx::NodeProto &node) {
  llvm::StringRef op = node.op_type();
  if (op == "Cast")
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.name() == "to")
        return {0, isFloat(static_cast<int32_t>(attribute.i())) ? 1 : 0};
  using Range = std::pair<int, int>;
  return llvm::StringSwitch<Range>(op)
      .Cases({"Sin", "Cos", "Equal", "Less", "LessOrEqual", "Greater",
              "GreaterOrEqual"},
             Range{0, 0})
      .Cases({"Not", "And", "Or", "Xor", "IsNaN", "IsInf", "NonZero", "ArgMax",
              "ArgMin"},
             Range{0, 0})
      .Cases({"Shape", "Size", "ConstantOfShape", "Range", "EyeLike", "OneHot"},
             Range{0, 0})
      .Cases({"Floor", "Ceil", "Round", "Sign"}, Range{0, 0})
      .Case("Where", Range{1, 3})
      .Cases({"Gather", "GatherND", "GatherElements", "Dropout", "Reshape",
              "Expand"},
             Range{0, 1})
      .Cases({"Slice", "Squeeze", "Unsqueeze", "Tile", "CastLike",
              "RotaryEmbedding"},
             Range{0, 1})
      .Cases({"Attention", "BatchNormalization"}, Range{0, 3})
      .Default(Range{0, node.input_size()});
}

class Selector {
public:
  explicit Selector(const onnx::GraphProto &graph) : graph(graph) {
    for (const onnx::NodeProto &node : graph.node())
      for (const std::string &output : node.output())
        producers[output] = &node;
    for (const onnx::NodeProto &node : graph.node())
      if (node.op_type() == "Softmax" && node.input_size() > 0)
        softmaxOperands.insert(node.input(0));
    for (const onnx::TensorProto &tensor : graph.initializer())
      initializers[tensor.name()] = &tensor;
  }

  /// Names of values that a gradient reaches.
  llvm::StringSet<> run() {
    for (const onnx::ValueInfoProto &output : graph.output())
      reached.insert(output.name());
    for (const onnx::NodeProto &node : llvm::reverse(graph.node()))
      if (llvm::any_of(node.output(), [&](const std::string &o) {
            return reached.contains(o);
          }))
        visit(node);
    return std::move(reached);
  }

private:
  void visit(const onnx::NodeProto &node) {
    auto [first, last] = gradientInputs(node);
    for (int i = first; i < std::min(last, node.input_size()); ++i)
      if (!(node.op_type() == "Add" &&
            softmaxOperands.contains(node.output(0)) && isMask(node.input(i))))
        reached.insert(node.input(i));
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        captureAll(attribute.g());
  }

  /// An initializer that is added to attention scores as it is, or scaled, is
  /// a mask and no parameter (a learned position bias comes through a Gather).
  bool isMask(llvm::StringRef value) {
    auto initializer = initializers.find(value);
    if (initializer != initializers.end())
      return initializer->second->dims_size() >= 2;
    auto producer = producers.find(value);
    if (producer == producers.end())
      return false;
    const onnx::NodeProto &node = *producer->second;
    bool passes =
        llvm::StringSwitch<bool>(node.op_type())
            .Cases({"Slice", "Unsqueeze", "Squeeze", "Expand", "Cast"}, true)
            .Cases({"Identity", "Mul", "Sub", "Reshape"}, true)
            .Default(false);
    return passes &&
           llvm::any_of(
               node.input(),
               [&](const std::string &input) { return isMask(input); }) &&
           llvm::all_of(node.input(), [&](const std::string &input) {
             return isMask(input) || isConstant(input);
           });
  }

  bool isConstant(llvm::StringRef value) {
    auto producer = producers.find(value);
    return value.empty() || initializers.contains(value) ||
           (producer != producers.end() &&
            (producer->second->op_type() == "Constant" ||
             producer->second->op_type() == "Shape" ||
             (producer->second->input_size() > 0 &&
              llvm::all_of(producer->second->input(),
                           [&](const std::string &input) {
                             return isConstant(input);
                           }))));
  }

  /// A branch may use any value of the graph around it.
  void captureAll(const onnx::GraphProto &branch) {
    for (const onnx::ValueInfoProto &output : branch.output())
      reached.insert(output.name());
    for (const onnx::NodeProto &node : llvm::reverse(branch.node()))
      visit(node);
  }

  const onnx::GraphProto &graph;
  llvm::StringMap<const onnx::NodeProto *> producers;
  llvm::StringMap<const onnx::TensorProto *> initializers;
  llvm::StringSet<> softmaxOperands, reached;
};

llvm::Error applyRegexes(const std::vector<std::string> &patterns,
                         llvm::StringRef flag,
                         const std::vector<std::string> &names,
                         llvm::function_ref<void(const std::string &)> apply) {
  for (const std::string &pattern : patterns) {
    llvm::Regex regex(pattern);
    std::string error;
    if (!regex.isValid(error))
      return llvm::createStringError("--" + flag + "='" + pattern +
                                     "' is no regular expression: " + error);
    bool matched = false;
    for (const std::string &name : names)
      if (regex.match(name)) {
        matched = true;
        apply(name);
      }
    if (!matched)
      return llvm::createStringError(
          "--" + flag + "='" + pattern +
          "' matches no float initializer of the model");
  }
  return llvm::Error::success();
}

} // namespace

llvm::Expected<ParameterSets>
chooseParameters(const onnx::GraphProto &graph,
                 const std::vector<std::string> &trainable,
                 const std::vector<std::string> &freeze) {
  llvm::StringSet<> reached = Selector(graph).run();
  ParameterSets sets;
  std::vector<std::string> names;
  for (const onnx::TensorProto &tensor : graph.initializer()) {
    if (!isFloat(tensor.data_type()) || tensor.dims_size() == 0)
      continue;
    names.push_back(tensor.name());
    if (reached.contains(tensor.name()))
      sets.trained.insert(tensor.name());
  }
  if (llvm::Error error = applyRegexes(
          trainable, "trainable", names,
          [&](const std::string &name) { sets.trained.insert(name); }))
    return error;
  if (llvm::Error error =
          applyRegexes(freeze, "freeze", names, [&](const std::string &name) {
            sets.trained.erase(name);
            sets.frozen.insert(name);
          }))
    return error;
  return sets;
}

} // namespace spillway::onnximport
