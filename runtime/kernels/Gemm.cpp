//===- Gemm.cpp - Picks the matrix product's instruction set --------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Gemm.h"

using namespace spillway::kernels;

void spillway::kernels::gemm(const Product &product) {
  static const bool hasAvx512 = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") != 0;
  }();
  // The same bits from both.
  hasAvx512 ? gemmAvx512(product) : gemmAvx2(product);
}
