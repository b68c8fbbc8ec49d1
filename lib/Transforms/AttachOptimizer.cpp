//===- AttachOptimizer.cpp - Update the parameters by their gradients -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Train.h"
#include "spillway/Support/Spec.h"
#include "spillway/Transforms/Passes.h"
#include "llvm/Support/Regex.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINATTACHOPTIMIZER
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

/// Builds the updates of one optimizer, once its numbers are known.
class Optimizer {
public:
  virtual ~Optimizer() = default;
  /// Names of the state tensors, appended to the parameter's.
  virtual ArrayRef<StringRef> stateNames() const = 0;
  /// Whether the updates depend on the number of the step.
  virtual bool countsSteps() const { return false; }
  /// What all updates share, once a step.
  virtual void buildShared(OpBuilder &, Location, function_ref<Value()> /*getStep*/) {}
  /// `tensors`: parameter, gradient, state.
  virtual Operation *buildUpdate(OpBuilder &builder, Location loc, Value lr, Value scale, ValueRange tensors,
                                 bool decays) = 0;
  double lr = 1e-3;
};

struct AdamW final : Optimizer {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0.01;
  BiasCorrectionOp corrections;

  ArrayRef<StringRef> stateNames() const override {
    static const StringRef names[] = {"exp_avg", "exp_avg_sq"};
    return names;
  }
  bool countsSteps() const override { return true; }
  void buildShared(OpBuilder &builder, Location loc, function_ref<Value()> getStep) override {
    corrections = BiasCorrectionOp::create(builder, loc, getStep(), builder.getF64FloatAttr(beta1),
                                           builder.getF64FloatAttr(beta2));
  }
  Operation *buildUpdate(OpBuilder &builder, Location loc, Value lr, Value scale, ValueRange tensors,
                         bool decays) override {
    SmallVector<Type> types(3, tensors[0].getType());
    return AdamWOp::create(builder, loc, types, lr, corrections.getC1(), corrections.getC2(), scale, tensors,
                           builder.getF64FloatAttr(beta1), builder.getF64FloatAttr(beta2),
                           builder.getF64FloatAttr(eps), builder.getF64FloatAttr(decays ? weightDecay : 0.0));
  }
};

struct Sgd final : Optimizer {
  double momentum = 0, weightDecay = 0;

  ArrayRef<StringRef> stateNames() const override {
    static const StringRef names[] = {"momentum_buffer"};
    return ArrayRef(names).take_front(momentum != 0 ? 1 : 0);
  }
  Operation *buildUpdate(OpBuilder &builder, Location loc, Value lr, Value scale, ValueRange tensors,
                         bool decays) override {
    SmallVector<Type> types(momentum != 0 ? 2 : 1, tensors[0].getType());
    return SgdOp::create(builder, loc, types, lr, scale, tensors, builder.getF64FloatAttr(momentum),
                         builder.getF64FloatAttr(decays ? weightDecay : 0.0));
  }
};

/// Reads numbers of a specification into `fields`, each checked against [low, high).
llvm::Error readNumbers(const Spec &spec,
                        ArrayRef<std::tuple<StringRef, double *, double, double>> fields) {
  SmallVector<StringRef> names;
  for (auto &field : fields)
    names.push_back(std::get<0>(field));
  if (llvm::Error error = spec.checkKeys(names))
    return error;
  if (!spec.positional.empty())
    return llvm::createStringError("'%s' takes settings key=value, but got '%s'", spec.name.c_str(),
                                   spec.positional[0].c_str());
  for (auto [name, field, low, high] : fields) {
    llvm::Expected<double> number = spec.number(name, *field);
    if (!number)
      return number.takeError();
    if (!(*number >= low && *number < high))
      return llvm::createStringError("expected '%s' of '%s' in [%g, %g), found %g", name.str().c_str(),
                                     spec.name.c_str(), low, high, *number);
    *field = *number;
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Optimizer>> makeOptimizer(StringRef text) {
  llvm::Expected<Spec> spec = Spec::parse(text);
  if (!spec)
    return spec.takeError();
  const double inf = std::numeric_limits<double>::infinity();
  if (spec->name == "adamw") {
    auto adamw = std::make_unique<AdamW>();
    if (llvm::Error error = readNumbers(*spec, {{"lr", &adamw->lr, 0, inf},
                                                {"beta1", &adamw->beta1, 0, 1},
                                                {"beta2", &adamw->beta2, 0, 1},
                                                {"eps", &adamw->eps, 0, inf},
                                                {"weight_decay", &adamw->weightDecay, 0, inf}}))
      return error;
    return adamw;
  }
  if (spec->name == "sgd") {
    auto sgd = std::make_unique<Sgd>();
    if (llvm::Error error = readNumbers(*spec, {{"lr", &sgd->lr, 0, inf},
                                                {"momentum", &sgd->momentum, 0, inf},
                                                {"weight_decay", &sgd->weightDecay, 0, inf}}))
      return error;
    return sgd;
  }
  return llvm::createStringError("unknown optimizer '%s'; expected adamw or sgd", spec->name.c_str());
}

struct AttachOptimizerPass : impl::TrainAttachOptimizerBase<AttachOptimizerPass> {
  using TrainAttachOptimizerBase::TrainAttachOptimizerBase;
  void runOnOperation() override {
    if (failed(attach(getOperation())))
      signalPassFailure();
  }
  LogicalResult attach(StepOp step);
};

LogicalResult AttachOptimizerPass::attach(StepOp step) {
  llvm::Expected<std::unique_ptr<Optimizer>> made = makeOptimizer(optimizer);
  if (!made)
    return step.emitError("invalid optimizer: ") << llvm::toString(made.takeError());
  if (!(clipNorm >= 0))
    return step.emitError("expects a clipping norm of at least 0, but got ") << clipNorm;
  llvm::Regex noDecayRegex(noDecay);
  if (std::string error; !noDecay.empty() && !noDecayRegex.isValid(error))
    return step.emitError("invalid regular expression '") << noDecay << "' for no-decay: " << error;
  Optimizer &rule = **made;

  ReturnOp ret = step.getReturn();
  llvm::StringMap<BlockArgument> params;
  for (BlockArgument arg : step.getBlock().getArguments())
    params[step.getArgName(arg.getArgNumber())] = arg;
  SmallVector<std::pair<BlockArgument, Value>> pairs;
  SmallVector<Attribute> otherNames;
  SmallVector<Value> otherOutputs;
  for (auto [name, output] : llvm::zip(ret.getOutputNames(), ret.getOutputs())) {
    StringRef text = cast<StringAttr>(name).getValue();
    if (text.consume_front("grad:") && params.contains(text))
      pairs.emplace_back(params.lookup(text), output);
    else {
      otherNames.push_back(name);
      otherOutputs.push_back(output);
    }
  }
  if (!noDecay.empty() && llvm::none_of(pairs, [&](const auto &pair) {
        return noDecayRegex.match(step.getArgName(pair.first.getArgNumber()));
      }))
    return step.emitError("no-decay='") << noDecay << "' matches no trained parameter";
  if (pairs.empty())
    return step.emitError("there are no gradients to update parameters by; run train-differentiate first");

  SmallVector<StringRef> hypers = {"lr"};
  if (rule.countsSteps())
    hypers.push_back("step");
  for (StringRef name : hypers)
    if (step.findArgument(name))
      return step.emitError("the optimizer needs an argument '")
             << name << "', but the model has one of that name already; rename it";

  OpBuilder builder(ret);
  Location loc = ret.getLoc();
  // A gradient that is the value of an argument (of another parameter, say) must
  // outlive the update of that argument.
  for (auto &[param, grad] : pairs)
    if (isa<BlockArgument>(viewRoot(grad)))
      grad = CopyOp::create(builder, grad.getLoc(), grad);
  auto addScalar = [&](StringRef name, Type element, double fill) -> Value {
    NamedAttrList dict;
    dict.set("name", builder.getStringAttr(name));
    dict.set("fill", builder.getF64FloatAttr(fill));
    return step.addArgument(RankedTensorType::get({}, element), loc, Role::hyper,
                            dict.getDictionary(builder.getContext()));
  };
  Value lr = addScalar("lr", builder.getF32Type(), rule.lr);
  rule.buildShared(builder, loc, [&] { return addScalar("step", builder.getI64Type(), 1); });

  Value scale;
  if (clipNorm > 0) {
    SmallVector<Value> sums;
    for (auto &[param, grad] : pairs)
      sums.push_back(SumSquaresOp::create(builder, grad.getLoc(), grad));
    scale = ClipScaleOp::create(builder, loc, sums, builder.getF64FloatAttr(clipNorm));
  }

  SmallVector<Value> targets(ret.getTargets()), values(ret.getValues());
  for (auto &[param, grad] : pairs) {
    StringRef name = step.getArgName(param.getArgNumber());
    bool decays = noDecay.empty() || !noDecayRegex.match(name);
    SmallVector<Value> tensors = {param, grad}, stored = {param};
    for (StringRef suffix : rule.stateNames()) {
      NamedAttrList dict;
      dict.set("name", builder.getStringAttr(name + "." + suffix));
      dict.set("fill", builder.getF64FloatAttr(0.0));
      stored.push_back(step.addArgument(param.getType(), param.getLoc(), Role::state,
                                        dict.getDictionary(builder.getContext())));
      tensors.push_back(stored.back());
    }
    Operation *update = rule.buildUpdate(builder, param.getLoc(), lr, scale, tensors, decays);
    targets.append(stored);
    values.append(update->result_begin(), update->result_end());
  }
  ret.getOutputsMutable().assign(otherOutputs);
  ret.setOutputNamesAttr(builder.getArrayAttr(otherNames));
  ret.getTargetsMutable().assign(targets);
  ret.getValuesMutable().assign(values);
  return success();
}

} // namespace
} // namespace spillway
