//===- Rope.cpp - rope: rotary position embedding -------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// y = x * cos + rotate(x) * sin over pairs of elements of a head: (i, i + D/2),
// or (2i, 2i + 1) where interleaved. rotate maps a pair (a, b) to (-b, a). The
// inverse is the transposed map, which is the gradient.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"
#include "Simd.h"

namespace spillway::kernels {
namespace {

struct Rope {
  int64_t batch, rows, heads, size;
  int64_t xStride[3];
  int64_t cosStride[3], sinStride[3]; // batch, row, element
  bool inverse, interleaved;

  void takeTable(const Args &args, int index, const char *name,
                 int64_t (&stride)[3]) const {
    const spw_tensor &table = args.input(index, name, SPW_F32);
    if (table.rank == 2)
      args.expectShape(table, name, {rows, size});
    else
      args.expectShape(table, name, {batch, rows, size});
    stride[0] = table.rank == 2 ? 0 : table.strides[0];
    stride[1] = table.strides[table.rank - 2];
    stride[2] = table.strides[table.rank - 1];
  }

  explicit Rope(const Args &args) {
    args.expectInputs(3);
    args.expectOutputs(1);
    const spw_tensor &x = args.input(0, "x", SPW_F32);
    args.expectRank(x, "x", 4);
    batch = x.sizes[0];
    rows = x.sizes[1];
    heads = x.sizes[2];
    size = x.sizes[3];
    if (size % 2)
      fail("x: expected heads of an even size, found %s", describe(x).c_str());
    if (size > 1 && x.strides[3] != 1)
      fail("x: expected a last stride of 1, found %lld; copy it first",
           (long long)x.strides[3]);
    for (int i = 0; i < 3; ++i)
      xStride[i] = x.strides[i];
    args.expectSameShape(args.output(0, "y", SPW_F32), "y", x);
    takeTable(args, 1, "cos", cosStride);
    takeTable(args, 2, "sin", sinStride);
    inverse = args.integer("inverse") != 0;
    interleaved = args.integer("interleaved") != 0;
  }

  void rotate(float *y, const float *x, const float *cos,
              const float *sin) const {
    int64_t half = size / 2;
    int64_t step = interleaved ? 2 : 1, other = interleaved ? 1 : half;
    int64_t c = cosStride[2], s = sinStride[2];
    // The transposed map takes the partner's sine, with the opposite sign.
    int64_t s0 = inverse ? other * s : 0, s1 = inverse ? 0 : other * s;
    float sign = inverse ? 1.0f : -1.0f;
    SPW_INDEPENDENT
    for (int64_t i = 0; i < half; ++i) {
      int64_t at = i * step;
      float a = x[at], b = x[at + other];
      y[at] = a * cos[at * c] + sign * (b * sin[at * s + s0]);
      y[at + other] = b * cos[(at + other) * c] - sign * (a * sin[at * s + s1]);
    }
  }

  void run(const spw_launch &launch) const {
    const float *x = data<float>(launch.inputs[0]);
    const float *cos = data<float>(launch.inputs[1]);
    const float *sin = data<float>(launch.inputs[2]);
    float *y = data<float>(launch.outputs[0]);
    parallelRows(launch.pool, batch * rows, heads * size,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t at = begin; at < end; ++at) {
                     int64_t b = at / rows, t = at % rows;
                     for (int64_t h = 0; h < heads; ++h)
                       rotate(y + (at * heads + h) * size,
                              x + b * xStride[0] + t * xStride[1] +
                                  h * xStride[2],
                              cos + b * cosStride[0] + t * cosStride[1],
                              sin + b * sinStride[0] + t * sinStride[1]);
                   }
                 });
  }
};

} // namespace

void addRopeKernels(const AddKernel &add) { add(kernelOf<Rope>("rope")); }

} // namespace spillway::kernels
