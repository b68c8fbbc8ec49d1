//===- Input.h - Files and formats of spillway-plan -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TOOLS_PLAN_INPUT_H
#define SPILLWAY_TOOLS_PLAN_INPUT_H

#include "Options.h"
#include "spillway/Planner/Formats.h"

#include <stdexcept>

namespace spillway::plantool {

/// Ends the program with exit status 1.
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The whole of a file; what is gzipped is unpacked.
std::string readFile(const std::string &path);
/// Fails where an output would replace an input.
void checkOutputs(const Options &options);

/// A plan of an earlier call must not be taken for one of a call that failed.
/// Leaves the input and what is not a plain file alone.
void removeOutput(const Options &options);

/// Writes a whole file or, on failure, leaves none.
void writeFile(const std::string &path, const std::string &text);

/// The format that was asked for, or that the file's ending tells.
std::string formatOf(const Options &options);

planner::ImportedProblem readProblem(const Options &options);

} // namespace spillway::plantool

#endif // SPILLWAY_TOOLS_PLAN_INPUT_H
