//===- Elementwise.h - The elementwise table ------*- C++ -*-  -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_DIALECTS_TRAIN_ELEMENTWISE_H
#define SPILLWAY_DIALECTS_TRAIN_ELEMENTWISE_H

#include "llvm/ADT/StringRef.h"
#include <optional>

namespace spillway::train {

/// What a function's derivative reads besides the gradient.
enum class GradNeeds { NONE, X, Y, ZERO };

struct UnaryInfo {
  llvm::StringRef name;
  int flops;
  GradNeeds needs;
  bool hasParameter; // takes the scalar attribute `a`
};

struct BinaryInfo {
  llvm::StringRef name;
  int flops;
};

/// The entries of `include/spillway/Elementwise.def`, by name.
std::optional<UnaryInfo> lookupUnary(llvm::StringRef name);
std::optional<BinaryInfo> lookupBinary(llvm::StringRef name);
bool isCompare(llvm::StringRef name);
bool isLogical(llvm::StringRef name);

} // namespace spillway::train

#endif // SPILLWAY_DIALECTS_TRAIN_ELEMENTWISE_H
