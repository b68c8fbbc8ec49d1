//===- AttachLoss.cpp - Compute a loss from an output -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Builders.h"
#include "Train/Train.h"
#include "spillway/Support/Spec.h"
#include "spillway/Transforms/Passes.h"

namespace spillway {
#define GEN_PASS_DEF_TRAINATTACHLOSS
#include "spillway/Transforms/Passes.h.inc"

using namespace mlir;
using namespace train;

namespace {

struct AttachLossPass : impl::TrainAttachLossBase<AttachLossPass> {
  using TrainAttachLossBase::TrainAttachLossBase;

  void runOnOperation() override {
    StepOp step = getOperation();
    if (loss.empty()) {
      // A graph may come with its loss.
      if (step.getReturn().getLoss())
        return;
      InFlightDiagnostic error = step.emitError("there is no loss: pass --loss=cross_entropy(OUTPUT), "
                                                "cross_entropy(OUTPUT,shift), mse(OUTPUT) or output(NAME); "
                                                "the outputs are:");
      for (Attribute name : step.getReturn().getOutputNames())
        error << ' ' << cast<StringAttr>(name).getValue();
      return signalPassFailure();
    }
    llvm::Expected<Spec> spec = Spec::parse(loss);
    if (!spec) {
      step.emitError("invalid loss: ") << llvm::toString(spec.takeError());
      return signalPassFailure();
    }
    if (failed(attach(step, *spec)))
      signalPassFailure();
  }

private:
  static LogicalResult attach(StepOp step, const Spec &spec);
};

/// The output that the specification names, or the only one; sets `name` to its name.
FailureOr<Value> findOutput(StepOp step, StringRef &name) {
  ReturnOp ret = step.getReturn();
  SmallVector<StringRef> names;
  for (Attribute attribute : ret.getOutputNames())
    names.push_back(cast<StringAttr>(attribute).getValue());
  if (name.empty() && names.size() == 1)
    name = names[0];
  for (auto [i, candidate] : llvm::enumerate(names))
    if (candidate == name)
      return ret.getOutputs()[i];
  InFlightDiagnostic diagnostic = step.emitError("the loss ");
  if (name.empty())
    diagnostic << "needs the name of an output";
  else
    diagnostic << "names the output '" << name << "', which does not exist";
  diagnostic << "; the outputs are: " << llvm::join(names, ", ");
  return failure();
}

/// The tokens that the shifted labels are taken from: `input_ids`, or the only
/// integer input of the right shape.
FailureOr<Value> findTokens(StepOp step, ArrayRef<int64_t> shape) {
  SmallVector<BlockArgument> candidates;
  for (BlockArgument arg : step.getBlock().getArguments()) {
    auto type = tensorType(arg);
    if (step.getRole(arg.getArgNumber()) != Role::input || type.getShape() != shape ||
        !type.getElementType().isSignlessInteger() || type.getElementType().isInteger(1))
      continue;
    if (step.getArgName(arg.getArgNumber()) == "input_ids")
      return Value(arg);
    candidates.push_back(arg);
  }
  if (candidates.size() == 1)
    return Value(candidates[0]);
  return step.emitError("the shifted loss needs one integer input of shape [")
         << shape << "] to take its labels from, or one named 'input_ids', but found " << candidates.size();
}

FailureOr<Value> makeInput(StepOp step, Location loc, StringRef name, RankedTensorType type, NamedAttrList dict) {
  if (step.findArgument(name))
    return step.emitError("the loss needs an input '")
           << name << "', but the model has an argument of that name already; rename it, or if the model computes "
           << "its loss itself, name that output with output(NAME)";
  Builder builder(step.getContext());
  dict.set("name", builder.getStringAttr(name));
  return Value(step.addArgument(type, loc, Role::input, dict.getDictionary(step.getContext())));
}

/// The tokens one position later. The last position has none, so its label does
/// not count: cutting it from the logits instead would copy them.
Value shiftTokens(OpBuilder &builder, Location loc, Value tokens, int64_t ignored) {
  auto type = tensorType(tokens);
  int64_t batch = type.getDimSize(0), length = type.getDimSize(1);
  auto partType = [&](int64_t size) { return RankedTensorType::get({batch, size}, type.getElementType()); };
  Value next = SliceOp::create(builder, loc, partType(length - 1), tokens, ArrayRef<int64_t>{0, 1});
  Value none = FillOp::create(builder, loc, partType(1), builder.getF64FloatAttr(static_cast<double>(ignored)));
  return ConcatOp::create(builder, loc, type, ValueRange{next, none}, builder.getI64IntegerAttr(1));
}

LogicalResult AttachLossPass::attach(StepOp step, const Spec &spec) {
  ReturnOp ret = step.getReturn();
  OpBuilder builder(ret);
  if (ret.getLoss())
    return step.emitError("has a loss already");
  StringRef outputName = spec.positional.empty() ? StringRef() : StringRef(spec.positional[0]);
  if (!spec.keyed.empty())
    return step.emitError("the loss '") << spec.name << "' has no setting '" << spec.keyed[0].first << "'";
  FailureOr<Value> output = findOutput(step, outputName);
  if (failed(output))
    return failure();
  Location loc = output->getLoc();
  auto type = tensorType(*output);
  if (!isa<FloatType>(type.getElementType()))
    return step.emitError("the loss needs a floating-point output, but '") << outputName << "' is " << type;

  bool shift = spec.name == "cross_entropy" && spec.positional.size() > 1 && spec.positional[1] == "shift";
  if (spec.positional.size() > (shift ? 2 : 1))
    return step.emitError("the loss '") << spec.name << "' takes an output"
           << (spec.name == "cross_entropy" ? " and 'shift'" : "") << ", but got '" << spec.positional[shift ? 2 : 1]
           << "' too";
  constexpr int64_t ignored = -100; // PyTorch's ignore_index

  Value loss;
  if (spec.name == "cross_entropy") {
    if (type.getRank() < 2)
      return step.emitError("the loss 'cross_entropy' needs logits [..., classes], but got ") << type;
    int64_t classes = type.getShape().back();
    Value logits = *output, labels;
    if (shift) {
      SmallVector<int64_t> shape(type.getShape().drop_back());
      if (shape.size() != 2 || shape[1] < 2)
        return step.emitError("the shifted loss needs logits [batch, sequence, vocabulary] of at least two "
                              "positions, but got ")
               << type;
      FailureOr<Value> tokens = findTokens(step, shape);
      if (failed(tokens))
        return failure();
      step.setArgAttr(cast<BlockArgument>(*tokens).getArgNumber(), "vocabulary", builder.getI64IntegerAttr(classes));
      labels = shiftTokens(builder, loc, *tokens, ignored);
    } else {
      NamedAttrList dict;
      dict.set("vocabulary", builder.getI64IntegerAttr(classes));
      dict.set("ignore_index", builder.getI64IntegerAttr(ignored));
      FailureOr<Value> input = makeInput(
          step, loc, "labels", RankedTensorType::get(type.getShape().drop_back(), builder.getI64Type()), dict);
      if (failed(input))
        return failure();
      labels = *input;
    }
    int64_t rows = tensorType(labels).getNumElements();
    logits = reshape(builder, loc, logits, {rows, classes});
    labels = reshape(builder, loc, labels, {rows});
    loss = CrossEntropyOp::create(builder, loc, logits, labels).getLoss();
  } else if (spec.name == "mse") {
    FailureOr<Value> targets = makeInput(step, loc, "targets", type, {});
    if (failed(targets))
      return failure();
    Value difference = BinaryOp::create(builder, loc, "sub", *output, *targets);
    Value squares = UnaryOp::create(builder, loc, difference, "square");
    loss = ReduceOp::create(builder, loc, squares, Reduction::mean,
                            llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
    loss = reshape(builder, loc, loss, {});
  } else if (spec.name == "output") {
    if (type.getNumElements() != 1)
      return step.emitError("the loss must be a scalar, but the output '") << outputName << "' is " << type;
    loss = reshape(builder, loc, *output, {});
  } else {
    return step.emitError("unknown loss '") << spec.name << "'; expected cross_entropy(OUTPUT), "
           << "cross_entropy(OUTPUT,shift), mse(OUTPUT) or output(NAME)";
  }
  ret.getLossMutable().assign(loss);
  ret.getOutputsMutable().clear();
  ret.setOutputNamesAttr(builder.getStrArrayAttr({}));
  return success();
}

} // namespace
} // namespace spillway
