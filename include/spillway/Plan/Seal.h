//===- Seal.h - The trailer of a plan file ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan file is a FlatBuffers buffer and, right behind it, the raw bytes of
// the buffer's SHA-256.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLAN_SEAL_H
#define SPILLWAY_PLAN_SEAL_H

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace spillway::plan {

/// Appends the trailer to a finished buffer.
void sealPlan(std::vector<uint8_t> &buffer);

/// The buffer in a plan file without its trailer; nothing where the file is not
/// longer than a trailer. The trailer itself is not checked.
std::optional<std::span<const uint8_t>>
planPayload(std::span<const uint8_t> file);

/// Whether the trailer is that of the payload.
bool isSealIntact(std::span<const uint8_t> file);

} // namespace spillway::plan

#endif // SPILLWAY_PLAN_SEAL_H
