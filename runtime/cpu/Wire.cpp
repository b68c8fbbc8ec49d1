//===- Wire.cpp - A link that takes its time --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Wire.h"
#include "../core/Recorder.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <sys/prctl.h>

using namespace spillway::rt;

void spillway::rt::makeSleepsPrecise() { prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); }

static void sleepUntil(int64_t time) {
  timespec until = {time_t(time / 1000000000), long(time % 1000000000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) !=
         0) {
  }
}

int64_t Wire::occupy(int64_t earliest, int64_t duration) {
  std::lock_guard<std::mutex> lock(mutex);
  freeAt = std::max(freeAt, earliest) + duration;
  return freeAt;
}

void EmulatedLink::copy(void *to, const void *from, uint64_t bytes,
                        bool blocked) {
  // A millisecond's worth at a time: the memcpy, which steals a core from the
  // compute lanes, is spread over the copy, and the wire is shared fairly.
  constexpr int64_t sliceNs = 1000000;
  uint64_t slice = uint64_t(std::clamp(
      bytesPerSecond * (double(sliceNs) * 1e-9), 65536.0, 4194304.0));
  int64_t time = now();
  if (!blocked && time - lastEnd < sliceNs)
    time = lastEnd;
  time += latencyNs;
  for (uint64_t done = 0; done < bytes;) {
    uint64_t piece = std::min(slice, bytes - done);
    // A bandwidth so low that the time does not fit is as good as a year.
    double ns = std::min(double(piece) / bytesPerSecond * 1e9, 3e16);
    time = wire.occupy(time, int64_t(ns));
    std::memcpy(static_cast<char *>(to) + done,
                static_cast<const char *>(from) + done, piece);
    sleepUntil(time);
    done += piece;
  }
  lastEnd = time;
}
