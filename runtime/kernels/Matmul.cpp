//===- Matmul.cpp - matmul ------------------------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The result is cut into blocks by its shape alone, and each block is one
// single-threaded product.
//
//===----------------------------------------------------------------------===//

#include "Gemm.h"
#include "Kernels.h"
#include "Parallel.h"
#include "Strided.h"

#include "spillway/KernelWorkspace.h"

#include <algorithm>
#include <climits>

namespace spillway::kernels {
namespace {

/// The last two dimensions of an operand as BLAS wants them.
struct Matrix {
  bool transposed; // stored with its first dimension contiguous
  int64_t leading;
};

Matrix matrixOf(const spw_tensor &tensor, const char *name) {
  int64_t rows = tensor.sizes[tensor.rank - 2];
  int64_t columns = tensor.sizes[tensor.rank - 1];
  int64_t rowStride = tensor.strides[tensor.rank - 2];
  int64_t columnStride = tensor.strides[tensor.rank - 1];
  if (rows > INT_MAX || columns > INT_MAX || rowStride > INT_MAX ||
      columnStride > INT_MAX)
    fail("%s: expected sizes and strides of a matrix below 2^31, found %s",
         name, describe(tensor).c_str());
  bool oneRow = rows <= 1, oneColumn = columns <= 1;
  if ((columnStride == 1 || oneColumn) && (oneRow || rowStride >= columns))
    return {false, std::max<int64_t>({oneRow ? columns : rowStride, 1})};
  if ((rowStride == 1 || oneRow) && (oneColumn || columnStride >= rows))
    return {true, std::max<int64_t>({oneColumn ? rows : columnStride, 1})};
  fail("%s: expected a matrix or the transpose of one, with one stride of 1 "
       "and no overlap, found %s with strides %lld, %lld; copy it first",
       name, describe(tensor).c_str(), (long long)rowStride,
       (long long)columnStride);
}

/// Length of the pieces that `size` is cut into: equal ones of about `target`,
/// in multiples of `unit`.
int64_t pieceOf(int64_t size, int64_t target, int64_t unit) {
  int64_t pieces = std::max<int64_t>(1, (size + target / 2) / target);
  int64_t piece = (size + pieces - 1) / pieces;
  return std::max<int64_t>(1, (piece + unit - 1) / unit * unit);
}

struct Matmul {
  Matrix a, b;
  bool transposeA, transposeB, hasBias;
  int64_t batch, m, n, k;
  StridedWalk<3> batches; // y, a, b
  int64_t blockM, blockN, tasksM, tasksN;
  int64_t group; // products of a batch that one task does

  explicit Matmul(const Args &args) {
    args.expectInputs(2, 3);
    args.expectOutputs(1);
    const spw_tensor &at = args.input(0, "a", SPW_F32);
    const spw_tensor &bt = args.input(1, "b", SPW_F32);
    const spw_tensor &y = args.output(0, "y", SPW_F32);
    int rank = y.rank;
    if (rank < 2)
      fail("y: expected rank 2 or more, found %s", describe(y).c_str());
    args.expectRank(at, "a", rank);
    args.expectRank(bt, "b", rank);
    bool flagA = args.integerOr("transpose_a", 0) != 0;
    bool flagB = args.integerOr("transpose_b", 0) != 0;
    m = at.sizes[rank - (flagA ? 1 : 2)];
    k = at.sizes[rank - (flagA ? 2 : 1)];
    n = bt.sizes[rank - (flagB ? 2 : 1)];
    std::vector<int64_t> sizes(y.sizes, y.sizes + rank);
    sizes[size_t(rank - 2)] = flagB ? n : k;
    sizes[size_t(rank - 1)] = flagB ? k : n;
    args.expectShape(bt, "b", sizes.data(), rank);
    sizes[size_t(rank - 2)] = flagA ? k : m;
    sizes[size_t(rank - 1)] = flagA ? m : k;
    args.expectShape(at, "a", sizes.data(), rank);
    sizes[size_t(rank - 2)] = m;
    sizes[size_t(rank - 1)] = n;
    args.expectShape(y, "y", sizes.data(), rank);
    hasBias = args.numInputs() == 3;
    if (hasBias)
      args.expectShape(args.dense(2, "bias", SPW_F32), "bias", {n});
    if (n > INT_MAX)
      fail("y: expected fewer than 2^31 columns, found %s",
           describe(y).c_str());

    a = matrixOf(at, "a");
    b = matrixOf(bt, "b");
    transposeA = flagA != a.transposed;
    transposeB = flagB != b.transposed;
    batches = {rank - 2, y.sizes, {y.strides, at.strides, bt.strides}};
    batch = batches.elements();
    chooseBlocks();
    // Small products go together, so that a task is worth waking a thread.
    constexpr int64_t kWork = 1 << 20;
    int64_t work = std::max<int64_t>(1, m * n * std::max<int64_t>(1, k));
    group = tasksM * tasksN == 1 ? std::max<int64_t>(1, kWork / work) : 1;
  }

  /// Every block packs its part of b anew and reads its part of a from memory,
  /// which costs nothing to speak of at 512 x 256 and about 5 % at 128 x 128.
  /// So blocks are as large as leaves enough of them to share evenly.
  void chooseBlocks() {
    constexpr int64_t kEnough = 12, kSmallest = 128;
    int64_t targetM = 512, targetN = 256;
    for (;;) {
      blockM = pieceOf(m, targetM, 16);
      blockN = pieceOf(n, targetN, 32);
      tasksM = workspace::ceilDiv(m, blockM);
      tasksN = workspace::ceilDiv(n, blockN);
      if (batch * tasksM * tasksN >= kEnough)
        return;
      bool canM = blockM >= 2 * kSmallest, canN = blockN >= 2 * kSmallest;
      if (!canM && !canN)
        return;
      if (canM && (blockM > blockN || !canN))
        targetM = blockM / 2;
      else
        targetN = blockN / 2;
    }
  }

  void block(const spw_launch &launch, float *y, const float *x, const float *w,
             int64_t i, int64_t j) const {
    int64_t rows = std::min(blockM, m - i), columns = std::min(blockN, n - j);
    float *c = y + i * n + j;
    if (hasBias) {
      const float *bias = data<float>(launch.inputs[2]) + j;
      for (int64_t row = 0; row < rows; ++row)
        std::copy(bias, bias + columns, c + row * n);
    }
    gemm({transposeA, transposeB, rows, columns, k, 1.0f,
          x + i * (transposeA ? 1 : a.leading), a.leading,
          w + j * (transposeB ? b.leading : 1), b.leading,
          hasBias ? 1.0f : 0.0f, c, n});
  }

  void run(const spw_launch &launch) const {
    float *y = data<float>(launch.outputs[0]);
    const float *x = data<float>(launch.inputs[0]);
    const float *w = data<float>(launch.inputs[1]);
    int64_t groups = workspace::ceilDiv(batch, group);
    int64_t blocks = tasksM * tasksN;
    parallelFor(launch.pool, groups * blocks, [&](int64_t task, int32_t) {
      int64_t first = task / blocks * group;
      int64_t i = task % blocks / tasksN * blockM;
      int64_t j = task % tasksN * blockN;
      batches.walk(first, std::min(batch, first + group),
                   [&](const auto &offset, int64_t count) {
                     for (int64_t at = 0; at < count; ++at)
                       block(launch, y + offset[0] + at * batches.rowStride(0),
                             x + offset[1] + at * batches.rowStride(1),
                             w + offset[2] + at * batches.rowStride(2), i, j);
                   });
    });
  }
};

} // namespace

void addMatmulKernels(const AddKernel &add) { add(kernelOf<Matmul>("matmul")); }

} // namespace spillway::kernels
