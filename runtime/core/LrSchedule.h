//===- LrSchedule.h - The learning rate over the steps ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_LRSCHEDULE_H
#define SPILLWAY_RUNTIME_CORE_LRSCHEDULE_H

#include <cstdint>
#include <string>

namespace spillway::rt {

/// `constant`, `linear` or `cosine`, optionally with `(warmup=W,steps=S)`.
/// With t steps done, the factor on the base rate is (t + 1) / W while t < W;
/// then, with p = (t - W) / (S - W) up to 1: 1, 1 - p, or (1 + cos(pi p)) / 2.
class LrSchedule {
public:
  /// `totalSteps` is S where the text does not say it. Throws a Failure that
  /// quotes the text.
  LrSchedule(const std::string &text, int64_t totalSteps);

  /// The factor for a step, counting from 1.
  double factor(int64_t step) const;

private:
  enum Shape { Constant, Linear, Cosine } shape = Constant;
  int64_t warmup = 0;
  int64_t steps;
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_LRSCHEDULE_H
