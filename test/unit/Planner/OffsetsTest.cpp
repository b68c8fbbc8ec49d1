//===- OffsetsTest.cpp - Addresses against brute force ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Offsets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

using namespace spillway::planner;
using ::testing::HasSubstr;

namespace {

bool meet(const OffsetItem &a, const OffsetItem &b) {
  for (const Interval &x : a.live)
    for (const Interval &y : b.live)
      if (std::max(x.begin, y.begin) < std::min(x.end, y.end))
        return true;
  return false;
}

/// The lowest height there is: in some order, each item as low as it goes on
/// top of those before it that it meets, or on the ground, gives it.
uint64_t bruteForce(const std::vector<OffsetItem> &items, uint64_t alignment) {
  std::vector<uint32_t> order(items.size());
  std::iota(order.begin(), order.end(), 0);
  uint64_t best = UINT64_MAX;
  do {
    std::vector<uint64_t> offsets(items.size());
    uint64_t height = 0;
    for (size_t k = 0; k < order.size(); ++k) {
      uint64_t at = 0;
      for (size_t j = 0; j < k; ++j)
        if (meet(items[order[j]], items[order[k]]))
          at = std::max(at, offsets[order[j]] + items[order[j]].bytes);
      offsets[order[k]] = (at + alignment - 1) / alignment * alignment;
      height = std::max(height, offsets[order[k]] + items[order[k]].bytes);
    }
    best = std::min(best, (height + alignment - 1) / alignment * alignment);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

/// Some items wrap around the step's end, some touch themselves.
std::vector<OffsetItem> randomItems(std::mt19937 &random, uint32_t n,
                                    uint32_t time, uint32_t unit) {
  auto pick = [&](uint32_t from, uint32_t to) {
    return from + uint32_t(random() % (to - from));
  };
  std::vector<OffsetItem> items;
  while (items.size() < n) {
    OffsetItem item;
    item.bytes = pick(1, 9) * unit - (unit > 1 ? pick(0, unit) : 0);
    uint32_t a = pick(0, time), b = pick(0, time);
    if (a < b)
      item.live = {{a, b}};
    else if (a > b)
      item.live = {{a, time}, {0, b}};
    else
      continue;
    if (pick(0, 4) == 0) // handed on from one lifetime to the next
      item.live.push_back({item.live[0].end, std::min(time, a + b)});
    if (item.live.back().begin > item.live.back().end)
      item.live.pop_back();
    items.push_back(item);
  }
  return items;
}

TEST(Offsets, MatchesBruteForceOnTinyInstances) {
  std::mt19937 random(1);
  uint32_t aboveLoad = 0;
  for (uint32_t round = 0; round < 300; ++round) {
    uint64_t alignment = round % 2 ? 1 : 256;
    auto items = randomItems(random, 3 + round % 5, 12, uint32_t(alignment));
    uint64_t optimum = bruteForce(items, alignment);
    OffsetOptions options;
    options.alignment = alignment;
    options.effort = 10000000;
    OffsetResult r = assignOffsets(items, options);
    EXPECT_EQ(checkOffsets(items, r.offsets), "");
    EXPECT_EQ(r.height, optimum) << "round " << round;
    // The search ends by proof, not by giving up.
    EXPECT_EQ(r.lowerBound, std::max(r.maxLoad, r.lowerBound));
    EXPECT_GT(r.lowerBound + alignment, optimum) << "round " << round;
    aboveLoad += optimum > r.maxLoad;
    for (uint64_t offset : r.offsets)
      EXPECT_EQ(offset % alignment, 0u);
    // The target is met where it can be, and told to be impossible where not.
    options.target = optimum;
    EXPECT_LE(assignOffsets(items, options).height, optimum);
    options.target = optimum - 1;
    EXPECT_GT(assignOffsets(items, options).lowerBound, options.target);
  }
  // Else the exact search had nothing to do.
  EXPECT_GT(aboveLoad, 10u);
}

/// A packing of a full rectangle, cut into pieces: the optimum is its height,
/// and nothing may be wasted anywhere.
/// `lows`: where each piece is in the rectangle.
std::vector<OffsetItem> cutRectangle(std::mt19937 &random, uint32_t pieces,
                                     std::vector<uint64_t> *lows = nullptr) {
  struct Box {
    uint32_t t0, t1;
    uint64_t y0, y1;
  };
  std::vector<Box> boxes = {{0, 64, 0, 1024}};
  while (boxes.size() < pieces) {
    size_t i = random() % boxes.size();
    Box b = boxes[i], c = b;
    if (random() % 2 && b.t1 - b.t0 > 1)
      b.t1 = c.t0 = b.t0 + 1 + uint32_t(random() % (b.t1 - b.t0 - 1));
    else if (b.y1 - b.y0 > 1)
      b.y1 = c.y0 = b.y0 + 1 + random() % (b.y1 - b.y0 - 1);
    else
      continue;
    boxes[i] = b;
    boxes.push_back(c);
  }
  std::vector<OffsetItem> items;
  for (const Box &b : boxes) {
    items.push_back({b.y1 - b.y0, {{b.t0, b.t1}}, {}});
    if (lows)
      lows->push_back(b.y0);
  }
  return items;
}

TEST(Offsets, SolvesPerfectPackings) {
  std::mt19937 random(7);
  for (uint32_t round = 0; round < 5; ++round) {
    auto items = cutRectangle(random, 40);
    OffsetOptions options;
    options.alignment = 1;
    options.target = 1024;
    options.effort = 1000000000;
    OffsetResult r = assignOffsets(items, options);
    EXPECT_EQ(r.height, 1024u) << "round " << round;
    EXPECT_EQ(checkOffsets(items, r.offsets), "");
  }
}

TEST(Offsets, LittleSlackIsEnoughForManyItems) {
  // What one pass after the other leaves too high is thrown out and put back.
  std::mt19937 random(11);
  for (uint32_t round = 0; round < 5; ++round) {
    auto items = cutRectangle(random, 300);
    OffsetOptions options;
    options.alignment = 1;
    options.target = 1024 * 104 / 100;
    OffsetResult r = assignOffsets(items, options);
    EXPECT_LE(r.height, options.target) << "round " << round;
    EXPECT_EQ(checkOffsets(items, r.offsets), "");
  }
}

TEST(Offsets, WhatOrdersLeaveTooHighMayBeLeftSo) {
  std::mt19937 random(11);
  auto items = cutRectangle(random, 300);
  OffsetOptions options;
  options.alignment = 1;
  options.target = 1024 * 102 / 100;
  options.tooFar = 1;
  OffsetResult r = assignOffsets(items, options);
  EXPECT_GT(r.height, options.target);
  EXPECT_EQ(checkOffsets(items, r.offsets), "");
  options.tooFar = double(r.height) / double(options.target);
  EXPECT_LE(assignOffsets(items, options).height, options.target);
}

TEST(Offsets, LittleSlackIsEnoughAroundGivenAddresses) {
  std::mt19937 random(5);
  for (uint32_t round = 0; round < 5; ++round) {
    std::vector<uint64_t> lows;
    auto items = cutRectangle(random, 200, &lows);
    for (size_t i = 0; i < items.size(); i += 3)
      items[i].fixed = lows[i];
    OffsetOptions options;
    options.alignment = 1;
    options.target = 1024 * 103 / 100;
    OffsetResult r = assignOffsets(items, options);
    EXPECT_LE(r.height, options.target) << "round " << round;
    EXPECT_EQ(checkOffsets(items, r.offsets), "");
    for (size_t i = 0; i < items.size(); i += 3)
      EXPECT_EQ(r.offsets[i], lows[i]);
  }
}

TEST(Offsets, TheSameNumberGivesTheSameAddresses) {
  std::mt19937 random(3);
  auto items = cutRectangle(random, 150);
  OffsetOptions options;
  options.alignment = 1;
  OffsetResult a = assignOffsets(items, options);
  OffsetResult b = assignOffsets(items, options);
  EXPECT_EQ(a.offsets, b.offsets);
  EXPECT_EQ(checkOffsets(items, a.offsets), "");
  options.effort = 0;
  a = assignOffsets(items, options);
  EXPECT_GE(a.height, b.height);
  EXPECT_EQ(checkOffsets(items, a.offsets), "");
}

TEST(Offsets, ManyItemsThatNestTakeNoSquareOfTime) {
  // Forward results that live until their backward operator, with scratch.
  // Every two of the former meet: 10^10 pairs.
  constexpr uint32_t n = 100000;
  std::vector<OffsetItem> items;
  for (uint32_t i = 0; i < n; ++i) {
    items.push_back({1000 + i * 7 % 5000, {{i, 2 * n - i}}, {}});
    items.push_back({2000, {{2 * n - i - 1, 2 * n - i}}, {}});
  }
  OffsetResult r = assignOffsets(items);
  EXPECT_EQ(checkOffsets(items, r.offsets), "");
  EXPECT_LE(double(r.height), 1.001 * double(r.maxLoad));
}

TEST(Offsets, WhatCannotBe) {
  // The load is higher than the target: no effort, still an answer.
  std::vector<OffsetItem> items = {{512, {{0, 4}}, {}}, {512, {{2, 6}}, {}}};
  OffsetOptions options;
  options.target = 600;
  OffsetResult r = assignOffsets(items, options);
  EXPECT_EQ(r.height, 1024u);
  EXPECT_EQ(r.lowerBound, 1024u);
  // No bytes, no time, nothing at all.
  items = {{0, {{0, 4}}, {}}, {256, {}, {}}, {256, {{3, 3}}, {}}};
  r = assignOffsets(items);
  EXPECT_EQ(r.height, 0u);
  EXPECT_EQ(r.offsets, std::vector<uint64_t>(3));
  EXPECT_EQ(assignOffsets({}).height, 0u);
}

TEST(Offsets, CheckSeesEveryOverlap) {
  std::vector<OffsetItem> items = {
      {100, {{0, 10}}, {}}, {50, {{5, 8}, {0, 2}}, {}}, {50, {{8, 10}}, {}}};
  EXPECT_EQ(checkOffsets(items, {0, 100, 100}), "");
  EXPECT_THAT(checkOffsets(items, {0, 99, 100}), HasSubstr("items 0 and 1"));
  EXPECT_THAT(checkOffsets(items, {0, 100, 50}), HasSubstr("items 0 and 2"));
  EXPECT_THAT(checkOffsets(items, {100, 0, 120}), HasSubstr("items 0 and 2"));
  EXPECT_THAT(checkOffsets(items, {0, 100}), HasSubstr("expected 3 offsets"));
  EXPECT_THAT(checkOffsets(items, {0, 100, UINT64_MAX - 10}),
              HasSubstr("item 2"));
}

} // namespace
