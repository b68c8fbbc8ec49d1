//===- Program.h - The data-flow table, checked -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_VERIFY_PROGRAM_H
#define SPILLWAY_LIB_VERIFY_PROGRAM_H

#include "Footprint.h"

#include "spillway/Plan/plan_generated.h"

namespace spillway::verify {

inline constexpr uint32_t none = ~uint32_t(0);

struct Operand {
  uint32_t value;
  Footprint footprint;
};

struct OpInfo {
  const plan::Op *table;
  /// Inputs, then outputs.
  std::vector<Operand> operands;
  uint32_t numInputs;

  uint32_t numOutputs() const { return uint32_t(operands.size()) - numInputs; }
  bool mayBeInPlace(uint32_t input, uint32_t output) const;
};

struct TensorInfo {
  const plan::Tensor *table;
  uint64_t bytes;
  /// The host writes it in each step; otherwise it stays from step to step.
  bool isFed;
  bool isRead = false;
};

struct OutputInfo {
  const plan::Output *table;
  uint64_t bytes;
};

/// A program whose every index and size was checked.
struct ProgramInfo {
  const plan::Program *table;
  std::vector<uint64_t> valueBytes;
  std::vector<OpInfo> ops;
  std::vector<TensorInfo> tensors;
  std::vector<OutputInfo> outputs;
  /// The tensor whose content at the start of the step a value is, or `none`.
  std::vector<uint32_t> tensorOfValue;

  /// The value's name in quotes, or its number.
  std::string valueName(uint32_t value) const;
  /// "op 12 (train.matmul at model.onnx:node3)".
  std::string opName(uint32_t op) const;
};

/// Checks the fields of the program: indices, sizes, views, roles.
std::optional<Error> readProgram(const plan::Program &table,
                                 ProgramInfo &program);

/// Checks that each byte of each value is produced once, and before it is used.
std::optional<Error> checkDataFlow(ProgramInfo &program);

} // namespace spillway::verify

#endif // SPILLWAY_LIB_VERIFY_PROGRAM_H
