//===- Bindings.cpp - Where tensors are between steps ---------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fields.h"
#include "Schedule.h"

#include "spillway/Plan/PlanFile.h"

#include <algorithm>

namespace spillway::verify {
namespace {

struct Piece {
  uint32_t tensor;
  Range range;
};

std::optional<Error> readBinding(const plan::Binding &table, uint32_t index,
                                 ScheduleInfo &schedule,
                                 std::vector<Piece> &pieces) {
  const ProgramInfo &program = *schedule.program;
  const auto &tiers = *schedule.table->tiers();
  std::string place = "binding " + std::to_string(index);
  if (table.tensor() >= program.tensors.size())
    return Error{Code::IndexOutOfRange,
                 place + " is of tensor " + std::to_string(table.tensor()) +
                     ", expected one of " +
                     std::to_string(program.tensors.size())};
  const TensorInfo &tensor = program.tensors[table.tensor()];
  place += " (tensor '" + tensor.table->name()->str() + "')";
  if (tensor.isFed)
    return Error{Code::BadBinding,
                 place + ": the tensor is fed in each step, so it is nowhere "
                         "when a step starts"};
  if (table.value_offset() > tensor.bytes ||
      table.bytes() > tensor.bytes - table.value_offset())
    return Error{Code::BadBinding,
                 place + " has " + std::to_string(table.bytes()) +
                     " bytes from offset " +
                     std::to_string(table.value_offset()) +
                     " on, but the tensor has " + std::to_string(tensor.bytes)};
  const plan::Location *location = table.location();
  if (!location)
    return Error{Code::MissingField, place + " has no location"};
  if (location->tier() >= tiers.size())
    return Error{Code::IndexOutOfRange,
                 place + " is on tier " + std::to_string(location->tier()) +
                     ", expected one of " + std::to_string(tiers.size())};
  uint64_t arena = tiers.Get(location->tier())->arena_bytes();
  if (location->offset() > arena || table.bytes() > arena - location->offset())
    return Error{Code::AddressOutOfArena,
                 place + " has " + std::to_string(table.bytes()) +
                     " bytes from offset " +
                     std::to_string(location->offset()) +
                     " on, but the arena of '" +
                     tiers.Get(location->tier())->name()->str() + "' has " +
                     std::to_string(arena)};
  if (location->offset() % plan::kAlignment != 0)
    return Error{Code::Misaligned, place + " is at offset " +
                                       std::to_string(location->offset()) +
                                       ", expected a multiple of 256"};

  Access access;
  access.kind = AccessKind::Read;
  access.tier = location->tier();
  access.value = tensor.table->value_in();
  access.range = {location->offset(), location->offset() + table.bytes()};
  access.base = location->offset() - table.value_offset();
  schedule.bindings.push_back(access);
  pieces.push_back(
      {table.tensor(),
       {table.value_offset(), table.value_offset() + table.bytes()}});
  return std::nullopt;
}

std::optional<Error> checkDisjoint(const ScheduleInfo &schedule) {
  std::vector<const Access *> sorted;
  for (const Access &binding : schedule.bindings)
    if (!binding.range.empty())
      sorted.push_back(&binding);
  std::sort(sorted.begin(), sorted.end(), [](const Access *a, const Access *b) {
    return std::pair(a->tier, a->range.begin) <
           std::pair(b->tier, b->range.begin);
  });
  for (size_t i = 1; i < sorted.size(); ++i) {
    const Access &a = *sorted[i - 1], &b = *sorted[i];
    if (a.tier == b.tier && a.range.overlaps(b.range))
      return Error{Code::OverlappingBindings,
                   "value " + schedule.program->valueName(a.value) + " at " +
                       schedule.rangeName(a.tier, a.range) + " and value " +
                       schedule.program->valueName(b.value) + " at " +
                       schedule.rangeName(b.tier, b.range) +
                       " overlap when a step starts"};
  }
  return std::nullopt;
}

std::optional<Error> checkCoverage(const ScheduleInfo &schedule,
                                   std::vector<Piece> &pieces) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece &a, const Piece &b) {
    return std::pair(a.tensor, a.range.begin) <
           std::pair(b.tensor, b.range.begin);
  });
  const ProgramInfo &program = *schedule.program;
  size_t next = 0;
  for (uint32_t i = 0; i < program.tensors.size(); ++i) {
    uint64_t covered = 0;
    for (; next < pieces.size() && pieces[next].tensor == i; ++next)
      if (pieces[next].range.begin <= covered)
        covered = std::max(covered, pieces[next].range.end);
    const TensorInfo &tensor = program.tensors[i];
    if (!tensor.isFed && covered < tensor.bytes)
      return Error{Code::UnboundTensor,
                   "byte " + std::to_string(covered) + " of tensor '" +
                       tensor.table->name()->str() + "', which has " +
                       std::to_string(tensor.bytes) +
                       ", is nowhere when a step starts; expected a binding"};
  }
  return std::nullopt;
}

} // namespace

std::optional<Error> readBindings(ScheduleInfo &schedule) {
  const auto *bindings = schedule.table->bindings();
  std::vector<Piece> pieces;
  for (uint32_t i = 0; i < sizeOf(bindings); ++i)
    if (auto error = readBinding(*bindings->Get(i), i, schedule, pieces))
      return error;
  if (auto error = checkDisjoint(schedule))
    return error;
  return checkCoverage(schedule, pieces);
}

} // namespace spillway::verify
