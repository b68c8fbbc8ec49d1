//===- Math.h - Elementary functions of our own -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `m::` of Elementwise.def for f32: branch-free, so that a plain loop over any
// of them is vectorised, and made of correctly rounded operations only, so that
// a vector lane and a scalar tail give the same bits on every processor. Errors
// are at most 4 ulp, 6 for erf (the unit test measures them); infinities, NaN,
// zeros and denormals come out as C's functions have them, unless said
// otherwise.
//
// Methods: exp, log, tanh, sin, cos after Cephes (S. Moshier) with fused
// multiply-adds, exp's fit is N. Juffa's.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_MATH_H
#define SPILLWAY_RUNTIME_KERNELS_MATH_H

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace spillway::kernels::m {

[[gnu::always_inline]] inline float fma(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
[[gnu::always_inline]] inline double fma(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}
/// The polynomial in x with these coefficients, highest power first.
template <typename T, typename... Rest>
[[gnu::always_inline]] inline T horner(T x, T highest, Rest... rest) {
  T sum = highest;
  ((sum = fma(sum, x, T(rest))), ...);
  return sum;
}
[[gnu::always_inline]] inline float bitsToFloat(uint32_t bits) {
  return std::bit_cast<float>(bits);
}
inline uint32_t floatBits(float x) { return std::bit_cast<uint32_t>(x); }
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

[[gnu::always_inline]] inline float abs(float x) {
  return bitsToFloat(floatBits(x) & 0x7fffffffu);
}
[[gnu::always_inline]] inline float copysign(float x, float s) {
  return bitsToFloat((floatBits(x) & 0x7fffffffu) |
                     (floatBits(s) & 0x80000000u));
}
/// PyTorch's: 0 for zeros and for NaN.
[[gnu::always_inline]] inline float sign(float x) {
  return float(x > 0.0f) - float(x < 0.0f);
}
[[gnu::always_inline]] inline float floor(float x) {
  return __builtin_floorf(x);
}
[[gnu::always_inline]] inline float sqrt(float x) { return __builtin_sqrtf(x); }

/// Division that has an answer for every pair: by zero is 0 for integers.
template <typename T> inline T div(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a / b;
  else if (b == 0)
    return 0;
  else if (b == -1)
    return T(0) - a; // the least integer has no opposite: it wraps
  else
    return a / b;
}

[[gnu::always_inline]] inline float exp(float x) {
  // Beyond the clamps the result is 0 or infinite; NaN passes both.
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  constexpr float kMagic = 12582912.0f; // 1.5 * 2^23: rounds to an integer
  float t = fma(x, 1.44269504f, kMagic);
  float n = t - kMagic;
  float r = fma(n, -0.693145752f, x);
  r = fma(n, -1.42860677e-6f, r);
  float p = horner(r, 1.37805939e-3f, 8.37312452e-3f, 4.16695364e-2f,
                   1.66664720e-1f, 4.99999851e-1f, 1.0f, 1.0f);
  // 2^n in two factors, so that denormal results are right. n is in
  // [-151, 129].
  int32_t i = int32_t(floatBits(t)) - int32_t(floatBits(kMagic));
  int32_t half = i >> 1;
  float a = bitsToFloat(uint32_t(half + 127) << 23);
  float b = bitsToFloat(uint32_t(i - half + 127) << 23);
  return p * a * b;
}

[[gnu::always_inline]] inline float log(float x) {
  bool tiny = x < 1.17549435e-38f;
  float scaled = tiny ? x * 8388608.0f : x;
  // Mantissa in [sqrt(1/2), sqrt(2)).
  uint32_t bits = floatBits(scaled);
  int32_t e = int32_t(bits - 0x3f3504f3u) >> 23;
  float f = bitsToFloat(bits - (uint32_t(e) << 23)) - 1.0f;
  float n = float(e) - (tiny ? 23.0f : 0.0f);
  float p = horner(f, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                   -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                   2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  float z = f * f;
  float y = p * f * z;
  y = fma(n, -2.12194440e-4f, y);
  y = fma(z, -0.5f, y);
  float result = fma(n, 0.693359375f, f + y);
  result = x == 0.0f ? -kInfinity : result;
  result = x < 0.0f ? kNaN : result;
  return x < kInfinity ? result : x; // infinity and NaN themselves
}

/// log(1 + u) for u in [0, 1] to full relative accuracy.
[[gnu::always_inline]] inline float log1pUnit(float u) {
  float w = 1.0f + u;
  float d = w - 1.0f;
  float l = log(w) * (u / d);
  return d == 0.0f ? u : l;
}

[[gnu::always_inline]] inline float tanh(float x) {
  float a = abs(x);
  float z = x * x;
  float p = horner(z, -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f,
                   1.33314422036e-1f, -3.33332819422e-1f);
  float small = fma(p * z, a, a);
  float large = 1.0f - 2.0f / (exp(a + a) + 1.0f);
  return copysign(a < 0.625f ? small : large, x);
}

[[gnu::always_inline]] inline float sigmoid(float x) {
  return 1.0f / (1.0f + exp(-x));
}

/// log(1 + exp(x)).
[[gnu::always_inline]] inline float softplus(float x) {
  float positive = x > 0.0f ? x : 0.0f;
  float result = positive + log1pUnit(exp(-abs(x)));
  return x == x ? result : x;
}

/// A rational function, fitted to relative error 2e-8 on [-3.925, 3.925];
/// beyond it erf rounds to 1. 6 ulp, where the last of them do not matter: an
/// erf that is near 1 is added to 1 by most who ask for it.
[[gnu::always_inline]] inline float erf(float x) {
  float t = x < -3.925f ? -3.925f : x;
  t = t > 3.925f ? 3.925f : t;
  float z = t * t;
  float p = horner(z, 2.046048848569626e-06f, 2.848402364179492e-04f,
                   3.7724152207374573e-03f, 5.276888608932495e-02f,
                   1.9059064984321594e-01f, 1.1283791065216064f);
  float q = horner(z, 3.804782318184152e-05f, 1.1638244614005089e-03f,
                   1.4982929453253746e-02f, 1.1418143659830093e-01f,
                   5.022392868995667e-01f, 1.0f);
  return t * p / q;
}

/// sin (quarter 0) or cos (quarter 1). The argument is reduced in double: good
/// to |x| = 2^30; an infinite x gives NaN.
[[gnu::always_inline]] inline float sinQuarter(float x, uint32_t quarter) {
  constexpr double kMagic = 6755399441055744.0; // 1.5 * 2^52
  double wide = x;
  double t = fma(wide, 0.63661977236758134, kMagic);
  double n = t - kMagic;
  double d = fma(n, -1.5707963267948966, wide);
  d = fma(n, -6.123233995736766e-17, d);
  float r = float(d);
  uint32_t q = uint32_t(std::bit_cast<uint64_t>(t)) + quarter;
  float z = r * r;
  float s = horner(z, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f);
  s = fma(s * z, r, r);
  float c = horner(z, 2.443315711809948e-5f, -1.388731625493765e-3f,
                   4.166664568298827e-2f);
  c = fma(c, z * z, fma(z, -0.5f, 1.0f));
  float y = (q & 1) ? c : s;
  return bitsToFloat(floatBits(y) ^ ((q & 2) << 30));
}
[[gnu::always_inline]] inline float sin(float x) { return sinQuarter(x, 0); }
[[gnu::always_inline]] inline float cos(float x) { return sinQuarter(x, 1); }

/// x^a through double-precision logarithm and exponential.
[[gnu::always_inline]] inline float pow(float x, float a) {
  // log2 |x|: mantissa in [sqrt(1/2), sqrt(2)) by atanh's series.
  double ax = abs(x);
  int64_t bits = std::bit_cast<int64_t>(ax);
  int64_t e = (bits - 0x3fe6a09e667f3bcdLL) >> 52;
  double f = std::bit_cast<double>(bits - (e << 52));
  double s = (f - 1.0) / (f + 1.0);
  double z = s * s;
  double p = horner(z, 2.0 / 15, 2.0 / 13, 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5,
                    2.0 / 3, 2.0);
  double log2x = fma(p * s, 1.4426950408889634, double(int32_t(e)));
  // 2^y, y clamped to where the float result is 0 or infinite.
  double y = log2x * double(a);
  y = y < -200.0 ? -200.0 : y;
  y = y > 200.0 ? 200.0 : y;
  constexpr double kMagic = 6755399441055744.0;
  double t = y + kMagic;
  double n = t - kMagic;
  double r = (y - n) * 0.69314718055994531;
  double v = horner(r, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
                    1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0);
  uint64_t i = std::bit_cast<uint64_t>(t) - std::bit_cast<uint64_t>(kMagic);
  float result = float(v * std::bit_cast<double>((i + 1023) << 52));
  // C's special cases.
  float half = a * 0.5f;
  bool isInteger = floor(a) == a;
  bool isOdd = isInteger && floor(half) != half && abs(a) < 16777216.0f;
  bool grows = (abs(x) > 1.0f) == (a > 0.0f);
  result = abs(x) == kInfinity || x == 0.0f || abs(a) == kInfinity
               ? (grows ? kInfinity : 0.0f)
               : result;
  result = abs(x) == 1.0f ? 1.0f : result;
  bool isNegative = (floatBits(x) >> 31) != 0;
  result = isNegative && isOdd ? -result : result;
  bool invalid = x < 0.0f && !isInteger && x > -kInfinity;
  result = invalid || x != x || a != a ? kNaN : result;
  return a == 0.0f || x == 1.0f ? 1.0f : result;
}

/// Integers: a negative power of anything but 1 and -1 is 0.
template <typename T>
  requires std::is_integral_v<T>
inline T pow(T x, T a) {
  if (a < 0)
    return x == 1 ? T(1) : x == -1 ? (a & 1 ? T(-1) : T(1)) : T(0);
  T result = 1;
  for (; a; a >>= 1, x *= x)
    if (a & 1)
      result *= x;
  return result;
}

/// The sigmoid s, and its slope s (1 - s) without cancellation.
struct Sigmoid {
  float value, slope;
};
[[gnu::always_inline]] inline Sigmoid sigmoidAndSlope(float x) {
  float e = exp(-abs(x));
  float d = 1.0f / (1.0f + e);
  return {x < 0.0f ? e * d : d, e * d * d};
}

[[gnu::always_inline]] inline float silu_grad(float g, float x) {
  Sigmoid s = sigmoidAndSlope(x);
  return g * fma(s.slope, x, s.value);
}

/// 0.5 x (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3), which is
/// x sigmoid(2u): one exponential, and accurate for negative x.
[[gnu::always_inline]] inline float gelu_tanh(float x) {
  float u2 = x * fma(x * x, 0.0713548163f, 1.59576912f);
  return x * sigmoid(u2);
}
[[gnu::always_inline]] inline float gelu_tanh_grad(float g, float x) {
  float z = x * x;
  Sigmoid s = sigmoidAndSlope(x * fma(z, 0.0713548163f, 1.59576912f));
  float slope = x * fma(z, 0.214064449f, 1.59576912f);
  return g * fma(s.slope, slope, s.value);
}

[[gnu::always_inline]] inline float gelu_erf(float x) {
  return 0.5f * x * (1.0f + erf(x * 0.707106781f));
}
[[gnu::always_inline]] inline float gelu_erf_grad(float g, float x) {
  float cdf = 0.5f * (1.0f + erf(x * 0.707106781f));
  float density = 0.398942280f * exp(-0.5f * x * x);
  return g * fma(x, density, cdf);
}

} // namespace spillway::kernels::m

#endif // SPILLWAY_RUNTIME_KERNELS_MATH_H
