//===- GemmTest.cpp - The matrix product of every instruction set ---------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kernels/Gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

using namespace spillway::kernels;

namespace {

std::vector<float> random(size_t count, uint32_t seed) {
  std::vector<float> result(count);
  for (float &x : result) {
    seed = seed * 1664525 + 1013904223;
    x = float(seed >> 8) * 0x1p-23f - 1.0f;
  }
  return result;
}

struct Shape {
  int64_t m, n, k;
};

/// Every flag, sizes around the tiles' and the depth of a panel, and padding
/// that must stay as it is.
void forEachProduct(void (*check)(const Product &,
                                  const std::vector<float> &)) {
  for (Shape s : {Shape{1, 1, 1},
                  {6, 16, 8},
                  {14, 32, 256},
                  {15, 33, 257},
                  {29, 65, 600},
                  {5, 7, 0},
                  {0, 3, 4},
                  {13, 31, 9}})
    for (int flags = 0; flags < 8; ++flags) {
      bool ta = flags & 1, tb = flags & 2;
      int64_t lda = (ta ? s.m : s.k) + 3, ldb = (tb ? s.k : s.n) + 1;
      std::vector<float> a = random(size_t((ta ? s.k : s.m) * lda + 1), 1);
      std::vector<float> b = random(size_t((tb ? s.n : s.k) * ldb + 1), 2);
      std::vector<float> c = random(size_t(s.m * (s.n + 2) + 1), 3);
      check({ta, tb, s.m, s.n, s.k, 0.75f, a.data(), lda, b.data(), ldb,
             flags & 4 ? 1.0f : 0.0f, nullptr, s.n + 2},
            c);
    }
}

TEST(Gemm, IsTheProduct) {
  forEachProduct([](const Product &shape, const std::vector<float> &before) {
    std::vector<float> c = before;
    Product x = shape;
    x.c = c.data();
    gemm(x);
    for (int64_t i = 0; i < x.m; ++i)
      for (int64_t j = 0; j < x.ldc; ++j) {
        size_t at = size_t(i * x.ldc + j);
        if (j >= x.n) {
          ASSERT_EQ(c[at], before[at]) << "wrote beside the result";
          continue;
        }
        double sum = 0;
        for (int64_t p = 0; p < x.k; ++p)
          sum += double(x.a[x.transposeA ? p * x.lda + i : i * x.lda + p]) *
                 double(x.b[x.transposeB ? j * x.ldb + p : p * x.ldb + j]);
        double expected = 0.75 * sum + (x.beta != 0 ? double(before[at]) : 0.0);
        ASSERT_NEAR(c[at], expected, 1e-6 * (1 + std::sqrt(double(x.k))))
            << x.m << "x" << x.n << "x" << x.k << " at " << i << ", " << j;
      }
  });
}

TEST(Gemm, BitsAreTheSameForEveryInstructionSet) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx512f"))
    GTEST_SKIP() << "needs AVX-512";
  forEachProduct([](const Product &shape, const std::vector<float> &before) {
    std::vector<float> narrow = before, wide = before;
    Product x = shape;
    x.c = narrow.data();
    gemmAvx2(x);
    x.c = wide.data();
    gemmAvx512(x);
    ASSERT_EQ(narrow, wide);
  });
}

TEST(Gemm, BitsAreTheSameForEveryBlock) {
  std::vector<float> a = random(50 * 300, 1), b = random(300 * 70, 2);
  std::vector<float> whole(50 * 70), blocks(50 * 70);
  gemm({false, false, 50, 70, 300, 1, a.data(), 300, b.data(), 70, 0,
        whole.data(), 70});
  for (int64_t i = 0; i < 50; i += 17)
    for (int64_t j = 0; j < 70; j += 19)
      gemm({false, false, std::min<int64_t>(17, 50 - i),
            std::min<int64_t>(19, 70 - j), 300, 1, a.data() + i * 300, 300,
            b.data() + j, 70, 0, blocks.data() + i * 70 + j, 70});
  EXPECT_EQ(whole, blocks);
}

} // namespace
