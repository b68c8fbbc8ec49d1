//===- AttentionGrad.cpp - attention_grad ---------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A task is one head of k and v with all the heads of q that read it, so that
// dk and dv are summed by one task in one order. Probabilities are computed
// again from lse. With P = exp(scale q k' + mask - lse), dP = g v' and
// delta = rowsum(out * g): dS = P * (dP - delta), dv = P' g,
// dq = scale dS k, dk = scale dS' q.
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "Gemm.h"
#include "Kernels.h"
#include "Parallel.h"
#include "RowMath.h"

#include "spillway/KernelWorkspace.h"

#include <cmath>
#include <cstring>

namespace spillway::kernels {
namespace {

struct AttentionGrad : AttentionShape {
  int64_t laneBytes;

  // Inputs: g, q, k, v, out, lse, mask?
  explicit AttentionGrad(const Args &args) : AttentionShape(args, 1, 6) {
    args.expectInputs(6, 7);
    args.expectOutputs(3);
    args.expectShape(args.dense(0, "g", SPW_F32), "g",
                     {batch, queries, heads, size});
    args.expectShape(args.dense(4, "out", SPW_F32), "out",
                     {batch, queries, heads, size});
    args.expectShape(args.dense(5, "lse", SPW_F32), "lse",
                     {batch, heads, queries});
    args.expectShape(args.output(0, "dq", SPW_F32), "dq",
                     {batch, queries, heads, size});
    args.expectShape(args.output(1, "dk", SPW_F32), "dk",
                     {batch, keys, kvHeads, size});
    args.expectShape(args.output(2, "dv", SPW_F32), "dv",
                     {batch, keys, kvHeads, size});
    laneBytes = workspace::attentionGradLaneBytes(queries, keys);
    args.expectWorkspace(workspace::attentionGradBytes(queries, keys, lanes));
  }

  static void clearRows(float *to, int64_t rows, int64_t stride, int64_t n) {
    for (int64_t row = 0; row < rows; ++row)
      std::memset(to + row * stride, 0, size_t(n) * sizeof(float));
  }

  /// One block of queries of one head against every key that it sees.
  void block(const spw_launch &launch, int64_t b, int64_t head, int64_t first,
             char *scratch) const {
    int64_t rows = std::min(queryBlock, queries - first);
    int64_t group = kvHead(head);
    int64_t stride = heads * size, kvStride = kvHeads * size;
    int64_t at = (b * queries + first) * stride + head * size;
    int64_t kvAt = b * keys * kvStride + group * size;
    const float *g = data<float>(launch.inputs[0]) + at;
    const float *qRows =
        data<float>(launch.inputs[1]) + q.offset(b, first, head);
    const float *kHead = data<float>(launch.inputs[2]) + k.offset(b, 0, group);
    const float *vHead = data<float>(launch.inputs[3]) + v.offset(b, 0, group);
    const float *out = data<float>(launch.inputs[4]) + at;
    const float *lse =
        data<float>(launch.inputs[5]) + (b * heads + head) * queries + first;
    float *dq = data<float>(launch.outputs[0]) + at;
    float *dk = data<float>(launch.outputs[1]) + kvAt;
    float *dv = data<float>(launch.outputs[2]) + kvAt;
    float *p = reinterpret_cast<float *>(scratch);
    float *ds = reinterpret_cast<float *>(scratch + scoreBytes);
    float *delta = reinterpret_cast<float *>(scratch + 2 * scoreBytes);

    for (int64_t row = 0; row < rows; ++row)
      delta[row] = float(dotRow(g + row * stride, out + row * stride, size));
    int64_t limit = visibleKeys(first + rows - 1);
    if (limit == 0)
      clearRows(dq, rows, stride, size);
    for (int64_t key = 0; key < limit; key += keyBlock) {
      int64_t width = std::min(keyBlock, limit - key);
      gemm({false, true, rows, width, size, scale, qRows, q.rowStride,
            kHead + key * k.rowStride, k.rowStride, 0.0f, p, width});
      gemm({false, true, rows, width, size, 1.0f, g, stride,
            vHead + key * v.rowStride, v.rowStride, 0.0f, ds, width});
      for (int64_t row = 0; row < rows; ++row) {
        float *pRow = p + row * width, *dsRow = ds + row * width;
        int64_t seen =
            std::clamp<int64_t>(visibleKeys(first + row) - key, 0, width);
        if (lse[row] == -INFINITY)
          seen = 0;
        if (mask != NONE)
          maskRow(launch.inputs[6].data, pRow, b, head, first + row, key, seen);
        float shift = lse[row], d = delta[row];
        SPW_INDEPENDENT
        for (int64_t i = 0; i < seen; ++i) {
          float probability = m::exp(pRow[i] - shift);
          pRow[i] = probability;
          dsRow[i] = probability * (dsRow[i] - d);
        }
        std::memset(pRow + seen, 0, size_t(width - seen) * sizeof(float));
        std::memset(dsRow + seen, 0, size_t(width - seen) * sizeof(float));
      }
      gemm({true, false, width, size, rows, 1.0f, p, width, g, stride, 1.0f,
            dv + key * kvStride, kvStride});
      gemm({true, false, width, size, rows, scale, ds, width, qRows,
            q.rowStride, 1.0f, dk + key * kvStride, kvStride});
      gemm({false, false, rows, size, width, scale, ds, width,
            kHead + key * k.rowStride, k.rowStride, key > 0 ? 1.0f : 0.0f, dq,
            stride});
    }
  }

  void run(const spw_launch &launch) const {
    char *workspaceStart = static_cast<char *>(launch.workspace);
    parallelForLanes(
        launch.pool, lanes, batch * kvHeads, [&](int64_t task, int32_t lane) {
          int64_t b = task / kvHeads, group = task % kvHeads;
          int64_t at = b * keys * kvHeads * size + group * size;
          clearRows(data<float>(launch.outputs[1]) + at, keys, kvHeads * size,
                    size);
          clearRows(data<float>(launch.outputs[2]) + at, keys, kvHeads * size,
                    size);
          int64_t groupSize = heads / kvHeads;
          for (int64_t head = group * groupSize; head < (group + 1) * groupSize;
               ++head)
            for (int64_t first = 0; first < queries; first += queryBlock)
              block(launch, b, head, first, workspaceStart + lane * laneBytes);
        });
  }
};

} // namespace

void addAttentionGradKernels(const AddKernel &add) {
  add(kernelOf<AttentionGrad>("attention_grad"));
}

} // namespace spillway::kernels
