//===- ThreadPool.h - The lanes that kernels run on -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CPU_THREADPOOL_H
#define SPILLWAY_RUNTIME_CPU_THREADPOOL_H

#include "Futex.h"
#include "spillway/kernel.h"

#include <thread>
#include <vector>

namespace spillway::rt {

/// `lanes - 1` threads beside the one that calls; tasks are handed out one by
/// one in ascending order, so that an uneven or disturbed machine costs little.
/// One job at a time. Nothing is allocated but by the constructor.
class ThreadPool {
public:
  explicit ThreadPool(int lanes);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  spw_pool *handle() { return &face.pool; }

private:
  using Body = void (*)(void *context, int64_t task, int32_t lane);
  struct Face {
    spw_pool pool; // first: kernels are given its address
    ThreadPool *self;
  };

  static void parallelFor(spw_pool *pool, int64_t tasks, Body body,
                          void *context);
  void runJob(uint32_t tasks, int64_t firstTask, Body body, void *context);
  bool runOne(uint32_t job, int32_t lane);
  void work(int32_t lane);

  Face face;
  std::vector<std::thread> threads;

  // The present job. Its fields change only when all its tasks are done, so
  // who has claimed a task may read them.
  Body body = nullptr;
  void *context = nullptr;
  int64_t firstTask = 0;
  uint32_t numTasks = 0;

  // High half: the job's number; low half: how many tasks nobody has claimed.
  // Claiming compares both: a late thread cannot take a task of another job.
  alignas(64) std::atomic<uint64_t> ticket{0};
  alignas(64) std::atomic<uint32_t> numDone{0};
  std::atomic<uint32_t> callerSleeps{0};
  alignas(64) std::atomic<uint32_t> jobNumber{0};
  std::atomic<uint32_t> sleepers{0};
  std::atomic<uint32_t> numReady{0};
  std::atomic<bool> stopping{false};
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CPU_THREADPOOL_H
