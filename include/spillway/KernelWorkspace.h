//===- KernelWorkspace.h - Scratch that each kernel takes ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Workspace of the kernels of docs/kernels.md in bytes, as a function of shapes
// and of `lanes` (the launch's attribute) alone. The compiler plans with these,
// and the CPU kernels check at load that a launch has at least as much. Plain
// C++ with no dependency, so that both may include it. A kernel that has no
// function here takes none.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_KERNELWORKSPACE_H
#define SPILLWAY_KERNELWORKSPACE_H

#include <cstdint>

namespace spillway::workspace {

constexpr int64_t minimum(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
/// Slices of a workspace start at multiples of this many bytes.
constexpr int64_t kAlignment = 256;
constexpr int64_t alignUp(int64_t bytes) {
  return ceilDiv(bytes, kAlignment) * kAlignment;
}

/// Partial sums of a reduction over `rows`: fixed by the shape, not by threads.
constexpr int64_t rowPartials(int64_t rows) { return minimum(rows, 64); }

/// `layer_norm_grad` of x with `rows` rows of `columns` elements.
constexpr int64_t layerNormGradBytes(int64_t rows, int64_t columns) {
  return 2 * rowPartials(rows) * columns * 4;
}

/// `rms_norm_grad` of x with `rows` rows of `columns` elements.
constexpr int64_t rmsNormGradBytes(int64_t rows, int64_t columns) {
  return rowPartials(rows) * columns * 4;
}

/// How many partial results each output element of a `reduce` is made of.
/// Many outputs are work enough for the threads; few are cut along the
/// reduced elements.
constexpr int64_t reducePartials(int64_t outputs, int64_t reduced) {
  if (outputs >= 64 || reduced < 16384)
    return 1;
  return minimum(ceilDiv(reduced, 8192), 64);
}

/// `reduce` to `outputs` elements, each of `reduced` elements.
constexpr int64_t reduceBytes(int64_t outputs, int64_t reduced) {
  int64_t partials = reducePartials(outputs, reduced);
  return partials > 1 ? partials * outputs * 8 : 0;
}

/// `sum_squares`, whatever it sums: one double for each of at most 256 chunks.
constexpr int64_t sumSquaresBytes() { return 256 * 8; }

/// `cross_entropy`: a sum and a count for each of at most 64 chunks of rows.
constexpr int64_t crossEntropyBytes() { return 64 * 2 * 8; }

/// Blocks of queries and keys that attention works on at a time. Causal
/// attention skips the key blocks above the diagonal.
constexpr int64_t attentionQueryBlock(int64_t queries) {
  return minimum(queries, 128);
}
constexpr int64_t attentionKeyBlock(int64_t keys) { return minimum(keys, 512); }

/// Scratch of one lane of `attention`: scores, and the rows' running maxima,
/// sums and corrections.
constexpr int64_t attentionLaneBytes(int64_t queries, int64_t keys) {
  int64_t rows = attentionQueryBlock(queries);
  return alignUp(rows * attentionKeyBlock(keys) * 4) + alignUp(rows * 4 * 4);
}

/// `attention` of `queries` (T) and `keys` (S). Batch, heads and head size
/// do not enter.
constexpr int64_t attentionBytes(int64_t queries, int64_t keys, int64_t lanes) {
  return lanes * attentionLaneBytes(queries, keys);
}

/// Scratch of one lane of `attention_grad`: probabilities, their gradient,
/// and the rows' sums of out * g.
constexpr int64_t attentionGradLaneBytes(int64_t queries, int64_t keys) {
  int64_t rows = attentionQueryBlock(queries);
  return 2 * alignUp(rows * attentionKeyBlock(keys) * 4) + alignUp(rows * 4);
}

/// `attention_grad` of `queries` (T) and `keys` (S).
constexpr int64_t attentionGradBytes(int64_t queries, int64_t keys,
                                     int64_t lanes) {
  return lanes * attentionGradLaneBytes(queries, keys);
}

/// `matmul` with [batch, m, k] x [batch, k, n].
constexpr int64_t matmulBytes(int64_t /*batch*/, int64_t /*m*/, int64_t /*n*/,
                              int64_t /*k*/, int64_t /*lanes*/) {
  return 0;
}

/// `embedding_grad` of `ids` rows into a table of `vocabulary` by `columns`.
constexpr int64_t embeddingGradBytes(int64_t /*ids*/, int64_t /*vocabulary*/,
                                     int64_t /*columns*/) {
  return 0;
}

} // namespace spillway::workspace

#endif // SPILLWAY_KERNELWORKSPACE_H
