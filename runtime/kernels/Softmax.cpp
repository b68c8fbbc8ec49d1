//===- Softmax.cpp - softmax and softmax_grad -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"
#include "RowMath.h"

namespace spillway::kernels {
namespace {

/// The last dimension is a row; in place is fine, a row at a time.
struct RowShape {
  int64_t rows, columns;
  RowShape(const spw_tensor &y, const char *name) {
    if (y.rank < 1)
      fail("%s: expected rank 1 or more, found %s", name, describe(y).c_str());
    rows = product(y, 0, y.rank - 1);
    columns = y.sizes[y.rank - 1];
  }
};

struct Softmax : RowShape {
  explicit Softmax(const Args &args) : RowShape(args.output(0, "y"), "y") {
    args.expectInputs(1);
    args.expectOutputs(1);
    const spw_tensor &x = args.dense(0, "x", SPW_F32);
    args.expectSameShape(x, "x", args.output(0, "y", SPW_F32));
  }

  void run(const spw_launch &launch) const {
    float *y = data<float>(launch.outputs[0]);
    const float *x = data<float>(launch.inputs[0]);
    parallelRows(launch.pool, rows, columns, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        float *to = y + row * columns;
        const float *from = x + row * columns;
        float sum = expRow(to, from, maxRow(from, columns), columns);
        scaleRow(to, 1.0f / sum, columns);
      }
    });
  }
};

/// dx = y * (g - sum(g * y)).
struct SoftmaxGrad : RowShape {
  explicit SoftmaxGrad(const Args &args)
      : RowShape(args.output(0, "dx"), "dx") {
    args.expectInputs(2);
    args.expectOutputs(1);
    const spw_tensor &dx = args.output(0, "dx", SPW_F32);
    args.expectSameShape(args.dense(0, "g", SPW_F32), "g", dx);
    args.expectSameShape(args.dense(1, "y", SPW_F32), "y", dx);
  }

  void run(const spw_launch &launch) const {
    float *dx = data<float>(launch.outputs[0]);
    const float *g = data<float>(launch.inputs[0]);
    const float *y = data<float>(launch.inputs[1]);
    parallelRows(launch.pool, rows, columns, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        float *to = dx + row * columns;
        const float *gRow = g + row * columns, *yRow = y + row * columns;
        float dot = float(dotRow(gRow, yRow, columns));
        SPW_INDEPENDENT
        for (int64_t i = 0; i < columns; ++i)
          to[i] = yRow[i] * (gRow[i] - dot);
      }
    });
  }
};

} // namespace

void addSoftmaxKernels(const AddKernel &add) {
  add(kernelOf<Softmax>("softmax"));
  add(kernelOf<SoftmaxGrad>("softmax_grad"));
}

} // namespace spillway::kernels
