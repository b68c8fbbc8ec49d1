//===- Blas.cpp - Single-threaded matrix products from OpenBLAS -----------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Blas.h"

#include <cblas.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

// OpenBLAS's own buffer manager: exported by the library, in no header. A
// buffer once mapped is kept and handed to later calls.
extern "C" void *blas_memory_alloc(int);
extern "C" void blas_memory_free(void *);

using namespace spillway::kernels;

void spillway::kernels::useOneBlasThread() { openblas_set_num_threads(1); }

void spillway::kernels::warmBlas(int64_t lanes) {
  static std::mutex mutex;
  static int64_t warm = 0;
  std::lock_guard<std::mutex> guard(mutex);
  if (lanes <= warm)
    return;
  // Packed panels of a product of our tasks' size lie in the first few MiB.
  constexpr size_t kTouched = size_t(4) << 20;
  std::vector<void *> buffers;
  for (int64_t i = 0; i < lanes; ++i) {
    buffers.push_back(blas_memory_alloc(0));
    std::memset(buffers.back(), 0, kTouched);
  }
  for (void *buffer : buffers)
    blas_memory_free(buffer);
  warm = lanes;
}

void spillway::kernels::sgemm(bool transposeA, bool transposeB, int64_t m,
                              int64_t n, int64_t k, float alpha, const float *a,
                              int64_t lda, const float *b, int64_t ldb,
                              float beta, float *c, int64_t ldc) {
  if (m == 0 || n == 0)
    return;
  cblas_sgemm(CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans,
              transposeB ? CblasTrans : CblasNoTrans, int(m), int(n), int(k),
              alpha, a, int(lda), b, int(ldb), beta, c, int(ldc));
}
