//===- Gemm.h - Matrix products of any size ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Large products are OpenBLAS's; small ones, of which attention is made, are
// ours: OpenBLAS allocates memory in some of those. Which of the two depends on
// the shape alone.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_GEMM_H
#define SPILLWAY_RUNTIME_KERNELS_GEMM_H

#include <cstdint>

namespace spillway::kernels {

/// C[m, n] = alpha * op(A) * op(B) + beta * C in row-major order, op a
/// transposition where its flag is set. Leading dimensions are at least 1 and
/// the columns stored. beta is 0 (C is not read) or 1. Any dimension may be 0.
/// One thread.
void gemm(bool transposeA, bool transposeB, int64_t m, int64_t n, int64_t k,
          float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
          float beta, float *c, int64_t ldc);

/// The same by our own kernel, which sums each element over k in blocks of 256
/// in order, and is best where m and n are at most a few hundred.
void smallGemm(bool transposeA, bool transposeB, int64_t m, int64_t n,
               int64_t k, float alpha, const float *a, int64_t lda,
               const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_GEMM_H
