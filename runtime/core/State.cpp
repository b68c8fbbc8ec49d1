//===- State.cpp - Parameters and optimizer state between steps -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "State.h"
#include "Safetensors.h"
#include "spillway/Plan/Sha256.h"

#include <algorithm>

using namespace spillway;
using namespace spillway::rt;

static std::vector<int64_t> sizesOf(const plan::Tensor &tensor) {
  if (!tensor.sizes())
    return {};
  return {tensor.sizes()->begin(), tensor.sizes()->end()};
}

State::State(const PlanFile &plan, const Schedule &schedule, Backend &backend)
    : backend(backend) {
  auto next = schedule.bindings.begin(), end = schedule.bindings.end();
  if (!plan.program().tensors())
    return;
  for (uint32_t i = 0; i < plan.program().tensors()->size(); ++i) {
    Entry entry;
    entry.tensor = plan.program().tensors()->Get(i);
    // A part may be there on two tiers; the first of them will do.
    uint64_t covered = 0;
    for (; next != end && next->tensor == i; ++next) {
      uint64_t last = next->valueOffset + next->bytes;
      if (last <= covered || next->valueOffset > covered)
        continue;
      Address address = next->address;
      address.offset += covered - next->valueOffset;
      entry.pieces.push_back({address, last - covered});
      covered = last;
    }
    if (entry.tensor->role() == plan::Role::PARAM ||
        entry.tensor->role() == plan::Role::STATE)
      entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
    return a.tensor->name()->string_view() < b.tensor->name()->string_view();
  });
}

void State::forBytes(
    const Entry &entry,
    const std::function<void(const void *, uint64_t)> &use) const {
  const uint64_t most = 64 << 20;
  for (const Piece &piece : entry.pieces)
    for (uint64_t done = 0; done < piece.bytes;) {
      uint64_t bytes = std::min(most, piece.bytes - done);
      Address address = piece.address;
      address.offset += done;
      use(backend.hostPointer(address, bytes), bytes);
      done += bytes;
    }
}

std::string State::sha256() const {
  Sha256 hash;
  auto add = [&](const std::string &text) {
    hash.update(text.c_str(), text.size() + 1);
  };
  for (const Entry &entry : entries) {
    add(entry.tensor->name()->str());
    add(safetensorsName(entry.tensor->dtype()));
    std::string sizes;
    for (int64_t size : sizesOf(*entry.tensor)) {
      if (!sizes.empty())
        sizes += ',';
      sizes += std::to_string(size);
    }
    add(sizes);
    forBytes(entry, [&](const void *data, uint64_t bytes) {
      hash.update(data, bytes);
    });
  }
  return Sha256::hex(hash.finish());
}

std::string State::header(int64_t step) const {
  std::vector<TensorHeader> headers;
  std::map<std::string, std::string> metadata = {
      {"format", "pt"}, {"spillway.step", std::to_string(step)}};
  for (const Entry &entry : entries) {
    uint64_t bytes = 0;
    for (const Piece &piece : entry.pieces)
      bytes += piece.bytes;
    headers.push_back({entry.tensor->name()->str(), entry.tensor->dtype(),
                       sizesOf(*entry.tensor), bytes});
    const auto *tied = entry.tensor->tied_to();
    if (tied && tied->size())
      metadata["tied." + tied->str()] = entry.tensor->name()->str();
  }
  return safetensorsHeader(headers, metadata);
}

uint64_t State::fileBytes() const {
  uint64_t bytes = header(INT64_MAX).size();
  for (const Entry &entry : entries)
    for (const Piece &piece : entry.pieces)
      bytes += piece.bytes;
  return bytes;
}

void State::save(OutputFile &file, int64_t step) const {
  file.write(header(step));
  for (const Entry &entry : entries)
    forBytes(entry, [&](const void *data, uint64_t bytes) {
      file.write(data, bytes);
    });
  file.commit();
}
