//===- Norm.cpp - layer_norm, rms_norm and their gradients ----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows are the last dimension. The gradients of gamma and beta are sums over
// rows: partial sums over P = min(rows, 64) groups of rows in the workspace,
// added in order.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"
#include "Simd.h"

#include "spillway/KernelWorkspace.h"

#include <cmath>
#include <cstring>
#include <initializer_list>

namespace spillway::kernels {
namespace {

struct NormShape {
  int64_t rows, columns;

  /// `of` is x or a tensor of its shape.
  explicit NormShape(const spw_tensor &of) {
    if (of.rank < 1 || of.sizes[of.rank - 1] == 0)
      fail("x: expected rows of at least 1 element, found %s",
           describe(of).c_str());
    rows = product(of, 0, of.rank - 1);
    columns = of.sizes[of.rank - 1];
  }
  void expectPerRow(const Args &args, const spw_tensor &tensor,
                    const char *name, const spw_tensor &x) const {
    args.expectShape(tensor, name, x.sizes, x.rank - 1);
  }
};

/// y and statistics of each row (`mean`, `rstd`) from x and vectors of a row's
/// length.
struct NormForward : NormShape {
  double eps;

  NormForward(const Args &args, std::initializer_list<const char *> vectors,
              std::initializer_list<const char *> statistics)
      : NormShape(args.input(0, "x")) {
    args.expectInputs(1 + int(vectors.size()));
    args.expectOutputs(1 + int(statistics.size()));
    const spw_tensor &x = args.dense(0, "x", SPW_F32);
    int at = 0;
    for (const char *name : vectors)
      args.expectShape(args.dense(++at, name, SPW_F32), name, {columns});
    args.expectSameShape(args.output(0, "y", SPW_F32), "y", x);
    at = 0;
    for (const char *name : statistics)
      expectPerRow(args, args.output(++at, name, SPW_F32), name, x);
    eps = args.number("eps");
  }
};

struct LayerNorm : NormForward {
  explicit LayerNorm(const Args &args)
      : NormForward(args, {"gamma", "beta"}, {"mean", "rstd"}) {}

  void run(const spw_launch &launch) const {
    const float *xs = data<float>(launch.inputs[0]);
    const float *gamma = data<float>(launch.inputs[1]);
    const float *beta = data<float>(launch.inputs[2]);
    float *ys = data<float>(launch.outputs[0]);
    float *means = data<float>(launch.outputs[1]);
    float *rstds = data<float>(launch.outputs[2]);
    int64_t n = columns;
    parallelRows(launch.pool, rows, n, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const float *x = xs + row * n;
        float *y = ys + row * n;
        float mean = float(sumRow(x, n) / double(n));
        V8 mean8 = broadcast8(mean);
        double squares = sumTerms(
            n,
            [=](int64_t i) {
              V8 d = load8(x + i) - mean8;
              return d * d;
            },
            [=](int64_t i) { return (x[i] - mean) * (x[i] - mean); });
        float rstd = float(1.0 / std::sqrt(squares / double(n) + eps));
        SPW_INDEPENDENT
        for (int64_t i = 0; i < n; ++i)
          y[i] = (x[i] - mean) * rstd * gamma[i] + beta[i];
        means[row] = mean;
        rstds[row] = rstd;
      }
    });
  }
};

struct RmsNorm : NormForward {
  explicit RmsNorm(const Args &args) : NormForward(args, {"gamma"}, {"rstd"}) {}

  void run(const spw_launch &launch) const {
    const float *xs = data<float>(launch.inputs[0]);
    const float *gamma = data<float>(launch.inputs[1]);
    float *ys = data<float>(launch.outputs[0]);
    float *rstds = data<float>(launch.outputs[1]);
    int64_t n = columns;
    parallelRows(launch.pool, rows, n, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const float *x = xs + row * n;
        float *y = ys + row * n;
        float rstd = float(1.0 / std::sqrt(dotRow(x, x, n) / double(n) + eps));
        SPW_INDEPENDENT
        for (int64_t i = 0; i < n; ++i)
          y[i] = x[i] * rstd * gamma[i];
        rstds[row] = rstd;
      }
    });
  }
};

/// Adds partial sums [partials, n] into out[n], in order.
void addPartials(spw_pool *pool, float *out, const float *parts,
                 int64_t partials, int64_t n) {
  parallelChunks(pool, n, 512, [&](int64_t begin, int64_t end) {
    std::memset(out + begin, 0, size_t(end - begin) * sizeof(float));
    for (int64_t part = 0; part < partials; ++part) {
      const float *from = parts + part * n;
      for (int64_t i = begin; i < end; ++i)
        out[i] += from[i];
    }
  });
}

/// dx from g, x, gamma and the statistics of each row; sums over rows for the
/// vectors.
struct NormBackward : NormShape {
  int64_t partials;

  NormBackward(const Args &args, std::initializer_list<const char *> statistics,
               std::initializer_list<const char *> sums,
               int64_t (*workspaceBytes)(int64_t, int64_t))
      : NormShape(args.input(1, "x")) {
    args.expectInputs(3 + int(statistics.size()));
    args.expectOutputs(1 + int(sums.size()));
    const spw_tensor &x = args.dense(1, "x", SPW_F32);
    args.expectSameShape(args.dense(0, "g", SPW_F32), "g", x);
    args.expectShape(args.dense(2, "gamma", SPW_F32), "gamma", {columns});
    int at = 2;
    for (const char *name : statistics)
      expectPerRow(args, args.dense(++at, name, SPW_F32), name, x);
    args.expectSameShape(args.output(0, "dx", SPW_F32), "dx", x);
    at = 0;
    for (const char *name : sums)
      args.expectShape(args.output(++at, name, SPW_F32), name, {columns});
    partials = workspace::rowPartials(rows);
    args.expectWorkspace(workspaceBytes(rows, columns));
  }

  /// Calls row(i, sums) for every row; sums[k] is where the k-th sum, output
  /// 1 + k, is collected by this group of rows.
  template <int numSums, typename Row>
  void sumOverRows(const spw_launch &launch, Row row) const {
    int64_t n = columns;
    auto *parts = static_cast<float *>(launch.workspace);
    parallelFor(launch.pool, partials, [&](int64_t part, int32_t) {
      float *sums[numSums];
      for (int k = 0; k < numSums; ++k) {
        sums[k] = parts + (k * partials + part) * n;
        std::memset(sums[k], 0, size_t(n) * sizeof(float));
      }
      int64_t end = (part + 1) * rows / partials;
      for (int64_t i = part * rows / partials; i < end; ++i)
        row(i, sums);
    });
    for (int k = 0; k < numSums; ++k)
      addPartials(launch.pool, data<float>(launch.outputs[1 + k]),
                  parts + k * partials * n, partials, n);
  }
};

/// With h = (x - mean) * rstd and d = g * gamma:
/// dx = rstd * (d - mean(d) - h * mean(d * h)).
struct LayerNormGrad : NormBackward {
  explicit LayerNormGrad(const Args &args)
      : NormBackward(args, {"mean", "rstd"}, {"dgamma", "dbeta"},
                     workspace::layerNormGradBytes) {}

  void row(float *dx, const float *g, const float *x, const float *gamma,
           float mean, float rstd, float *dgamma, float *dbeta) const {
    int64_t n = columns;
    V8 mean8 = broadcast8(mean), rstd8 = broadcast8(rstd);
    double sumD = dotRow(g, gamma, n);
    double sumDH = sumTerms(
        n,
        [=](int64_t i) {
          return load8(g + i) * load8(gamma + i) *
                 ((load8(x + i) - mean8) * rstd8);
        },
        [=](int64_t i) { return g[i] * gamma[i] * ((x[i] - mean) * rstd); });
    float a = float(sumD / double(n)), b = float(sumDH / double(n));
    SPW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) {
      float h = (x[i] - mean) * rstd;
      float gradient = g[i];
      dgamma[i] += gradient * h;
      dbeta[i] += gradient;
      dx[i] = rstd * (gradient * gamma[i] - a - h * b);
    }
  }

  void run(const spw_launch &launch) const {
    const float *g = data<float>(launch.inputs[0]);
    const float *x = data<float>(launch.inputs[1]);
    const float *gamma = data<float>(launch.inputs[2]);
    const float *mean = data<float>(launch.inputs[3]);
    const float *rstd = data<float>(launch.inputs[4]);
    float *dx = data<float>(launch.outputs[0]);
    sumOverRows<2>(launch, [&](int64_t i, float *const *sums) {
      row(dx + i * columns, g + i * columns, x + i * columns, gamma, mean[i],
          rstd[i], sums[0], sums[1]);
    });
  }
};

/// With h = x * rstd and d = g * gamma: dx = rstd * (d - h * mean(d * h)).
struct RmsNormGrad : NormBackward {
  explicit RmsNormGrad(const Args &args)
      : NormBackward(args, {"rstd"}, {"dgamma"}, workspace::rmsNormGradBytes) {}

  void row(float *dx, const float *g, const float *x, const float *gamma,
           float rstd, float *dgamma) const {
    int64_t n = columns;
    V8 rstd8 = broadcast8(rstd);
    double sum = sumTerms(
        n,
        [=](int64_t i) {
          return load8(g + i) * load8(gamma + i) * (load8(x + i) * rstd8);
        },
        [=](int64_t i) { return g[i] * gamma[i] * (x[i] * rstd); });
    float b = float(sum / double(n));
    SPW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) {
      float h = x[i] * rstd;
      float gradient = g[i];
      dgamma[i] += gradient * h;
      dx[i] = rstd * (gradient * gamma[i] - h * b);
    }
  }

  void run(const spw_launch &launch) const {
    const float *g = data<float>(launch.inputs[0]);
    const float *x = data<float>(launch.inputs[1]);
    const float *gamma = data<float>(launch.inputs[2]);
    const float *rstd = data<float>(launch.inputs[3]);
    float *dx = data<float>(launch.outputs[0]);
    sumOverRows<1>(launch, [&](int64_t i, float *const *sums) {
      row(dx + i * columns, g + i * columns, x + i * columns, gamma, rstd[i],
          sums[0]);
    });
  }
};

} // namespace

void addNormKernels(const AddKernel &add) {
  add(kernelOf<LayerNorm>("layer_norm"));
  add(kernelOf<LayerNormGrad>("layer_norm_grad"));
  add(kernelOf<RmsNorm>("rms_norm"));
  add(kernelOf<RmsNormGrad>("rms_norm_grad"));
}

} // namespace spillway::kernels
