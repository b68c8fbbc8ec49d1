//===- Scalars.cpp - sum_squares, clip_scale and bias_correction ----------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"

#include "spillway/KernelWorkspace.h"

#include <algorithm>
#include <cmath>

namespace spillway::kernels {
namespace {

/// Sum of squares of a piece, in 16 double lanes.
double squaresOf(const float *x, int64_t n) {
  double lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int lane = 0; lane < 16; ++lane)
      lanes[lane] += double(x[i + lane]) * double(x[i + lane]);
  double total = 0;
  for (; i < n; ++i)
    total += double(x[i]) * double(x[i]);
  for (double lane : lanes)
    total += lane;
  return total;
}

/// The operands one after the other are cut into at most 256 chunks.
struct SumSquares {
  std::vector<int64_t> starts; // of each operand, and the end of the last
  int64_t chunk, chunks;

  explicit SumSquares(const Args &args) {
    args.expectOutputs(1);
    args.expectShape(args.output(0, "s", SPW_F32), "s", {});
    starts.push_back(0);
    for (int i = 0; i < args.numInputs(); ++i)
      starts.push_back(starts.back() +
                       numElements(args.dense(i, "x", SPW_F32)));
    int64_t most = workspace::sumSquaresBytes() / 8;
    chunk = std::max(kChunk, workspace::ceilDiv(starts.back(), most));
    chunks = workspace::ceilDiv(starts.back(), chunk);
    args.expectWorkspace(workspace::sumSquaresBytes());
  }

  void run(const spw_launch &launch) const {
    double *parts = static_cast<double *>(launch.workspace);
    parallelFor(launch.pool, chunks, [&](int64_t task, int32_t) {
      int64_t at = task * chunk, end = std::min(starts.back(), at + chunk);
      // The last operand that starts at or before `at`.
      size_t operand =
          size_t(std::upper_bound(starts.begin(), starts.end(), at) -
                 starts.begin()) -
          1;
      double total = 0;
      for (; at < end; ++operand) {
        int64_t stop = std::min(end, starts[operand + 1]);
        const float *x = data<float>(launch.inputs[operand]);
        total += squaresOf(x + (at - starts[operand]), stop - at);
        at = stop;
      }
      parts[task] = total;
    });
    double total = 0;
    for (int64_t task = 0; task < chunks; ++task)
      total += parts[task];
    *data<float>(launch.outputs[0]) = float(total);
  }
};

/// As torch.nn.utils.clip_grad_norm_ has it.
struct ClipScale {
  double maxNorm;

  explicit ClipScale(const Args &args) {
    args.expectOutputs(1);
    for (int i = 0; i < args.numInputs(); ++i)
      args.expectShape(args.dense(i, "s", SPW_F32), "s", {});
    args.expectShape(args.output(0, "scale", SPW_F32), "scale", {});
    maxNorm = args.number("max_norm");
  }

  void run(const spw_launch &launch) const {
    double total = 0;
    for (int i = 0; i < launch.num_inputs; ++i)
      total += double(*data<float>(launch.inputs[i]));
    double scale = maxNorm / (std::sqrt(total) + 1e-6);
    *data<float>(launch.outputs[0]) = float(scale > 1.0 ? 1.0 : scale);
  }
};

/// Powers by repeated squaring: the bits depend on no C library.
double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base)
    if (exponent & 1)
      result *= base;
  return result;
}

struct BiasCorrection {
  double beta1, beta2;

  explicit BiasCorrection(const Args &args) {
    args.expectInputs(1);
    args.expectOutputs(2);
    args.expectShape(args.dense(0, "step", SPW_I64), "step", {});
    args.expectShape(args.output(0, "c1", SPW_F32), "c1", {});
    args.expectShape(args.output(1, "c2", SPW_F32), "c2", {});
    beta1 = args.number("beta1");
    beta2 = args.number("beta2");
  }

  void run(const spw_launch &launch) const {
    int64_t step = *data<int64_t>(launch.inputs[0]);
    *data<float>(launch.outputs[0]) = float(1.0 - power(beta1, step));
    *data<float>(launch.outputs[1]) =
        float(std::sqrt(1.0 - power(beta2, step)));
  }
};

} // namespace

void addScalarKernels(const AddKernel &add) {
  add(kernelOf<SumSquares>("sum_squares"));
  add(kernelOf<ClipScale>("clip_scale"));
  add(kernelOf<BiasCorrection>("bias_correction"));
}

} // namespace spillway::kernels
