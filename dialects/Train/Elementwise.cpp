//===- Elementwise.cpp - The elementwise table ---- -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Train/Elementwise.h"
#include <cctype>

using llvm::StringRef;

namespace spillway::train {

/// Whether the expression, as written in the table, mentions the parameter `a`.
static bool mentionsParameter(StringRef expression) {
  auto isWord = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (size_t i = 0; i < expression.size(); ++i)
    if (expression[i] == 'a' && (i == 0 || !isWord(expression[i - 1])) &&
        (i + 1 == expression.size() || !isWord(expression[i + 1])))
      return true;
  return false;
}

std::optional<UnaryInfo> lookupUnary(StringRef name) {
#define SPW_UNARY(fn, flops, needs, y, dx)                                                         \
  if (name == #fn)                                                                                 \
    return UnaryInfo{#fn, flops, GradNeeds::needs, mentionsParameter(#y)};
#include "spillway/Elementwise.def"
  return std::nullopt;
}

std::optional<BinaryInfo> lookupBinary(StringRef name) {
#define SPW_BINARY(fn, flops, y)                                                                   \
  if (name == #fn)                                                                                 \
    return BinaryInfo{#fn, flops};
#include "spillway/Elementwise.def"
  return std::nullopt;
}

bool isCompare(StringRef name) {
#define SPW_COMPARE(fn, y)                                                                         \
  if (name == #fn)                                                                                 \
    return true;
#include "spillway/Elementwise.def"
  return false;
}

bool isLogical(StringRef name) {
#define SPW_LOGICAL(fn, y)                                                                         \
  if (name == #fn)                                                                                 \
    return true;
#include "spillway/Elementwise.def"
  return false;
}

} // namespace spillway::train
