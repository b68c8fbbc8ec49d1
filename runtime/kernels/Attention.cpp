//===- Attention.cpp - attention ------------------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A task is a block of queries of one head. The softmax over its blocks of
// keys is online (Milakov and Gimelshein, 2018): a running maximum and sum a
// row, and the output scaled where the maximum rises.
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

struct Attention : AttentionShape {
  int64_t laneBytes, blocks;

  explicit Attention(const Args &args) : AttentionShape(args, 0, 3) {
    args.expectInputs(3, 4);
    args.expectOutputs(2);
    args.expectShape(args.output(0, "out", SPW_F32), "out",
                     {batch, queries, heads, size});
    args.expectShape(args.output(1, "lse", SPW_F32), "lse",
                     {batch, heads, queries});
    laneBytes = workspace::attentionLaneBytes(queries, keys);
    blocks = workspace::ceilDiv(queries, queryBlock);
    args.expectWorkspace(workspace::attentionBytes(queries, keys, lanes));
  }

  /// Turns a row's scores of `n` visible keys of `width` into probabilities
  /// relative to the running maximum, and returns the factor of what was
  /// summed up to now.
  static float softmaxRow(float *scores, int64_t n, int64_t width, float &max,
                          float &sum) {
    std::memset(scores + n, 0, size_t(width - n) * sizeof(float));
    if (n == 0)
      return 1.0f;
    float newMax = std::max(max, maxRow(scores, n));
    if (newMax == -INFINITY) {
      std::memset(scores, 0, size_t(n) * sizeof(float));
      return 1.0f;
    }
    float correction = m::exp(max - newMax);
    sum = sum * correction + expRow(scores, scores, newMax, n);
    max = newMax;
    return correction;
  }

  void block(const spw_launch &launch, int64_t b, int64_t head, int64_t first,
             char *scratch) const {
    const float *kHead =
        data<float>(launch.inputs[1]) + k.offset(b, 0, kvHead(head));
    const float *vHead =
        data<float>(launch.inputs[2]) + v.offset(b, 0, kvHead(head));
    const float *qRows =
        data<float>(launch.inputs[0]) + q.offset(b, first, head);
    int64_t rowStride = heads * size;
    float *out = data<float>(launch.outputs[0]) +
                 (b * queries + first) * rowStride + head * size;
    float *lse =
        data<float>(launch.outputs[1]) + (b * heads + head) * queries + first;
    int64_t rows = std::min(queryBlock, queries - first);
    float *scores = reinterpret_cast<float *>(scratch);
    float *max = reinterpret_cast<float *>(scratch + scoreBytes);
    float *sum = max + queryBlock;
    std::fill(max, max + rows, -INFINITY);
    std::fill(sum, sum + rows, 0.0f);

    int64_t limit = visibleKeys(first + rows - 1);
    for (int64_t key = 0; key < limit; key += keyBlock) {
      int64_t width = std::min(keyBlock, limit - key);
      gemm({false, true, rows, width, size, scale, qRows, q.rowStride,
            kHead + key * k.rowStride, k.rowStride, 0.0f, scores, width});
      for (int64_t row = 0; row < rows; ++row) {
        float *s = scores + row * width;
        int64_t seen =
            std::clamp<int64_t>(visibleKeys(first + row) - key, 0, width);
        if (mask != NONE)
          maskRow(launch.inputs[3].data, s, b, head, first + row, key, seen);
        float correction = softmaxRow(s, seen, width, max[row], sum[row]);
        if (key > 0 && correction != 1.0f)
          scaleRow(out + row * rowStride, correction, size);
      }
      gemm({false, false, rows, size, width, 1.0f, scores, width,
            vHead + key * v.rowStride, v.rowStride, key > 0 ? 1.0f : 0.0f, out,
            rowStride});
    }
    for (int64_t row = 0; row < rows; ++row) {
      lse[row] = max[row] + m::log(sum[row]);
      if (max[row] == -INFINITY)
        std::memset(out + row * rowStride, 0, size_t(size) * sizeof(float));
      else
        scaleRow(out + row * rowStride, 1.0f / sum[row], size);
    }
  }

  void run(const spw_launch &launch) const {
    char *scratch = static_cast<char *>(launch.workspace);
    parallelForLanes(launch.pool, lanes, batch * heads * blocks,
                     [&](int64_t task, int32_t lane) {
                       // Causal blocks grow: the greatest start first.
                       int64_t at = blocks - 1 - task % blocks;
                       int64_t rest = task / blocks;
                       block(launch, rest / heads, rest % heads,
                             at * queryBlock, scratch + lane * laneBytes);
                     });
  }
};

} // namespace

void addAttentionKernels(const AddKernel &add) {
  add(kernelOf<Attention>("attention"));
}

} // namespace spillway::kernels
