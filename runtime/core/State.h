//===- State.h - Parameters and optimizer state between steps ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_STATE_H
#define SPILLWAY_RUNTIME_CORE_STATE_H

#include "Backend.h"
#include "File.h"
#include "PlanFile.h"

#include <functional>
#include <string>
#include <vector>

namespace spillway::rt {

/// Every parameter and state tensor, in the order of their names, and where
/// their bytes are. A tied parameter is one tensor under its own name.
class State {
public:
  State(const PlanFile &plan, const Schedule &schedule, Backend &backend);

  /// SHA-256 over, for each tensor: name, NUL, type as safetensors spells it,
  /// NUL, dimensions joined by commas, NUL, raw bytes.
  std::string sha256() const;

  /// The size of the safetensors file that `save` writes, nearly.
  uint64_t fileBytes() const;
  void save(OutputFile &file, int64_t step) const;

private:
  struct Piece {
    Address address;
    uint64_t bytes;
  };
  struct Entry {
    const plan::Tensor *tensor;
    std::vector<Piece> pieces; // in the order of the bytes, without overlap
  };
  void forBytes(const Entry &entry,
                const std::function<void(const void *, uint64_t)> &use) const;
  std::string header(int64_t step) const;

  Backend &backend;
  std::vector<Entry> entries;
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_STATE_H
