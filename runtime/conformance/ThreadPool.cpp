//===- ThreadPool.cpp - A pool of threads for tests and benchmarks --------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "conformance/ThreadPool.h"

using namespace spillway::conformance;

ThreadPool::ThreadPool(int lanes) {
  interface.owner = this;
  interface.pool.lanes = lanes;
  interface.pool.parallel_for = [](spw_pool *pool, int64_t tasks, Body body,
                                   void *context) {
    reinterpret_cast<Interface *>(pool)->owner->parallelFor(tasks, body,
                                                            context);
  };
  for (int32_t lane = 1; lane < lanes; ++lane)
    threads.emplace_back([this, lane] { work(lane); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> guard(mutex);
    stopping = true;
    ++generation;
  }
  wake.notify_all();
  for (std::thread &thread : threads)
    thread.join();
}

void ThreadPool::takeTasks(int32_t lane) {
  for (int64_t task; (task = next.fetch_add(1)) < tasks;)
    body(context, task, lane);
}

void ThreadPool::parallelFor(int64_t count, Body function, void *argument) {
  {
    std::lock_guard<std::mutex> guard(mutex);
    tasks = count;
    body = function;
    context = argument;
    next = 0;
    busy = int(threads.size());
    ++generation;
  }
  wake.notify_all();
  takeTasks(0);
  while (busy.load(std::memory_order_acquire) > 0)
    std::this_thread::yield();
}

void ThreadPool::work(int32_t lane) {
  uint64_t seen = 0;
  for (;;) {
    for (int spin = 0; spin < 2000 && generation == seen; ++spin)
      __builtin_ia32_pause();
    if (generation == seen) {
      std::unique_lock<std::mutex> lock(mutex);
      wake.wait(lock, [&] { return generation != seen; });
    }
    seen = generation;
    if (stopping)
      return;
    takeTasks(lane);
    busy.fetch_sub(1, std::memory_order_release);
  }
}
