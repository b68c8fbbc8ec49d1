//===- TwoThreads.h - Independent pieces of work ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_TWOTHREADS_H
#define SPILLWAY_LIB_PLANNER_TWOTHREADS_H

#include <atomic>
#include <cstddef>
#include <thread>

namespace spillway::planner {

/// Calls `work` with 0 to n - 1, two at a time. It must not throw.
template <typename Work> void onTwoThreads(size_t n, const Work &work) {
  std::atomic<size_t> next = 0;
  auto take = [&] {
    for (size_t k; (k = next++) < n;)
      work(k);
  };
  if (n < 2)
    return take();
  std::thread second(take);
  take();
  second.join();
}

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_TWOTHREADS_H
