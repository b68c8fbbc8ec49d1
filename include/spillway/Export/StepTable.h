//===- StepTable.h - A frozen step as values and views ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The data-flow table of a frozen `train.step`: what plan.fbs calls a Program,
// while it is still IR. Views have vanished into the operands that see through
// them, and the pieces of an assembled tensor into the tensor. The table is a
// function of the step alone.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_EXPORT_STEPTABLE_H
#define SPILLWAY_EXPORT_STEPTABLE_H

#include "Train/Train.h"
#include "llvm/ADT/DenseMap.h"
#include <string>
#include <vector>

namespace spillway {

/// How an operand or a result sees a value.
struct TableView {
  uint32_t value = 0;
  /// Bytes from the value's first byte to the first element.
  uint64_t offset = 0;
  mlir::Type element;
  llvm::SmallVector<int64_t> sizes;
  /// In elements; 0 where an operand repeats.
  llvm::SmallVector<int64_t> strides;

  /// Bytes from the first to behind the last element.
  uint64_t extent() const;
};

/// A value of storage level: an argument, the result of a kernel, or what the
/// results of some updates make up together.
struct TableValue {
  mlir::Value root;
  uint64_t bytes = 0;
  std::string name;
};

struct TableOp {
  mlir::Operation *op = nullptr;
  uint32_t id = 0;
  llvm::SmallVector<TableView, 4> inputs, outputs;
  uint64_t workspaceBytes = 0;
  bool recomputable = true;
};

/// An argument of the step: its value when the step starts and when it ends.
struct TableTensor {
  mlir::BlockArgument argument;
  std::string name;
  train::Role role = train::Role::input;
  uint32_t valueIn = 0, valueOut = 0;
};

/// What the host reads: the loss first, where there is one.
struct TableOutput {
  std::string name;
  uint32_t value = 0;
  mlir::RankedTensorType type;
};

class StepTable {
public:
  /// Fails after an error at the op: no id or a second op of the same id, a
  /// view that strides cannot express, an output that is a part of a value.
  static mlir::FailureOr<StepTable> build(train::StepOp step);

  train::StepOp step;
  std::vector<TableValue> values;
  std::vector<TableOp> ops;
  std::vector<TableTensor> tensors;
  std::vector<TableOutput> outputs;

  /// Index of the op of an id, or of the tensor or output of a name.
  std::optional<uint32_t> findOp(uint32_t id) const;
  std::optional<uint32_t> findTensor(llvm::StringRef name) const;
  std::optional<uint32_t> findOutput(llvm::StringRef name) const;

private:
  mlir::LogicalResult addValues();
  mlir::LogicalResult addOps();
  mlir::LogicalResult addResults();
  uint32_t addValue(mlir::Value root, std::string name);
  mlir::FailureOr<TableView> viewOf(mlir::Operation *user, mlir::Value value);

  /// The value that a root lies in, and its first byte there.
  struct Place {
    uint32_t value;
    uint64_t offset;
  };
  llvm::DenseMap<mlir::Value, Place> places;
  llvm::DenseMap<uint32_t, uint32_t> opOfId;
};

/// A key that ops with the same kernel, types, layouts and attributes share:
/// that of the measured profile.
std::string getSignature(const TableOp &op, int64_t lanes);

/// Where an op came from in the source model, or "".
std::string describeLocation(mlir::Location loc);

} // namespace spillway

#endif // SPILLWAY_EXPORT_STEPTABLE_H
