//===- TestKernels.cpp - Kernels that tests load ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel library as a user would write one: what it computes is simple enough
// that a test can compute it too.
//
//===----------------------------------------------------------------------===//

#include "spillway/kernel.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

static int64_t count(const spw_tensor &tensor) {
  int64_t n = 1;
  for (int32_t i = 0; i < tensor.rank; ++i)
    n *= tensor.sizes[i];
  return n;
}

static int refuse(char *error, uint64_t size, const char *message) {
  std::snprintf(error, size, "%s", message);
  return 1;
}

static int prepareGrad(spw_launch *launch, char *error, uint64_t size) {
  if (launch->num_inputs != 3 || launch->num_outputs != 2)
    return refuse(error, size, "expected 3 inputs and 2 outputs");
  return 0;
}

/// (w [V, D], ids, labels) -> (g [V, D], loss []): loss is the mean of w over
/// the rows that ids name, less 0.001 of the mean label; g its gradient.
static void runGrad(const spw_launch *launch) {
  auto *w = static_cast<const float *>(launch->inputs[0].data);
  auto *ids = static_cast<const int32_t *>(launch->inputs[1].data);
  auto *labels = static_cast<const int32_t *>(launch->inputs[2].data);
  auto *g = static_cast<float *>(launch->outputs[0].data);
  auto *loss = static_cast<float *>(launch->outputs[1].data);
  int64_t n = count(launch->inputs[1]), width = launch->inputs[0].sizes[1];
  std::memset(g, 0, size_t(count(launch->outputs[0])) * sizeof(float));
  float sum = 0, scale = 1.0f / float(n * width);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < width; ++k) {
      sum += w[ids[i] * width + k] * scale;
      g[ids[i] * width + k] += scale;
    }
    sum -= 0.001f * float(labels[i]) / float(n);
  }
  *loss = sum;
}

/// (lr, step, p, g, m) -> (p, m): m = 0.5 m + g; p -= lr step m.
static void runUpdate(const spw_launch *launch) {
  float lr = *static_cast<const float *>(launch->inputs[0].data);
  auto step = *static_cast<const int64_t *>(launch->inputs[1].data);
  struct Job {
    float rate;
    const float *p, *g, *m;
    float *pOut, *mOut;
  } job = {lr * float(step),
           static_cast<const float *>(launch->inputs[2].data),
           static_cast<const float *>(launch->inputs[3].data),
           static_cast<const float *>(launch->inputs[4].data),
           static_cast<float *>(launch->outputs[0].data),
           static_cast<float *>(launch->outputs[1].data)};
  // One task an element: a lot of tiny tasks is what strains a pool.
  launch->pool->parallel_for(
      launch->pool, count(launch->inputs[2]),
      [](void *context, int64_t i, int32_t) {
        auto *job = static_cast<Job *>(context);
        float m = 0.5f * job->m[i] + job->g[i];
        job->mOut[i] = m;
        job->pOut[i] = job->p[i] - job->rate * m;
      },
      &job);
}

static double attribute(const spw_launch *launch, const char *name) {
  for (int32_t i = 0; i < launch->num_attrs; ++i)
    if (!std::strcmp(launch->attrs[i].name, name))
      return double(launch->attrs[i].i);
  return 0;
}

/// (x, y) -> y + first element of x; takes `busy_ns` of one core.
static void runBusy(const spw_launch *launch) {
  auto *x = static_cast<const float *>(launch->inputs[0].data);
  auto *y = static_cast<const float *>(launch->inputs[1].data);
  *static_cast<float *>(launch->outputs[0].data) = *x + *y;
  double budget = attribute(launch, "busy_ns");
  timespec begin, time;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  do
    clock_gettime(CLOCK_MONOTONIC, &time);
  while (double(time.tv_sec - begin.tv_sec) * 1e9 +
             double(time.tv_nsec - begin.tv_nsec) <
         budget);
}

static void *volatile leak;

/// As busy, but it allocates in a step: what no kernel may.
static void runAllocating(const spw_launch *launch) {
  leak = std::malloc(100);
  runBusy(launch);
  std::free(leak);
}

static int prepareRefusing(spw_launch *, char *error, uint64_t size) {
  return refuse(error, size, "expected f16, found f32");
}

extern "C" __attribute__((visibility("default"))) int
spillway_kernel_library(int version, void *registry, spw_register_fn add) {
  if (version != SPW_KERNEL_ABI_VERSION)
    return 1;
  const spw_kernel kernels[] = {
      {"test_grad", prepareGrad, runGrad, nullptr},
      {"test_update", nullptr, runUpdate, nullptr},
      {"test_busy", nullptr, runBusy, nullptr},
      {"test_allocating", nullptr, runAllocating, nullptr},
      {"test_refusing", prepareRefusing, runBusy, nullptr},
  };
  for (const spw_kernel &kernel : kernels)
    add(registry, &kernel);
  return 0;
}
