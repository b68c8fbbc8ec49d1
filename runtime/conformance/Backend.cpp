//===- Backend.cpp - Runs a case on a backend -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "conformance/Backend.h"

#include <cstring>
#include <memory>

using namespace spillway::conformance;

namespace {

constexpr size_t kGuard = 256;
constexpr uint8_t kGuardByte = 0xa5;
/// As floats a NaN, so that reading what nobody wrote shows.
constexpr uint8_t kRubbish = 0xff;

/// A buffer on the backend with guard bytes before and behind.
class Buffer {
public:
  Buffer(Backend &backend, size_t bytes, size_t shift)
      : backend(backend), bytes(bytes), start(kGuard + shift),
        base(static_cast<uint8_t *>(backend.allocate(start + bytes + kGuard))) {
    std::vector<uint8_t> all(start + bytes + kGuard, kGuardByte);
    std::memset(all.data() + start, kRubbish, bytes);
    backend.upload(base, all.data(), all.size());
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() { backend.release(base); }

  void *data() const { return base + start; }
  void write(const std::vector<uint8_t> &content) {
    backend.upload(data(), content.data(), content.size());
  }
  std::vector<uint8_t> read() const {
    std::vector<uint8_t> content(bytes);
    backend.download(content.data(), data(), bytes);
    return content;
  }
  bool guardsHold() const {
    std::vector<uint8_t> all(start + bytes + kGuard);
    backend.download(all.data(), base, all.size());
    for (size_t i = 0; i < all.size(); ++i)
      if ((i < start || i >= start + bytes) && all[i] != kGuardByte)
        return false;
    return true;
  }

private:
  Backend &backend;
  size_t bytes, start;
  uint8_t *base;
};

} // namespace

static spw_attr attributeOf(const Attribute &from) {
  spw_attr to = {};
  to.name = from.name.c_str();
  to.kind = from.kind;
  to.i = from.i;
  to.f = from.f;
  to.s = from.s.c_str();
  to.ints = from.ints.data();
  to.count = from.ints.size();
  return to;
}

static spw_tensor tensorOf(const Operand &from) {
  return {nullptr, from.dtype, int32_t(from.sizes.size()), from.sizes.data(),
          from.strides.data()};
}

CaseLaunch::CaseLaunch(const Case &test, Backend &backend)
    : kernel(backend.find(test.kernel)) {
  for (const Operand &operand : test.inputs)
    inputs.push_back(tensorOf(operand));
  for (const Operand &operand : test.outputs)
    outputs.push_back(tensorOf(operand));
  for (const Attribute &attribute : test.attributes)
    attributes.push_back(attributeOf(attribute));
  launch.inputs = inputs.data();
  launch.num_inputs = int32_t(inputs.size());
  launch.outputs = outputs.data();
  launch.num_outputs = int32_t(outputs.size());
  launch.attrs = attributes.data();
  launch.num_attrs = int32_t(attributes.size());
  launch.workspace_bytes = uint64_t(workspaceBytes(test));
  launch.pool = backend.pool();
}

CaseLaunch::~CaseLaunch() {
  if (isPrepared && kernel->release)
    kernel->release(&launch);
}

std::string CaseLaunch::prepare() {
  if (!kernel)
    return "no such kernel";
  char error[512] = "";
  isPrepared = kernel->prepare(&launch, error, sizeof error) == 0;
  if (!isPrepared && !error[0])
    return "refused without a message";
  return error;
}

Result spillway::conformance::runCase(const Case &test, Backend &backend,
                                      size_t shift) {
  Result result;
  CaseLaunch launch(test, backend);
  result.error = launch.prepare();
  if (!result.error.empty())
    return result;
  std::vector<spw_tensor> &inputs = launch.inputs, &outputs = launch.outputs;

  std::vector<std::unique_ptr<Buffer>> inputBuffers, outputBuffers;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Operand &operand = test.inputs[i];
    inputBuffers.push_back(
        std::make_unique<Buffer>(backend, operand.bytes.size(), shift));
    inputBuffers[i]->write(operand.bytes);
    inputs[i].data = inputBuffers[i]->data();
  }
  std::vector<int> aliasOf(outputs.size(), -1);
  for (auto [output, input] : test.aliases)
    aliasOf[size_t(output)] = input;
  for (size_t i = 0; i < outputs.size(); ++i) {
    outputBuffers.push_back(
        std::make_unique<Buffer>(backend, test.outputs[i].bytes.size(), shift));
    outputs[i].data = aliasOf[i] < 0 ? outputBuffers[i]->data()
                                     : inputs[size_t(aliasOf[i])].data;
  }
  Buffer scratch(backend, size_t(launch.launch.workspace_bytes), shift);
  launch.launch.workspace = scratch.data();

  launch.run();
  backend.synchronize();

  std::vector<bool> mayChange(inputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Buffer &buffer =
        aliasOf[i] < 0 ? *outputBuffers[i] : *inputBuffers[size_t(aliasOf[i])];
    if (aliasOf[i] >= 0)
      mayChange[size_t(aliasOf[i])] = true;
    result.outputs.push_back(buffer.read());
    if (!buffer.guardsHold())
      result.error = "wrote outside of output " + std::to_string(i);
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!inputBuffers[i]->guardsHold() ||
        (!mayChange[i] && inputBuffers[i]->read() != test.inputs[i].bytes))
      result.error = "wrote to input " + std::to_string(i);
  if (!scratch.guardsHold())
    result.error = "wrote outside of the workspace";
  return result;
}
