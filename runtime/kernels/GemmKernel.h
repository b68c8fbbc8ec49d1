//===- GemmKernel.h - The matrix product, for any vector --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// After Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication" (2008), less the outer loops: a panel of B, two vectors wide
// and 256 deep, is packed and stays in the first cache while it meets all of
// A; a tile of C stays in registers. A is read where it lies: an element of it
// meets a whole panel row, so its strides hardly matter.
//
// Included once by the file of each instruction set, which gives `Vector`:
// kWidth, Type, zero, load, store, broadcast, multiplyAdd, multiply, add, and
// kRows, the rows of a tile.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_GEMMKERNEL_H
#define SPILLWAY_RUNTIME_KERNELS_GEMMKERNEL_H

#include "Gemm.h"

#include <algorithm>
#include <immintrin.h>
#include <utility>

namespace spillway::kernels {

template <typename Vector> class GemmKernel {
  using V = typename Vector::Type;
  static constexpr int64_t kWidth = Vector::kWidth, kColumns = 2 * kWidth;
  static constexpr int64_t kDepth = 256;

  /// How a tile of C is written; in memory, since every register is taken.
  struct Write {
    float alpha, beta;
    float *c;
    int64_t ldc, columns;
  };

  /// Eight rows of eight, transposed in registers.
  static void transpose8(const float *from, int64_t fromStride, float *to,
                         int64_t toStride) {
    __m256 r[8], t[8];
    for (int i = 0; i < 8; ++i)
      r[i] = _mm256_loadu_ps(from + i * fromStride);
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
      t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
      r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
      r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
      r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      _mm256_storeu_ps(to + i * toStride,
                       _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
      _mm256_storeu_ps(to + (i + 4) * toStride,
                       _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
  }

  /// The panel: `depth` rows of `columns` of op(B), with zeros behind.
  static void pack(bool transposed, const float *b, int64_t ldb, int64_t depth,
                   int64_t columns, float *panel) {
    if (columns < kColumns)
      std::fill(panel, panel + depth * kColumns, 0.0f);
    if (!transposed && columns == kColumns) {
      for (int64_t p = 0; p < depth; ++p, b += ldb, panel += kColumns) {
        Vector::store(panel, Vector::load(b));
        Vector::store(panel + kWidth, Vector::load(b + kWidth));
      }
      return;
    }
    if (!transposed) {
      for (int64_t p = 0; p < depth; ++p)
        std::copy(b + p * ldb, b + p * ldb + columns, panel + p * kColumns);
      return;
    }
    int64_t j = 0;
    for (; j + 8 <= columns; j += 8) {
      int64_t p = 0;
      for (; p + 8 <= depth; p += 8)
        transpose8(b + j * ldb + p, ldb, panel + p * kColumns + j, kColumns);
      for (; p < depth; ++p)
        for (int64_t i = 0; i < 8; ++i)
          panel[p * kColumns + j + i] = b[(j + i) * ldb + p];
    }
    for (; j < columns; ++j)
      for (int64_t p = 0; p < depth; ++p)
        panel[p * kColumns + j] = b[j * ldb + p];
  }

  /// `Rows` rows of op(A), whose element (i, p) is at
  /// a[i * rowStep + p * depthStep], times the panel.
  template <int Rows>
  static void tile(const float *a, int64_t rowStep, int64_t depthStep,
                   int64_t depth, const float *panel, const Write &write) {
    V low[Rows], high[Rows];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
      low[i] = high[i] = Vector::zero();
    for (int64_t p = 0; p < depth; ++p) {
      V b0 = Vector::load(panel + p * kColumns);
      V b1 = Vector::load(panel + p * kColumns + kWidth);
      const float *column = a + p * depthStep;
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        V x = Vector::broadcast(column + i * rowStep);
        low[i] = Vector::multiplyAdd(x, b0, low[i]);
        high[i] = Vector::multiplyAdd(x, b1, high[i]);
      }
    }
    auto [alpha, beta, c, ldc, columns] = write;
    V factor = Vector::broadcast(&write.alpha);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      V v0 = Vector::multiply(low[i], factor);
      V v1 = Vector::multiply(high[i], factor);
      float *row = c + i * ldc;
      if (columns == kColumns) {
        if (beta != 0.0f) {
          v0 = Vector::add(v0, Vector::load(row));
          v1 = Vector::add(v1, Vector::load(row + kWidth));
        }
        Vector::store(row, v0);
        Vector::store(row + kWidth, v1);
        continue;
      }
      float values[kColumns];
      Vector::store(values, v0);
      Vector::store(values + kWidth, v1);
      for (int64_t j = 0; j < columns; ++j)
        row[j] = beta != 0.0f ? values[j] + row[j] : values[j];
    }
  }

  using Tile = void (*)(const float *, int64_t, int64_t, int64_t, const float *,
                        const Write &);
  template <int... Row>
  static Tile tileOf(int64_t rows, std::integer_sequence<int, Row...>) {
    static constexpr Tile tiles[] = {tile<Row + 1>...};
    return tiles[rows - 1];
  }

public:
  static void run(const Product &x) {
    alignas(64) float panel[kDepth * kColumns];
    int64_t rowStep = x.transposeA ? 1 : x.lda;
    int64_t depthStep = x.transposeA ? x.lda : 1;
    // With no depth at all there still is a result.
    for (int64_t p = 0; p < std::max<int64_t>(x.k, 1); p += kDepth) {
      int64_t depth = std::min(kDepth, x.k - p);
      const float *a = x.a + p * depthStep;
      for (int64_t j = 0; j < x.n; j += kColumns) {
        int64_t columns = std::min(kColumns, x.n - j);
        pack(x.transposeB, x.b + (x.transposeB ? j * x.ldb + p : p * x.ldb + j),
             x.ldb, depth, columns, panel);
        for (int64_t i = 0; i < x.m; i += Vector::kRows) {
          Write write = {x.alpha, p ? 1.0f : x.beta, x.c + i * x.ldc + j, x.ldc,
                         columns};
          int64_t rows = std::min<int64_t>(Vector::kRows, x.m - i);
          tileOf(rows, std::make_integer_sequence<int, Vector::kRows>())(
              a + i * rowStep, rowStep, depthStep, depth, panel, write);
        }
      }
    }
  }
};

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_GEMMKERNEL_H
