//===- Mutate.cpp - Random changes to plan files --------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutate.h"

#include "spillway/Plan/PlanFile.h"
#include "spillway/Plan/Seal.h"

#include <algorithm>

namespace spillway::test {
namespace {

std::vector<uint8_t> packed(const plan::PlanT &plan) {
  flatbuffers::FlatBufferBuilder builder;
  plan::FinishPlanBuffer(builder, plan::Plan::Pack(builder, &plan));
  return {builder.GetBufferPointer(),
          builder.GetBufferPointer() + builder.GetSize()};
}

std::vector<uint8_t> essence(const std::vector<uint8_t> &file) {
  plan::PlanT plan;
  plan::GetPlan(file.data())->UnPackTo(&plan);
  plan.report = nullptr;
  plan.buffers.clear();
  for (auto &tier : plan.tiers)
    tier->capacity_bytes = 0;
  for (auto &link : plan.links) {
    link->bytes_per_second = 0;
    link->latency_ns = link->group = 0;
  }
  for (auto &instruction : plan.body) {
    instruction->start_ns = instruction->duration_ns = 0;
    std::sort(instruction->wait.begin(), instruction->wait.end());
  }
  return packed(plan);
}

std::string at(uint32_t instruction) {
  return " of instruction " + std::to_string(instruction);
}

} // namespace

Mutator::Mutator(std::vector<uint8_t> file, uint64_t seed)
    : original(std::move(file)), random(seed) {
  original.resize(original.size() - plan::kTrailerBytes);
  const plan::Plan &plan = *plan::GetPlan(original.data());
  numInstructions = plan.body() ? plan.body()->size() : 0;
  for (uint32_t i = 0; i < numInstructions; ++i)
    if (const plan::Launch *launch = plan.body()->Get(i)->action_as_Launch())
      for (const plan::Location *location : *launch->operands())
        offsets.push_back(location->offset());
}

uint64_t Mutator::anOffset(uint64_t offset) {
  switch (below(5)) {
  case 0:
    return offset + 256 * (1 + below(4));
  case 1:
    return offset - 256 * (1 + below(4));
  case 2:
    return offset ^ (uint64_t(1) << below(40));
  default:
    return offsets.empty() ? 0 : offsets[below(offsets.size())];
  }
}

std::string Mutator::flipBytes(std::vector<uint8_t> &payload) {
  // Half of them where the schedule is: the program has its own hash.
  const plan::Plan &plan = *plan::GetPlan(original.data());
  uint64_t programBegin = plan.program()->data() - original.data();
  uint64_t programEnd = programBegin + plan.program()->size();
  std::string text = "flip bits in bytes";
  for (uint64_t i = 0, count = 1 + below(3); i < count; ++i) {
    uint64_t byte = below(payload.size());
    if (byte >= programBegin && byte < programEnd && below(20) != 0)
      byte = below(2) && programEnd < payload.size()
                 ? programEnd + below(payload.size() - programEnd)
                 : below(programBegin);
    payload[byte] ^= uint8_t(below(3) ? 1u << below(8) : 1 + below(255));
    text += " " + std::to_string(byte);
  }
  return text;
}

std::string Mutator::changeLocation(plan::Location &location) {
  if (below(6) == 0) {
    location.mutate_tier(uint8_t(below(3)));
    return "tier";
  }
  location.mutate_offset(anOffset(location.offset()));
  return "offset";
}

std::string Mutator::changeLaunch(plan::Launch &launch) {
  auto *operands = launch.mutable_operands();
  uint64_t count = operands ? operands->size() : 0;
  switch (below(6)) {
  case 0:
    return launch.mutate_op(uint32_t(below(16))) ? "op" : "";
  case 1:
    return launch.mutate_recompute(!launch.recompute()) ? "recompute flag" : "";
  case 2:
    return "workspace " + changeLocation(*launch.mutable_workspace());
  case 3:
    if (count >= 2) {
      auto i = uint32_t(below(count)), j = uint32_t(below(count));
      plan::Location a = *operands->Get(i), b = *operands->Get(j);
      *operands->GetMutableObject(i) = b;
      *operands->GetMutableObject(j) = a;
      return "order of operands";
    }
    return "";
  default:
    if (count == 0)
      return "";
    return "operand " +
           changeLocation(*operands->GetMutableObject(uint32_t(below(count))));
  }
}

std::string Mutator::changeMachine(plan::Plan &plan) {
  switch (below(7)) {
  case 0: {
    auto *tier = plan.mutable_tiers()->GetMutableObject(
        uint32_t(below(plan.tiers()->size())));
    uint64_t bytes = tier->arena_bytes() + 256 * below(40) - 256 * below(40);
    bool done = below(2) ? tier->mutate_arena_bytes(bytes)
                         : tier->mutate_capacity_bytes(bytes);
    return done ? "size of tier" : "";
  }
  case 1: {
    if (!plan.links() || plan.links()->size() == 0)
      return "";
    auto *link = plan.mutable_links()->GetMutableObject(
        uint32_t(below(plan.links()->size())));
    bool done = below(2) ? link->mutate_source(uint8_t(below(2)))
                         : link->mutate_destination(uint8_t(below(2)));
    return done ? "end of link" : "";
  }
  case 2: {
    auto *stream = plan.mutable_streams()->GetMutableObject(
        uint32_t(below(plan.streams()->size())));
    return stream->mutate_link(int32_t(below(4)) - 1) ? "link of stream" : "";
  }
  default: {
    if (!plan.bindings() || plan.bindings()->size() == 0)
      return "";
    auto *binding = plan.mutable_bindings()->GetMutableObject(
        uint32_t(below(plan.bindings()->size())));
    switch (below(4)) {
    case 0:
      return binding->mutate_tensor(uint32_t(below(4))) ? "tensor of binding"
                                                        : "";
    case 1:
      return binding->mutate_bytes(binding->bytes() - 4 * below(5))
                 ? "bytes of binding"
                 : "";
    case 2:
      return binding->mutate_value_offset(256 * below(4)) ? "part of binding"
                                                          : "";
    default:
      return "binding's " + changeLocation(*binding->mutable_location());
    }
  }
  }
}

// References count from where they stand, so they change as they move.
std::string Mutator::swapInstructions(plan::Plan &plan, uint32_t i,
                                      uint32_t j) {
  auto *body = plan.mutable_body();
  auto *a = body->GetMutableObject(i), *b = body->GetMutableObject(j);
  auto place = [&](uint32_t index, const plan::Instruction *object) {
    uint8_t *slot = body->Data() + index * sizeof(flatbuffers::uoffset_t);
    flatbuffers::WriteScalar(
        slot, flatbuffers::uoffset_t(reinterpret_cast<const uint8_t *>(object) -
                                     slot));
  };
  if (below(4) == 0) {
    place(i, b);
    return "replace instruction " + std::to_string(i) + " by " +
           std::to_string(j);
  }
  place(i, b);
  place(j, a);
  return "swap instructions " + std::to_string(i) + " and " + std::to_string(j);
}

std::string Mutator::changeField(plan::Plan &plan) {
  if (numInstructions == 0 || below(6) == 0)
    return changeMachine(plan);
  uint32_t i = anInstruction();
  auto *instruction = plan.mutable_body()->GetMutableObject(i);
  switch (below(8)) {
  case 0:
    return instruction->mutate_stream(uint16_t(below(plan.streams()->size())))
               ? "stream" + at(i)
               : "";
  case 1:
  case 2: {
    auto *wait = instruction->mutable_wait();
    if (!wait || wait->size() == 0)
      return "";
    // Its own last run is no wait at all.
    uint32_t other = below(2) ? i : anInstruction();
    wait->Mutate(uint32_t(below(wait->size())), other);
    return "wait for " + std::to_string(other) + at(i);
  }
  case 3:
    return swapInstructions(
        plan, i, below(2) && i + 1 < numInstructions ? i + 1 : anInstruction());
  default:
    break;
  }
  std::string text;
  void *action = instruction->mutable_action();
  switch (instruction->action_type()) {
  case plan::Action::Launch:
    text = changeLaunch(*static_cast<plan::Launch *>(action));
    break;
  case plan::Action::Copy: {
    auto *copy = static_cast<plan::Copy *>(action);
    if (below(3) == 0) {
      uint64_t bytes = below(2) ? copy->bytes() / (2 + below(2))
                                : copy->bytes() + 4 * below(128) - 256;
      if (copy->mutate_bytes(bytes))
        text = "bytes";
    } else if (below(2)) {
      text = "source " + changeLocation(*copy->mutable_source());
    } else {
      text = "destination " + changeLocation(*copy->mutable_destination());
    }
    break;
  }
  case plan::Action::Feed: {
    auto *feed = static_cast<plan::Feed *>(action);
    if (below(2))
      text = "destination " + changeLocation(*feed->mutable_destination());
    else if (feed->mutate_tensor(uint32_t(below(4))))
      text = "tensor";
    break;
  }
  case plan::Action::Fetch:
    text =
        "source " +
        changeLocation(*static_cast<plan::Fetch *>(action)->mutable_source());
    break;
  default:
    break;
  }
  return text.empty() ? "" : text + at(i);
}

// Changes that need other sizes of vectors.
std::string Mutator::rebuild(std::vector<uint8_t> &payload) {
  plan::PlanT plan;
  plan::GetPlan(payload.data())->UnPackTo(&plan);
  if (plan.body.empty())
    return "";
  std::string text;
  uint32_t i = anInstruction();
  auto &wait = plan.body[i]->wait;
  switch (below(5)) {
  case 0:
    if (wait.empty())
      return "";
    wait.erase(wait.begin() + below(wait.size()));
    text = "drop a wait" + at(i);
    break;
  case 1:
    wait.clear();
    text = "drop all waits" + at(i);
    break;
  case 2:
    plan.body.erase(plan.body.begin() + i);
    for (auto &instruction : plan.body) {
      std::erase(instruction->wait, i);
      for (uint32_t &other : instruction->wait)
        other -= other > i;
    }
    text = "erase instruction " + std::to_string(i);
    break;
  case 3: {
    // Moves one, and all waits with it.
    uint32_t to = anInstruction();
    auto moved = std::move(plan.body[i]);
    plan.body.erase(plan.body.begin() + i);
    plan.body.insert(plan.body.begin() + to, std::move(moved));
    for (auto &instruction : plan.body)
      for (uint32_t &other : instruction->wait) {
        if (other == i)
          other = to;
        else if (other > i && other <= to)
          --other;
        else if (other < i && other >= to)
          ++other;
      }
    text =
        "move instruction " + std::to_string(i) + " to " + std::to_string(to);
    break;
  }
  default:
    if (plan.bindings.empty())
      return "";
    plan.bindings.erase(plan.bindings.begin() + below(plan.bindings.size()));
    text = "erase a binding";
    break;
  }
  payload = packed(plan);
  return text;
}

Mutant Mutator::next() {
  while (true) {
    Mutant mutant{"", original};
    uint64_t kind = below(10);
    if (kind < 3) {
      mutant.what = flipBytes(mutant.file);
    } else if (kind < 5) {
      mutant.what = rebuild(mutant.file);
    } else {
      for (uint64_t i = 0, count = below(8) ? 1 : 2; i < count; ++i) {
        std::string what =
            changeField(*plan::GetMutablePlan(mutant.file.data()));
        if (!what.empty())
          mutant.what += (mutant.what.empty() ? "" : "; ") + what;
      }
    }
    if (mutant.what.empty() || mutant.file == original)
      continue;
    plan::sealPlan(mutant.file);
    return mutant;
  }
}

std::vector<uint8_t> Mutator::essenceOf(const std::vector<uint8_t> &file) {
  return essence(file);
}

bool Mutator::isEquivalent(const std::vector<uint8_t> &file) const {
  return essence(file) == essence(original);
}

} // namespace spillway::test
