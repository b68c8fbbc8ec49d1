//===- GemmAvx512.cpp - The matrix product with AVX-512 -------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmKernel.h"

using namespace spillway::kernels;

namespace {
/// 28 of the 32 registers hold the tile.
struct Avx512 {
  static constexpr int kWidth = 16, kRows = 14;
  using Type = __m512;
  static Type zero() { return _mm512_setzero_ps(); }
  static Type load(const float *p) { return _mm512_loadu_ps(p); }
  static void store(float *p, Type v) { _mm512_storeu_ps(p, v); }
  static Type broadcast(const float *p) { return _mm512_set1_ps(*p); }
  static Type multiplyAdd(Type a, Type b, Type c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  static Type multiply(Type a, Type b) { return _mm512_mul_ps(a, b); }
  static Type add(Type a, Type b) { return _mm512_add_ps(a, b); }
};
} // namespace

void spillway::kernels::gemmAvx512(const Product &product) {
  GemmKernel<Avx512>::run(product);
}
