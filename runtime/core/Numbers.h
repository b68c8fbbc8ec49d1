//===- Numbers.h - Numbers in text and in memory ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_NUMBERS_H
#define SPILLWAY_RUNTIME_CORE_NUMBERS_H

#include "Types.h"

#include <string>

namespace spillway::rt {

/// The whole text as a finite number; false where it is none.
bool parseNumber(const std::string &text, double &value);
bool parseInteger(const std::string &text, int64_t &value);

/// Writes a number as one element, rounded to nearest even.
void storeNumber(DType dtype, double value, void *to);
/// Reads one element; integers above 2^53 lose digits.
double loadNumber(DType dtype, const void *from);

/// Reads and writes one element of an integer type (BOOL: 0 and 1).
/// `storeInteger` returns false, and writes nothing, where the value does not
/// fit.
int64_t loadInteger(DType dtype, const void *from);
bool storeInteger(DType dtype, int64_t value, void *to);

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_NUMBERS_H
