//===- RematMovesTest.cpp - Edits of a sequence -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/RematMoves.h"
#include "Training.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <set>

using namespace spillway::planner;
using spillway::planner::testing::Random;

namespace {

/// Operators with one or two results (or none: views), few of them outputs.
RematGraph randomGraph(uint64_t seed, uint32_t n) {
  Random random(seed);
  RematGraph g;
  g.resident = random.in(0, 20);
  for (uint32_t i = 0; i < n; ++i) {
    RematOp op;
    op.cost = int64_t(random.in(0, 9));
    op.workspace = random.chance(30) ? random.in(1, 8) : 0;
    op.recomputable = !random.chance(10);
    op.members = {i};
    op.numRepeated = 1;
    std::set<uint32_t> reads;
    if (uint32_t made = uint32_t(g.bytes.size()))
      for (uint64_t k = random.in(1, 3); k > 0; --k)
        // Mostly what was made last: chains are there to be grouped.
        reads.insert(random.chance(60) ? made - 1
                                       : uint32_t(random.in(0, made - 1)));
    op.reads.assign(reads.begin(), reads.end());
    bool view = i > 0 && random.chance(20);
    for (uint64_t k = view ? 0 : random.in(1, 2); k > 0; --k) {
      op.writes.push_back(uint32_t(g.bytes.size()));
      g.bytes.push_back(random.in(1, 20));
      g.output.push_back(random.chance(10));
    }
    g.ops.push_back(std::move(op));
  }
  return g;
}

std::vector<uint32_t> givenOrder(const RematGraph &g) {
  std::vector<uint32_t> out;
  for (uint32_t i = 0; i < g.ops.size(); ++i)
    out.push_back(i);
  return out;
}

TEST(RematReplay, CountsTheLoadAtEachRun) {
  // a (4) -> b (2) -> c (1, output), which reads a as well.
  RematGraph g;
  g.bytes = {4, 2, 1};
  g.output = {false, false, true};
  g.resident = 10;
  g.onceCost = 5;
  g.ops = {{7, 0, true, {}, {0}, {0}, 1},
           {1, 3, true, {0}, {1}, {1}, 1},
           {2, 0, true, {0, 1}, {2}, {2}, 1}};
  RematReplay keep = replay(g, {0, 1, 2});
  EXPECT_TRUE(keep.valid);
  EXPECT_EQ(keep.cost, 15);
  EXPECT_EQ(keep.peak, 10u + 4 + 2 + 3);
  EXPECT_EQ(replay(g, {0, 0, 1, 2}).cost, 22);
  EXPECT_FALSE(replay(g, {0, 2, 1}).valid); // b is not there
  EXPECT_FALSE(replay(g, {0, 1}).valid);    // c never runs
}

TEST(LoadTree, TellsWhatAnArrayTells) {
  Random random(3);
  for (uint32_t slots : {1u, 2u, 7u, 64u, 100u}) {
    std::vector<double> values(slots);
    for (double &v : values)
      v = double(random.in(0, 50));
    LoadTree tree;
    tree.reset(values, 5);
    for (int k = 0; k < 300; ++k) {
      auto range = [&] {
        uint32_t a = uint32_t(random.in(0, slots - 1));
        uint32_t b = uint32_t(random.in(0, slots - 1));
        return std::pair(std::min(a, b), std::max(a, b));
      };
      auto [begin, end] = range();
      double value = double(random.in(0, 40)) - 20;
      tree.add(begin, end, value);
      for (uint32_t i = begin; i <= end; ++i)
        values[i] += value;
      double most = *std::max_element(values.begin(), values.end());
      double sum = 0;
      for (double v : values)
        sum += std::exp((v - most) / 5);
      ASSERT_EQ(tree.maximum(), most);
      ASSERT_EQ(values[tree.peakSlot()], most);
      ASSERT_NEAR(tree.softMaximum(), most + 5 * std::log(sum), 2);
      auto [b, e] = range();
      ASSERT_EQ(tree.maximum(b, e),
                *std::max_element(values.begin() + b, values.begin() + e + 1));
    }
  }
}

enum class Kind { Insert, InsertAcross, Remove, Move, Shift };

/// Every kind of move, on top of what the others have made.
TEST(RematMoves, KeepCostAndPeakAsAReplayCountsThem) {
  uint32_t kept[5] = {};
  for (bool fixedOrder : {false, true})
    for (uint64_t seed = 1; seed <= 30; ++seed) {
      RematGraph g = randomGraph(seed, 20);
      RematRandom random(seed);
      RematState state(g);
      state.reset(givenOrder(g), 70, 3);
      RematMoves moves(g, state, random, fixedOrder);
      ASSERT_EQ(state.memory().maximum(),
                double(replay(g, givenOrder(g)).peak));
      for (int k = 0; k < 400; ++k) {
        std::vector<uint32_t> before = state.sequence();
        Kind kind = Kind(random.below(5));
        uint32_t peak = state.memory().peakSlot();
        bool made = false;
        switch (kind) {
        case Kind::Insert:
          made = moves.insert(none);
          break;
        case Kind::InsertAcross:
          made = moves.insert(peak);
          break;
        case Kind::Remove:
          made = moves.remove();
          break;
        case Kind::Move:
          made = moves.move(random.below(2) ? peak : none);
          break;
        case Kind::Shift:
          made = moves.shift(none);
          break;
        }
        // One on top of another, as an exchange does it.
        if (made && random.below(3) == 0) {
          state.settle(1e9);
          made = moves.insert(state.memory().peakSlot());
        }
        // Some are given up, some refused by the memory, some not wanted.
        double bound = random.below(4) ? 1e9 : state.memory().maximum();
        if (made && state.settle(bound) && random.below(4)) {
          state.commit();
          ++kept[int(kind)];
        } else {
          state.revert();
          ASSERT_EQ(state.sequence(), before);
        }
        RematReplay now = replay(g, state.sequence());
        ASSERT_TRUE(now.valid) << "after a move of kind " << int(kind);
        ASSERT_EQ(state.cost(), now.cost);
        ASSERT_EQ(state.memory().maximum(), double(now.peak))
            << "after a move of kind " << int(kind);
        if (fixedOrder) {
          std::vector<uint32_t> firsts;
          for (uint32_t op : state.sequence())
            if (std::find(firsts.begin(), firsts.end(), op) == firsts.end())
              firsts.push_back(op);
          ASSERT_EQ(firsts, givenOrder(g));
        }
      }
    }
  for (uint32_t count : kept)
    EXPECT_GT(count, 20u);
}

/// What runs as one or with another costs the same and needs no more when it
/// runs by itself.
TEST(RematGraph, ReductionsPromiseNoLessThanTheyNeed) {
  uint32_t smaller = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    RematGraph g = randomGraph(seed, 30);
    for (bool group : {false, true}) {
      RematGraph small = reduce(g, group);
      smaller += small.ops.size() < g.ops.size();
      RematRandom random(seed);
      RematState state(small);
      RematMoves moves(small, state, random, false);
      state.reset(givenOrder(small), 100, 0);
      for (int k = 0; k < 60; ++k) {
        bool made = random.below(2) ? moves.insert(none) : moves.move(none);
        if (made && state.settle(1e9))
          state.commit();
        else
          state.revert();
      }
      RematReplay promised = replay(small, state.sequence());
      std::vector<uint32_t> sequence = expand(small, state.sequence());
      RematReplay needed = replay(g, sequence);
      ASSERT_TRUE(promised.valid);
      ASSERT_TRUE(needed.valid);
      EXPECT_EQ(needed.cost, promised.cost);
      EXPECT_LE(needed.peak, promised.peak);
      EXPECT_EQ(contract(small, uint32_t(g.ops.size()), sequence),
                state.sequence());
    }
  }
  EXPECT_GT(smaller, 60u);
}

} // namespace
