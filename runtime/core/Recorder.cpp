//===- Recorder.cpp - What really happened in a run -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Recorder.h"

#include <algorithm>
#include <ctime>

using namespace spillway::rt;

int64_t spillway::rt::now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t(time.tv_sec) * 1000000000 + time.tv_nsec;
}

Recorder::Recorder(const Schedule &schedule, int64_t steps, bool withSpans)
    : stallNs(schedule.streams.size()),
      touched(schedule.streams.size(),
              std::vector<uint64_t>(schedule.tiers.size())),
      numSteps(steps), numStreams(uint32_t(schedule.streams.size())),
      numInstructions(schedule.numInstructions),
      ends(size_t(steps) * schedule.streams.size()) {
  if (!withSpans || !numInstructions)
    return;
  // At most 16 MiB: the whole process has 96 MiB beside its arenas. Two steps
  // at least, or no step could be told from a cold one.
  int64_t most = std::max<int64_t>(2, (1 << 20) / numInstructions);
  ring = std::max<int64_t>(1, std::min<int64_t>({steps, most, 64}));
  spans.resize(size_t(ring) * numInstructions);
}

int64_t Recorder::stepEnd(int64_t step) const {
  int64_t last = start;
  for (uint32_t i = 0; i < numStreams; ++i)
    last = std::max(last, ends[size_t(i) * size_t(numSteps) + size_t(step)]);
  return last;
}
