//===- Futex.cpp - Spin, then sleep -----------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Futex.h"

#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace spillway::rt;

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

void spillway::rt::futexWait(const std::atomic<uint32_t> &word,
                             uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void spillway::rt::futexWakeAll(const std::atomic<uint32_t> &word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

// Either the sleeper sees the new count, or the waker sees the sleeper, and
// then the epoch that the sleeper read is no longer the present one.

void Counter::wake() {
  epoch.fetch_add(1, std::memory_order_seq_cst);
  futexWakeAll(epoch);
}

void Counter::sleepUntil(uint64_t target) {
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  for (;;) {
    uint32_t seen = epoch.load(std::memory_order_seq_cst);
    if (count.load(std::memory_order_seq_cst) >= target)
      break;
    futexWait(epoch, seen);
  }
  sleepers.fetch_sub(1, std::memory_order_seq_cst);
}
