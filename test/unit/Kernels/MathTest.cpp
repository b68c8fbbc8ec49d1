//===- MathTest.cpp - Accuracy of the elementary functions ----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "kernels/Math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace m = spillway::kernels::m;

namespace {

using Function = std::function<float(float)>;
using Reference = std::function<double(double)>;

/// Distance of `found` from `expected` in units of the last place of the
/// expected value's float.
double ulps(float found, double expected) {
  float rounded = float(expected);
  if (std::isnan(expected) || std::isinf(rounded))
    return (std::isnan(expected) ? std::isnan(found) : found == rounded) ? 0
                                                                         : 1e9;
  float magnitude = std::max(std::fabs(rounded), 1.17549435e-38f);
  double ulp = double(std::nextafterf(magnitude, INFINITY)) - magnitude;
  return std::fabs(double(found) - expected) / ulp;
}

/// The worst error over floats from low to high, every `step`-th bit pattern.
double worst(Function f, Reference r, float low, float high,
             uint32_t step = 997) {
  double result = 0;
  float at = 0;
  for (float sign : {1.0f, -1.0f})
    for (uint32_t bits = 0; bits < 0x7f800000; bits += step) {
      float x = sign * m::bitsToFloat(bits);
      if (!(x >= low && x <= high))
        continue;
      double error = ulps(f(x), r(x));
      if (error > result) {
        result = error;
        at = x;
      }
    }
  ::testing::Test::RecordProperty("worst_at", std::to_string(at));
  return result;
}

#define EXPECT_ACCURATE(limit, function, reference, low, high)                 \
  EXPECT_LE(worst([](float x) { return function; },                            \
                  [](double x) { return reference; }, low, high),              \
            limit)

TEST(Math, IsAccurateOverItsRange) {
  EXPECT_ACCURATE(1.5, m::exp(x), std::exp(x), -200, 200);
  EXPECT_ACCURATE(2, m::log(x), std::log(x), 0, INFINITY);
  EXPECT_ACCURATE(2, m::tanh(x), std::tanh(x), -INFINITY, INFINITY);
  EXPECT_ACCURATE(6, m::erf(x), std::erf(x), -INFINITY, INFINITY);
  EXPECT_ACCURATE(2, m::sin(x), std::sin(x), -1e9f, 1e9f);
  EXPECT_ACCURATE(2, m::cos(x), std::cos(x), -1e9f, 1e9f);
  EXPECT_ACCURATE(3, m::sigmoid(x), 1 / (1 + std::exp(-x)), -87, INFINITY);
  EXPECT_ACCURATE(3, m::softplus(x),
                  std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))), -200,
                  INFINITY);
}

TEST(Math, PowersAreAccurate) {
  for (float a : {0.5f, -0.5f, 2.0f, 3.0f, -1.0f, 10.5f, 0.001f, -37.0f})
    EXPECT_LE(worst([a](float x) { return m::pow(x, a); },
                    [a](double x) { return std::pow(x, double(a)); }, -INFINITY,
                    INFINITY, 9973),
              1.0)
        << a;
}

TEST(Math, ActivationsAreAccurate) {
  auto cdf = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  auto inner = [](double x) {
    return 0.79788456080286536 * (x + 0.044715 * x * x * x);
  };
  // Relative to |x| or 1: near their zeros these cancel by definition.
  for (float x = -12; x < 12; x += 0.0137f) {
    double scale = std::max(1.0, std::fabs(double(x)));
    double t = std::tanh(inner(x)), s = 1 / (1 + std::exp(-double(x)));
    double dInner = 0.79788456080286536 * (1 + 3 * 0.044715 * x * x);
    double density = std::exp(-0.5 * x * x) * 0.3989422804014327;
    EXPECT_NEAR(m::gelu_tanh(x), 0.5 * x * (1 + t), 3e-7 * scale) << x;
    EXPECT_NEAR(m::gelu_erf(x), x * cdf(x), 3e-7 * scale) << x;
    EXPECT_NEAR(m::gelu_tanh_grad(1, x),
                0.5 * (1 + t) + 0.5 * x * (1 - t * t) * dInner, 5e-7)
        << x;
    EXPECT_NEAR(m::gelu_erf_grad(1, x), cdf(x) + x * density, 5e-7) << x;
    EXPECT_NEAR(m::silu_grad(1, x), s * (1 + x * (1 - s)), 3e-7) << x;
  }
}

TEST(Math, SpecialValues) {
  EXPECT_EQ(m::exp(-INFINITY), 0.0f);
  EXPECT_EQ(m::exp(INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(m::exp(NAN)));
  EXPECT_EQ(m::log(0.0f), -INFINITY);
  EXPECT_EQ(m::log(INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(m::log(-1.0f)));
  EXPECT_TRUE(std::isnan(m::log(NAN)));
  EXPECT_TRUE(std::isnan(m::tanh(NAN)));
  EXPECT_TRUE(std::isnan(m::erf(NAN)));
  EXPECT_TRUE(std::isnan(m::sin(INFINITY)));
  EXPECT_TRUE(std::isnan(m::cos(NAN)));
  EXPECT_TRUE(std::isnan(m::softplus(NAN)));
  EXPECT_TRUE(std::signbit(m::tanh(-0.0f)));
  EXPECT_EQ(m::sign(-0.0f), 0.0f);
}

} // namespace
