//===- RowMath.h - Loops over a row -----------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What softmax, attention and cross entropy share.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_ROWMATH_H
#define SPILLWAY_RUNTIME_KERNELS_ROWMATH_H

#include "Math.h"
#include "Simd.h"

namespace spillway::kernels {

/// y = exp(x - shift), and its sum. y may be x.
inline float expRow(float *y, const float *x, float shift, int64_t n) {
  SPW_INDEPENDENT
  for (int64_t i = 0; i < n; ++i)
    y[i] = m::exp(x[i] - shift);
  return float(sumRow(y, n));
}

/// The sum of exp(x - shift), which is kept nowhere.
inline double sumExpRow(const float *x, float shift, int64_t n) {
  constexpr int64_t kBlock = 1024;
  float block[kBlock];
  double total = 0;
  for (int64_t i = 0; i < n; i += kBlock) {
    int64_t count = std::min(kBlock, n - i);
    for (int64_t j = 0; j < count; ++j)
      block[j] = m::exp(x[i + j] - shift);
    total += sumRow(block, count);
  }
  return total;
}

inline void scaleRow(float *y, float factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    y[i] *= factor;
}

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_ROWMATH_H
