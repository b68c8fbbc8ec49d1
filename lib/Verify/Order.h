//===- Order.h - What happens before what -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Happens-before over two consecutive steps, from stream order and waits, as
// one vector clock an instruction (Mattern 1989, Fidge 1988). The relation
// looks the same from any step on, so two steps show all of it: see
// docs/verifier.md.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_VERIFY_ORDER_H
#define SPILLWAY_LIB_VERIFY_ORDER_H

#include "spillway/Plan/plan_generated.h"

#include <vector>

namespace spillway::verify {

/// An instruction in one of the two steps; 0 is what was there before both.
using Moment = uint32_t;

class Order {
public:
  /// `plan`'s streams and waits must be in range.
  explicit Order(const plan::Plan &plan);

  Moment moment(uint32_t step, uint32_t instruction) const {
    return 1 + step * numInstructions + instruction;
  }
  uint32_t instructionAt(Moment moment) const {
    return (moment - 1) % numInstructions;
  }
  uint32_t stepAt(Moment moment) const {
    return (moment - 1) / numInstructions;
  }
  uint32_t streamAt(Moment moment) const {
    return streams[instructionAt(moment)];
  }

  /// Whether `earlier` is done before `later` starts, or is the same.
  bool isBefore(Moment earlier, Moment later) const {
    return earlier == 0 ||
           clocks[size_t(later) * numStreams + streamAt(earlier)] >= earlier;
  }
  /// The same for the latest moment of a stream that has to be earlier.
  bool isBefore(Moment earlier, uint32_t stream, Moment later) const {
    return clocks[size_t(later) * numStreams + stream] >= earlier;
  }

  const uint32_t numInstructions;
  const uint32_t numStreams;

private:
  std::vector<uint16_t> streams;
  /// For each moment and stream, the latest moment on the stream that comes
  /// before it or is it; 0: none.
  std::vector<Moment> clocks;
};

} // namespace spillway::verify

#endif // SPILLWAY_LIB_VERIFY_ORDER_H
