//===- Gemm.cpp - Matrix products of any size -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The small product after Goto and van de Geijn (2008) without the outer
// loops: a panel of 16 columns of B is packed, and tiles of 6 x 16 of C stay in
// registers.
//
//===----------------------------------------------------------------------===//

#include "Gemm.h"

#include "Blas.h"

#include <algorithm>
#include <immintrin.h>

using namespace spillway::kernels;

namespace {

constexpr int64_t kTileRows = 6, kTileColumns = 16, kDepth = 256;

/// Columns [0, columns) of op(B), `depth` rows, as rows of 16 with zeros
/// behind.
void packPanel(bool transposed, const float *b, int64_t ldb, int64_t depth,
               int64_t columns, float *panel) {
  if (columns < kTileColumns)
    std::fill(panel, panel + depth * kTileColumns, 0.0f);
  if (!transposed) {
    for (int64_t p = 0; p < depth; ++p) {
      if (columns == kTileColumns) {
        _mm256_storeu_ps(panel + p * 16, _mm256_loadu_ps(b + p * ldb));
        _mm256_storeu_ps(panel + p * 16 + 8, _mm256_loadu_ps(b + p * ldb + 8));
        continue;
      }
      std::copy(b + p * ldb, b + p * ldb + columns, panel + p * kTileColumns);
    }
    return;
  }
  int64_t j = 0;
  // Eight columns at a time, transposed in registers.
  for (; j + 8 <= columns; j += 8) {
    const float *from = b + j * ldb;
    int64_t p = 0;
    for (; p + 8 <= depth; p += 8) {
      __m256 r[8], t[8];
      for (int i = 0; i < 8; ++i)
        r[i] = _mm256_loadu_ps(from + i * ldb + p);
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
      float *to = panel + p * kTileColumns + j;
      for (int i = 0; i < 4; ++i) {
        _mm256_storeu_ps(to + i * 16,
                         _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * 16,
                         _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
      }
    }
    for (; p < depth; ++p)
      for (int64_t i = 0; i < 8; ++i)
        panel[p * kTileColumns + j + i] = from[i * ldb + p];
  }
  for (; j < columns; ++j)
    for (int64_t p = 0; p < depth; ++p)
      panel[p * kTileColumns + j] = b[j * ldb + p];
}

/// How a tile of C is written; in memory, since every register is taken.
struct Write {
  float alpha, beta;
  float *c;
  int64_t ldc, columns;
};

/// A tile of C: `Rows` rows of op(A), whose element (i, p) is at
/// a[i * rowStep + p * depthStep], times the panel.
template <int Rows>
void tile(const float *a, int64_t rowStep, int64_t depthStep, int64_t depth,
          const float *panel, const Write &write) {
  __m256 low[Rows], high[Rows];
  for (int i = 0; i < Rows; ++i)
    low[i] = high[i] = _mm256_setzero_ps();
  for (int64_t p = 0; p < depth; ++p) {
    __m256 b0 = _mm256_loadu_ps(panel + p * 16);
    __m256 b1 = _mm256_loadu_ps(panel + p * 16 + 8);
    const float *column = a + p * depthStep;
#pragma GCC unroll 6
    for (int i = 0; i < Rows; ++i) {
      __m256 x = _mm256_broadcast_ss(column + i * rowStep);
      low[i] = _mm256_fmadd_ps(x, b0, low[i]);
      high[i] = _mm256_fmadd_ps(x, b1, high[i]);
    }
  }
  auto [alpha, beta, c, ldc, columns] = write;
  __m256 factor = _mm256_set1_ps(alpha);
  for (int i = 0; i < Rows; ++i) {
    __m256 v0 = _mm256_mul_ps(low[i], factor);
    __m256 v1 = _mm256_mul_ps(high[i], factor);
    float *row = c + i * ldc;
    if (columns == kTileColumns) {
      if (beta != 0.0f) {
        v0 = _mm256_add_ps(v0, _mm256_loadu_ps(row));
        v1 = _mm256_add_ps(v1, _mm256_loadu_ps(row + 8));
      }
      _mm256_storeu_ps(row, v0);
      _mm256_storeu_ps(row + 8, v1);
      continue;
    }
    float values[kTileColumns];
    _mm256_storeu_ps(values, v0);
    _mm256_storeu_ps(values + 8, v1);
    for (int64_t j = 0; j < columns; ++j)
      row[j] = beta != 0.0f ? row[j] + values[j] : values[j];
  }
}

using Tile = void (*)(const float *, int64_t, int64_t, int64_t, const float *,
                      const Write &);
constexpr Tile kTiles[] = {nullptr, tile<1>, tile<2>, tile<3>,
                           tile<4>, tile<5>, tile<6>};

} // namespace

void spillway::kernels::smallGemm(bool transposeA, bool transposeB, int64_t m,
                                  int64_t n, int64_t k, float alpha,
                                  const float *a, int64_t lda, const float *b,
                                  int64_t ldb, float beta, float *c,
                                  int64_t ldc) {
  alignas(64) float panel[kDepth * kTileColumns];
  int64_t rowStep = transposeA ? 1 : lda, depthStep = transposeA ? lda : 1;
  // With no depth at all there still is a result.
  for (int64_t first = 0; first < std::max<int64_t>(k, 1); first += kDepth) {
    int64_t depth = std::min(kDepth, k - first);
    for (int64_t j = 0; j < n; j += kTileColumns) {
      int64_t columns = std::min(kTileColumns, n - j);
      packPanel(transposeB,
                transposeB ? b + j * ldb + first : b + first * ldb + j, ldb,
                depth, columns, panel);
      for (int64_t i = 0; i < m; i += kTileRows) {
        Write write = {alpha, first ? 1.0f : beta, c + i * ldc + j, ldc,
                       columns};
        kTiles[std::min(kTileRows, m - i)](a + i * rowStep + first * depthStep,
                                           rowStep, depthStep, depth, panel,
                                           write);
      }
    }
  }
}

void spillway::kernels::gemm(bool transposeA, bool transposeB, int64_t m,
                             int64_t n, int64_t k, float alpha, const float *a,
                             int64_t lda, const float *b, int64_t ldb,
                             float beta, float *c, int64_t ldc) {
  // OpenBLAS takes its allocating path up to 10^6 multiplications.
  constexpr int64_t kSmall = 3 << 19;
  bool isSmall = m * n <= kSmall && m * n * k <= kSmall;
  (isSmall ? smallGemm : sgemm)(transposeA, transposeB, m, n, k, alpha, a, lda,
                                b, ldb, beta, c, ldc);
}
