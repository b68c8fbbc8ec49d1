//===- Replay.cpp - Contents and order, proven ----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes the body on symbols, in issue order, twice. In the first round the
// bytes hold values: from the bindings alone, each read must find what it
// wants, and in the end the bindings must hold again, so the next step finds
// the same. In both rounds each access must come after the conflicting ones
// before it by happens-before. Then every execution that the streams allow
// gives what issue order gives. Why two rounds are enough: docs/verifier.md.
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "Order.h"
#include "Schedule.h"

#include <algorithm>

namespace spillway::verify {
namespace {

// Segments that may be looked at in all, beside a share for each access: a plan
// is a few per access, a file made to keep us busy is a few per pair.
constexpr uint64_t baseWork = 100'000'000;
constexpr uint64_t workAnAccess = 2'000;

class Replay {
public:
  explicit Replay(const ScheduleInfo &schedule)
      : schedule(schedule), program(*schedule.program), order(*schedule.table),
        work(baseWork + workAnAccess * schedule.accesses.size()),
        byPieces(schedule.accesses.size(), false) {
    for (const plan::Tier *tier : *schedule.table->tiers())
      tiers.emplace_back(tier->arena_bytes());
  }

  std::optional<Error> run();

private:
  struct Found {
    Range range;
    Content content;
  };

  std::optional<Error> access(uint32_t index);
  std::optional<Error> read(uint32_t index);
  std::optional<Error> readCopySource(const Access &access);
  std::optional<Error> write(const Access &access);
  std::optional<Error> checkBindings();

  std::optional<Error> touchToRead(const Access &access, const Range &range);
  std::optional<Error> touchToWrite(const Access &access, const Range &range);
  std::optional<Error> spend(uint64_t segments);

  Error wrongContent(const Access &access, const Range &range);
  Error race(Code code, const Access &access, const Range &range,
             Moment earlier, const char *did);
  std::string contentName(const Content &content, const Range &range) const;
  std::vector<Range> piecesOf(const Access &access) const;

  const ScheduleInfo &schedule;
  const ProgramInfo &program;
  Order order;
  std::vector<Memory> tiers;
  uint64_t work;

  uint32_t step = 0;
  uint32_t instruction = 0;
  /// Inputs in pieces whose hull holds something else between them.
  std::vector<bool> byPieces;
  /// What the source of the present copy holds.
  std::vector<Found> copied;
};

std::optional<Error> Replay::run() {
  for (const Access &binding : schedule.bindings)
    if (!binding.range.empty())
      tiers[binding.tier].write(binding.range, {binding.value, binding.base},
                                0);
  for (step = 0; step < 2; ++step) {
    for (instruction = 0; instruction < schedule.body.size(); ++instruction) {
      const InstructionInfo &info = schedule.body[instruction];
      for (uint32_t i = info.firstAccess; i < info.endAccess; ++i)
        if (!schedule.accesses[i].range.empty())
          if (auto error = access(i))
            return error;
    }
    if (step == 0)
      if (auto error = checkBindings())
        return error;
  }
  return std::nullopt;
}

std::optional<Error> Replay::access(uint32_t index) {
  const Access &access = schedule.accesses[index];
  switch (access.kind) {
  case AccessKind::Read:
    return read(index);
  case AccessKind::CopySource:
    return readCopySource(access);
  case AccessKind::Write:
  case AccessKind::Scratch:
  case AccessKind::CopyTarget:
    return write(access);
  }
  return std::nullopt;
}

std::vector<Range> Replay::piecesOf(const Access &access) const {
  std::vector<Range> pieces;
  if (!access.footprint)
    return {access.range};
  for (const Range &run : access.footprint->runs)
    pieces.push_back({run.begin + access.base, run.end + access.base});
  return pieces;
}

// An input in pieces is checked by its hull if that holds nothing but the
// value, which it nearly always does, and otherwise piece by piece.
std::optional<Error> Replay::read(uint32_t index) {
  const Access &access = schedule.accesses[index];
  Memory &memory = tiers[access.tier];
  Content expected{access.value, access.base};
  if (step == 0 && !memory.holds(access.range, expected)) {
    if (!access.footprint)
      return wrongContent(access, access.range);
    byPieces[index] = true;
    for (const Range &piece : piecesOf(access))
      if (!memory.holds(piece, expected))
        return wrongContent(access, piece);
  }
  if (!byPieces[index])
    return touchToRead(access, access.range);
  for (const Range &piece : piecesOf(access))
    if (auto error = touchToRead(access, piece))
      return error;
  return std::nullopt;
}

std::optional<Error> Replay::readCopySource(const Access &access) {
  copied.clear();
  bool holdsAnything = false;
  tiers[access.tier].forEach(
      access.range, [&](uint64_t begin, const Segment &segment) {
        holdsAnything |= segment.content.value != none;
        Range range{begin, segment.end};
        if (!copied.empty() && copied.back().content == segment.content)
          copied.back().range.end = segment.end;
        else
          copied.push_back({range, segment.content});
        return false;
      });
  if (step == 0 && !holdsAnything)
    return Error{Code::CopiesNothing,
                 schedule.instructionName(instruction) + ": the source " +
                     schedule.rangeName(access.tier, access.range) +
                     " holds no value of this step; is a store missing?"};
  return touchToRead(access, access.range);
}

std::optional<Error> Replay::write(const Access &access) {
  Memory &memory = tiers[access.tier];
  Moment now = order.moment(step, instruction);
  if (access.kind == AccessKind::CopyTarget) {
    if (auto error = touchToWrite(access, access.range))
      return error;
    const Access &source = *(&access - 1);
    uint64_t distance = access.range.begin - source.range.begin;
    for (const Found &found : copied)
      memory.write({found.range.begin + distance, found.range.end + distance},
                   {found.content.value, found.content.base + distance}, now);
    return std::nullopt;
  }
  for (const Range &piece : piecesOf(access)) {
    if (auto error = touchToWrite(access, piece))
      return error;
    memory.write(piece, {access.value, access.base}, now);
  }
  return std::nullopt;
}

std::optional<Error> Replay::touchToRead(const Access &access,
                                         const Range &range) {
  std::optional<Error> error;
  Moment now = order.moment(step, instruction);
  uint32_t stream = order.streamAt(now);
  uint64_t seen =
      tiers[access.tier].forEach(range, [&](uint64_t begin, Segment &segment) {
        if (!order.isBefore(segment.writer, now)) {
          error = race(Code::ReadNotAfterWrite, access, {begin, segment.end},
                       segment.writer, "writes");
          return true;
        }
        segment.readers[stream] = now;
        return false;
      });
  return error ? error : spend(seen);
}

std::optional<Error> Replay::touchToWrite(const Access &access,
                                          const Range &range) {
  std::optional<Error> error;
  Moment now = order.moment(step, instruction);
  uint64_t seen =
      tiers[access.tier].forEach(range, [&](uint64_t begin, Segment &segment) {
        Range bytes{begin, segment.end};
        for (uint32_t s = 0; s < order.numStreams && !error; ++s)
          if (!order.isBefore(segment.readers[s], s, now))
            error = race(Code::WriteNotAfterRead, access, bytes,
                         segment.readers[s], "reads");
        if (!error && !order.isBefore(segment.writer, now))
          error = race(Code::WriteNotAfterWrite, access, bytes, segment.writer,
                       "writes");
        return error.has_value();
      });
  return error ? error : spend(seen);
}

std::optional<Error> Replay::spend(uint64_t segments) {
  if (segments <= work) {
    work -= segments;
    return std::nullopt;
  }
  return Error{Code::LimitExceeded,
               schedule.instructionName(instruction) +
                   ": the plan cuts its arenas into too many small pieces"};
}

std::optional<Error> Replay::checkBindings() {
  for (const Access &binding : schedule.bindings) {
    const TensorInfo &tensor =
        program.tensors[program.tensorOfValue[binding.value]];
    uint32_t wanted = tensor.table->value_out();
    std::optional<Error> error;
    tiers[binding.tier].forEach(binding.range, [&](uint64_t begin,
                                                   const Segment &segment) {
      if (segment.content == Content{wanted, binding.base})
        return false;
      Range range{begin, segment.end};
      error =
          Error{Code::BindingNotRestored,
                "tensor '" + tensor.table->name()->str() + "' is bound to " +
                    schedule.rangeName(binding.tier, binding.range) +
                    ", but when the step ends, expected " +
                    contentName({wanted, binding.base}, range) + " in " +
                    schedule.rangeName(binding.tier, range) + ", found " +
                    contentName(segment.content, range)};
      return true;
    });
    if (error)
      return error;
  }
  return std::nullopt;
}

std::string Replay::contentName(const Content &content,
                                const Range &range) const {
  if (content.value == none)
    return "no value of this step";
  Range inValue{range.begin - content.base, range.end - content.base};
  return "bytes " + toString(inValue) + " of " +
         program.valueName(content.value);
}

Error Replay::wrongContent(const Access &access, const Range &range) {
  Content expected{access.value, access.base};
  Content found;
  Range where = range;
  tiers[access.tier].forEach(range,
                             [&](uint64_t begin, const Segment &segment) {
                               found = segment.content;
                               where = {begin, segment.end};
                               return found != expected;
                             });
  auto isUpdate = [&](uint32_t before, uint32_t after) {
    uint32_t tensor = program.tensorOfValue[before];
    return tensor != none && before != after &&
           program.tensors[tensor].table->value_out() == after;
  };
  Code code = Code::ReadsOtherValue;
  if (found.value == none)
    code = Code::ReadsNothing;
  else if (found.value == access.value)
    code = Code::ReadsOtherOffset;
  else if (isUpdate(access.value, found.value))
    code = Code::ReadsUpdated;
  else if (isUpdate(found.value, access.value))
    code = Code::ReadsStale;
  std::string text = schedule.instructionName(instruction) + ": " +
                     schedule.operandName(instruction, access) + " wants, in " +
                     schedule.rangeName(access.tier, where) + ", " +
                     contentName(expected, where) + ", found " +
                     contentName(found, where);
  if (code == Code::ReadsUpdated)
    text += ", which is the same tensor after its update";
  if (code == Code::ReadsStale)
    text += ", which is the same tensor before its update";
  return {code, text};
}

Error Replay::race(Code code, const Access &access, const Range &range,
                   Moment earlier, const char *did) {
  bool isAcross = order.stepAt(earlier) != step;
  bool isFeed =
      schedule.body[instruction].table->action_type() == plan::Action::Feed;
  if (isFeed)
    code = Code::FeedTooEarly;
  else if (isAcross)
    code = Code::RaceAcrossSteps;
  return {code, schedule.instructionName(instruction) + ": " +
                    schedule.operandName(instruction, access) + " touches " +
                    schedule.rangeName(access.tier, range) +
                    ", which nothing keeps from happening while " +
                    schedule.instructionName(order.instructionAt(earlier)) +
                    (isAcross ? " of the step before " : " ") + did +
                    " the same bytes; expected it to wait for that"};
}

} // namespace

std::optional<Error> replay(const ScheduleInfo &schedule) {
  return Replay(schedule).run();
}

} // namespace spillway::verify
