//===- Strided.h - Walking strided operands together ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// N operands of one shape, each with its own strides, are walked in row-major
// order as rows of the innermost dimension. Dimensions of size 1 are dropped
// and neighbours merged where every operand allows it, so a dense operation is
// one long row, and [rows, n] with a broadcast [n] is rows of n.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_STRIDED_H
#define SPILLWAY_RUNTIME_KERNELS_STRIDED_H

#include "Launch.h"

#include <algorithm>
#include <array>

namespace spillway::kernels {

template <int N> class StridedWalk {
public:
  StridedWalk() = default;
  StridedWalk(int rank, const int64_t *sizes,
              const std::array<const int64_t *, N> &strides) {
    for (int i = 0; i < rank; ++i) {
      count *= sizes[i];
      if (sizes[i] == 1)
        continue;
      bool merges = dims > 0;
      for (int k = 0; merges && k < N; ++k)
        merges = stride[k][dims - 1] == strides[k][i] * sizes[i];
      if (!merges)
        ++dims;
      else
        size[dims - 1] *= sizes[i];
      if (!merges)
        size[dims - 1] = sizes[i];
      for (int k = 0; k < N; ++k)
        stride[k][dims - 1] = strides[k][i];
    }
    if (dims == 0)
      dims = 1;
  }

  int64_t elements() const { return count; }
  /// Elements of a row, and the step of an operand along it.
  int64_t rowSize() const { return size[dims - 1]; }
  int64_t rowStride(int operand) const { return stride[operand][dims - 1]; }
  int numDims() const { return dims; }

  /// Calls row(offsets, n) for the rows, or pieces of rows, that make up the
  /// elements [begin, end); `offsets` has an offset in elements an operand.
  template <typename Row> void walk(int64_t begin, int64_t end, Row row) const {
    if (begin >= end)
      return;
    std::array<int64_t, kMaxRank> index{};
    std::array<int64_t, N> offset{};
    int64_t rest = begin;
    for (int d = dims - 1; d >= 0; --d) {
      index[d] = rest % size[d];
      rest /= size[d];
      for (int k = 0; k < N; ++k)
        offset[k] += index[d] * stride[k][d];
    }
    for (int64_t at = begin;;) {
      int64_t n = std::min(size[dims - 1] - index[dims - 1], end - at);
      row(offset, n);
      at += n;
      if (at >= end)
        return;
      // The row ended: back to its start, one further outside.
      for (int k = 0; k < N; ++k)
        offset[k] -= index[dims - 1] * stride[k][dims - 1];
      index[dims - 1] = 0;
      for (int d = dims - 2; d >= 0; --d) {
        for (int k = 0; k < N; ++k)
          offset[k] += stride[k][d];
        if (++index[d] < size[d])
          break;
        for (int k = 0; k < N; ++k)
          offset[k] -= size[d] * stride[k][d];
        index[d] = 0;
      }
    }
  }

private:
  int dims = 0;
  int64_t count = 1;
  std::array<int64_t, kMaxRank> size{1};
  std::array<std::array<int64_t, kMaxRank>, N> stride{};
};

/// A walk over an output and operands that have its shape.
template <int N>
StridedWalk<N> walkOver(const std::array<const spw_tensor *, N> &operands) {
  std::array<const int64_t *, N> strides;
  for (int k = 0; k < N; ++k)
    strides[k] = operands[k]->strides;
  return {operands[0]->rank, operands[0]->sizes, strides};
}

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_STRIDED_H
