//===- Sha256.cpp - SHA-256 -----------------------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Plan/Sha256.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

using namespace spillway;

alignas(16) static constexpr uint32_t roundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotateRight(uint32_t x, int n) {
  return (x >> n) | (x << (32 - n));
}

static void compressPortable(uint32_t *state, const uint8_t *block, size_t n) {
  for (; n; --n, block += 64) {
    uint32_t w[64];
    for (int i = 0; i < 16; ++i)
      w[i] = uint32_t(block[4 * i]) << 24 | uint32_t(block[4 * i + 1]) << 16 |
             uint32_t(block[4 * i + 2]) << 8 | uint32_t(block[4 * i + 3]);
    for (int i = 16; i < 64; ++i) {
      uint32_t s0 = rotateRight(w[i - 15], 7) ^ rotateRight(w[i - 15], 18) ^
                    (w[i - 15] >> 3);
      uint32_t s1 = rotateRight(w[i - 2], 17) ^ rotateRight(w[i - 2], 19) ^
                    (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t v[8];
    std::memcpy(v, state, sizeof(v));
    for (int i = 0; i < 64; ++i) {
      uint32_t s1 =
          rotateRight(v[4], 6) ^ rotateRight(v[4], 11) ^ rotateRight(v[4], 25);
      uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
      uint32_t t1 = v[7] + s1 + choice + roundConstants[i] + w[i];
      uint32_t s0 =
          rotateRight(v[0], 2) ^ rotateRight(v[0], 13) ^ rotateRight(v[0], 22);
      uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
      std::memmove(v + 1, v, 7 * sizeof(uint32_t));
      v[4] += t1;
      v[0] = t1 + s0 + majority;
    }
    for (int i = 0; i < 8; ++i)
      state[i] += v[i];
  }
}

#if defined(__x86_64__)
// The SHA extensions keep the state as (a, b, e, f) and (c, d, g, h) and do two
// rounds an instruction; sha256msg1/msg2 compute the message schedule.
__attribute__((target("sha,sse4.1"))) static void
compressShaNi(uint32_t *state, const uint8_t *block, size_t n) {
  const __m128i byteSwap =
      _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
  auto load = [](const void *p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
  };
  __m128i dcba = load(state), hgfe = load(state + 4);
  __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
  __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
  for (; n; --n, block += 64) {
    __m128i savedAbef = abef, savedCdgh = cdgh;
    __m128i w[4];
    for (int i = 0; i < 16; ++i) {
      __m128i &now = w[i & 3];
      if (i < 4) {
        now = _mm_shuffle_epi8(load(block + 16 * i), byteSwap);
      } else {
        const __m128i &w1 = w[(i + 1) & 3], &w2 = w[(i + 2) & 3],
                      &w3 = w[(i + 3) & 3];
        now = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(now, w1),
                                                 _mm_alignr_epi8(w3, w2, 4)),
                                   w3);
      }
      __m128i sum = _mm_add_epi32(now, load(roundConstants + 4 * i));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
    }
    abef = _mm_add_epi32(abef, savedAbef);
    cdgh = _mm_add_epi32(cdgh, savedCdgh);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i *>(state),
                   _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i *>(state + 4),
                   _mm_alignr_epi8(dchg, feba, 8));
}

static bool hasShaNi() {
  unsigned a, b, c, d;
  bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
  return sha && __builtin_cpu_supports("sse4.1");
}
#endif

Sha256::Sha256()
    : state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
      compress(compressPortable) {
#if defined(__x86_64__)
  static const bool accelerated = hasShaNi();
  if (accelerated)
    compress = compressShaNi;
#endif
}

void Sha256::forcePortable() { compress = compressPortable; }

void Sha256::update(const void *data, size_t bytes) {
  if (!bytes)
    return;
  const uint8_t *from = static_cast<const uint8_t *>(data);
  totalBytes += bytes;
  if (numPending) {
    size_t take = std::min(bytes, sizeof(pending) - numPending);
    std::memcpy(pending + numPending, from, take);
    numPending += take;
    from += take;
    bytes -= take;
    if (numPending < sizeof(pending))
      return;
    compress(state, pending, 1);
    numPending = 0;
  }
  compress(state, from, bytes / 64);
  from += bytes / 64 * 64;
  numPending = bytes % 64;
  std::memcpy(pending, from, numPending);
}

Sha256::Digest Sha256::finish() {
  uint64_t bits = totalBytes * 8;
  uint8_t padding[72] = {0x80};
  size_t zeros = (numPending < 56 ? 56 : 120) - numPending;
  for (int i = 0; i < 8; ++i)
    padding[zeros + i] = uint8_t(bits >> (56 - 8 * i));
  update(padding, zeros + 8);
  Digest digest;
  for (int i = 0; i < 32; ++i)
    digest[i] = uint8_t(state[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

Sha256::Digest Sha256::of(const void *data, size_t bytes) {
  Sha256 hash;
  hash.update(data, bytes);
  return hash.finish();
}

std::string Sha256::hex(const Digest &digest) {
  std::string text;
  for (uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}
