//===- JsonKeys.h - Fields that a JSON text has twice -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of a field that is there twice a JSON parser silently takes one. A file
// merged or written by hand wrongly would be planned as something else than
// its author sees in it.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_JSONKEYS_H
#define SPILLWAY_LIB_PLANNER_JSONKEYS_H

#include <optional>
#include <string>
#include <string_view>

namespace spillway::planner {

/// The path of the first field that an object has twice (`storages[1].bytes`).
/// None where there is none before the end or the first syntax error.
std::optional<std::string> repeatedField(std::string_view text);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_JSONKEYS_H
