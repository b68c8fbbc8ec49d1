//===- Importer.cpp - Walks an ONNX graph -------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Fold.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace spillway::onnximport {
namespace {

constexpr int kMaxDepth = 64;

/// "ai.onnx.Foo" without the default domain: what users know an operator by.
std::string qualify(const onnx::NodeProto &node) {
  bool standard = node.domain().empty() || node.domain() == "ai.onnx";
  return standard ? node.op_type() : node.domain() + "." + node.op_type();
}

std::string describe(const onnx::NodeProto &node) {
  std::string name = !node.name().empty()     ? node.name()
                     : node.output_size() > 0 ? "-> " + node.output(0)
                                              : "unnamed";
  return "node '" + name + "' (" + qualify(node) + ")";
}

/// Names that a branch takes from the graph around it.
void collectUses(const onnx::GraphProto &graph, llvm::StringSet<> &used) {
  for (const onnx::NodeProto &node : graph.node()) {
    for (const std::string &input : node.input())
      used.insert(input);
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        collectUses(attribute.g(), used);
  }
  for (const onnx::ValueInfoProto &output : graph.output())
    used.insert(output.name());
}

/// Values that the outputs of the graph depend on.
llvm::StringSet<> findLive(const onnx::GraphProto &graph) {
  llvm::StringSet<> live;
  for (const onnx::ValueInfoProto &output : graph.output())
    live.insert(output.name());
  for (const onnx::NodeProto &node : llvm::reverse(graph.node())) {
    if (llvm::none_of(node.output(),
                      [&](const std::string &o) { return live.contains(o); }))
      continue;
    for (const std::string &input : node.input())
      live.insert(input);
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        collectUses(attribute.g(), live);
  }
  return live;
}

std::string functionKey(llvm::StringRef domain, llvm::StringRef name) {
  return (domain + "::" + name).str();
}

} // namespace

Importer::Importer(OnnxFile file, const ImportOptions &options,
                   MLIRContext *context)
    : file(std::move(file)), options(options), context(context),
      builder(context) {}

Location Importer::locate(const onnx::NodeProto &node) {
  llvm::StringRef name = node.name();
  if (name.empty() && node.output_size() > 0)
    name = node.output(0);
  return NameLoc::get(builder.getStringAttr(name));
}

LogicalResult Importer::fail(const llvm::Twine &message) {
  return emitError(FileLineColLoc::get(context, file.path, 0, 0)) << message;
}

LogicalResult Importer::fail(const onnx::NodeProto &node,
                             const llvm::Twine &message) {
  return fail(describe(node) + ": " + message);
}

OwningOpRef<ModuleOp> Importer::run() {
  const onnx::GraphProto &graph = file.model.graph();
  Opsets opsets;
  for (const onnx::OperatorSetIdProto &opset : file.model.opset_import())
    opsets[opset.domain() == "ai.onnx" ? "" : opset.domain()] = opset.version();
  if (auto it = opsets.find(""); it != opsets.end()) {
    int64_t version = it->second;
    if (version < kFirstOpset || version > kLastOpset) {
      (void)fail("the model uses operator set " + llvm::Twine(version) +
                 ", expected " + llvm::Twine(kFirstOpset) + " to " +
                 llvm::Twine(kLastOpset) +
                 ": export it again with such an opset_version");
      return {};
    }
  }
  for (const onnx::FunctionProto &function : file.model.functions())
    functions[functionKey(function.domain(), function.name())] = &function;
  for (const onnx::ValueInfoProto &info : graph.value_info())
    declared[info.name()] = &info;
  for (const onnx::ValueInfoProto &info : graph.output())
    declared[info.name()] = &info;

  llvm::Expected<ParameterSets> chosen =
      chooseParameters(graph, options.trainable, options.freeze);
  if (!chosen) {
    (void)fail(llvm::toString(chosen.takeError()));
    return {};
  }
  parameters = std::move(*chosen);

  context->loadDialect<train::TrainDialect>();
  module = ModuleOp::create(FileLineColLoc::get(context, file.path, 0, 0));
  builder.setInsertionPointToEnd(module->getBody());
  std::string name;
  for (char c : llvm::sys::path::stem(file.name))
    name += llvm::isAlnum(c) ? c : '_';
  step = train::StepOp::create(builder, module->getLoc(),
                               name.empty() ? "step" : name);
  step.setModelAttr(builder.getStringAttr(file.path));
  builder.setInsertionPointToEnd(&step.getBlock());

  llvm::StringSet<> live = findLive(graph);
  if (failed(bindInputs()) || failed(declareInitializers()) ||
      failed(walk(graph.node(), top, opsets, &live)) ||
      failed(reportUnsupported()) || failed(giveOutputs()))
    return {};
  return std::move(module);
}

ValueState *Importer::define(Scope &scope, llvm::StringRef name) {
  states.emplace_back();
  scope.values[name] = &states.back();
  return &states.back();
}

void Importer::poison(const onnx::NodeProto &node, Scope &scope) {
  for (const std::string &output : node.output())
    if (!output.empty())
      define(scope, output)->poisoned = true;
}

void Importer::unsupported(const onnx::NodeProto &node,
                           const llvm::Twine &remark) {
  std::string op = qualify(node) + remark.str();
  auto it = llvm::find_if(missing,
                          [&](const auto &entry) { return entry.first == op; });
  if (it == missing.end())
    it = missing.insert(missing.end(), {op, {}});
  std::string name = node.name();
  it->second.push_back(
      name.empty() && node.output_size() ? "-> " + node.output(0) : name);
}

LogicalResult Importer::reportUnsupported() {
  if (missing.empty())
    return success();
  std::string list;
  size_t count = 0;
  for (const auto &[op, nodes] : missing) {
    list += "\n  " + op + ": " + std::to_string(nodes.size()) +
            (nodes.size() == 1 ? " node (" : " nodes (");
    for (size_t i = 0; i < nodes.size(); ++i)
      list += (i ? ", " : "") + nodes[i];
    list += ")";
    count += nodes.size();
  }
  return fail("the model has " + llvm::Twine(count) +
              (count == 1 ? " node" : " nodes") +
              " of operators that are not supported:" + list);
}

LogicalResult Importer::walk(const Nodes &nodes, Scope &scope,
                             const Opsets &opsets,
                             const llvm::StringSet<> *live) {
  if (++depth > kMaxDepth)
    return fail("branches and functions are nested more than " +
                llvm::Twine(kMaxDepth) + " deep");
  llvm::scope_exit leave([&] { --depth; });
  for (const onnx::NodeProto &node : nodes) {
    if (live && llvm::none_of(node.output(), [&](const std::string &o) {
          return live->contains(o);
        }))
      continue;
    for (const std::string &output : node.output())
      if (!output.empty() && scope.values.count(output))
        return fail(node, "its output '" + output +
                              "' is also given by a node before it, an "
                              "initializer or an input; expected one of them");
    if (failed(visit(node, scope, opsets)))
      return failure();
  }
  return success();
}

LogicalResult Importer::visit(const onnx::NodeProto &node, Scope &scope,
                              const Opsets &opsets) {
  SmallVector<ValueState *, 4> inputs;
  bool poisoned = false;
  for (const std::string &name : node.input()) {
    ValueState *state = name.empty() ? nullptr : scope.find(name);
    if (!name.empty() && !state)
      return fail(
          node,
          "its input '" + name +
              "' is given by no node before it, no initializer and no input");
    poisoned |= state && state->poisoned;
    inputs.push_back(state);
  }
  while (!inputs.empty() && !inputs.back())
    inputs.pop_back();

  llvm::StringRef domain = node.domain();
  if (domain == "ai.onnx")
    domain = "";
  if (domain.empty() && node.op_type() == "If")
    return poisoned ? (poison(node, scope), success())
                    : visitIf(node, scope, opsets);
  if (auto it = functions.find(functionKey(node.domain(), node.op_type()));
      it != functions.end())
    return visitFunction(node, *it->second, scope);

  auto version = opsets.find(domain);
  int64_t opset = version == opsets.end() ? kFirstOpset : version->second;
  bool canFold = domain.empty() &&
                 (findFold(node.op_type()) || node.op_type() == "Shape" ||
                  node.op_type() == "Size" || node.op_type() == "Constant");
  LowerFunction lowering = findLowering(domain, node.op_type());
  if (!canFold && !lowering) {
    unsupported(node);
    poison(node, scope);
    return success();
  }
  if (poisoned) {
    poison(node, scope);
    return success();
  }
  if (canFold) {
    bool done = false;
    if (failed(evaluate(node, scope, opset, inputs, done)))
      return failure();
    if (done)
      return success();
  }
  if (!lowering) {
    unsupported(node, " of values that are not known when compiling");
    poison(node, scope);
    return success();
  }
  return lower(node, scope, opset, inputs);
}

LogicalResult Importer::lower(const onnx::NodeProto &node, Scope &scope,
                              int64_t opset, ArrayRef<ValueState *> inputs) {
  NodeLowering lowering(*this, node, opset, inputs, locate(node));
  // The first operand of every operator is required.
  if (!lowering.has(0))
    return fail(node, "has no first input");
  LowerFunction function = findLowering(
      node.domain() == "ai.onnx" ? "" : node.domain(), node.op_type());
  if (failed(function(lowering)))
    return failure();
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty())
      continue;
    if (i >= static_cast<int>(lowering.outputs.size()) || !lowering.outputs[i])
      return fail(node, "its output '" + node.output(i) + "' (number " +
                            llvm::Twine(i) + ") is not supported");
    Value result = lowering.outputs[i];
    ValueState *state = define(scope, node.output(i));
    state->value = result;
    ArrayRef<int64_t> shape = NodeLowering::shapeOf(result);
    state->shape.assign(shape.begin(), shape.end());
    Type element = NodeLowering::elementOf(result);
    for (OnnxType type = 1; type <= 16; ++type)
      if (convertType(type, context) == element)
        state->type = type;
    if (failed(checkDeclared(node, node.output(i), *state)))
      return failure();
  }
  return success();
}

} // namespace spillway::onnximport

OwningOpRef<ModuleOp> spillway::importOnnx(llvm::StringRef path,
                                           const ImportOptions &options,
                                           MLIRContext *context) {
  llvm::Expected<onnximport::OnnxFile> file = onnximport::openOnnxFile(path);
  if (!file) {
    emitError(UnknownLoc::get(context)) << llvm::toString(file.takeError());
    return {};
  }
  return onnximport::Importer(std::move(*file), options, context).run();
}
