//===- Simd.h - Row reductions in a fixed order -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums over a row: 32 float lanes over blocks of at most 4096 elements, lanes
// added in a fixed tree, blocks added in double. The order depends on the
// length alone.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_SIMD_H
#define SPILLWAY_RUNTIME_KERNELS_SIMD_H

#include <algorithm>
#include <cstdint>

/// Before a loop whose iterations are independent although pointers may be
/// equal (in place), which the compiler cannot know.
#if defined(__clang__)
#define SPW_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define SPW_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace spillway::kernels {

typedef float V8 __attribute__((vector_size(32)));
typedef float V8Unaligned
    __attribute__((vector_size(32), aligned(4), may_alias));

inline V8 load8(const float *p) {
  return *reinterpret_cast<const V8Unaligned *>(p);
}
inline void store8(float *p, V8 v) { *reinterpret_cast<V8Unaligned *>(p) = v; }
inline V8 broadcast8(float x) { return V8{x, x, x, x, x, x, x, x}; }
inline V8 max8(V8 a, V8 b) { return a > b ? a : b; }

inline float sumLanes(V8 v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/// Sum of term(i) for i in [0, n): vectors from `term8`, the tail from `term1`.
template <typename Term8, typename Term1>
double sumTerms(int64_t n, Term8 term8, Term1 term1) {
  constexpr int64_t kBlock = 4096;
  double total = 0;
  int64_t i = 0;
  for (int64_t vectorEnd = n - n % 32; i < vectorEnd;) {
    int64_t end = std::min(vectorEnd, i + kBlock);
    V8 a0 = {}, a1 = {}, a2 = {}, a3 = {};
    for (; i < end; i += 32) {
      a0 += term8(i);
      a1 += term8(i + 8);
      a2 += term8(i + 16);
      a3 += term8(i + 24);
    }
    total += double(sumLanes((a0 + a1) + (a2 + a3)));
  }
  float tail = 0;
  for (; i < n; ++i)
    tail += term1(i);
  return total + double(tail);
}

inline double sumRow(const float *x, int64_t n) {
  return sumTerms(
      n, [=](int64_t i) { return load8(x + i); },
      [=](int64_t i) { return x[i]; });
}

inline double dotRow(const float *a, const float *b, int64_t n) {
  return sumTerms(
      n, [=](int64_t i) { return load8(a + i) * load8(b + i); },
      [=](int64_t i) { return a[i] * b[i]; });
}

/// The greatest element; NaN if there is one; -inf if n is 0.
inline float maxRow(const float *x, int64_t n) {
  const float low = -__builtin_inff();
  V8 m0 = broadcast8(low), m1 = m0, m2 = m0, m3 = m0;
  V8 nan = {};
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    V8 x0 = load8(x + i), x1 = load8(x + i + 8);
    V8 x2 = load8(x + i + 16), x3 = load8(x + i + 24);
    m0 = max8(m0, x0);
    m1 = max8(m1, x1);
    m2 = max8(m2, x2);
    m3 = max8(m3, x3);
    // Stays NaN once an element was.
    nan += (x0 != x0 ? x0 : V8{}) + (x1 != x1 ? x1 : V8{}) +
           ((x2 != x2 ? x2 : V8{}) + (x3 != x3 ? x3 : V8{}));
  }
  V8 m = max8(max8(m0, m1), max8(m2, m3));
  float result = m[0];
  for (int lane = 1; lane < 8; ++lane)
    result = m[lane] > result ? m[lane] : result;
  float sumNaN = sumLanes(nan);
  for (; i < n; ++i) {
    result = x[i] > result ? x[i] : result;
    sumNaN += x[i] != x[i] ? x[i] : 0.0f;
  }
  return sumNaN != sumNaN ? __builtin_nanf("") : result;
}

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_SIMD_H
