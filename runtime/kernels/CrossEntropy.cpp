//===- CrossEntropy.cpp - cross_entropy and cross_entropy_grad ------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Labels are checked where they are loaded. One that is out of range all the
// same touches no memory: it makes the loss and its row's gradient NaN.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"
#include "RowMath.h"

#include "spillway/KernelWorkspace.h"

#include <cmath>
#include <cstring>

namespace spillway::kernels {
namespace {

struct Labels {
  int64_t rows, columns, ignored;
  bool wide; // labels are i64

  Labels(const Args &args, int logitsAt) {
    const spw_tensor &logits = args.dense(logitsAt, "logits", SPW_F32);
    args.expectRank(logits, "logits", 2);
    rows = logits.sizes[0];
    columns = logits.sizes[1];
    const spw_tensor &labels = args.ids(logitsAt + 1, "labels");
    args.expectShape(labels, "labels", {rows});
    wide = labels.dtype == SPW_I64;
    ignored = args.integer("ignore_index");
    if (columns < 1)
      fail("logits: expected at least 1 class, found %s",
           describe(logits).c_str());
  }
  int64_t label(const void *labels, int64_t row) const {
    return wide ? static_cast<const int64_t *>(labels)[row]
                : static_cast<const int32_t *>(labels)[row];
  }
  bool isValid(int64_t label) const { return label >= 0 && label < columns; }
};

struct CrossEntropy : Labels {
  int64_t parts;

  explicit CrossEntropy(const Args &args) : Labels(args, 0) {
    args.expectInputs(2);
    args.expectOutputs(3);
    args.expectShape(args.output(0, "loss", SPW_F32), "loss", {});
    args.expectShape(args.output(1, "lse", SPW_F32), "lse", {rows});
    args.expectShape(args.output(2, "count", SPW_F32), "count", {});
    parts = workspace::rowPartials(rows);
    args.expectWorkspace(workspace::crossEntropyBytes());
  }

  void run(const spw_launch &launch) const {
    const float *logits = data<float>(launch.inputs[0]);
    const void *labels = launch.inputs[1].data;
    float *lse = data<float>(launch.outputs[1]);
    double *sums = static_cast<double *>(launch.workspace);
    double *counts = sums + parts;
    parallelFor(launch.pool, parts, [&](int64_t part, int32_t) {
      double sum = 0, count = 0;
      int64_t end = (part + 1) * rows / parts;
      for (int64_t row = part * rows / parts; row < end; ++row) {
        const float *x = logits + row * columns;
        float max = maxRow(x, columns);
        float logSum = m::log(float(sumExpRow(x, max, columns)));
        lse[row] = max + logSum;
        int64_t at = label(labels, row);
        if (at == ignored)
          continue;
        // Not from lse, which is rounded where the logits are large.
        sum += isValid(at) ? double(max - x[at]) + double(logSum) : double(NAN);
        ++count;
      }
      sums[part] = sum;
      counts[part] = count;
    });
    double sum = 0, count = 0;
    for (int64_t part = 0; part < parts; ++part) {
      sum += sums[part];
      count += counts[part];
    }
    *data<float>(launch.outputs[0]) = count > 0 ? float(sum / count) : NAN;
    *data<float>(launch.outputs[2]) = float(count);
  }
};

/// dlogits = g / count * (softmax - onehot(label)); 0 where ignored.
struct CrossEntropyGrad : Labels {
  explicit CrossEntropyGrad(const Args &args) : Labels(args, 1) {
    args.expectInputs(5);
    args.expectOutputs(1);
    args.expectShape(args.dense(0, "g", SPW_F32), "g", {});
    args.expectShape(args.dense(3, "lse", SPW_F32), "lse", {rows});
    args.expectShape(args.dense(4, "count", SPW_F32), "count", {});
    args.expectShape(args.output(0, "dlogits", SPW_F32), "dlogits",
                     {rows, columns});
  }

  void run(const spw_launch &launch) const {
    const float *logits = data<float>(launch.inputs[1]);
    const void *labels = launch.inputs[2].data;
    const float *lse = data<float>(launch.inputs[3]);
    float *dlogits = data<float>(launch.outputs[0]);
    float factor =
        *data<float>(launch.inputs[0]) / *data<float>(launch.inputs[4]);
    parallelRows(launch.pool, rows, columns, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const float *x = logits + row * columns;
        float *dx = dlogits + row * columns;
        int64_t at = label(labels, row);
        if (at == ignored) {
          std::memset(dx, 0, size_t(columns) * sizeof(float));
          continue;
        }
        if (!isValid(at)) {
          std::fill_n(dx, columns, NAN);
          continue;
        }
        float shift = lse[row];
        float atLabel = factor * (m::exp(x[at] - shift) - 1.0f);
        SPW_INDEPENDENT
        for (int64_t i = 0; i < columns; ++i)
          dx[i] = factor * m::exp(x[i] - shift);
        dx[at] = atLabel;
      }
    });
  }
};

} // namespace

void addCrossEntropyKernels(const AddKernel &add) {
  add(kernelOf<CrossEntropy>("cross_entropy"));
  add(kernelOf<CrossEntropyGrad>("cross_entropy_grad"));
}

} // namespace spillway::kernels
