//===- Attention.h - What attention and its gradient share ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both work on blocks of queries against blocks of keys (their sizes are in
// KernelWorkspace.h), so that no score matrix is kept, after Dao et al.,
// "FlashAttention" (2022). Blocks above the diagonal of causal attention are
// skipped.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_ATTENTION_H
#define SPILLWAY_RUNTIME_KERNELS_ATTENTION_H

#include "Launch.h"

namespace spillway::kernels {

/// An operand [B, T, H, D] whose last stride is 1.
struct HeadsOperand {
  int64_t batchStride = 0, rowStride = 0, headStride = 0;

  HeadsOperand() = default;
  HeadsOperand(const spw_tensor &tensor, const char *name);
  int64_t offset(int64_t batch, int64_t row, int64_t head) const {
    return batch * batchStride + row * rowStride + head * headStride;
  }
};

struct AttentionShape {
  int64_t batch, queries, keys, heads, kvHeads, size;
  HeadsOperand q, k, v;
  float scale;
  bool causal;
  int64_t lanes;
  int64_t queryBlock, keyBlock;
  int64_t scoreBytes; // of one block of scores in the workspace

  enum { NONE, BOOLS, FLOATS } mask = NONE;
  int64_t maskStride[4] = {0, 0, 0, 0};

  /// Checks q, k, v (inputs first .. first + 2), the mask (input `maskAt`, if
  /// there are that many) and the attributes.
  AttentionShape(const Args &args, int first, int maskAt);

  int64_t kvHead(int64_t head) const { return head / (heads / kvHeads); }

  /// Keys [0, n) are all that the query sees.
  int64_t visibleKeys(int64_t query) const {
    if (!causal)
      return keys;
    int64_t n = query + keys - queries + 1;
    return n < 0 ? 0 : n > keys ? keys : n;
  }

  /// Puts the mask on scores of `n` keys from `key` on: adds a float one, sets
  /// -inf where a bool one is false.
  void maskRow(const void *data, float *scores, int64_t b, int64_t head,
               int64_t query, int64_t key, int64_t n) const;
};

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_ATTENTION_H
