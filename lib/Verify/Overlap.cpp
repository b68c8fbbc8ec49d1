//===- Overlap.cpp - One launch's operands against one another ------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Schedule.h"

#include <algorithm>

namespace spillway::verify {
namespace {

class Launch {
public:
  Launch(const ScheduleInfo &schedule, uint32_t instruction, uint64_t &work)
      : schedule(schedule), instruction(instruction), work(work),
        op(schedule.program->ops
               [schedule.body[instruction].table->action_as_Launch()->op()]) {}

  std::optional<Error> check() const;

private:
  const Access &access(uint32_t index) const {
    return schedule.accesses[schedule.body[instruction].firstAccess + index];
  }
  bool isWrite(uint32_t index) const {
    return access(index).kind != AccessKind::Read;
  }
  bool isAllowed(uint32_t a, uint32_t b) const;
  bool spend(uint64_t comparisons) const {
    work -= std::min(work, comparisons);
    return work != 0;
  }

  const ScheduleInfo &schedule;
  uint32_t instruction;
  uint64_t &work;
  const OpInfo &op;
};

// A result may take exactly the place of an operand that it may overwrite, and
// pieces of one access may lie between those of another.
bool Launch::isAllowed(uint32_t a, uint32_t b) const {
  auto numOperands = uint32_t(op.operands.size());
  for (uint32_t operand : {a, b})
    if (operand < numOperands)
      spend(op.operands[operand].footprint.runs.size());
  if (a < numOperands && b < numOperands &&
      !overlap(op.operands[a].footprint, access(a).base,
               op.operands[b].footprint, access(b).base))
    return true;
  if (isWrite(a))
    std::swap(a, b);
  return !isWrite(a) && b < numOperands && access(a).range == access(b).range &&
         op.mayBeInPlace(a, b - op.numInputs);
}

std::optional<Error> Launch::check() const {
  const InstructionInfo &info = schedule.body[instruction];
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < info.endAccess - info.firstAccess; ++i)
    if (!access(i).range.empty())
      order.push_back(i);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(access(a).range.begin, a) <
           std::pair(access(b).range.begin, b);
  });
  // Those behind an access in this order that start before it ends overlap it.
  // Reads may do so at will; each write meets few others, or is wrong.
  std::vector<uint32_t> openReads, openWrites;
  for (uint32_t i : order) {
    auto close = [&](std::vector<uint32_t> &open) {
      std::erase_if(open, [&](uint32_t k) {
        return access(k).range.end <= access(i).range.begin;
      });
    };
    if (!spend(1 + openWrites.size() + (isWrite(i) ? openReads.size() : 0)))
      return Error{Code::LimitExceeded,
                   schedule.instructionName(instruction) +
                       ": the operands of launches overlap too often"};
    close(openWrites);
    if (isWrite(i))
      close(openReads);
    auto meet = [&](const std::vector<uint32_t> &open) -> std::optional<Error> {
      for (uint32_t k : open) {
        if (isAllowed(k, i))
          continue;
        return Error{
            Code::OverlappingOperands,
            schedule.instructionName(instruction) + ": " +
                schedule.operandName(instruction, access(std::min(i, k))) +
                " at " + schedule.rangeName(0, access(std::min(i, k)).range) +
                " and " +
                schedule.operandName(instruction, access(std::max(i, k))) +
                " at " + schedule.rangeName(0, access(std::max(i, k)).range) +
                " overlap; expected disjoint bytes, or exactly the same for a "
                "pair that the op allows in place"};
      }
      return std::nullopt;
    };
    if (auto error = meet(openWrites))
      return error;
    if (isWrite(i))
      if (auto error = meet(openReads))
        return error;
    (isWrite(i) ? openWrites : openReads).push_back(i);
  }
  return std::nullopt;
}

} // namespace

std::optional<Error> checkOperandOverlap(const ScheduleInfo &schedule,
                                         uint32_t instruction, uint64_t &work) {
  return Launch(schedule, instruction, work).check();
}

} // namespace spillway::verify
