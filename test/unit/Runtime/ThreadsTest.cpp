//===- ThreadsTest.cpp - Pool, counters and wires ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "core/Recorder.h"
#include "cpu/Futex.h"
#include "cpu/ThreadPool.h"
#include "cpu/Wire.h"

#include "gtest/gtest.h"

#include <thread>
#include <vector>

using namespace spillway::rt;

namespace {
struct Job {
  std::vector<std::atomic<int>> runs;
  std::vector<std::atomic<int>> onLane;
  std::atomic<bool> laneShared{false};
};
} // namespace

static void runJob(ThreadPool &pool, int64_t tasks) {
  Job job{std::vector<std::atomic<int>>(size_t(tasks)),
          std::vector<std::atomic<int>>(8),
          {}};
  spw_pool *lanes = pool.handle();
  lanes->parallel_for(
      lanes, tasks,
      [](void *context, int64_t task, int32_t lane) {
        auto *job = static_cast<Job *>(context);
        if (job->onLane[size_t(lane)].fetch_add(1) != 0)
          job->laneShared = true;
        job->runs[size_t(task)].fetch_add(1);
        job->onLane[size_t(lane)].fetch_sub(1);
      },
      &job);
  for (auto &count : job.runs)
    ASSERT_EQ(count.load(), 1);
  EXPECT_FALSE(job.laneShared.load());
}

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (int lanes : {1, 2, 5}) {
    ThreadPool pool(lanes);
    EXPECT_EQ(pool.handle()->lanes, lanes);
    for (int64_t tasks : {0, 1, 2, 3, 100})
      runJob(pool, tasks);
    // Many short jobs: a thread that is late for one must not touch the next.
    for (int i = 0; i < 2000; ++i)
      runJob(pool, 3);
  }
}

TEST(ThreadPool, WakesAfterSleeping) {
  ThreadPool pool(3);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    runJob(pool, 16);
  }
}

TEST(Counter, WakesWhoeverWaits) {
  Counter counter;
  std::atomic<uint64_t> seen{0};
  std::thread waiter([&] {
    for (uint64_t i = 1; i <= 20000; ++i) {
      counter.waitFor(i, int(i % 3) * 50);
      seen.store(i);
    }
  });
  for (uint64_t i = 1; i <= 20000; ++i) {
    counter.advance();
    if (i % 1000 == 0)
      while (seen.load() < i)
        std::this_thread::yield();
  }
  waiter.join();
  EXPECT_EQ(counter.value(), 20000u);
}

TEST(Wire, ACopyTakesItsTime) {
  Wire wire;
  EmulatedLink link(wire, /*bytesPerSecond=*/1e9, /*latencyNs=*/2000000);
  std::vector<char> from(5000000, 'x'), to(from.size());
  int64_t begin = now();
  link.copy(to.data(), from.data(), from.size(), true);
  EXPECT_GE(now() - begin, 7000000); // 2 ms and 5 ms
  EXPECT_EQ(from, to);
}

TEST(Wire, WhoSharesItTakesTurns) {
  Wire wire, other;
  EXPECT_EQ(wire.occupy(100, 10), 110);
  EXPECT_EQ(wire.occupy(100, 10), 120); // somebody else's, begun as early
  EXPECT_EQ(other.occupy(100, 10), 110);
  EXPECT_EQ(wire.occupy(500, 10), 510);
}

TEST(Wire, LinksOfOneGroupTakeTurns) {
  Wire wire;
  std::vector<char> from(5000000, 'x'), a(from.size()), b(from.size());
  EmulatedLink one(wire, 5e8, 0), other(wire, 5e8, 0);
  int64_t begin = now();
  std::thread thread(
      [&] { one.copy(a.data(), from.data(), from.size(), true); });
  other.copy(b.data(), from.data(), from.size(), true);
  thread.join();
  EXPECT_GE(now() - begin, 20000000);
  EXPECT_EQ(from, a);
  EXPECT_EQ(from, b);
}
