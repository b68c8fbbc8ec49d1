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

struct LayerNorm : NormShape {
  double eps;

  explicit LayerNorm(const Args &args) : NormShape(args.input(0, "x")) {
    args.expectInputs(3);
    args.expectOutputs(3);
    const spw_tensor &x = args.dense(0, "x", SPW_F32);
    args.expectShape(args.dense(1, "gamma", SPW_F32), "gamma", {columns});
    args.expectShape(args.dense(2, "beta", SPW_F32), "beta", {columns});
    args.expectSameShape(args.output(0, "y", SPW_F32), "y", x);
    expectPerRow(args, args.output(1, "mean", SPW_F32), "mean", x);
    expectPerRow(args, args.output(2, "rstd", SPW_F32), "rstd", x);
    eps = args.number("eps");
  }

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

struct RmsNorm : NormShape {
  double eps;

  explicit RmsNorm(const Args &args) : NormShape(args.input(0, "x")) {
    args.expectInputs(2);
    args.expectOutputs(2);
    const spw_tensor &x = args.dense(0, "x", SPW_F32);
    args.expectShape(args.dense(1, "gamma", SPW_F32), "gamma", {columns});
    args.expectSameShape(args.output(0, "y", SPW_F32), "y", x);
    expectPerRow(args, args.output(1, "rstd", SPW_F32), "rstd", x);
    eps = args.number("eps");
  }

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

/// With h = (x - mean) * rstd and d = g * gamma:
/// dx = rstd * (d - mean(d) - h * mean(d * h)).
struct LayerNormGrad : NormShape {
  int64_t partials;

  explicit LayerNormGrad(const Args &args) : NormShape(args.input(1, "x")) {
    args.expectInputs(5);
    args.expectOutputs(3);
    const spw_tensor &x = args.dense(1, "x", SPW_F32);
    args.expectSameShape(args.dense(0, "g", SPW_F32), "g", x);
    args.expectShape(args.dense(2, "gamma", SPW_F32), "gamma", {columns});
    expectPerRow(args, args.dense(3, "mean", SPW_F32), "mean", x);
    expectPerRow(args, args.dense(4, "rstd", SPW_F32), "rstd", x);
    args.expectSameShape(args.output(0, "dx", SPW_F32), "dx", x);
    args.expectShape(args.output(1, "dgamma", SPW_F32), "dgamma", {columns});
    args.expectShape(args.output(2, "dbeta", SPW_F32), "dbeta", {columns});
    partials = workspace::rowPartials(rows);
    args.expectWorkspace(workspace::layerNormGradBytes(rows, columns));
  }

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
    float *dgammas = static_cast<float *>(launch.workspace);
    float *dbetas = dgammas + partials * columns;
    parallelFor(launch.pool, partials, [&](int64_t part, int32_t) {
      float *dgamma = dgammas + part * columns;
      float *dbeta = dbetas + part * columns;
      std::memset(dgamma, 0, size_t(columns) * sizeof(float));
      std::memset(dbeta, 0, size_t(columns) * sizeof(float));
      int64_t end = (part + 1) * rows / partials;
      for (int64_t i = part * rows / partials; i < end; ++i)
        row(dx + i * columns, g + i * columns, x + i * columns, gamma, mean[i],
            rstd[i], dgamma, dbeta);
    });
    addPartials(launch.pool, data<float>(launch.outputs[1]), dgammas, partials,
                columns);
    addPartials(launch.pool, data<float>(launch.outputs[2]), dbetas, partials,
                columns);
  }
};

/// With h = x * rstd and d = g * gamma: dx = rstd * (d - h * mean(d * h)).
struct RmsNormGrad : NormShape {
  int64_t partials;

  explicit RmsNormGrad(const Args &args) : NormShape(args.input(1, "x")) {
    args.expectInputs(4);
    args.expectOutputs(2);
    const spw_tensor &x = args.dense(1, "x", SPW_F32);
    args.expectSameShape(args.dense(0, "g", SPW_F32), "g", x);
    args.expectShape(args.dense(2, "gamma", SPW_F32), "gamma", {columns});
    expectPerRow(args, args.dense(3, "rstd", SPW_F32), "rstd", x);
    args.expectSameShape(args.output(0, "dx", SPW_F32), "dx", x);
    args.expectShape(args.output(1, "dgamma", SPW_F32), "dgamma", {columns});
    partials = workspace::rowPartials(rows);
    args.expectWorkspace(workspace::rmsNormGradBytes(rows, columns));
  }

  void run(const spw_launch &launch) const {
    const float *gs = data<float>(launch.inputs[0]);
    const float *xs = data<float>(launch.inputs[1]);
    const float *gamma = data<float>(launch.inputs[2]);
    const float *rstds = data<float>(launch.inputs[3]);
    float *dxs = data<float>(launch.outputs[0]);
    float *dgammas = static_cast<float *>(launch.workspace);
    int64_t n = columns;
    parallelFor(launch.pool, partials, [&](int64_t part, int32_t) {
      float *dgamma = dgammas + part * n;
      std::memset(dgamma, 0, size_t(n) * sizeof(float));
      int64_t end = (part + 1) * rows / partials;
      for (int64_t row = part * rows / partials; row < end; ++row) {
        const float *g = gs + row * n, *x = xs + row * n;
        float *dx = dxs + row * n;
        float rstd = rstds[row];
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
    });
    addPartials(launch.pool, data<float>(launch.outputs[1]), dgammas, partials,
                n);
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
