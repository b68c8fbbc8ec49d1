//===- Compiler.h - From a model to a plan -------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What spillwayc does, as a library. Every failure has been said in one
// diagnostic through the context when a function returns.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DRIVER_COMPILER_H
#define SPILLWAY_DRIVER_COMPILER_H

#include "Train/Train.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "spillway/Conversion/TrainToProblem.h"
#include "spillway/Driver/ExtraPasses.h"
#include "spillway/Planner/Planner.h"
#include "spillway/Target/Target.h"
#include "llvm/Support/JSON.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace spillway {

struct CompileOptions {
  std::string target = "cpu-emulated";
  /// Bytes by tier name; a tier that is not there has its capacity.
  std::map<std::string, uint64_t> budgets;
  std::map<std::string, int64_t> dims;
  std::string loss;
  std::string optimizer = "adamw()";
  double clipNorm = 0;
  std::string noDecay;
  std::vector<std::string> freeze, trainable;
  std::string policy = "joint";
  std::string planFile, profileFile;
  uint32_t iterations = 64;
  /// Search for so long instead, which gives up reproducibility; 0: iterations.
  double planSeconds = 0;
  int64_t sliceBytes = 0;
  std::vector<ExtraPasses> extraPasses;
};

/// Where compilation stops: at a level's text, or at the plan file.
enum class EmitLevel { Train, Problem, Offload, Sched, Plan, File };

struct CompileResult {
  /// The level's text, or the plan file's bytes.
  std::string output;
  /// For a person, on standard error.
  std::string summary;
  /// What --stats writes: set as soon as there is a planning problem.
  std::optional<llvm::json::Value> stats;
};

/// The whole way. On failure one diagnostic has been emitted and `output` is
/// empty; where the reason is a budget, `stats` says so.
mlir::LogicalResult compile(llvm::StringRef path, const CompileOptions &options, EmitLevel level, bool allPolicies,
                            mlir::MLIRContext &context, CompileResult &result);

/// Options of one training step's pipeline, a subset of the above.
void buildTrainPipeline(mlir::OpPassManager &manager, const CompileOptions &options, int64_t lanes);

/// Registers `spillway-train-pipeline` for spillway-opt.
void registerPipelines();

/// Reads a model: `.onnx`, or MLIR with one `train.step` (a forward graph, or a
/// step that is already frozen).
mlir::OwningOpRef<mlir::ModuleOp> loadModel(llvm::StringRef path, const CompileOptions &options,
                                            mlir::MLIRContext &context);

/// The only `train.step` of a module.
mlir::FailureOr<train::StepOp> findStep(mlir::ModuleOp module);

/// Runs the pipeline to a frozen step; does nothing where it is frozen already.
mlir::LogicalResult freezeStep(mlir::ModuleOp module, const CompileOptions &options, const Target &target);

/// Reads a profile that spillway-run wrote.
mlir::FailureOr<KernelProfile> loadProfile(llvm::StringRef path, mlir::MLIRContext &context);

/// Budgets by tier of the target; fails on a tier that it does not have.
mlir::FailureOr<std::vector<uint64_t>> resolveBudgets(const CompileOptions &options, const Target &target,
                                                      mlir::MLIRContext &context);

/// Budgets to plan with, the next where the one before does not do. Transfers
/// over two links take slots of the tier between (stagingOf), which the planner
/// does not know: that tier has so much less, or no tier beyond it is used.
std::vector<std::vector<uint64_t>> usableBudgets(const planner::Problem &problem,
                                                 const std::vector<uint64_t> &budgets);

/// Says why a budget cannot be met: tier, floor, smallest budget found, what
/// makes up the peak, what to change.
void emitInfeasible(mlir::MLIRContext &context, const planner::Problem &problem,
                    const std::vector<uint64_t> &budgets, const planner::Infeasible &why);

} // namespace spillway

#endif // SPILLWAY_DRIVER_COMPILER_H
