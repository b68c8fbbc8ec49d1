//===- GemmAvx2.cpp - The matrix product with AVX2 ------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmKernel.h"

using namespace spillway::kernels;

namespace {
/// 12 of the 16 registers hold the tile.
struct Avx2 {
  static constexpr int kWidth = 8, kRows = 6;
  using Type = __m256;
  static Type zero() { return _mm256_setzero_ps(); }
  static Type load(const float *p) { return _mm256_loadu_ps(p); }
  static void store(float *p, Type v) { _mm256_storeu_ps(p, v); }
  static Type broadcast(const float *p) { return _mm256_broadcast_ss(p); }
  static Type multiplyAdd(Type a, Type b, Type c) {
    return _mm256_fmadd_ps(a, b, c);
  }
  static Type multiply(Type a, Type b) { return _mm256_mul_ps(a, b); }
  static Type add(Type a, Type b) { return _mm256_add_ps(a, b); }
};
} // namespace

void spillway::kernels::gemmAvx2(const Product &product) {
  GemmKernel<Avx2>::run(product);
}
