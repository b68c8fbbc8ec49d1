//===- LayerView.h - A problem as papers about layers see it ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Papers on convolutional networks speak of a forward pass, a backward pass,
// layers, and of those that are worth most of the time (CONV, FC) against the
// cheap ones (POOL, ACT, BN). A problem has operators without a kind; this is
// how all that is derived from it.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_LAYERVIEW_H
#define SPILLWAY_LIB_PLANNER_LAYERVIEW_H

#include "Analysis.h"

namespace spillway::planner {

struct LayerView {
  explicit LayerView(const Analysis &analysis);

  /// The last operator of the forward pass: after it, keep-all holds most bytes
  /// of temporaries for later. Each operator up to it is a layer.
  uint32_t turn = 0;
  bool forward(uint32_t op) const { return op <= turn; }
  /// By operator: compute-intensive. Where flops are known: at least 8 for
  /// each byte of its operands. Else: not below the mean in time, and at least
  /// four times the median in time for each byte.
  std::vector<bool> heavy;
  /// By operator: the layer it belongs to. In the backward pass the last layer
  /// that touched what it reads of the forward pass; where it reads only
  /// gradients, the layer of the operator before.
  std::vector<uint32_t> layer;
  /// By operator: when it starts if nobody ever waits; one more at the end.
  std::vector<int64_t> startNs;
  /// By operator: bytes on the device when nothing ever moves.
  std::vector<uint64_t> keepAllBytes;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LAYERVIEW_H
