//===- Pipeline.cpp - From a forward graph to a frozen step ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "spillway/Driver/Compiler.h"
#include "spillway/Transforms/Passes.h"

using namespace mlir;

namespace spillway {

namespace {

/// Up to the point Forward.
void addRecognition(OpPassManager &manager) {
  OpPassManager &step = manager.nest<train::StepOp>();
  // What exporters decompose is recognised first: the derivative of a layer norm
  // is far smaller than the derivatives of its pieces.
  // Canonical forms leave the patterns fewer spellings; a common subexpression
  // is one value to them. Norms and rotations come before attention, which sees
  // through what is around them.
  step.addPass(createCanonicalizerPass());
  step.addPass(createCSEPass());
  step.addPass(createTrainFuseLayerNorm());
  step.addPass(createTrainFuseRmsNorm());
  step.addPass(createTrainFuseGelu());
  step.addPass(createTrainFuseRotary());
  step.addPass(createTrainFuseAttention());
  step.addPass(createTrainFuseLinear());
  step.addPass(createCanonicalizerPass());
  step.addPass(createCSEPass());
}

/// Up to the point Step.
void addDerivation(OpPassManager &manager, const CompileOptions &options) {
  OpPassManager &step = manager.nest<train::StepOp>();
  step.addPass(createTrainAttachLoss({options.loss}));
  step.addPass(createTrainDifferentiate({}));
  step.addPass(createTrainAttachOptimizer({options.optimizer, options.clipNorm, options.noDecay}));
  step.addPass(createCanonicalizerPass());
  step.addPass(createCSEPass());
}

/// Up to the point Frozen.
void addFreezing(OpPassManager &manager, const CompileOptions &options, int64_t lanes) {
  OpPassManager &step = manager.nest<train::StepOp>();
  // Small updates join before large ones are cut: a slice is not to be joined
  // with its neighbour again.
  step.addPass(createTrainSinkUpdates());
  step.addPass(createTrainFuseUpdates());
  step.addPass(createTrainSliceUpdates({options.sliceBytes}));

  // Correctness: kernels get operands that they can read; then arithmetic ends.
  step.addPass(createTrainMaterializeLayouts());
  step.addPass(createTrainFreeze({lanes}));
}

} // namespace

void buildTrainPipeline(OpPassManager &manager, const CompileOptions &options, int64_t lanes) {
  addRecognition(manager);
  addDerivation(manager, options);
  addFreezing(manager, options, lanes);
}

namespace {
struct TrainPipelineOptions : PassPipelineOptions<TrainPipelineOptions> {
  Option<std::string> loss{*this, "loss", llvm::cl::desc("see train-attach-loss")};
  Option<std::string> optimizer{*this, "optimizer", llvm::cl::desc("see train-attach-optimizer"),
                                llvm::cl::init("adamw()")};
  Option<double> clipNorm{*this, "clip-norm", llvm::cl::desc("see train-attach-optimizer"), llvm::cl::init(0)};
  Option<std::string> noDecay{*this, "no-decay", llvm::cl::desc("see train-attach-optimizer")};
  Option<int64_t> sliceBytes{*this, "slice-bytes", llvm::cl::desc("see train-slice-updates"),
                             llvm::cl::init(0)};
  Option<int64_t> lanes{*this, "lanes", llvm::cl::desc("see train-freeze"), llvm::cl::init(4)};
};
} // namespace

void registerPipelines() {
  PassPipelineRegistration<TrainPipelineOptions>(
      "spillway-train-pipeline", "From a forward graph to a frozen training step, as spillwayc does it",
      [](OpPassManager &manager, const TrainPipelineOptions &given) {
        CompileOptions options;
        options.loss = given.loss;
        options.optimizer = given.optimizer;
        options.clipNorm = given.clipNorm;
        options.noDecay = given.noDecay;
        options.sliceBytes = given.sliceBytes;
        buildTrainPipeline(manager, options, given.lanes);
      });
}

LogicalResult freezeStep(ModuleOp module, const CompileOptions &options, const Target &target) {
  FailureOr<train::StepOp> step = findStep(module);
  if (failed(step))
    return failure();
  MLIRContext &context = *module.getContext();
  if (step->getFrozen()) {
    for (const ExtraPasses &extra : options.extraPasses)
      if (extra.point != PassPoint::Frozen)
        return emitError(UnknownLoc::get(&context))
               << "the model is a frozen step, so '" << extra.pipeline << "' of --extra-passes comes too late; "
               << "give the model as it was before, or --extra-passes=frozen:...";
    return runFrozenPasses(module, options.extraPasses);
  }
  PassManager manager(&context);
  // The verifier between passes finds our own faults; what a user gets wrong is
  // said by the pass that meets it.
  manager.enableVerifier(true);
  addRecognition(manager);
  if (failed(addExtraPasses(manager, options.extraPasses, PassPoint::Forward, context)))
    return failure();
  addDerivation(manager, options);
  if (failed(addExtraPasses(manager, options.extraPasses, PassPoint::Step, context)))
    return failure();
  addFreezing(manager, options, target.compute().lanes);
  if (failed(manager.run(module)))
    return failure();
  return runFrozenPasses(module, options.extraPasses);
}

} // namespace spillway
