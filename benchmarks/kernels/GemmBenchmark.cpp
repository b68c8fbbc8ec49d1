//===- GemmBenchmark.cpp - Our matrix product and OpenBLAS's --------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints GFLOP/s of one thread's processor time, the best of several runs, of
// the `matmul` kernel's blocks and of one call to OpenBLAS.
//
//===----------------------------------------------------------------------===//

#include "kernels/Gemm.h"

#include <cblas.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

using namespace spillway::kernels;

static double seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

template <typename Body> static double best(Body body) {
  double least = 1e9;
  for (int i = 0; i < 5; ++i) {
    double start = seconds();
    body();
    least = std::min(least, seconds() - start);
  }
  return least;
}

int main() {
  openblas_set_num_threads(1);
  struct Shape {
    int m, n, k;
    bool ta, tb;
  };
  std::printf("%22s %10s %10s %10s\n", "m x n x k (transposed)", "openblas",
              "avx2", "best");
  for (Shape s : {Shape{2048, 1536, 384, false, false},
                  {2048, 384, 1536, false, false},
                  {2048, 1536, 384, false, true},
                  {384, 1536, 2048, true, false},
                  {1536, 384, 2048, true, false},
                  {2048, 3072, 768, false, false},
                  {2048, 2048, 768, false, true}}) {
    std::vector<float> a(size_t(s.m) * size_t(s.k), 0.5f);
    std::vector<float> b(size_t(s.k) * size_t(s.n), 0.25f);
    std::vector<float> c(size_t(s.m) * size_t(s.n));
    int lda = s.ta ? s.m : s.k, ldb = s.tb ? s.k : s.n;
    auto blocks = [&](void (*product)(const Product &)) {
      constexpr int kM = 512, kN = 256;
      for (int i = 0; i < s.m; i += kM)
        for (int j = 0; j < s.n; j += kN)
          product({s.ta, s.tb, std::min(kM, s.m - i), std::min(kN, s.n - j),
                   s.k, 1, a.data() + (s.ta ? i : size_t(i) * size_t(lda)), lda,
                   b.data() + (s.tb ? size_t(j) * size_t(ldb) : j), ldb, 0,
                   c.data() + size_t(i) * size_t(s.n) + j, s.n});
    };
    double flops = 2e-9 * s.m * s.n * s.k;
    double library = best([&] {
      cblas_sgemm(CblasRowMajor, s.ta ? CblasTrans : CblasNoTrans,
                  s.tb ? CblasTrans : CblasNoTrans, s.m, s.n, s.k, 1, a.data(),
                  lda, b.data(), ldb, 0, c.data(), s.n);
    });
    double avx2 = best([&] { blocks(gemmAvx2); });
    double ours = best([&] { blocks(gemm); });
    std::printf("%5d x %5d x %4d %c%c %10.1f %10.1f %10.1f\n", s.m, s.n, s.k,
                s.ta ? 'T' : '-', s.tb ? 'T' : '-', flops / library,
                flops / avx2, flops / ours);
    std::fflush(stdout);
  }
}
