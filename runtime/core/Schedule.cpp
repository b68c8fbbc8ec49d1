//===- Schedule.cpp - The steady step, ready to run -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Schedule.h"
#include "Error.h"

#include <algorithm>
#include <set>
#include <tuple>

using namespace spillway;
using namespace spillway::rt;

namespace {

constexpr int maxRank = 16;

/// Builds a Schedule's lists; `place` names what is being checked.
class Builder {
public:
  Builder(const PlanFile &file, Schedule &schedule)
      : program(file.program()), plan(file.plan()), schedule(schedule) {}

  void run() {
    checkProgram();
    addPlaces();
    addBindings();
    addBody();
  }

private:
  [[noreturn]] void bad(const std::string &what) {
    fail("plan is malformed: %s: %s", place.c_str(), what.c_str());
  }

  template <typename VectorT> static uint32_t sizeOf(const VectorT *vector) {
    return vector ? vector->size() : 0;
  }

  static std::string str(const flatbuffers::String *text) {
    return text ? text->str() : "";
  }

  uint64_t valueBytes(uint32_t value) {
    if (value >= sizeOf(program.values()))
      bad(format("no value %u, there are %u", value, sizeOf(program.values())));
    return program.values()->Get(value)->bytes();
  }

  uint64_t denseBytes(DType dtype, const flatbuffers::Vector<int64_t> *sizes) {
    uint64_t element = elementBytes(dtype), bytes = element;
    if (!element)
      bad(format("no element type %u", unsigned(dtype)));
    if (sizes) {
      auto count = countElements(*sizes);
      if (!count || __builtin_mul_overflow(*count, element, &bytes))
        bad("its size is negative or does not fit: " + dimensions(*sizes));
    }
    return bytes;
  }

  void checkProgram() {
    std::set<std::string> names;
    for (uint32_t i = 0; i < sizeOf(program.tensors()); ++i) {
      const plan::Tensor *tensor = program.tensors()->Get(i);
      place = "tensor '" + tensor->name()->str() + "'";
      if (tensor->role() > plan::Role::CONSTANT)
        bad("unknown role");
      if (!names.insert(tensor->name()->str()).second)
        bad("there are two of this name");
      uint64_t bytes = denseBytes(tensor->dtype(), tensor->sizes());
      for (uint32_t value : {tensor->value_in(), tensor->value_out()})
        if (valueBytes(value) != bytes)
          bad(format("expected a value of %llu bytes, found %llu",
                     (unsigned long long)bytes,
                     (unsigned long long)valueBytes(value)));
      if (sizeOf(tensor->data()) && sizeOf(tensor->data()) != bytes)
        bad(format("expected %llu inline bytes, found %u",
                   (unsigned long long)bytes, sizeOf(tensor->data())));
    }
    for (uint32_t i = 0; i < sizeOf(program.outputs()); ++i) {
      const plan::Output *output = program.outputs()->Get(i);
      place = "output '" + output->name()->str() + "'";
      if (valueBytes(output->value()) <
          denseBytes(output->dtype(), output->sizes()))
        bad("its value is smaller than its shape");
    }
    for (uint32_t i = 0; i < sizeOf(program.ops()); ++i) {
      const plan::Op *op = program.ops()->Get(i);
      place = format("op %s (id %u)", op->name()->c_str(), op->id());
      for (const auto *views : {op->inputs(), op->outputs()})
        for (uint32_t k = 0; k < sizeOf(views); ++k)
          checkView(*views->Get(k));
    }
  }

  /// Bytes from a view's first element to the end of its last.
  uint64_t extent(const plan::View &view) {
    uint64_t element = elementBytes(view.dtype()), last = 0;
    if (!element)
      bad(format("no element type %u", unsigned(view.dtype())));
    if (sizeOf(view.sizes()) != sizeOf(view.strides()) ||
        sizeOf(view.sizes()) > maxRank)
      bad(format("expected as many strides as sizes and at most %d, found %u "
                 "and %u",
                 maxRank, sizeOf(view.strides()), sizeOf(view.sizes())));
    bool empty = false;
    for (uint32_t i = 0; i < sizeOf(view.sizes()); ++i) {
      int64_t size = view.sizes()->Get(i), stride = view.strides()->Get(i);
      uint64_t span;
      if (size < 0 || stride < 0)
        bad("a view has a negative size or stride");
      empty |= size == 0;
      if (size > 0 && (__builtin_mul_overflow(uint64_t(size - 1),
                                              uint64_t(stride), &span) ||
                       __builtin_add_overflow(last, span, &last)))
        bad("a view's extent does not fit");
    }
    uint64_t bytes;
    if (last > UINT64_MAX - 1 ||
        __builtin_mul_overflow(last + 1, element, &bytes))
      bad("a view's extent does not fit");
    return empty ? 0 : bytes;
  }

  void checkView(const plan::View &view) {
    uint64_t bytes = valueBytes(view.value()), length = extent(view);
    if (view.offset() > bytes || length > bytes - view.offset())
      bad(format("a view ends at byte %llu + %llu of a value of %llu",
                 (unsigned long long)view.offset(), (unsigned long long)length,
                 (unsigned long long)bytes));
  }

  void addPlaces() {
    place = "tiers";
    if (!sizeOf(plan.tiers()) || sizeOf(plan.tiers()) > 255)
      bad(format("expected 1 to 255, found %u", sizeOf(plan.tiers())));
    for (const plan::Tier *tier : *plan.tiers()) {
      place = "tier '" + tier->name()->str() + "'";
      if (tier->arena_bytes() > tier->capacity_bytes())
        bad(format("its arena of %llu bytes is larger than its capacity of "
                   "%llu",
                   (unsigned long long)tier->arena_bytes(),
                   (unsigned long long)tier->capacity_bytes()));
      schedule.tiers.push_back({tier->name()->str(), tier->arena_bytes()});
    }
    for (uint32_t i = 0; i < sizeOf(plan.links()); ++i) {
      const plan::Link *link = plan.links()->Get(i);
      place = "link '" + link->name()->str() + "'";
      if (!(link->bytes_per_second() > 0))
        bad("expected a positive bandwidth");
      schedule.links.push_back({link->name()->str(), link->bytes_per_second(),
                                link->latency_ns(), link->group()});
    }
    place = "streams";
    if (sizeOf(plan.streams()) > 1024)
      bad("expected at most 1024");
    for (uint32_t i = 0; i < sizeOf(plan.streams()); ++i) {
      const plan::Stream *stream = plan.streams()->Get(i);
      place = "stream '" + stream->name()->str() + "'";
      if (stream->link() < -1 ||
          stream->link() >= int64_t(schedule.links.size()))
        bad(format("no link %d", stream->link()));
      Stream &added = schedule.streams.emplace_back();
      added.name = stream->name()->str();
      added.link = stream->link();
    }
  }

  Address address(const plan::Location *location, uint64_t bytes,
                  const char *what) {
    if (!location)
      bad(format("it has no %s", what));
    if (location->tier() >= schedule.tiers.size())
      bad(format("its %s is on tier %u, there are %zu", what, location->tier(),
                 schedule.tiers.size()));
    const Tier &tier = schedule.tiers[location->tier()];
    if (location->offset() > tier.arenaBytes ||
        bytes > tier.arenaBytes - location->offset())
      bad(format("its %s ends at byte %llu + %llu of the %s arena, which has "
                 "%llu",
                 what, (unsigned long long)location->offset(),
                 (unsigned long long)bytes, tier.name.c_str(),
                 (unsigned long long)tier.arenaBytes));
    return {location->tier(), location->offset()};
  }

  void addBindings() {
    for (uint32_t i = 0; i < sizeOf(plan.bindings()); ++i) {
      const plan::Binding *binding = plan.bindings()->Get(i);
      place = format("binding %u", i);
      if (binding->tensor() >= sizeOf(program.tensors()))
        bad(format("no tensor %u", binding->tensor()));
      const plan::Tensor *tensor = program.tensors()->Get(binding->tensor());
      place += " of '" + tensor->name()->str() + "'";
      uint64_t bytes = valueBytes(tensor->value_in());
      if (binding->value_offset() > bytes ||
          binding->bytes() > bytes - binding->value_offset())
        bad("it is outside of the tensor");
      schedule.bindings.push_back(
          {binding->tensor(), binding->value_offset(), binding->bytes(),
           address(binding->location(), binding->bytes(), "location")});
    }
    auto key = [](const Binding &b) {
      return std::tuple(b.tensor, b.valueOffset, b.address.tier,
                        b.address.offset);
    };
    std::sort(
        schedule.bindings.begin(), schedule.bindings.end(),
        [&](const Binding &a, const Binding &b) { return key(a) < key(b); });
    checkCoverage();
  }

  /// What is loaded, and saved, must be somewhere whole.
  void checkCoverage() {
    size_t next = 0;
    for (uint32_t i = 0; i < sizeOf(program.tensors()); ++i) {
      const plan::Tensor *tensor = program.tensors()->Get(i);
      uint64_t covered = 0;
      for (; next < schedule.bindings.size() &&
             schedule.bindings[next].tensor == i;
           ++next)
        if (schedule.bindings[next].valueOffset <= covered)
          covered = std::max(covered, schedule.bindings[next].valueOffset +
                                          schedule.bindings[next].bytes);
      bool persistent = tensor->role() == plan::Role::PARAM ||
                        tensor->role() == plan::Role::STATE;
      place = "tensor '" + tensor->name()->str() + "'";
      if (persistent && covered < valueBytes(tensor->value_in()))
        bad(format("it is bound nowhere from byte %llu on",
                   (unsigned long long)covered));
    }
  }

  void addBody() {
    uint32_t count = sizeOf(plan.body());
    schedule.fed.resize(sizeOf(program.tensors()));
    schedule.numInstructions = count;
    // Where an instruction stands in its stream, for the waits.
    std::vector<std::pair<uint32_t, uint32_t>> positions(count);
    std::vector<uint32_t> lengths(schedule.streams.size());
    for (uint32_t i = 0; i < count; ++i) {
      place = format("instruction %u", i);
      uint32_t stream = plan.body()->Get(i)->stream();
      if (stream >= schedule.streams.size())
        bad(format("no stream %u, there are %zu", stream,
                   schedule.streams.size()));
      positions[i] = {stream, ++lengths[stream]};
    }
    bool haveCompute = false;
    for (uint32_t i = 0; i < count; ++i) {
      place = format("instruction %u", i);
      const plan::Instruction *from = plan.body()->Get(i);
      Instruction to;
      to.index = i;
      addAction(*from, to);
      addWaits(*from, positions, to);
      if (to.kind == ActionKind::Launch && !haveCompute) {
        schedule.computeStream = from->stream();
        haveCompute = true;
      }
      schedule.streams[from->stream()].instructions.push_back(std::move(to));
    }
  }

  void addWaits(const plan::Instruction &from,
                const std::vector<std::pair<uint32_t, uint32_t>> &positions,
                Instruction &to) {
    for (uint32_t i = 0; i < sizeOf(from.wait()); ++i) {
      uint32_t awaited = from.wait()->Get(i);
      if (awaited >= positions.size())
        bad(format("it waits for instruction %u, there are %zu", awaited,
                   positions.size()));
      auto [stream, position] = positions[awaited];
      bool previous = awaited >= to.index;
      // Its own stream is in order.
      if (stream == from.stream())
        continue;
      auto same = std::find_if(to.waits.begin(), to.waits.end(),
                               [stream = stream, previous](const Wait &wait) {
                                 return wait.stream == stream &&
                                        wait.previousStep == previous;
                               });
      if (same == to.waits.end())
        to.waits.push_back({stream, position, previous});
      else
        same->position = std::max(same->position, position);
    }
  }

  void touch(Instruction &to, Address address, uint64_t bytes) {
    if (!bytes)
      return;
    for (Touch &touch : to.touches)
      if (touch.tier == address.tier) {
        touch.end = std::max(touch.end, address.offset + bytes);
        return;
      }
    to.touches.push_back({address.tier, address.offset + bytes});
  }

  void addAction(const plan::Instruction &from, Instruction &to) {
    if (!from.action())
      bad("it has no action");
    switch (from.action_type()) {
    case plan::Action::Launch:
      return addLaunch(*from.action_as_Launch(), from.stream(), to);
    case plan::Action::Copy:
      return addCopy(*from.action_as_Copy(), from.stream(), to);
    case plan::Action::Feed:
      return addFeed(*from.action_as_Feed(), to);
    case plan::Action::Fetch:
      return addFetch(*from.action_as_Fetch(), to);
    default:
      bad("unknown action");
    }
  }

  void addLaunch(const plan::Launch &from, uint32_t stream, Instruction &to) {
    to.kind = ActionKind::Launch;
    to.subject = uint32_t(schedule.launches.size());
    if (from.op() >= sizeOf(program.ops()))
      bad(format("no op %u, there are %u", from.op(), sizeOf(program.ops())));
    const plan::Op *op = program.ops()->Get(from.op());
    place += format(" (%s, id %u)", op->name()->c_str(), op->id());
    uint32_t numInputs = sizeOf(op->inputs()),
             numOutputs = sizeOf(op->outputs());
    if (sizeOf(from.operands()) != uint64_t(numInputs) + numOutputs)
      bad(format("expected %u operands, found %u", numInputs + numOutputs,
                 sizeOf(from.operands())));
    Launch launch;
    launch.op = op;
    launch.stream = stream;
    launch.recompute = from.recompute();
    for (uint32_t i = 0; i < numInputs + numOutputs; ++i) {
      bool input = i < numInputs;
      const plan::View *view =
          input ? op->inputs()->Get(i) : op->outputs()->Get(i - numInputs);
      Operand operand;
      uint64_t bytes = extent(*view);
      operand.address = address(from.operands()->Get(i), bytes, "operand");
      operand.dtype = view->dtype();
      if (operand.address.offset % elementBytes(operand.dtype))
        bad(format("operand %u at byte %llu is not aligned to its elements", i,
                   (unsigned long long)operand.address.offset));
      operand.rank = int32_t(sizeOf(view->sizes()));
      operand.sizes = operand.rank ? view->sizes()->data() : nullptr;
      operand.strides = operand.rank ? view->strides()->data() : nullptr;
      touch(to, operand.address, bytes);
      (input ? launch.inputs : launch.outputs).push_back(operand);
    }
    if (op->workspace_bytes()) {
      launch.workspace =
          address(from.workspace(), op->workspace_bytes(), "workspace");
      touch(to, launch.workspace, op->workspace_bytes());
    }
    schedule.launches.push_back(std::move(launch));
  }

  void addCopy(const plan::Copy &from, uint32_t stream, Instruction &to) {
    to.kind = ActionKind::Copy;
    to.subject = 0;
    to.bytes = from.bytes();
    to.source = address(from.source(), to.bytes, "source");
    to.destination = address(from.destination(), to.bytes, "destination");
    int32_t link = schedule.streams[stream].link;
    if (link >= 0) {
      const plan::Link *wire = plan.links()->Get(uint32_t(link));
      if (wire->source() != to.source.tier ||
          wire->destination() != to.destination.tier)
        bad(format("a copy from tier %u to tier %u is on link '%s'",
                   to.source.tier, to.destination.tier, wire->name()->c_str()));
    }
    touch(to, to.source, to.bytes);
    touch(to, to.destination, to.bytes);
  }

  void addFeed(const plan::Feed &from, Instruction &to) {
    to.kind = ActionKind::Feed;
    to.subject = from.tensor();
    if (from.tensor() >= sizeOf(program.tensors()))
      bad(format("no tensor %u", from.tensor()));
    const plan::Tensor *tensor = program.tensors()->Get(from.tensor());
    if (tensor->role() != plan::Role::INPUT &&
        tensor->role() != plan::Role::HYPER)
      bad("it feeds '" + tensor->name()->str() +
          "', which is neither an input nor a hyperparameter");
    to.bytes = valueBytes(tensor->value_in());
    to.destination = address(from.destination(), to.bytes, "destination");
    if (to.destination.offset % elementBytes(tensor->dtype()))
      bad("its destination is not aligned to its elements");
    touch(to, to.destination, to.bytes);
    schedule.fed[to.subject] = true;
  }

  void addFetch(const plan::Fetch &from, Instruction &to) {
    to.kind = ActionKind::Fetch;
    to.subject = from.output();
    if (from.output() >= sizeOf(program.outputs()))
      bad(format("no output %u", from.output()));
    const plan::Output *output = program.outputs()->Get(from.output());
    to.bytes = denseBytes(output->dtype(), output->sizes());
    to.source = address(from.source(), to.bytes, "source");
    touch(to, to.source, to.bytes);
  }

  const plan::Program &program;
  const plan::Plan &plan;
  Schedule &schedule;
  std::string place;
};

} // namespace

Schedule::Schedule(const PlanFile &plan) { Builder(plan, *this).run(); }

std::string Launch::describe() const {
  std::string text =
      format("kernel '%s' of op %s (id %u", op->kernel()->c_str(),
             op->name()->c_str(), op->id());
  if (op->location() && op->location()->size())
    text += ", at " + op->location()->str();
  return text + ")";
}
