//===- SnakeFromGelu.cpp - A pass over train, as a plugin -----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Snake.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;

namespace {

/// Replaces every GELU of a step that is not yet differentiated by Snake.
struct SnakeFromGelu : PassWrapper<SnakeFromGelu, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SnakeFromGelu)

  SnakeFromGelu() = default;
  // An option is not copied with its pass.
  SnakeFromGelu(const SnakeFromGelu &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "snake-from-gelu"; }
  StringRef getDescription() const override {
    return "Replace GELU by the Snake activation";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<snake::SnakeDialect>();
  }

  void runOnOperation() override {
    if (alpha == 0) {
      getOperation()->emitError("expects an alpha other than 0");
      return signalPassFailure();
    }
    getOperation()->walk([&](spillway::train::UnaryOp op) {
      if (!op.getFn().starts_with("gelu"))
        return;
      OpBuilder builder(op);
      auto replacement = snake::ActivateOp::create(
          builder, op.getLoc(), op.getInput(), builder.getF64FloatAttr(alpha));
      op.replaceAllUsesWith(replacement.getResult());
      op.erase();
    });
  }

  Option<double> alpha{*this, "alpha", llvm::cl::init(1.0),
                       llvm::cl::desc("Frequency of the activation")};
};

} // namespace

// The entry points that --load-dialect-plugin and --load-pass-plugin look for.
extern "C" LLVM_ATTRIBUTE_WEAK DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Snake", "1", [](DialectRegistry *registry) {
            registry->insert<snake::SnakeDialect>();
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Snake", "1",
          [] { PassRegistration<SnakeFromGelu>(); }};
}
