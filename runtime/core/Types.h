//===- Types.h - Element types and sizes ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_TYPES_H
#define SPILLWAY_RUNTIME_CORE_TYPES_H

#include "spillway/Plan/plan_generated.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace spillway::rt {

using DType = plan::DType;

/// Bytes of one element; 0 for a number that is no type.
uint64_t elementBytes(DType dtype);

/// As safetensors spells it: "F32", "BF16", "BOOL".
const char *safetensorsName(DType dtype);
std::optional<DType> fromSafetensorsName(std::string_view name);

bool isInteger(DType dtype);

/// The number of elements; nothing where a size is negative or the product
/// does not fit.
template <typename SizesT>
std::optional<uint64_t> countElements(const SizesT &sizes) {
  uint64_t count = 1;
  for (int64_t size : sizes)
    if (size < 0 || __builtin_mul_overflow(count, uint64_t(size), &count))
      return std::nullopt;
  return count;
}

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_TYPES_H
