//===- Recorder.h - What really happened in a run ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Filled in while steps run, from several threads, each into places of its own;
// all memory is taken by the constructor.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_RECORDER_H
#define SPILLWAY_RUNTIME_CORE_RECORDER_H

#include "Schedule.h"

#include <cstdint>
#include <vector>

namespace spillway::rt {

/// Nanoseconds of the monotonic clock.
int64_t now();

class Recorder {
public:
  struct Span {
    int64_t begin = 0, end = 0;
  };

  /// `spans`: also when each instruction ran, for the last steps.
  Recorder(const Schedule &schedule, int64_t steps, bool spans);

  int64_t steps() const { return numSteps; }
  bool hasSpans() const { return !spans.empty(); }
  /// The first step whose spans are still there at the end.
  int64_t firstSpanStep() const {
    return numSteps > ring ? numSteps - ring : 0;
  }
  Span &span(int64_t step, uint32_t instruction) {
    return spans[size_t(step % ring) * numInstructions + instruction];
  }
  const Span &span(int64_t step, uint32_t instruction) const {
    return const_cast<Recorder *>(this)->span(step, instruction);
  }
  /// When the last instruction of a stream in a step ended.
  int64_t &streamEnd(uint32_t stream, int64_t step) {
    return ends[size_t(stream) * size_t(numSteps) + size_t(step)];
  }
  /// When all streams had ended a step.
  int64_t stepEnd(int64_t step) const;

  int64_t start = 0; // of the run
  /// Time that the compute stream waited, by the stream it waited for.
  std::vector<int64_t> stallNs;
  /// Highest byte touched, by stream and tier.
  std::vector<std::vector<uint64_t>> touched;

private:
  int64_t numSteps, ring = 0;
  uint32_t numStreams, numInstructions;
  std::vector<int64_t> ends;
  std::vector<Span> spans;
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_RECORDER_H
