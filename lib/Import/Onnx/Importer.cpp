//===- Importer.cpp - Walks an ONNX graph --------------------------*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"
#include "Fold.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace spillway::onnximport {
namespace {

constexpr int64_t kFirstOpset = 13, kLastOpset = 25;
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
