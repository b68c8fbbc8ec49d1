//===- Reduce.cpp - reduce ------------------------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Output elements are walked over the kept dimensions, each of them over the
// reduced ones. Where the innermost dimension of x is reduced, an output is a
// sum of rows; where it is kept, a block of outputs is a sum of row blocks.
// Few outputs of many elements are cut into partial results along the reduced
// elements (their number depends on the shape alone), which are combined in
// order. Sums are float lanes over short blocks, and double above.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"
#include "Simd.h"
#include "Strided.h"

#include "spillway/KernelWorkspace.h"

#include <cmath>

namespace spillway::kernels {
namespace {

/// The most columns that a task of the column form works on.
constexpr int64_t kColumns = 256;

double maxOf(double a, double b) { return b > a || b != b ? b : a; }

struct Reduce {
  enum { SUM, MEAN, MAX } function;
  bool byColumns;
  int64_t outputs = 1, reduced = 1, partials;
  StridedWalk<1> kept, inner;

  explicit Reduce(const Args &args) {
    args.expectInputs(1);
    args.expectOutputs(1);
    const spw_tensor &x = args.input(0, "x", SPW_F32);
    const spw_tensor &y = args.output(0, "y", SPW_F32);
    std::string_view name = args.text("fn");
    if (name != "sum" && name != "mean" && name != "max")
      fail("attribute 'fn': expected sum, mean or max, found '%.*s'",
           int(name.size()), name.data());
    function = name == "sum" ? SUM : name == "mean" ? MEAN : MAX;

    std::array<bool, kMaxRank> isReduced{};
    for (int64_t dim : args.integers("dims")) {
      if (dim < 0 || dim >= x.rank || isReduced[size_t(dim)])
        fail("attribute 'dims': expected distinct dimensions of %s, found %lld",
             describe(x).c_str(), (long long)dim);
      isReduced[size_t(dim)] = true;
    }
    std::array<int64_t, kMaxRank> sizes[2], strides[2];
    int ranks[2] = {0, 0};
    std::vector<int64_t> expected(x.sizes, x.sizes + x.rank);
    for (int i = 0; i < x.rank; ++i) {
      bool r = isReduced[size_t(i)];
      sizes[r][size_t(ranks[r])] = x.sizes[i];
      strides[r][size_t(ranks[r]++)] = x.strides[i];
      (r ? reduced : outputs) *= x.sizes[i];
      if (r)
        expected[size_t(i)] = 1;
    }
    args.expectShape(y, "y", expected.data(), x.rank);
    if (function == MAX && reduced == 0 && outputs > 0)
      fail("x: expected at least one element to take the maximum of, found %s",
           describe(x).c_str());
    kept = {ranks[0], sizes[0].data(), {strides[0].data()}};
    inner = {ranks[1], sizes[1].data(), {strides[1].data()}};
    byColumns = inner.rowStride(0) != 1 && kept.rowStride(0) == 1;
    partials = workspace::reducePartials(outputs, reduced);
    args.expectWorkspace(workspace::reduceBytes(outputs, reduced));
  }

  double start() const { return function == MAX ? -INFINITY : 0.0; }
  double combine(double a, double b) const {
    return function == MAX ? maxOf(a, b) : a + b;
  }
  float finish(double total) const {
    return float(function == MEAN ? total / double(reduced) : total);
  }

  /// One output's reduction over the reduced elements [begin, end).
  double reduceRows(const float *x, int64_t begin, int64_t end) const {
    double total = start();
    int64_t step = inner.rowStride(0);
    inner.walk(begin, end, [&](const auto &offset, int64_t n) {
      const float *row = x + offset[0];
      if (step == 1) {
        total = combine(total, function == MAX ? double(maxRow(row, n))
                                               : sumRow(row, n));
        return;
      }
      for (int64_t i = 0; i < n; ++i)
        total = combine(total, double(row[i * step]));
    });
    return total;
  }

  /// `columns` neighbouring outputs at once, at most kColumns.
  void reduceColumns(const float *x, int64_t columns, int64_t begin,
                     int64_t end, double *totals) const {
    std::fill(totals, totals + columns, start());
    if (function == MAX) {
      eachRow(x, begin, end, [&](const float *row, int64_t) {
        for (int64_t c = 0; c < columns; ++c)
          totals[c] = maxOf(totals[c], double(row[c]));
        return 1;
      });
      return;
    }
    // Float sums of up to 32 rows, four at a time, are added up in double.
    float block[kColumns] = {};
    constexpr int64_t kRows = 32;
    int64_t inBlock = 0;
    int64_t step = inner.rowStride(0);
    auto flush = [&] {
      for (int64_t c = 0; c < columns; ++c)
        totals[c] += double(block[c]);
      std::fill(block, block + columns, 0.0f);
      inBlock = 0;
    };
    eachRow(x, begin, end, [&](const float *row, int64_t left) -> int64_t {
      int64_t taken = left >= 4 && inBlock + 4 <= kRows ? 4 : 1;
      if (taken == 4) {
        const float *r1 = row + step, *r2 = r1 + step, *r3 = r2 + step;
        SPW_INDEPENDENT
        for (int64_t c = 0; c < columns; ++c)
          block[c] += (row[c] + r1[c]) + (r2[c] + r3[c]);
      } else {
        SPW_INDEPENDENT
        for (int64_t c = 0; c < columns; ++c)
          block[c] += row[c];
      }
      if ((inBlock += taken) == kRows)
        flush();
      return taken;
    });
    flush();
  }

  /// Calls take(row, left) for the reduced elements [begin, end) of a block of
  /// columns; it takes at least one of the `left` rows from there, a row stride
  /// apart, and says how many.
  template <typename Take>
  void eachRow(const float *x, int64_t begin, int64_t end, Take take) const {
    int64_t step = inner.rowStride(0);
    inner.walk(begin, end, [&](const auto &offset, int64_t n) {
      for (int64_t i = 0; i < n;)
        i += take(x + offset[0] + i * step, n - i);
    });
  }

  /// Calls store(output, partial, total) for every output and partial.
  template <typename Store>
  void reduceAll(const spw_launch &launch, Store store) const {
    const float *x = data<float>(launch.inputs[0]);
    int64_t length = workspace::ceilDiv(reduced, partials);
    if (!byColumns) {
      int64_t group =
          std::max<int64_t>(1, kChunk / std::max<int64_t>(1, length));
      int64_t groups = workspace::ceilDiv(outputs, group);
      parallelFor(launch.pool, groups * partials, [&](int64_t task, int32_t) {
        int64_t part = task % partials, first = task / partials * group;
        int64_t begin = std::min(reduced, part * length);
        int64_t end = std::min(reduced, begin + length);
        int64_t output = first;
        kept.walk(first, std::min(outputs, first + group),
                  [&](const auto &offset, int64_t n) {
                    for (int64_t i = 0; i < n; ++i)
                      store(output++, part,
                            reduceRows(x + offset[0] + i * kept.rowStride(0),
                                       begin, end));
                  });
      });
      return;
    }
    int64_t width = kept.rowSize();
    // Wide enough for memory, yet at least 4 where that leaves 64 columns.
    int64_t blocks = std::max(workspace::ceilDiv(width, kColumns),
                              std::clamp<int64_t>(width / 64, 1, 4));
    int64_t block =
        workspace::ceilDiv(workspace::ceilDiv(width, blocks), 16) * 16;
    blocks = workspace::ceilDiv(width, std::max<int64_t>(block, 1));
    int64_t rows = width ? outputs / width : 0;
    parallelFor(
        launch.pool, rows * blocks * partials, [&](int64_t task, int32_t) {
          int64_t part = task % partials, rest = task / partials;
          int64_t column = rest % blocks * block;
          int64_t output = rest / blocks * width + column;
          int64_t columns = std::min(block, width - column);
          int64_t begin = std::min(reduced, part * length);
          int64_t end = std::min(reduced, begin + length);
          double totals[kColumns];
          kept.walk(output, output + columns, [&](const auto &offset, int64_t) {
            reduceColumns(x + offset[0], columns, begin, end, totals);
          });
          for (int64_t c = 0; c < columns; ++c)
            store(output + c, part, totals[c]);
        });
  }

  void run(const spw_launch &launch) const {
    float *y = data<float>(launch.outputs[0]);
    if (partials == 1) {
      reduceAll(launch, [&](int64_t output, int64_t, double total) {
        y[output] = finish(total);
      });
      return;
    }
    double *parts = static_cast<double *>(launch.workspace);
    reduceAll(launch, [&](int64_t output, int64_t part, double total) {
      parts[output * partials + part] = total;
    });
    for (int64_t output = 0; output < outputs; ++output) {
      double total = start();
      for (int64_t part = 0; part < partials; ++part)
        total = combine(total, parts[output * partials + part]);
      y[output] = finish(total);
    }
  }
};

} // namespace

void addReduceKernels(const AddKernel &add) { add(kernelOf<Reduce>("reduce")); }

} // namespace spillway::kernels
