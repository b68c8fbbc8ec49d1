//===- PlanBuilder.h - Small plans for tests --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builds plan files by hand, through FlatBuffers' object API: `plan` and
// `program` are open to any test that wants to break them before `file()`.
// Every helper returns the index of what it added.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_UNIT_SUPPORT_PLANBUILDER_H
#define SPILLWAY_TEST_UNIT_SUPPORT_PLANBUILDER_H

#include "spillway/Plan/PlanFile.h"
#include "spillway/Plan/Sha256.h"
#include "spillway/Plan/plan_generated.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace spillway::test {

inline uint64_t bytesOf(plan::DType dtype) {
  switch (dtype) {
  case plan::DType::F64:
  case plan::DType::I64:
    return 8;
  case plan::DType::F32:
  case plan::DType::I32:
    return 4;
  case plan::DType::F16:
  case plan::DType::BF16:
  case plan::DType::I16:
    return 2;
  default:
    return 1;
  }
}

class PlanBuilder {
public:
  using Sizes = std::vector<int64_t>;

  plan::ProgramT program;
  plan::PlanT plan;

  /// Streams 0 to 3: compute, h2d, d2h, host. Tiers: device, host.
  enum Stream : uint16_t { compute = 0, h2d = 1, d2h = 2, host = 3 };
  enum Tier : uint8_t { device = 0, hostTier = 1 };

  PlanBuilder(uint64_t deviceBytes, uint64_t hostBytes,
              double bytesPerSecond = 1e9, uint64_t latencyNs = 0,
              uint32_t group = 0) {
    program.name = "test";
    plan.version = plan::kPlanVersion;
    plan.report = std::make_unique<plan::ReportT>();
    addTier("device", deviceBytes);
    addTier("host", hostBytes);
    addLink("h2d", hostTier, device, bytesPerSecond, latencyNs, group);
    addLink("d2h", device, hostTier, bytesPerSecond, latencyNs, group);
    addStream("compute", -1);
    addStream("h2d", 0);
    addStream("d2h", 1);
    addStream("host", -1);
  }

  void addTier(const std::string &name, uint64_t bytes) {
    auto tier = std::make_unique<plan::TierT>();
    tier->name = name;
    tier->capacity_bytes = tier->arena_bytes = bytes;
    plan.tiers.push_back(std::move(tier));
  }
  void addLink(const std::string &name, uint8_t source, uint8_t destination,
               double bytesPerSecond, uint64_t latencyNs, uint32_t group) {
    auto link = std::make_unique<plan::LinkT>();
    link->name = name;
    link->source = source;
    link->destination = destination;
    link->bytes_per_second = bytesPerSecond;
    link->latency_ns = latencyNs;
    link->group = group;
    plan.links.push_back(std::move(link));
  }
  void addStream(const std::string &name, int link) {
    auto stream = std::make_unique<plan::StreamT>();
    stream->name = name;
    stream->link = link;
    plan.streams.push_back(std::move(stream));
  }

  uint32_t value(uint64_t bytes, const std::string &name = "") {
    auto value = std::make_unique<plan::ValueT>();
    value->bytes = bytes;
    value->name = name;
    program.values.push_back(std::move(value));
    return uint32_t(program.values.size() - 1);
  }

  /// A tensor whose value at the end of the step is that at its start, until
  /// `tensorAt(i).value_out` is set.
  uint32_t tensor(const std::string &name, plan::Role role, plan::DType dtype,
                  const Sizes &sizes, double fill = 0) {
    auto tensor = std::make_unique<plan::TensorT>();
    tensor->name = name;
    tensor->role = role;
    tensor->dtype = dtype;
    tensor->sizes = sizes;
    tensor->fill = fill;
    tensor->value_in = tensor->value_out =
        value(elements(sizes) * bytesOf(dtype), name);
    program.tensors.push_back(std::move(tensor));
    return uint32_t(program.tensors.size() - 1);
  }
  plan::TensorT &tensorAt(uint32_t i) { return *program.tensors[i]; }
  uint32_t valueOf(uint32_t tensor) { return tensorAt(tensor).value_in; }

  void setData(uint32_t tensor, const void *data, size_t bytes) {
    auto *from = static_cast<const uint8_t *>(data);
    tensorAt(tensor).data.assign(from, from + bytes);
  }

  uint32_t output(const std::string &name, uint32_t value,
                  plan::DType dtype = plan::DType::F32,
                  const Sizes &sizes = {}) {
    auto output = std::make_unique<plan::OutputT>();
    output->name = name;
    output->value = value;
    output->dtype = dtype;
    output->sizes = sizes;
    program.outputs.push_back(std::move(output));
    return uint32_t(program.outputs.size() - 1);
  }

  /// A dense row-major view of a whole value.
  static plan::ViewT view(uint32_t value, const Sizes &sizes,
                          plan::DType dtype = plan::DType::F32,
                          uint64_t offset = 0) {
    plan::ViewT view;
    view.value = value;
    view.offset = offset;
    view.dtype = dtype;
    view.sizes = sizes;
    view.strides.resize(sizes.size());
    int64_t stride = 1;
    for (size_t i = sizes.size(); i-- > 0;) {
      view.strides[i] = stride;
      stride *= sizes[i];
    }
    return view;
  }

  uint32_t op(const std::string &kernel, const std::vector<plan::ViewT> &inputs,
              const std::vector<plan::ViewT> &outputs,
              uint64_t workspaceBytes = 0) {
    auto op = std::make_unique<plan::OpT>();
    op->id = uint32_t(program.ops.size());
    op->name = "train." + kernel;
    op->kernel = kernel;
    op->signature = kernel + "#" + std::to_string(op->id);
    op->location = "model.onnx:node" + std::to_string(op->id);
    for (const plan::ViewT &view : inputs)
      op->inputs.push_back(std::make_unique<plan::ViewT>(view));
    for (const plan::ViewT &view : outputs)
      op->outputs.push_back(std::make_unique<plan::ViewT>(view));
    op->workspace_bytes = workspaceBytes;
    program.ops.push_back(std::move(op));
    return uint32_t(program.ops.size() - 1);
  }
  plan::OpT &opAt(uint32_t i) { return *program.ops[i]; }
  void attr(uint32_t op, const std::string &name, int64_t i) {
    auto attr = std::make_unique<plan::AttrT>();
    attr->name = name;
    attr->kind = plan::AttrKind::INT;
    attr->i = i;
    opAt(op).attrs.push_back(std::move(attr));
  }
  void attr(uint32_t op, const std::string &name, const std::string &s) {
    auto attr = std::make_unique<plan::AttrT>();
    attr->name = name;
    attr->kind = plan::AttrKind::STRING;
    attr->s = s;
    opAt(op).attrs.push_back(std::move(attr));
  }

  static plan::Location at(uint8_t tier, uint64_t offset) {
    return plan::Location(tier, offset);
  }

  /// `operands` address the views' first elements: inputs, then outputs.
  uint32_t launch(uint32_t op, const std::vector<plan::Location> &operands,
                  std::vector<uint32_t> wait = {}, uint16_t stream = compute,
                  plan::Location workspace = {}, bool recompute = false) {
    plan::LaunchT launch;
    launch.op = op;
    launch.operands = operands;
    launch.workspace = std::make_unique<plan::Location>(workspace);
    launch.recompute = recompute;
    return instruction(std::move(launch), std::move(wait), stream);
  }
  uint32_t copy(plan::Location source, plan::Location destination,
                uint64_t bytes, std::vector<uint32_t> wait = {}) {
    plan::CopyT copy;
    copy.source = std::make_unique<plan::Location>(source);
    copy.destination = std::make_unique<plan::Location>(destination);
    copy.bytes = bytes;
    return instruction(std::move(copy), std::move(wait),
                       source.tier() == device ? d2h : h2d);
  }
  uint32_t feed(uint32_t tensor, plan::Location destination,
                std::vector<uint32_t> wait = {}, uint16_t stream = host) {
    plan::FeedT feed;
    feed.tensor = tensor;
    feed.destination = std::make_unique<plan::Location>(destination);
    return instruction(std::move(feed), std::move(wait), stream);
  }
  uint32_t fetch(uint32_t output, plan::Location source,
                 std::vector<uint32_t> wait = {}, uint16_t stream = host) {
    plan::FetchT fetch;
    fetch.output = output;
    fetch.source = std::make_unique<plan::Location>(source);
    return instruction(std::move(fetch), std::move(wait), stream);
  }
  plan::InstructionT &instructionAt(uint32_t i) { return *plan.body[i]; }

  void bind(uint32_t tensor, uint64_t valueOffset, uint64_t bytes,
            plan::Location location) {
    auto binding = std::make_unique<plan::BindingT>();
    binding->tensor = tensor;
    binding->value_offset = valueOffset;
    binding->bytes = bytes;
    binding->location = std::make_unique<plan::Location>(location);
    plan.bindings.push_back(std::move(binding));
  }
  /// Binds all of a tensor.
  void bind(uint32_t tensor, plan::Location location) {
    bind(tensor, 0, program.values[valueOf(tensor)]->bytes, location);
  }

  /// The file's bytes, hashes included.
  std::vector<uint8_t> file() {
    flatbuffers::FlatBufferBuilder inner;
    inner.Finish(plan::Program::Pack(inner, &program));
    plan.program.assign(inner.GetBufferPointer(),
                        inner.GetBufferPointer() + inner.GetSize());
    Sha256::Digest programHash =
        Sha256::of(plan.program.data(), plan.program.size());
    plan.program_sha256.assign(programHash.begin(), programHash.end());
    flatbuffers::FlatBufferBuilder outer;
    plan::FinishPlanBuffer(outer, plan::Plan::Pack(outer, &plan));
    std::vector<uint8_t> bytes(outer.GetBufferPointer(),
                               outer.GetBufferPointer() + outer.GetSize());
    appendTrailer(bytes);
    return bytes;
  }

  /// Appends the checksum to a buffer that was changed by hand.
  static void appendTrailer(std::vector<uint8_t> &bytes) {
    Sha256::Digest hash = Sha256::of(bytes.data(), bytes.size());
    bytes.insert(bytes.end(), hash.begin(), hash.end());
  }

private:
  static uint64_t elements(const Sizes &sizes) {
    uint64_t n = 1;
    for (int64_t size : sizes)
      n *= uint64_t(size);
    return n;
  }

  template <typename ActionT>
  uint32_t instruction(ActionT action, std::vector<uint32_t> wait,
                       uint16_t stream) {
    auto instruction = std::make_unique<plan::InstructionT>();
    instruction->action.Set(std::move(action));
    instruction->stream = stream;
    instruction->wait = std::move(wait);
    plan.body.push_back(std::move(instruction));
    return uint32_t(plan.body.size() - 1);
  }
};

} // namespace spillway::test

#endif // SPILLWAY_TEST_UNIT_SUPPORT_PLANBUILDER_H
