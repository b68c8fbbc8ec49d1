//===- Arena.h - A tier's memory --------------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CPU_ARENA_H
#define SPILLWAY_RUNTIME_CPU_ARENA_H

#include <cstdint>
#include <string>

namespace spillway::rt {

/// Exactly `bytes` (in whole pages), all of them there when the constructor
/// returns, with a page on either side that faults: a write beyond its end is a
/// crash and never another buffer.
class Arena {
public:
  Arena(const std::string &name, uint64_t bytes);
  ~Arena();
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;

  uint8_t *data() const { return base; }

private:
  uint8_t *base = nullptr;
  void *mapping = nullptr;
  uint64_t mappedBytes = 0;
};

/// Memory that this process could still take, by the machine and by its control
/// group.
uint64_t availableMemory();

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CPU_ARENA_H
