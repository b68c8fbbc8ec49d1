//===- Parallel.h - Tasks of a kernel over the pool -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The number of tasks and what each does follow from shapes alone, so that a
// result does not depend on how many threads there are.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_KERNELS_PARALLEL_H
#define SPILLWAY_RUNTIME_KERNELS_PARALLEL_H

#include "spillway/kernel.h"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace spillway::kernels {

/// Elements of a task of a kernel that is limited by memory.
inline constexpr int64_t kChunk = 32768;

/// Calls body(task, lane) for each task in [0, tasks).
template <typename Body>
void parallelFor(spw_pool *pool, int64_t tasks, const Body &body) {
  if (tasks <= 1) {
    // Waking the pool would cost more than most single tasks.
    if (tasks == 1)
      body(int64_t(0), int32_t(0));
    return;
  }
  pool->parallel_for(
      pool, tasks,
      [](void *context, int64_t task, int32_t lane) {
        (*static_cast<const Body *>(context))(task, lane);
      },
      const_cast<Body *>(&body));
}

/// The same on at most `lanes` lanes, whatever the pool has.
template <typename Body>
void parallelForLanes(spw_pool *pool, int64_t lanes, int64_t tasks,
                      const Body &body) {
  if (pool->lanes <= lanes)
    return parallelFor(pool, tasks, body);
  std::atomic<int64_t> next = 0;
  parallelFor(pool, std::min(lanes, tasks), [&](int64_t slot, int32_t) {
    for (int64_t task; (task = next.fetch_add(1)) < tasks;)
      body(task, int32_t(slot));
  });
}

/// Calls body(begin, end) for pieces of [0, total) of `chunk` each.
template <typename Body>
void parallelChunks(spw_pool *pool, int64_t total, int64_t chunk,
                    const Body &body) {
  chunk = std::max<int64_t>(chunk, 1);
  parallelFor(pool, (total + chunk - 1) / chunk, [&](int64_t task, int32_t) {
    body(task * chunk, std::min(total, (task + 1) * chunk));
  });
}

/// Calls body(begin, end) for groups of rows of about kChunk elements.
template <typename Body>
void parallelRows(spw_pool *pool, int64_t rows, int64_t columns,
                  const Body &body) {
  parallelChunks(pool, rows,
                 std::max<int64_t>(1, kChunk / std::max<int64_t>(1, columns)),
                 body);
}

} // namespace spillway::kernels

#endif // SPILLWAY_RUNTIME_KERNELS_PARALLEL_H
