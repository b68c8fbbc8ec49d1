//===- Philox.h - Counter-based random numbers ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011. A number is a function of key and counter alone, so
// that it does not matter who draws it, nor when.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_PHILOX_H
#define SPILLWAY_RUNTIME_CORE_PHILOX_H

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace spillway::rt {

using PhiloxBlock = std::array<uint32_t, 4>;

inline PhiloxBlock philox(PhiloxBlock counter, uint64_t key) {
  uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53u) * counter[0];
    uint64_t b = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ k0, uint32_t(b),
               uint32_t(a >> 32) ^ counter[3] ^ k1, uint32_t(a)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

/// FNV-1a, to tell tensors apart by name.
inline uint64_t hashName(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : name)
    hash = (hash ^ uint8_t(c)) * 0x100000001b3u;
  return hash;
}

/// Four standard normals (Box and Muller), numbers 4 * block to 4 * block + 3
/// of the sequence that belongs to `stream`.
inline std::array<double, 4> normals(uint64_t seed, uint64_t stream,
                                     uint64_t block) {
  PhiloxBlock bits = philox({uint32_t(block), uint32_t(block >> 32),
                             uint32_t(stream), uint32_t(stream >> 32)},
                            seed);
  std::array<double, 4> result;
  for (int i = 0; i < 4; i += 2) {
    double radius = std::sqrt(-2 * std::log((double(bits[i]) + 0.5) * 0x1p-32));
    double angle = 6.283185307179586 * (double(bits[i + 1]) * 0x1p-32);
    result[i] = radius * std::cos(angle);
    result[i + 1] = radius * std::sin(angle);
  }
  return result;
}

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_PHILOX_H
