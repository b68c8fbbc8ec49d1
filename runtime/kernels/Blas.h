//===- Blas.h - Single-threaded matrix products from OpenBLAS ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Row-major f32 products for our own tasks. OpenBLAS packs operands into
// buffers of its own, one a running call; `warmBlas` makes it acquire them, so
// that no call allocates.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_BLAS_H
#define SPILLWAY_RUNTIME_KERNELS_BLAS_H

#include <cstdint>

namespace spillway::kernels {

/// OpenBLAS spreads no product over threads of its own from here on.
void useOneBlasThread();

/// Acquires and touches packing buffers for `lanes` products at a time. May be
/// called often; only a greater number does anything. Not during a product.
void warmBlas(int64_t lanes);

/// C[m, n] = alpha * op(A) * op(B) + beta * C, op a transposition where its
/// flag is set. Leading dimensions are at least 1 and the columns stored.
/// beta = 0 does not read C. Any dimension may be 0.
void sgemm(bool transposeA, bool transposeB, int64_t m, int64_t n, int64_t k,
           float alpha, const float *a, int64_t lda, const float *b,
           int64_t ldb, float beta, float *c, int64_t ldc);

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_BLAS_H
