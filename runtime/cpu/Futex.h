//===- Futex.h - Spin, then sleep -------------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CPU_FUTEX_H
#define SPILLWAY_RUNTIME_CPU_FUTEX_H

#include <atomic>
#include <cstdint>

namespace spillway::rt {

inline void pauseBriefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Sleeps while `*word == expected`; may wake early.
void futexWait(const std::atomic<uint32_t> &word, uint32_t expected);
void futexWakeAll(const std::atomic<uint32_t> &word);

/// A number that only rises, that one thread advances and others wait for.
class Counter {
public:
  uint64_t value() const { return count.load(std::memory_order_acquire); }
  void reset() { count.store(0, std::memory_order_relaxed); }

  void advance() {
    count.store(count.load(std::memory_order_relaxed) + 1,
                std::memory_order_seq_cst);
    if (sleepers.load(std::memory_order_seq_cst))
      wake();
  }

  /// Waits until the number is at least `target`, spinning for the first
  /// `spins` looks: a spinning thread reacts at once but takes a core.
  void waitFor(uint64_t target, int spins) {
    for (int i = 0; i <= spins; ++i) {
      if (value() >= target)
        return;
      pauseBriefly();
    }
    sleepUntil(target);
  }

private:
  void wake();
  void sleepUntil(uint64_t target);

  alignas(64) std::atomic<uint64_t> count{0};
  std::atomic<uint32_t> sleepers{0};
  // Changes with every wake-up, for the futex.
  std::atomic<uint32_t> epoch{0};
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CPU_FUTEX_H
