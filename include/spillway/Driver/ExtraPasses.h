//===- ExtraPasses.h - A user's passes in the pipeline -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What --extra-passes adds to the way from a model to a frozen step: pipelines
// of registered passes, a plugin's or our own, at named points.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DRIVER_EXTRAPASSES_H
#define SPILLWAY_DRIVER_EXTRAPASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include <string>

namespace spillway {

/// Where passes of the user's run.
enum class PassPoint {
  /// The forward graph, once what exporters decompose is recognised; no loss yet.
  Forward,
  /// Loss, gradients and updates are there; updates are not yet moved or joined.
  Step,
  /// Ids are given: passes may look, but change nothing.
  Frozen,
};

struct ExtraPasses {
  PassPoint point = PassPoint::Forward;
  /// As for --pass-pipeline: `builtin.module(...)`, `train.step(...)`, or passes
  /// alone, which then run on the train.step.
  std::string pipeline;
};

/// `[forward:|step:|frozen:]PIPELINE`; on failure `error` says what was expected.
mlir::FailureOr<ExtraPasses> parseExtraPasses(llvm::StringRef text, std::string &error);

/// Adds the pipelines of one point to a manager of modules. A pass that is not
/// registered is said in one diagnostic.
mlir::LogicalResult addExtraPasses(mlir::OpPassManager &manager, llvm::ArrayRef<ExtraPasses> extras, PassPoint point,
                                   mlir::MLIRContext &context);

/// Runs those of the point Frozen; fails where they change anything.
mlir::LogicalResult runFrozenPasses(mlir::ModuleOp module, llvm::ArrayRef<ExtraPasses> extras);

} // namespace spillway

#endif // SPILLWAY_DRIVER_EXTRAPASSES_H
