//===- Describe.cpp - What errors call things -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Schedule.h"

#include "Fields.h"

namespace spillway::verify {

// Also names what was found wrong, so nothing is taken for granted here.
std::string ScheduleInfo::instructionName(uint32_t instruction) const {
  const plan::Instruction &info = *body[instruction].table;
  std::string text = "instruction " + std::to_string(instruction) + " (";
  if (const plan::Launch *launch = info.action_as_Launch()) {
    text += launch->recompute() ? "recompute of " : "launch of ";
    text += launch->op() < program->ops.size() ? program->opName(launch->op())
                                               : "no op";
  } else if (const plan::Copy *copy = info.action_as_Copy()) {
    text += "copy of " + std::to_string(copy->bytes()) + " bytes";
  } else if (const plan::Feed *feed = info.action_as_Feed()) {
    text += "feed";
    if (feed->tensor() < program->tensors.size())
      text +=
          " of '" + program->tensors[feed->tensor()].table->name()->str() + "'";
  } else if (const plan::Fetch *fetch = info.action_as_Fetch()) {
    text += "fetch";
    if (fetch->output() < program->outputs.size())
      text += " of '" + program->outputs[fetch->output()].table->name()->str() +
              "'";
  } else {
    text += "no action";
  }
  if (info.stream() < sizeOf(table->streams()))
    text += " on '" + table->streams()->Get(info.stream())->name()->str() + "'";
  return text + ")";
}

std::string ScheduleInfo::operandName(uint32_t instruction,
                                      const Access &access) const {
  const plan::Instruction &info = *body[instruction].table;
  switch (access.kind) {
  case AccessKind::Scratch:
    return "the workspace";
  case AccessKind::CopySource:
    return "the source";
  case AccessKind::CopyTarget:
    return "the destination";
  case AccessKind::Read:
  case AccessKind::Write:
    break;
  }
  const plan::Launch *launch = info.action_as_Launch();
  if (!launch)
    return access.kind == AccessKind::Read ? "the source" : "the destination";
  uint32_t numInputs = program->ops[launch->op()].numInputs;
  return access.operand < numInputs
             ? "input " + std::to_string(access.operand)
             : "output " + std::to_string(access.operand - numInputs);
}

std::string ScheduleInfo::rangeName(uint8_t tier, const Range &range) const {
  return table->tiers()->Get(tier)->name()->str() + " " + toString(range);
}

} // namespace spillway::verify
