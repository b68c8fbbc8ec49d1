//===- ThreadPool.h - A pool of threads for tests and benchmarks *- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stand-in for the runtime's own: lane 0 is the caller, tasks are taken from
// a counter. Workers spin for a while before they sleep.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CONFORMANCE_THREADPOOL_H
#define SPILLWAY_RUNTIME_CONFORMANCE_THREADPOOL_H

#include "spillway/kernel.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace spillway::conformance {

class ThreadPool {
public:
  explicit ThreadPool(int lanes);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  spw_pool *pool() { return &interface.pool; }

private:
  using Body = void (*)(void *, int64_t, int32_t);
  void parallelFor(int64_t tasks, Body body, void *context);
  void work(int32_t lane);
  void takeTasks(int32_t lane);

  struct Interface {
    spw_pool pool; // first, so that a pointer to it is one to this
    ThreadPool *owner;
  } interface;
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> generation = 0;
  std::atomic<bool> stopping = false;
  std::atomic<int64_t> next = 0;
  std::atomic<int> busy = 0;
  int64_t tasks = 0;
  Body body = nullptr;
  void *context = nullptr;
  std::vector<std::thread> threads;
};

} // namespace spillway::conformance

#endif // SPILLWAY_RUNTIME_CONFORMANCE_THREADPOOL_H
