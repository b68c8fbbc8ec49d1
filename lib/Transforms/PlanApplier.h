//===- PlanApplier.h - Replays a plan as ops --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replays a plan's actions and writes an op for each. What is where is known as
// the plan knows it, by instance; what it is called, as an SSA value.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_TRANSFORMS_PLANAPPLIER_H
#define SPILLWAY_LIB_TRANSFORMS_PLANAPPLIER_H

#include "spillway/Conversion/OffloadBuffers.h"
#include "spillway/Conversion/TrainToProblem.h"
#include "spillway/Export/StepTable.h"
#include "spillway/Transforms/Schedule.h"
#include <map>

namespace spillway {

/// The content of one instance.
struct Content {
  /// The tensor or the stash; null while `transfer` is not awaited.
  mlir::Value value;
  mlir::Value transfer;
  /// The parts that updates have replaced in `value`, which is a whole tensor.
  std::map<uint32_t, mlir::Value> pieces;
  /// Instances whose stores still read this one.
  llvm::SmallVector<planner::Instance> readers;
};

class PlanApplier {
public:
  PlanApplier(const StepTable &table, const StepProblem &mapping,
              const planner::Plan &plan, llvm::ArrayRef<uint64_t> budgets,
              const planner::PlanResult *layout)
      : table(table), mapping(mapping), problem(mapping.problem), plan(plan),
        budgets(budgets), layout(layout), step(table.step),
        builder(step.getContext()) {}

  mlir::FailureOr<offload::StepOp> apply();

private:
  // The frame of the step.
  void makeStep();
  mlir::LogicalResult addArguments();
  mlir::LogicalResult addReturn();

  // Actions.
  mlir::LogicalResult act(const planner::Action &action);
  mlir::LogicalResult run(const planner::Action &action);
  mlir::LogicalResult load(const planner::Action &action);
  mlir::LogicalResult store(const planner::Action &action);
  mlir::LogicalResult free(const planner::Action &action);
  mlir::LogicalResult setResult(const planner::Action &action,
                                const TableOp &entry, mlir::Operation *op,
                                unsigned index);
  void storeOutput(uint32_t storage, mlir::Value value);

  // Contents.
  Content *find(uint32_t storage, int32_t part, uint32_t tier);
  /// The value of an instance's content as it is now, all of it.
  mlir::Value contentOf(const planner::Instance &instance, Content &content);
  mlir::Value awaitContent(Content &content);
  void awaitReaders(Content &content);
  /// The value that operand `index` of an op of the frozen step has now.
  mlir::FailureOr<mlir::Value> operand(const TableOp &entry, unsigned index);
  mlir::Value replayViews(mlir::Value original, mlir::Value base, int64_t row);
  void end(const planner::Instance &instance);

  // What the planner has laid out.
  void readLayout();
  void placeAt(const planner::Instance &instance, uint32_t first,
               OffloadBuffer::Origin origin);
  void timeAt(mlir::Operation *op);

  // Types.
  mlir::RankedTensorType wholeType(uint32_t storage);
  mlir::FailureOr<mlir::RankedTensorType> partType(uint32_t storage,
                                                   int32_t part);
  mlir::Type instanceType(mlir::RankedTensorType tensor, uint32_t tier);
  /// The part that a view is exactly; -1 for the whole or anything else.
  int32_t partOf(const TableView &view);
  int64_t firstRow(uint32_t storage, uint32_t part);

  mlir::InFlightDiagnostic fail();
  std::string describe(const planner::Instance &instance);

  const StepTable &table;
  const StepProblem &mapping;
  const planner::Problem &problem;
  const planner::Plan &plan;
  llvm::ArrayRef<uint64_t> budgets;
  const planner::PlanResult *layout;
  train::StepOp step;
  mlir::OpBuilder builder;
  offload::StepOp result;

  std::map<planner::Instance, Content> contents;
  /// Outputs on their way to the host, by storage.
  std::map<uint32_t, mlir::Value> outputs;
  uint64_t bytesOfOutputs = 0;
  std::optional<Staging> staging;
  llvm::SmallVector<planner::Instance> arguments;
  std::vector<bool> hasRun;
  /// The first value of each storage, and whether the plan stores it.
  std::vector<uint32_t> valueOfStorage;
  std::vector<bool> isStored;
  /// The planned address of each life, by where it begins.
  std::map<std::pair<planner::Instance, uint32_t>, uint64_t> addresses;
  std::map<planner::Instance, uint64_t> lastAddress;
  std::map<planner::Instance, uint64_t> wrapping;
  size_t position = 0;
};

} // namespace spillway

#endif // SPILLWAY_LIB_TRANSFORMS_PLANAPPLIER_H
