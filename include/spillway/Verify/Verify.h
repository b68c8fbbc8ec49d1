//===- Verify.h - The plan verifier -----------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Proves that a plan computes its program: that every instruction reads exactly
// the values that the program names, however the streams interleave and however
// many steps follow one another, and that nothing leaves the planned bytes. It
// trusts nobody: it has no code in common with the planner and the exporter,
// and needs nothing but the file. docs/verifier.md says what is proven and how.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_VERIFY_VERIFY_H
#define SPILLWAY_VERIFY_VERIFY_H

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace spillway::plan {
struct Plan;
}

namespace spillway::verify {

/// One code per cause of rejection.
enum class Code : uint16_t {
#define SPILLWAY_VERIFY_CODE(name, meaning) name,
#include "spillway/Verify/Codes.def"
};

/// The code's name as it is spelled above.
const char *codeName(Code code);

struct Error {
  Code code;
  /// Lower case, one line: names the instruction, op or tensor, the bytes, what
  /// was expected, what was found.
  std::string message;
};

/// Verifies a whole plan file: container, program, schedule. Never crashes and
/// never runs away, whatever the bytes are. Returns nothing where all is
/// proven.
std::optional<Error> verifyPlan(std::span<const uint8_t> file);

/// Verifies program and schedule of a plan in memory, which must come from a
/// buffer that FlatBuffers' own verifier accepts (one that was just built does)
/// and that lies in memory at a multiple of 16.
std::optional<Error> verifySchedule(const plan::Plan &plan);

} // namespace spillway::verify

#endif // SPILLWAY_VERIFY_VERIFY_H
