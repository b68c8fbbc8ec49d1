//===- ThreadPool.cpp - The lanes that kernels run on -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"

#include <algorithm>

using namespace spillway::rt;

// A pause is some 40 ns: workers stay awake between the kernels of a step, but
// leave the core where a stall is longer.
static constexpr int workerSpins = 1500;
static constexpr int callerSpins = 4000;

ThreadPool::ThreadPool(int lanes) {
  face.pool.parallel_for = parallelFor;
  face.pool.lanes = std::max(lanes, 1);
  face.self = this;
  for (int32_t lane = 1; lane < face.pool.lanes; ++lane)
    threads.emplace_back([this, lane] { work(lane); });
  // What a thread's start allocates is not a step's.
  while (numReady.load() < threads.size())
    std::this_thread::yield();
}

ThreadPool::~ThreadPool() {
  stopping.store(true);
  jobNumber.fetch_add(1);
  futexWakeAll(jobNumber);
  for (std::thread &thread : threads)
    thread.join();
}

void ThreadPool::parallelFor(spw_pool *pool, int64_t tasks, Body body,
                             void *context) {
  auto *self = reinterpret_cast<Face *>(pool)->self;
  if (tasks <= 1 || self->threads.empty()) {
    for (int64_t task = 0; task < tasks; ++task)
      body(context, task, 0);
    return;
  }
  constexpr int64_t most = 1 << 30;
  for (int64_t first = 0; first < tasks; first += most)
    self->runJob(uint32_t(std::min(most, tasks - first)), first, body, context);
}

void ThreadPool::runJob(uint32_t tasks, int64_t first, Body newBody,
                        void *newContext) {
  body = newBody;
  context = newContext;
  firstTask = first;
  numTasks = tasks;
  numDone.store(0, std::memory_order_relaxed);
  uint32_t job = jobNumber.load(std::memory_order_relaxed) + 1;
  ticket.store(uint64_t(job) << 32 | tasks, std::memory_order_seq_cst);
  jobNumber.store(job, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst))
    futexWakeAll(jobNumber);

  while (runOne(job, 0)) {
  }
  for (int i = 0; i < callerSpins; ++i) {
    if (numDone.load(std::memory_order_acquire) == tasks)
      return;
    pauseBriefly();
  }
  callerSleeps.store(1, std::memory_order_seq_cst);
  for (;;) {
    uint32_t done = numDone.load(std::memory_order_seq_cst);
    if (done == tasks)
      break;
    futexWait(numDone, done);
  }
  callerSleeps.store(0, std::memory_order_relaxed);
}

/// Claims and runs a task of `job`; false where there is none left.
bool ThreadPool::runOne(uint32_t job, int32_t lane) {
  uint64_t seen = ticket.load(std::memory_order_acquire);
  do {
    if (uint32_t(seen >> 32) != job || uint32_t(seen) == 0)
      return false;
  } while (!ticket.compare_exchange_weak(
      seen, seen - 1, std::memory_order_acq_rel, std::memory_order_acquire));
  uint32_t tasks = numTasks;
  body(context, firstTask + (tasks - uint32_t(seen)), lane);
  uint32_t done = numDone.fetch_add(1, std::memory_order_seq_cst) + 1;
  if (lane != 0 && done == tasks &&
      callerSleeps.load(std::memory_order_seq_cst))
    futexWakeAll(numDone);
  return true;
}

void ThreadPool::work(int32_t lane) {
  uint32_t lastJob = 0;
  numReady.fetch_add(1);
  for (;;) {
    uint32_t job = jobNumber.load(std::memory_order_acquire);
    for (int i = 0; job == lastJob && i < workerSpins; ++i) {
      pauseBriefly();
      job = jobNumber.load(std::memory_order_acquire);
    }
    while (job == lastJob) {
      sleepers.fetch_add(1, std::memory_order_seq_cst);
      futexWait(jobNumber, lastJob);
      sleepers.fetch_sub(1, std::memory_order_relaxed);
      job = jobNumber.load(std::memory_order_acquire);
    }
    if (stopping.load(std::memory_order_acquire))
      return;
    lastJob = job;
    while (runOne(job, lane)) {
    }
  }
}
