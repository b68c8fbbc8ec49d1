//===- ArenaTest.cpp - Memory of tiers --------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "cpu/Arena.h"
#include "TestFiles.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace spillway::rt;
using spillway::test::failureOf;
using ::testing::HasSubstr;

TEST(Arena, IsThereAndAligned) {
  Arena arena("device", 1000000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.data()) % 4096, 0u);
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident((1000000 + page - 1) / page);
  ASSERT_EQ(mincore(arena.data(), 1000000, resident.data()), 0);
  for (unsigned char there : resident)
    EXPECT_TRUE(there & 1);
  arena.data()[999999] = 1;
  EXPECT_EQ(arena.data()[0], 0);
}

TEST(ArenaDeathTest, EndsWhereItEnds) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  Arena arena("device", 3 * page);
  volatile uint8_t *end = arena.data() + 3 * page;
  EXPECT_DEATH(*end = 1, "");
  EXPECT_DEATH(*(arena.data() - 1) = 1, "");
}

TEST(Arena, MayBeEmpty) {
  Arena arena("host", 0);
  EXPECT_NE(arena.data(), nullptr);
}

TEST(Arena, RefusesWhatCannotBe) {
  EXPECT_THAT(failureOf([] { Arena arena("device", uint64_t(1) << 47); }),
              HasSubstr("the device arena of 140737488355328 bytes"));
}

TEST(Memory, SomeIsAvailable) {
  EXPECT_GT(availableMemory(), uint64_t(1) << 20);
  EXPECT_LT(availableMemory(), uint64_t(1) << 50);
}
