//===- PortableMath.h - Logarithms and powers, the same anywhere -*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The mathematical functions of C libraries differ in the last bit, and a
// search that draws from them would take another way on another machine. These
// use nothing but what IEEE 754 rounds exactly. Errors are a few units in the
// last place.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_PORTABLEMATH_H
#define SPILLWAY_LIB_PLANNER_PORTABLEMATH_H

#include <cmath>

namespace spillway::planner {

/// The natural logarithm of a positive number.
inline double portableLog(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752440) {
    m *= 2;
    --exponent;
  }
  // log m = 2 artanh z.
  double z = (m - 1) / (m + 1), q = z * z, sum = 0;
  for (int k = 21; k >= 1; k -= 2)
    sum = sum * q + 1.0 / k;
  return 2 * z * sum + exponent * 0.69314718055994530942;
}

/// x to the power of `part` in [0, 1), for positive x: a product of roots, one
/// for each binary digit.
inline double portablePower(double x, double part) {
  double out = 1;
  for (int digit = 0; digit < 40 && part > 0; ++digit) {
    x = std::sqrt(x);
    part *= 2;
    if (part >= 1) {
      out *= x;
      part -= 1;
    }
  }
  return out;
}

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_PORTABLEMATH_H
