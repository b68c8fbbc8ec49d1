//===- Gemm.h - Matrix products on one thread -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An element of the result is, for each 256 of k in order, alpha times a chain
// of fused multiply-adds over k, added up. No tile size enters, so the bits are
// the same for every instruction set, block and processor. Nothing is
// allocated.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_GEMM_H
#define SPILLWAY_RUNTIME_KERNELS_GEMM_H

#include <cstdint>

namespace spillway::kernels {

/// C[m, n] = alpha * op(A) * op(B) + beta * C in row-major order, op a
/// transposition where its flag is set. Leading dimensions are at least the
/// columns stored. beta is 0 (C is not read) or 1. Any dimension may be 0.
/// Made for m and n of up to some hundreds: callers cut larger products, as
/// many a thread as they like.
struct Product {
  bool transposeA, transposeB;
  int64_t m, n, k;
  float alpha;
  const float *a;
  int64_t lda;
  const float *b;
  int64_t ldb;
  float beta;
  float *c;
  int64_t ldc;
};

void gemm(const Product &product);

// The instruction sets, of which gemm picks one.
void gemmAvx2(const Product &product);
void gemmAvx512(const Product &product);

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_GEMM_H
