//===- BytesOverTest.cpp - Bytes above the budget over time -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/BytesOver.h"
#include "Training.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

/// Against one bucket after the other, with ranges that go on in the next step.
TEST(BytesOver, CountsWhatEachBucketWould) {
  Random random(7);
  for (uint32_t n : {1u, 2u, 5u, 64u, 97u}) {
    std::vector<int64_t> values(n);
    for (int64_t &v : values)
      v = int64_t(random.in(0, 2000)) - 1000;
    BytesOver over(values);
    for (uint32_t round = 0; round < 300; ++round) {
      uint32_t low = uint32_t(random.in(0, n));
      uint32_t high = low + uint32_t(random.in(0, n));
      if (low == n)
        high = low;
      int64_t bytes = int64_t(random.in(1, 800));
      if (round % 3 == 0) {
        bytes = round % 2 ? bytes : -bytes;
        over.add(low, high, bytes);
        for (uint32_t b = low; b < high; ++b)
          values[b % n] += bytes;
      } else {
        int64_t sum = 0, more = 0;
        for (uint32_t b = low; b < high; ++b) {
          sum += std::clamp<int64_t>(values[b % n], 0, bytes);
          more += std::clamp<int64_t>(values[b % n] + bytes, 0, bytes);
        }
        ASSERT_EQ(over.relief(low, high, bytes), double(sum))
            << n << ": [" << low << ", " << high << ")";
        ASSERT_EQ(over.burden(low, high, bytes), double(more))
            << n << ": [" << low << ", " << high << ")";
      }
    }
    for (uint32_t b = 0; b < n; ++b)
      EXPECT_EQ(over[b], values[b]);
  }
}
