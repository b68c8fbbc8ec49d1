//===- Copy.cpp - copy, concat and pad ------------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"
#include "Strided.h"

#include <cstring>

namespace spillway::kernels {
namespace {

/// Copies between two strided layouts of one shape, of any element size.
/// Operand 0 of the walk is the destination.
class BlockCopy {
public:
  BlockCopy() = default;
  BlockCopy(const StridedWalk<2> &walk, int64_t bytes)
      : walk(walk), bytes(bytes) {}

  void run(spw_pool *pool, char *y, const char *x) const {
    parallelChunks(pool, walk.elements(), kChunk,
                   [&](int64_t begin, int64_t end) {
                     walk.walk(begin, end, [&](const auto &offset, int64_t n) {
                       copyRow(y + offset[0] * bytes, x + offset[1] * bytes, n);
                     });
                   });
  }

private:
  void copyRow(char *y, const char *x, int64_t n) const {
    int64_t yStep = walk.rowStride(0), xStep = walk.rowStride(1);
    if (n == 1 || (yStep == 1 && xStep == 1)) {
      std::memcpy(y, x, size_t(n * bytes));
      return;
    }
    switch (bytes) {
    case 1:
      return copyElements<uint8_t>(y, yStep, x, xStep, n);
    case 2:
      return copyElements<uint16_t>(y, yStep, x, xStep, n);
    case 4:
      return copyElements<uint32_t>(y, yStep, x, xStep, n);
    default:
      return copyElements<uint64_t>(y, yStep, x, xStep, n);
    }
  }

  template <typename T>
  static void copyElements(char *y, int64_t yStep, const char *x, int64_t xStep,
                           int64_t n) {
    T *to = reinterpret_cast<T *>(y);
    const T *from = reinterpret_cast<const T *>(x);
    for (int64_t i = 0; i < n; ++i)
      to[i * yStep] = from[i * xStep];
  }

  StridedWalk<2> walk;
  int64_t bytes = 1;
};

struct Copy {
  BlockCopy copy;

  explicit Copy(const Args &args) {
    args.expectInputs(1);
    args.expectOutputs(1);
    const spw_tensor &x = args.input(0, "x");
    const spw_tensor &y = args.output(0, "y", x.dtype);
    args.expectSameShape(x, "x", y);
    copy = {walkOver<2>({&y, &x}), dtypeBytes(y.dtype)};
  }

  void run(const spw_launch &launch) const {
    copy.run(launch.pool, data<char>(launch.outputs[0]),
             data<char>(launch.inputs[0]));
  }
};

struct Concat {
  std::vector<BlockCopy> copies;
  /// Where each operand starts in the result, in bytes.
  std::vector<int64_t> starts;

  explicit Concat(const Args &args) {
    args.expectOutputs(1);
    if (args.numInputs() < 1)
      fail("expected at least 1 input, found 0");
    const spw_tensor &y = args.output(0, "y");
    int64_t dim = args.integer("dim");
    if (dim < 0 || dim >= y.rank)
      fail("attribute 'dim': expected a dimension of %s, found %lld",
           describe(y).c_str(), (long long)dim);
    int64_t bytes = dtypeBytes(y.dtype);
    int64_t at = 0;
    for (int i = 0; i < args.numInputs(); ++i) {
      std::string name = "x_" + std::to_string(i);
      const spw_tensor &x = args.input(i, name.c_str(), y.dtype);
      args.expectRank(x, name.c_str(), y.rank);
      std::vector<int64_t> sizes(y.sizes, y.sizes + y.rank);
      sizes[size_t(dim)] = x.sizes[dim];
      args.expectShape(x, name.c_str(), sizes.data(), y.rank);
      copies.emplace_back(
          StridedWalk<2>(x.rank, x.sizes, {y.strides, x.strides}), bytes);
      starts.push_back(at * y.strides[dim] * bytes);
      at += x.sizes[dim];
    }
    if (at != y.sizes[dim])
      fail("y: expected size %lld in dimension %lld, found %s", (long long)at,
           (long long)dim, describe(y).c_str());
  }

  void run(const spw_launch &launch) const {
    char *y = data<char>(launch.outputs[0]);
    for (size_t i = 0; i < copies.size(); ++i)
      copies[i].run(launch.pool, y + starts[i], data<char>(launch.inputs[i]));
  }
};

struct Pad {
  BlockCopy copy;
  int64_t start = 0, bytes;

  explicit Pad(const Args &args) {
    args.expectInputs(1);
    args.expectOutputs(1);
    const spw_tensor &x = args.input(0, "x");
    const spw_tensor &y = args.output(0, "y", x.dtype);
    args.expectRank(x, "x", y.rank);
    std::vector<int64_t> low = args.integers("low");
    if (int64_t(low.size()) != y.rank)
      fail("attribute 'low': expected %d numbers, found %zu", y.rank,
           low.size());
    int64_t element = dtypeBytes(y.dtype);
    for (int i = 0; i < y.rank; ++i) {
      if (low[i] < 0 || low[i] + x.sizes[i] > y.sizes[i])
        fail("attribute 'low': expected x %s at %lld of dimension %d to be "
             "inside of y %s",
             describe(x).c_str(), (long long)low[i], i, describe(y).c_str());
      start += low[i] * y.strides[i] * element;
    }
    bytes = numElements(y) * element;
    copy = {StridedWalk<2>(x.rank, x.sizes, {y.strides, x.strides}), element};
  }

  void run(const spw_launch &launch) const {
    char *y = data<char>(launch.outputs[0]);
    parallelChunks(launch.pool, bytes, kChunk * 4,
                   [&](int64_t begin, int64_t end) {
                     std::memset(y + begin, 0, size_t(end - begin));
                   });
    copy.run(launch.pool, y + start, data<char>(launch.inputs[0]));
  }
};

} // namespace

void addCopyKernels(const AddKernel &add) {
  add(kernelOf<Copy>("copy"));
  add(kernelOf<Concat>("concat"));
  add(kernelOf<Pad>("pad"));
}

} // namespace spillway::kernels
