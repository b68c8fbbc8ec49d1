//===- Wire.h - A link that takes its time ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With --emulate-links a copy takes latency + bytes / bandwidth of wall time,
// so that a schedule's overlap can be measured on a machine without a slow
// link.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CPU_WIRE_H
#define SPILLWAY_RUNTIME_CPU_WIRE_H

#include <cstdint>
#include <mutex>

namespace spillway::rt {

/// What links of one group share. Pieces of concurrent copies take turns.
class Wire {
public:
  /// Takes the wire for `duration` ns as soon as it is free, but not before
  /// `earliest`; returns the time at which it is free again.
  int64_t occupy(int64_t earliest, int64_t duration);

private:
  std::mutex mutex;
  int64_t freeAt = 0;
};

/// One direction of a link, with its rate, over a wire.
class EmulatedLink {
public:
  EmulatedLink(Wire &wire, double bytesPerSecond, uint64_t latencyNs)
      : wire(wire), bytesPerSecond(bytesPerSecond),
        latencyNs(int64_t(latencyNs)) {}

  /// Copies, and returns when the copy is due. `blocked`: the copy had to wait
  /// for something; otherwise it counts as begun when the one before ended, so
  /// that late wake-ups do not add up.
  void copy(void *to, const void *from, uint64_t bytes, bool blocked);

private:
  Wire &wire;
  double bytesPerSecond;
  int64_t latencyNs;
  int64_t lastEnd = 0;
};

/// Lets the calling thread's sleeps end on time.
void makeSleepsPrecise();

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CPU_WIRE_H
