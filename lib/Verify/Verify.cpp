//===- Verify.cpp - The plan verifier -------------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Verify/Verify.h"

#include "Container.h"
#include "Program.h"
#include "Schedule.h"

#include <algorithm>
#include <vector>

namespace spillway::verify {
namespace {

// Each stage may trust what the ones before it have shown.
std::optional<Error> checkContents(const plan::Plan &plan) {
  ProgramInfo program;
  if (auto error = readProgram(*plan.program_nested_root(), program))
    return error;
  if (auto error = checkDataFlow(program))
    return error;
  if (auto error = checkMachine(plan))
    return error;
  ScheduleInfo schedule;
  if (auto error = readSchedule(plan, program, schedule))
    return error;
  return replay(schedule);
}

} // namespace

const char *codeName(Code code) {
  switch (code) {
#define SPILLWAY_VERIFY_CODE(name, meaning)                                    \
  case Code::name:                                                             \
    return #name;
#include "spillway/Verify/Codes.def"
  }
  return "unknown";
}

std::optional<Error> verifyPlan(std::span<const uint8_t> file) {
  // Accessors read words in place, so a file that lies crooked is moved first.
  if (reinterpret_cast<uintptr_t>(file.data()) % 16 != 0) {
    struct alignas(16) Block {
      uint8_t bytes[16];
    };
    std::vector<Block> blocks((file.size() + 15) / 16);
    auto *bytes = reinterpret_cast<uint8_t *>(blocks.data());
    std::copy(file.begin(), file.end(), bytes);
    return verifyPlan({bytes, file.size()});
  }
  if (auto error = checkContainer(file))
    return error;
  return checkContents(*plan::GetPlan(file.data()));
}

std::optional<Error> verifySchedule(const plan::Plan &plan) {
  if (auto error = checkEnvelope(plan))
    return error;
  return checkContents(plan);
}

} // namespace spillway::verify
