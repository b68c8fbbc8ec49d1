//===- Samples.h - Valid plans, built by hand -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One training step of one layer, y = f(x w), under the techniques that a plan
// may use. Tensors are 8 x 8 floats, so that each takes 256 bytes.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_UNIT_VERIFY_SAMPLES_H
#define SPILLWAY_TEST_UNIT_VERIFY_SAMPLES_H

#include "Support/PlanBuilder.h"

namespace spillway::test {

/// The program that all samples share but for the update of w:
///   0 matmul x, w -> h      1 unary h -> y           2 reduce y -> loss
///   3 fill -> dy            4 unary_grad dy, h -> dh (in place of dy)
///   5 matmul x, dh -> dw (512 bytes of workspace)    6... the update
class Sample : public PlanBuilder {
public:
  Sample(uint64_t deviceBytes, uint64_t hostBytes);

  /// Fetches have a stream of their own, so that they hold up no feed.
  static constexpr uint16_t results = 4;

  /// Instructions of interest, by name.
  uint32_t feedX = 0, feedLr = 0, fetchLoss = 0;
  /// Operands of the program.
  uint32_t x, w, lr, m = 0;
  uint32_t h, y, loss, dy, dh, dw, w1, m1 = 0;
  uint32_t lossOutput;

  static plan::Location dev(uint64_t offset) { return at(device, offset); }
  static plan::Location mem(uint64_t offset) { return at(hostTier, offset); }

  static plan::ViewT all(uint32_t value, uint64_t offset = 0) {
    return view(value, {8, 8}, plan::DType::F32, offset);
  }
  static plan::ViewT scalar(uint32_t value) { return view(value, {}); }
  void inPlace(uint32_t op, uint16_t input, uint16_t output) {
    opAt(op).in_place.emplace_back(input, output);
  }
};

/// Everything stays on the device; w is updated in place.
Sample residentStep();
/// h is stored to the host after the forward pass and loaded for the backward
/// pass; other values use its bytes in between.
Sample swapStep();
/// h is computed again from x and w, before w is updated.
Sample recomputeStep();
/// w and the optimizer's m are 16 x 8, updated in two slices by two ops.
Sample slicedStep();
/// As slicedStep, but m lives on the host: slices are streamed through two
/// device buffers, and the first is loaded at the end of the step for the next.
Sample streamedStep();
/// h is written as two interleaved halves by two ops (views with gaps) and read
/// whole.
Sample assembledStep();

} // namespace spillway::test

#endif // SPILLWAY_TEST_UNIT_VERIFY_SAMPLES_H
