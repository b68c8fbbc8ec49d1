//===- OptimizerTest.cpp - The bits of adamw and sgd ----------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plain loop with the documented order of operations gives the same bits as
// the kernels, vectors, threads and tails notwithstanding.
//
//===----------------------------------------------------------------------===//

#include "conformance/CpuBackend.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

using namespace spillway::conformance;

namespace {

std::vector<float> random(size_t count, uint32_t seed, float low, float high) {
  std::vector<float> result(count);
  for (float &x : result) {
    seed = seed * 1664525 + 1013904223;
    x = low + (high - low) * float(seed >> 8) * 0x1p-24f;
  }
  return result;
}

Operand operand(const std::vector<float> &values, bool isScalar = false) {
  Operand result;
  if (!isScalar) {
    result.sizes = {int64_t(values.size())};
    result.strides = {1};
  }
  result.bytes.resize(values.size() * 4);
  std::memcpy(result.bytes.data(), values.data(), result.bytes.size());
  return result;
}

std::vector<float> floats(const std::vector<uint8_t> &bytes) {
  std::vector<float> result(bytes.size() / 4);
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

void expectBits(const std::vector<uint8_t> &found,
                const std::vector<float> &expected) {
  std::vector<float> values = floats(found);
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(values[i]),
              std::bit_cast<uint32_t>(expected[i]))
        << "element " << i << ": " << values[i] << " and " << expected[i];
}

constexpr size_t kCount = 40003;

TEST(Optimizer, AdamWIsTheDocumentedArithmetic) {
  std::vector<float> p = random(kCount, 1, -1, 1), g = random(kCount, 2, -1, 1);
  std::vector<float> m = random(kCount, 3, -1, 1), v = random(kCount, 4, 0, 1);
  float lr = 3e-4f, c1 = 0.271f, c2 = 0.0547f, scale = 0.83f;
  Case test;
  test.name = test.kernel = "adamw";
  test.attributes = {{"beta1", SPW_ATTR_FLOAT, 0, 0.9},
                     {"beta2", SPW_ATTR_FLOAT, 0, 0.999},
                     {"eps", SPW_ATTR_FLOAT, 0, 1e-8},
                     {"weight_decay", SPW_ATTR_FLOAT, 0, 0.01},
                     {"groups", SPW_ATTR_INT, 1},
                     {"scaled", SPW_ATTR_INT, 1}};
  test.inputs = {operand({lr}, true), operand({c1}, true),
                 operand({c2}, true), operand({scale}, true),
                 operand(p),          operand(g),
                 operand(m),          operand(v)};
  test.outputs = {operand(p), operand(m), operand(v)};
  test.aliases = {{0, 4}, {1, 6}, {2, 7}};
  CpuBackend backend(2);
  Result result = runCase(test, backend, 256);
  ASSERT_EQ(result.error, "");

  float decay = float(1.0 - double(lr) * 0.01), step = float(double(lr) / c1);
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;
  float rest1 = float(1.0 - 0.9), rest2 = float(1.0 - 0.999);
  for (size_t i = 0; i < kCount; ++i) {
    float gradient = g[i] * scale;
    m[i] = beta1 * m[i] + rest1 * gradient;
    v[i] = beta2 * v[i] + (rest2 * gradient) * gradient;
    p[i] = p[i] * decay - step * (m[i] / (std::sqrt(v[i]) / c2 + eps));
  }
  expectBits(result.outputs[0], p);
  expectBits(result.outputs[1], m);
  expectBits(result.outputs[2], v);
}

TEST(Optimizer, SgdIsTheDocumentedArithmetic) {
  std::vector<float> p = random(kCount, 5, -1, 1), g = random(kCount, 6, -1, 1);
  std::vector<float> buffer = random(kCount, 7, -1, 1);
  float lr = 0.05f;
  Case test;
  test.name = test.kernel = "sgd";
  test.attributes = {{"momentum", SPW_ATTR_FLOAT, 0, 0.9},
                     {"weight_decay", SPW_ATTR_FLOAT, 0, 0.1},
                     {"groups", SPW_ATTR_INT, 1},
                     {"scaled", SPW_ATTR_INT, 0}};
  test.inputs = {operand({lr}, true), operand(p), operand(g), operand(buffer)};
  test.outputs = {operand(p), operand(buffer)};
  test.aliases = {{0, 1}, {1, 3}};
  CpuBackend backend(3);
  Result result = runCase(test, backend, 0);
  ASSERT_EQ(result.error, "");
  for (size_t i = 0; i < kCount; ++i) {
    buffer[i] = 0.9f * buffer[i] + (g[i] + 0.1f * p[i]);
    p[i] = p[i] - lr * buffer[i];
  }
  expectBits(result.outputs[0], p);
  expectBits(result.outputs[1], buffer);
}

} // namespace
