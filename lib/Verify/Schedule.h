//===- Schedule.h - The schedule as accesses to bytes -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each instruction of the body reads and writes, after everything was
// checked that can be seen by looking at one instruction at a time. The replay
// then asks what the bytes hold and who may be at them at once.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_VERIFY_SCHEDULE_H
#define SPILLWAY_LIB_VERIFY_SCHEDULE_H

#include "Program.h"

namespace spillway::verify {

/// More queues than any machine has; clocks and readers are stored for each.
inline constexpr uint32_t maxStreams = 16;

enum class AccessKind : uint8_t {
  Read,       ///< an operand or a fetch: the bytes must hold `value`
  Write,      ///< a result or a feed: the bytes hold `value` from now on
  Scratch,    ///< workspace: the bytes hold nothing from now on
  CopySource, ///< whatever the bytes hold
  CopyTarget, ///< the bytes hold what the access before this one found
};

struct Access {
  Range range;
  /// Where in the tier byte 0 of the value is or would be, mod 2^64: only a
  /// part of the value may be there.
  uint64_t base = 0;
  /// The pieces, if the access is not all of `range`; relative to the value.
  const Footprint *footprint = nullptr;
  uint32_t value = none;
  uint16_t operand = 0;
  uint8_t tier = 0;
  AccessKind kind = AccessKind::Read;
};

struct InstructionInfo {
  const plan::Instruction *table;
  /// Index range in `ScheduleInfo::accesses`; reads come before writes.
  uint32_t firstAccess;
  uint32_t endAccess;
};

struct ScheduleInfo {
  const plan::Plan *table;
  const ProgramInfo *program;
  std::vector<InstructionInfo> body;
  std::vector<Access> accesses;
  std::vector<Access> bindings;

  /// "instruction 42 (launch of op 12 (train.matmul) on 'compute')".
  std::string instructionName(uint32_t instruction) const;
  /// "input 2", "the workspace".
  std::string operandName(uint32_t instruction, const Access &access) const;
  /// "device [0, 256)".
  std::string rangeName(uint8_t tier, const Range &range) const;
};

/// Tiers, links, streams: capacities, indices, names.
std::optional<Error> checkMachine(const plan::Plan &plan);

/// Fills `schedule` from `plan`, whose machine was checked: every index,
/// address and size, streams and tiers, overlaps inside of a launch, that every
/// op runs, every input is fed, every output is fetched, every tensor is bound,
/// and that no arena is larger than what is used.
std::optional<Error> readSchedule(const plan::Plan &plan,
                                  const ProgramInfo &program,
                                  ScheduleInfo &schedule);

/// The checks of `readSchedule` on one launch's operands against one another.
/// `work` is what is left of the comparisons that one plan may cost.
std::optional<Error> checkOperandOverlap(const ScheduleInfo &schedule,
                                         uint32_t instruction, uint64_t &work);

/// The checks of `readSchedule` on the bindings, which it fills.
std::optional<Error> readBindings(ScheduleInfo &schedule);

/// Proves the schedule: contents over one step from the bindings back to the
/// bindings, and order over two steps.
std::optional<Error> replay(const ScheduleInfo &schedule);

} // namespace spillway::verify

#endif // SPILLWAY_LIB_VERIFY_SCHEDULE_H
