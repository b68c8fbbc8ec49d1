//===- Sha256.h - SHA-256 ---------------------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FIPS 180-4. It guards plan files against damage and names the state of a
// training run; it uses the processor's SHA instructions where there are any.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLAN_SHA256_H
#define SPILLWAY_PLAN_SHA256_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace spillway {

class Sha256 {
public:
  using Digest = std::array<uint8_t, 32>;

  Sha256();
  void update(const void *data, size_t bytes);
  /// The digest of all that was given; the object is spent afterwards.
  Digest finish();

  static Digest of(const void *data, size_t bytes);
  static std::string hex(const Digest &digest);

  /// Computes without special instructions (for tests).
  void forcePortable();

private:
  using Compress = void (*)(uint32_t *state, const uint8_t *blocks, size_t n);
  uint32_t state[8];
  uint8_t pending[64];
  size_t numPending = 0;
  uint64_t totalBytes = 0;
  Compress compress;
};

} // namespace spillway

#endif // SPILLWAY_PLAN_SHA256_H
