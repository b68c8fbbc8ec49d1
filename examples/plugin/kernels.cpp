//===- kernels.cpp - The kernels of the Snake activation ------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loaded by `spillway-run --load-kernels=libSnakeKernels.so`. Knows nothing of
// the compiler.
//
//===----------------------------------------------------------------------===//

#include "spillway/kernel.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace {

// Tasks are of a fixed size, so that the bits do not depend on the threads.
constexpr int64_t elementsPerTask = 16384;

int64_t count(const spw_tensor &tensor) {
  int64_t elements = 1;
  for (int32_t i = 0; i < tensor.rank; ++i)
    elements *= tensor.sizes[i];
  return elements;
}

float alphaOf(const spw_launch *launch) {
  for (int32_t i = 0; i < launch->num_attrs; ++i)
    if (!std::strcmp(launch->attrs[i].name, "alpha"))
      return static_cast<float>(launch->attrs[i].f);
  return 0;
}

int prepare(spw_launch *launch, int32_t inputs, char *error, uint64_t size) {
  if (launch->num_inputs != inputs || launch->num_outputs != 1) {
    std::snprintf(error, size, "expected %d inputs and 1 output, found %d, %d",
                  inputs, launch->num_inputs, launch->num_outputs);
    return 1;
  }
  if (launch->outputs[0].dtype != SPW_F32) {
    std::snprintf(error, size, "expected f32, found type %d",
                  launch->outputs[0].dtype);
    return 1;
  }
  if (alphaOf(launch) == 0) {
    std::snprintf(error, size, "expected an attribute alpha other than 0");
    return 1;
  }
  return 0;
}

int prepareForward(spw_launch *launch, char *error, uint64_t size) {
  return prepare(launch, 1, error, size);
}

int prepareGrad(spw_launch *launch, char *error, uint64_t size) {
  return prepare(launch, 2, error, size);
}

using Body = void (*)(void *, int64_t, int32_t);

void forEachBlock(const spw_launch *launch, Body body) {
  int64_t tasks =
      (count(launch->outputs[0]) + elementsPerTask - 1) / elementsPerTask;
  launch->pool->parallel_for(launch->pool, tasks, body,
                             const_cast<spw_launch *>(launch));
}

void forward(const spw_launch *launch) {
  forEachBlock(launch, [](void *context, int64_t task, int32_t) {
    auto *launch = static_cast<const spw_launch *>(context);
    auto *x = static_cast<const float *>(launch->inputs[0].data);
    auto *y = static_cast<float *>(launch->outputs[0].data);
    float alpha = alphaOf(launch);
    int64_t first = task * elementsPerTask;
    int64_t last = std::min(first + elementsPerTask, count(launch->outputs[0]));
    for (int64_t i = first; i < last; ++i) {
      float s = std::sin(alpha * x[i]);
      y[i] = x[i] + s * s / alpha;
    }
  });
}

void grad(const spw_launch *launch) {
  forEachBlock(launch, [](void *context, int64_t task, int32_t) {
    auto *launch = static_cast<const spw_launch *>(context);
    auto *g = static_cast<const float *>(launch->inputs[0].data);
    auto *x = static_cast<const float *>(launch->inputs[1].data);
    auto *dx = static_cast<float *>(launch->outputs[0].data);
    float alpha = alphaOf(launch);
    int64_t first = task * elementsPerTask;
    int64_t last = std::min(first + elementsPerTask, count(launch->outputs[0]));
    for (int64_t i = first; i < last; ++i)
      dx[i] = g[i] * (1 + std::sin(2 * alpha * x[i]));
  });
}

} // namespace

extern "C" __attribute__((visibility("default"))) int
spillway_kernel_library(int abiVersion, void *registry, spw_register_fn add) {
  if (abiVersion != SPW_KERNEL_ABI_VERSION)
    return 1;
  static const spw_kernel kernels[] = {
      {"snake", prepareForward, forward, nullptr},
      {"snake_grad", prepareGrad, grad, nullptr}};
  for (const spw_kernel &kernel : kernels)
    add(registry, &kernel);
  return 0;
}
