//===- Numbers.cpp - Numbers in text and in memory --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Numbers.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

using namespace spillway::rt;

bool spillway::rt::parseNumber(const std::string &text, double &value) {
  if (text.empty() || text[0] == ' ')
    return false;
  char *end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size() && std::isfinite(value);
}

bool spillway::rt::parseInteger(const std::string &text, int64_t &value) {
  if (text.empty() || text[0] == ' ')
    return false;
  char *end = nullptr;
  errno = 0;
  value = std::strtoll(text.c_str(), &end, 10);
  return end == text.c_str() + text.size() && errno == 0;
}

template <typename T> static void put(void *to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

template <typename T> static T get(const void *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

/// Rounds to a narrower format with `mantissa` explicit bits, exponents from
/// `minExponent` (normal) to `maxExponent`. Exact in double, so rounded once.
static uint16_t narrow(double value, int mantissa, int minExponent,
                       int maxExponent) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  int exponentBias = maxExponent;
  uint16_t infinity = uint16_t((2 * maxExponent + 1) << mantissa);
  if (std::isnan(value))
    return sign | infinity | uint16_t(1 << (mantissa - 1));
  double magnitude = std::fabs(value);
  if (magnitude == 0)
    return sign;
  int exponent = magnitude < std::ldexp(1.0, minExponent)
                     ? minExponent
                     : std::min(std::ilogb(magnitude), maxExponent + 1);
  if (exponent > maxExponent)
    return sign | infinity;
  // In units of the last place; at most 2^(mantissa + 1), where a carry moves
  // into the exponent by itself.
  auto units =
      uint32_t(std::nearbyint(std::ldexp(magnitude, mantissa - exponent)));
  uint32_t bits = (uint32_t(exponent + exponentBias - 1) << mantissa) + units;
  return sign | uint16_t(std::min<uint32_t>(bits, infinity));
}

static double widen(uint16_t bits, int mantissa, int bias) {
  int exponent = (bits & 0x7fff) >> mantissa;
  int fraction = bits & ((1 << mantissa) - 1);
  double magnitude;
  if (exponent == 2 * bias + 1)
    magnitude = fraction ? std::numeric_limits<double>::quiet_NaN()
                         : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(fraction, 1 - bias - mantissa);
  else
    magnitude =
        std::ldexp(fraction + (1 << mantissa), exponent - bias - mantissa);
  return bits & 0x8000 ? -magnitude : magnitude;
}

void spillway::rt::storeNumber(DType dtype, double value, void *to) {
  switch (dtype) {
  case DType::F32:
    return put(to, float(value));
  case DType::F64:
    return put(to, value);
  case DType::F16:
    return put(to, narrow(value, 10, -14, 15));
  case DType::BF16:
    return put(to, narrow(value, 7, -126, 127));
  default:
    storeInteger(dtype, int64_t(value), to);
  }
}

double spillway::rt::loadNumber(DType dtype, const void *from) {
  switch (dtype) {
  case DType::F32:
    return get<float>(from);
  case DType::F64:
    return get<double>(from);
  case DType::F16:
    return widen(get<uint16_t>(from), 10, 15);
  case DType::BF16:
    return widen(get<uint16_t>(from), 7, 127);
  default:
    return double(loadInteger(dtype, from));
  }
}

int64_t spillway::rt::loadInteger(DType dtype, const void *from) {
  switch (dtype) {
  case DType::I8:
    return get<int8_t>(from);
  case DType::I16:
    return get<int16_t>(from);
  case DType::I32:
    return get<int32_t>(from);
  case DType::I64:
    return get<int64_t>(from);
  default: // U8, BOOL
    return get<uint8_t>(from);
  }
}

template <typename T> static bool putChecked(int64_t value, void *to) {
  if (value < int64_t(std::numeric_limits<T>::min()) ||
      value > int64_t(std::numeric_limits<T>::max()))
    return false;
  put(to, T(value));
  return true;
}

bool spillway::rt::storeInteger(DType dtype, int64_t value, void *to) {
  switch (dtype) {
  case DType::I8:
    return putChecked<int8_t>(value, to);
  case DType::I16:
    return putChecked<int16_t>(value, to);
  case DType::I32:
    return putChecked<int32_t>(value, to);
  case DType::I64:
    return putChecked<int64_t>(value, to);
  case DType::BOOL:
    return value >> 1 == 0 && putChecked<uint8_t>(value, to);
  default:
    return putChecked<uint8_t>(value, to);
  }
}
