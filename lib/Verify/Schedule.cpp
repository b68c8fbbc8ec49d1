//===- Schedule.cpp - The schedule as accesses to bytes -------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Schedule.h"

#include "Fields.h"
#include "spillway/Plan/PlanFile.h"

#include <algorithm>

namespace spillway::verify {
namespace {

// Parts of a buffer may be shared, so a small file can unfold into much work.
// These bound it, far above what a plan for 100,000 ops needs.
constexpr uint64_t maxAccesses = 8'000'000;
constexpr uint64_t maxWaits = 16'000'000;
constexpr uint64_t maxOverlapWork = 500'000'000;

// O_DIRECT wants files in blocks, so an arena may end with the rest of one.
constexpr uint64_t arenaSlack = 4096;

class Reader {
public:
  Reader(const plan::Plan &plan, const ProgramInfo &program,
         ScheduleInfo &schedule)
      : plan(plan), program(program), schedule(schedule) {
    numLaunches.assign(program.ops.size(), 0);
    isFed.assign(program.tensors.size(), false);
    isFetched.assign(program.outputs.size(), false);
  }

  std::optional<Error> read();

private:
  std::optional<Error> readInstruction(const plan::Instruction &table);
  std::optional<Error> readLaunch(const plan::Launch &launch);
  std::optional<Error> readCopy(const plan::Copy &copy);
  std::optional<Error> readFeed(const plan::Feed &feed);
  std::optional<Error> readFetch(const plan::Fetch &fetch);
  std::optional<Error> addAccess(const plan::Location *location, uint64_t bytes,
                                 Access access);
  std::optional<Error> checkCompleteness();
  std::optional<Error> checkBuffers();
  std::optional<Error> checkArenas();

  const plan::Stream &stream() const {
    return *plan.streams()->Get(schedule.body.back().table->stream());
  }
  Error at(Code code, const std::string &text) const {
    uint32_t index = uint32_t(schedule.body.size()) - 1;
    return {code, schedule.instructionName(index) + ": " + text};
  }

  const plan::Plan &plan;
  const ProgramInfo &program;
  ScheduleInfo &schedule;
  std::vector<uint32_t> numLaunches;
  std::vector<bool> isFed;
  std::vector<bool> isFetched;
  uint64_t numWaits = 0;
  uint64_t overlapWork = maxOverlapWork;
};

std::optional<Error> Reader::read() {
  uint32_t numInstructions = sizeOf(plan.body());
  schedule.body.reserve(numInstructions);
  for (uint32_t i = 0; i < numInstructions; ++i) {
    const plan::Instruction &table = *plan.body()->Get(i);
    uint32_t first = uint32_t(schedule.accesses.size());
    schedule.body.push_back({&table, first, first});
    if (auto error = readInstruction(table))
      return error;
    schedule.body.back().endAccess = uint32_t(schedule.accesses.size());
    if (table.action_type() == plan::Action::Launch)
      if (auto error = checkOperandOverlap(schedule, i, overlapWork))
        return error;
  }
  if (auto error = checkCompleteness())
    return error;
  if (auto error = readBindings(schedule))
    return error;
  if (auto error = checkBuffers())
    return error;
  return checkArenas();
}

std::optional<Error> Reader::readInstruction(const plan::Instruction &table) {
  if (table.action_type() == plan::Action::NONE || !table.action())
    return at(Code::MissingField, "it does nothing");
  if (uint8_t(table.action_type()) > uint8_t(plan::Action::MAX))
    return at(Code::UnknownEnumValue,
              "action " + std::to_string(int(table.action_type())) +
                  " is unknown");
  if (table.stream() >= sizeOf(plan.streams()))
    return at(Code::IndexOutOfRange,
              "it is on stream " + std::to_string(table.stream()) +
                  ", expected one of " +
                  std::to_string(sizeOf(plan.streams())));
  numWaits += sizeOf(table.wait());
  if (numWaits > maxWaits || schedule.accesses.size() > maxAccesses)
    return at(Code::LimitExceeded,
              "expected fewer than " + std::to_string(maxWaits) +
                  " waits and " + std::to_string(maxAccesses) +
                  " operands up to here");
  for (uint32_t i = 0; i < sizeOf(table.wait()); ++i)
    if (table.wait()->Get(i) >= plan.body()->size())
      return at(Code::IndexOutOfRange,
                "it waits for instruction " +
                    std::to_string(table.wait()->Get(i)) +
                    ", expected one of " + std::to_string(plan.body()->size()));
  if (table.action_type() != plan::Action::Copy && stream().link() != -1)
    return at(Code::WrongStream, "only copies may run on a stream of a link");
  switch (table.action_type()) {
  case plan::Action::Launch:
    return readLaunch(*table.action_as_Launch());
  case plan::Action::Copy:
    return readCopy(*table.action_as_Copy());
  case plan::Action::Feed:
    return readFeed(*table.action_as_Feed());
  case plan::Action::Fetch:
    return readFetch(*table.action_as_Fetch());
  case plan::Action::NONE:
    break;
  }
  return std::nullopt;
}

// Adds `bytes` from `location` on, if they are in an arena.
std::optional<Error> Reader::addAccess(const plan::Location *location,
                                       uint64_t bytes, Access access) {
  uint32_t index = uint32_t(schedule.body.size()) - 1;
  if (!location)
    return at(Code::MissingField,
              schedule.operandName(index, access) + " has no location");
  access.tier = location->tier();
  if (access.tier >= plan.tiers()->size())
    return at(Code::IndexOutOfRange,
              schedule.operandName(index, access) + " is on tier " +
                  std::to_string(access.tier) + ", expected one of " +
                  std::to_string(plan.tiers()->size()));
  uint64_t arena = plan.tiers()->Get(access.tier)->arena_bytes();
  if (location->offset() > arena || bytes > arena - location->offset())
    return at(Code::AddressOutOfArena,
              schedule.operandName(index, access) + " has " +
                  std::to_string(bytes) + " bytes from offset " +
                  std::to_string(location->offset()) +
                  " on, but the arena of '" +
                  plan.tiers()->Get(access.tier)->name()->str() + "' has " +
                  std::to_string(arena));
  access.range = {location->offset(), location->offset() + bytes};
  schedule.accesses.push_back(access);
  return std::nullopt;
}

std::optional<Error> Reader::readLaunch(const plan::Launch &launch) {
  if (launch.op() >= program.ops.size())
    return at(Code::IndexOutOfRange,
              "it launches op number " + std::to_string(launch.op()) +
                  ", expected one of " + std::to_string(program.ops.size()));
  const OpInfo &op = program.ops[launch.op()];
  // Engines of the host will come with launches on tier 1, on this stream.
  if (textOf(stream().name()) == "host")
    return at(Code::WrongStream,
              "kernels do not run on stream 'host', expected a compute stream");

  bool isFirst = numLaunches[launch.op()]++ == 0;
  if (!isFirst && !op.table->recomputable())
    return at(Code::LaunchedTwice,
              "the op was launched before in the step, and "
              "must run exactly once");
  if (launch.recompute() == isFirst)
    return at(Code::WrongRecomputeFlag,
              isFirst ? "the op's first launch says that it recomputes"
                      : "a second launch of the op does not say that it "
                        "recomputes");

  if (sizeOf(launch.operands()) != op.operands.size())
    return at(Code::OperandCountMismatch,
              "it has " + std::to_string(sizeOf(launch.operands())) +
                  " operands, expected " + std::to_string(op.numInputs) +
                  " inputs and " + std::to_string(op.numOutputs()) +
                  " outputs");
  if (!isAligned(launch.operands(), 8))
    return at(Code::MalformedBuffer, "operands are not aligned in the file");
  uint32_t index = uint32_t(schedule.body.size()) - 1;
  for (uint32_t k = 0; k < op.operands.size(); ++k) {
    const Operand &operand = op.operands[k];
    const Footprint &footprint = operand.footprint;
    const plan::Location &location = *launch.operands()->Get(k);
    Access access;
    access.base = location.offset() - footprint.hull.begin;
    access.footprint = footprint.runs.empty() ? nullptr : &footprint;
    access.value = operand.value;
    access.operand = uint16_t(std::min<uint32_t>(k, 0xffff));
    access.kind = k < op.numInputs ? AccessKind::Read : AccessKind::Write;
    if (location.tier() != 0)
      return at(Code::WrongTier, schedule.operandName(index, access) +
                                     " is on tier " +
                                     std::to_string(location.tier()) +
                                     ", but kernels run on tier 0");
    if (access.base % plan::kAlignment != 0)
      return at(Code::Misaligned,
                schedule.operandName(index, access) + " is at offset " +
                    std::to_string(location.offset()) +
                    ", so that its value would start at no multiple of 256");
    if (auto error = addAccess(&location, footprint.hull.size(), access))
      return error;
  }

  Access workspace;
  workspace.kind = AccessKind::Scratch;
  if (launch.workspace() && launch.workspace()->tier() != 0)
    return at(Code::WrongTier, "the workspace is on tier " +
                                   std::to_string(launch.workspace()->tier()) +
                                   ", but kernels run on tier 0");
  if (launch.workspace() &&
      launch.workspace()->offset() % plan::kAlignment != 0)
    return at(Code::Misaligned,
              "the workspace is at offset " +
                  std::to_string(launch.workspace()->offset()) +
                  ", expected a multiple of 256");
  return addAccess(launch.workspace(), op.table->workspace_bytes(), workspace);
}

std::optional<Error> Reader::readCopy(const plan::Copy &copy) {
  if (stream().link() == -1)
    return at(Code::WrongStream,
              "a copy must run on the stream of a link, but '" +
                  stream().name()->str() + "' has none");
  Access source, target;
  source.kind = AccessKind::CopySource;
  target.kind = AccessKind::CopyTarget;
  if (copy.bytes() == 0)
    return at(Code::CopiesNothing, "it copies 0 bytes");
  if (auto error = addAccess(copy.source(), copy.bytes(), source))
    return error;
  if (auto error = addAccess(copy.destination(), copy.bytes(), target))
    return error;
  const plan::Link &link = *plan.links()->Get(uint32_t(stream().link()));
  if (copy.source()->tier() != link.source() ||
      copy.destination()->tier() != link.destination())
    return at(Code::WrongTier,
              "it copies from tier " + std::to_string(copy.source()->tier()) +
                  " to tier " + std::to_string(copy.destination()->tier()) +
                  ", but link '" + link.name()->str() + "' goes from tier " +
                  std::to_string(link.source()) + " to tier " +
                  std::to_string(link.destination()));
  const Access *both = &schedule.accesses[schedule.accesses.size() - 2];
  if (both[0].tier == both[1].tier && both[0].range.overlaps(both[1].range))
    return at(Code::OverlappingOperands, "its source and destination overlap");
  return std::nullopt;
}

std::optional<Error> Reader::readFeed(const plan::Feed &feed) {
  if (feed.tensor() >= program.tensors.size())
    return at(Code::IndexOutOfRange,
              "it feeds tensor " + std::to_string(feed.tensor()) +
                  ", expected one of " +
                  std::to_string(program.tensors.size()));
  const TensorInfo &tensor = program.tensors[feed.tensor()];
  if (!tensor.isFed)
    return at(Code::NotFed, "only inputs and hyperparameters are fed");
  if (isFed[feed.tensor()])
    return at(Code::FedTwice, "the tensor was fed before in this step");
  isFed[feed.tensor()] = true;
  Access access;
  access.kind = AccessKind::Write;
  access.value = tensor.table->value_in();
  if (auto error = addAccess(feed.destination(), tensor.bytes, access))
    return error;
  schedule.accesses.back().base = feed.destination()->offset();
  if (feed.destination()->offset() % plan::kAlignment != 0)
    return at(Code::Misaligned,
              "the destination is at offset " +
                  std::to_string(feed.destination()->offset()) +
                  ", expected a multiple of 256");
  return std::nullopt;
}

std::optional<Error> Reader::readFetch(const plan::Fetch &fetch) {
  if (fetch.output() >= program.outputs.size())
    return at(Code::IndexOutOfRange,
              "it fetches output " + std::to_string(fetch.output()) +
                  ", expected one of " +
                  std::to_string(program.outputs.size()));
  if (isFetched[fetch.output()])
    return at(Code::FetchedTwice, "the output was fetched before in this step");
  isFetched[fetch.output()] = true;
  const OutputInfo &output = program.outputs[fetch.output()];
  Access access;
  access.value = output.table->value();
  if (auto error = addAccess(fetch.source(), output.bytes, access))
    return error;
  schedule.accesses.back().base = fetch.source()->offset();
  if (fetch.source()->offset() % plan::kAlignment != 0)
    return at(Code::Misaligned, "the source is at offset " +
                                    std::to_string(fetch.source()->offset()) +
                                    ", expected a multiple of 256");
  return std::nullopt;
}

std::optional<Error> Reader::checkCompleteness() {
  for (uint32_t i = 0; i < program.ops.size(); ++i)
    if (numLaunches[i] == 0)
      return Error{Code::MissingLaunch,
                   program.opName(i) + " is never launched"};
  for (uint32_t i = 0; i < program.tensors.size(); ++i)
    if (program.tensors[i].isFed && program.tensors[i].isRead && !isFed[i])
      return Error{Code::MissingFeed,
                   "tensor '" + program.tensors[i].table->name()->str() +
                       "' is never fed"};
  for (uint32_t i = 0; i < program.outputs.size(); ++i)
    if (!isFetched[i])
      return Error{Code::MissingFetch,
                   "output '" + program.outputs[i].table->name()->str() +
                       "' is never fetched"};
  return std::nullopt;
}

// Nothing runs by these, but whoever draws them must not stumble.
std::optional<Error> Reader::checkBuffers() {
  if (const plan::Report *report = plan.report();
      report && (!isPrintable(textOf(report->target())) ||
                 !isPrintable(textOf(report->policy()))))
    return Error{Code::BadText, "the report's words are not printable UTF-8"};
  for (uint32_t i = 0; i < sizeOf(plan.buffers()); ++i) {
    const plan::Buffer &buffer = *plan.buffers()->Get(i);
    if (!isPrintable(textOf(buffer.category())))
      return Error{Code::BadText, "the category of buffer " +
                                      std::to_string(i) +
                                      " is not printable UTF-8"};
    const plan::Location *location = buffer.location();
    bool isGood = location && location->tier() < plan.tiers()->size() &&
                  buffer.value() < program.valueBytes.size() &&
                  buffer.first() < schedule.body.size() &&
                  buffer.last() < schedule.body.size();
    if (isGood) {
      uint64_t arena = plan.tiers()->Get(location->tier())->arena_bytes();
      isGood = location->offset() <= arena &&
               buffer.bytes() <= arena - location->offset();
    }
    if (!isGood)
      return Error{Code::BadBuffer,
                   "buffer " + std::to_string(i) +
                       " names a tier, value, instruction or range that does "
                       "not exist"};
  }
  return std::nullopt;
}

std::optional<Error> Reader::checkArenas() {
  std::vector<uint64_t> used(plan.tiers()->size(), 0);
  for (const auto *accesses : {&schedule.accesses, &schedule.bindings})
    for (const Access &access : *accesses)
      if (!access.range.empty())
        used[access.tier] = std::max(used[access.tier], access.range.end);
  for (uint32_t i = 0; i < used.size(); ++i) {
    const plan::Tier &tier = *plan.tiers()->Get(i);
    uint64_t limit = (used[i] + arenaSlack - 1) / arenaSlack * arenaSlack;
    if (tier.arena_bytes() > limit)
      return Error{Code::ArenaNotExact,
                   "tier '" + tier.name()->str() + "' has an arena of " +
                       std::to_string(tier.arena_bytes()) +
                       " bytes, but no byte is used from " +
                       std::to_string(used[i]) + " on; expected at most " +
                       std::to_string(limit)};
  }
  return std::nullopt;
}

} // namespace

std::optional<Error> readSchedule(const plan::Plan &plan,
                                  const ProgramInfo &program,
                                  ScheduleInfo &schedule) {
  schedule.table = &plan;
  schedule.program = &program;
  return Reader(plan, program, schedule).read();
}

} // namespace spillway::verify
