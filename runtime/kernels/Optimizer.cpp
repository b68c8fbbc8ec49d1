//===- Optimizer.cpp - adamw and sgd --------------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One pass over groups of tensors. Only additions, multiplications, divisions
// and square roots, in the order written here, so that every backend that
// rounds correctly gives the same bits.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Parallel.h"
#include "Simd.h"

#include "spillway/KernelWorkspace.h"

#include <algorithm>

namespace spillway::kernels {
namespace {

/// Elements of the groups, cut into chunks.
struct Groups {
  int64_t groups;
  bool scaled;
  int perGroup, first; // inputs a group, and the first one's first
  struct Piece {
    int64_t group, begin, end;
  };
  std::vector<Piece> pieces;

  /// `scalars` are the inputs before scale; a group has `perGroup` inputs, of
  /// which all but the gradient (the second) come back as outputs.
  Groups(const Args &args, int scalars, int perGroup) : perGroup(perGroup) {
    groups = args.integer("groups");
    scaled = args.integer("scaled") != 0;
    first = scalars + (scaled ? 1 : 0);
    if (groups < 0 || groups > args.numInputs())
      fail("attribute 'groups': expected the number of parameters, found %lld",
           (long long)groups);
    args.expectInputs(first + int(groups) * perGroup);
    args.expectOutputs(int(groups) * (perGroup - 1));
    static const char *const names[] = {"lr", "c1", "c2"};
    for (int i = 0; i < first; ++i) {
      const char *name = i < scalars ? names[i] : "scale";
      args.expectShape(args.dense(i, name, SPW_F32), name, {});
    }
    for (int64_t group = 0; group < groups; ++group) {
      int at = first + int(group) * perGroup, out = int(group) * (perGroup - 1);
      const spw_tensor &p = args.dense(at, "p", SPW_F32);
      static const char *const members[] = {"p", "g", "m or buf", "v"};
      for (int i = 0; i < perGroup; ++i)
        args.expectSameShape(args.dense(at + i, members[i], SPW_F32),
                             members[i], p);
      for (int i = 0; i + 1 < perGroup; ++i)
        args.expectSameShape(args.output(out + i, "result", SPW_F32), "result",
                             p);
      int64_t count = numElements(p);
      constexpr int64_t kPiece = kChunk / 2;
      for (int64_t begin = 0; begin < count; begin += kPiece)
        pieces.push_back({group, begin, std::min(count, begin + kPiece)});
    }
  }

  const float *input(const spw_launch &launch, const Piece &piece,
                     int member) const {
    return data<float>(launch.inputs[first + piece.group * perGroup + member]) +
           piece.begin;
  }
  float *output(const spw_launch &launch, const Piece &piece,
                int member) const {
    return data<float>(launch.outputs[piece.group * (perGroup - 1) + member]) +
           piece.begin;
  }
  float scalar(const spw_launch &launch, int index) const {
    return *data<float>(launch.inputs[index]);
  }
};

/// PyTorch's AdamW. In f32 unless said otherwise:
///   decay = 1 - lr * weight_decay, step = lr / c1   (in double, then rounded)
///   g = g * scale
///   m = beta1 * m + (1 - beta1) * g
///   v = beta2 * v + ((1 - beta2) * g) * g
///   p = p * decay - step * (m / (sqrt(v) / c2 + eps))
struct AdamW : Groups {
  double weightDecay;
  float beta1, beta2, rest1, rest2, eps;

  explicit AdamW(const Args &args) : Groups(args, 3, 4) {
    weightDecay = args.number("weight_decay");
    beta1 = float(args.number("beta1"));
    beta2 = float(args.number("beta2"));
    rest1 = float(1.0 - args.number("beta1"));
    rest2 = float(1.0 - args.number("beta2"));
    eps = float(args.number("eps"));
  }

  void run(const spw_launch &launch) const {
    double lr = scalar(launch, 0);
    float c2 = scalar(launch, 2);
    float decay = float(1.0 - lr * weightDecay);
    float step = float(lr / double(scalar(launch, 1)));
    float scale = scaled ? scalar(launch, 3) : 1.0f;
    parallelFor(launch.pool, int64_t(pieces.size()),
                [&](int64_t task, int32_t) {
                  const Piece &piece = pieces[size_t(task)];
                  const float *p = input(launch, piece, 0),
                              *g = input(launch, piece, 1);
                  const float *m = input(launch, piece, 2),
                              *v = input(launch, piece, 3);
                  float *newP = output(launch, piece, 0),
                        *newM = output(launch, piece, 1);
                  float *newV = output(launch, piece, 2);
                  SPW_INDEPENDENT
                  for (int64_t i = 0; i < piece.end - piece.begin; ++i) {
                    float gradient = g[i] * scale;
                    float mean = beta1 * m[i] + rest1 * gradient;
                    float square = beta2 * v[i] + (rest2 * gradient) * gradient;
                    float update = mean / (__builtin_sqrtf(square) / c2 + eps);
                    newP[i] = p[i] * decay - step * update;
                    newM[i] = mean;
                    newV[i] = square;
                  }
                });
  }
};

/// PyTorch's SGD without dampening. In f32:
///   d = g * scale + weight_decay * p
///   buf = momentum * buf + d, where there is a momentum
///   p = p - lr * (buf or d)
struct Sgd : Groups {
  float momentum, weightDecay;

  explicit Sgd(const Args &args)
      : Groups(args, 1, args.number("momentum") != 0 ? 3 : 2) {
    momentum = float(args.number("momentum"));
    weightDecay = float(args.number("weight_decay"));
  }

  void run(const spw_launch &launch) const {
    float lr = scalar(launch, 0);
    float scale = scaled ? scalar(launch, 1) : 1.0f;
    parallelFor(launch.pool, int64_t(pieces.size()),
                [&](int64_t task, int32_t) {
                  const Piece &piece = pieces[size_t(task)];
                  int64_t n = piece.end - piece.begin;
                  const float *p = input(launch, piece, 0),
                              *g = input(launch, piece, 1);
                  float *newP = output(launch, piece, 0);
                  if (perGroup == 2) {
                    SPW_INDEPENDENT
                    for (int64_t i = 0; i < n; ++i)
                      newP[i] = p[i] - lr * (g[i] * scale + weightDecay * p[i]);
                    return;
                  }
                  const float *buffer = input(launch, piece, 2);
                  float *newBuffer = output(launch, piece, 1);
                  SPW_INDEPENDENT
                  for (int64_t i = 0; i < n; ++i) {
                    float value = momentum * buffer[i] +
                                  (g[i] * scale + weightDecay * p[i]);
                    newBuffer[i] = value;
                    newP[i] = p[i] - lr * value;
                  }
                });
  }
};

} // namespace

void addOptimizerKernels(const AddKernel &add) {
  add(kernelOf<AdamW>("adamw"));
  add(kernelOf<Sgd>("sgd"));
}

} // namespace spillway::kernels
