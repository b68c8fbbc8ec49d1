//===- RepeatBlocksTest.cpp - Repetitions block by block --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/RepeatBlocks.h"
#include "Planner/FusedBlocks.h"
#include "Planner/GroupPlanner.h"
#include "Planner/LoopLayout.h"
#include "Planner/RepeatGroups.h"
#include "Repeated.h"
#include "spillway/Planner/RepeatBound.h"
#include "spillway/Planner/Verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

const Policy &joint() {
  for (const Policy &p : allPolicies())
    if (p.name == std::string("joint"))
      return p;
  std::abort();
}

/// Two layers that read and change parameters of their own, over what each
/// hands on: f0 f1 b1 b0.
Problem makeTwoLayers() {
  Problem p;
  p.machine = makeMachine(true, true, 1000000000);
  auto storage = [&](StorageKind kind, uint64_t bytes) {
    Storage s;
    s.id = uint32_t(p.storages.size());
    s.bytes = bytes;
    s.kind = kind;
    p.storages.push_back(s);
  };
  auto op = [&](const char *name, std::vector<Access> reads,
                std::vector<Access> writes, std::vector<Access> updates) {
    Operator o;
    o.id = uint32_t(p.operators.size());
    o.name = name;
    o.costNs = {10};
    o.reads = std::move(reads);
    o.writes = std::move(writes);
    o.updates = std::move(updates);
    o.recomputable = o.updates.empty();
    p.operators.push_back(o);
  };
  storage(StorageKind::Fed, 8);          // 0 x
  storage(StorageKind::Persistent, 256); // 1 w0
  storage(StorageKind::Persistent, 256); // 2 w1
  storage(StorageKind::Temporary, 8);    // 3 y0
  storage(StorageKind::Temporary, 8);    // 4 y1
  storage(StorageKind::Temporary, 8);    // 5 d1
  op("f0", {{0}, {1}}, {{3}}, {});
  op("f1", {{3}, {2}}, {{4}}, {});
  op("b1", {{4}}, {{5}}, {{2}});
  op("b0", {{5}}, {}, {{1}});
  p.repeats = {{0, 3, 6}};
  return p;
}

TEST(RepeatBlocks, RunForOneRepetitionAfterTheOther) {
  Problem p = makeTwoLayers();
  ASSERT_THAT(p.check(), IsEmpty());
  // What f0 reads, b0 changes for the next repetition: they must not be apart.
  EXPECT_FALSE(interleaveRepetitions(p, 0, 3, 100));
  EXPECT_FALSE(interleaveRepetitions(p, 0, 3, 256));
  auto b = interleaveRepetitions(p, 0, 3, 1000);
  ASSERT_TRUE(b);
  EXPECT_EQ(b->problem.repeats[0].count, 2u);

  // Gradients are what layers change, each in one place.
  for (int k = 0; k < 2; ++k) {
    Storage s = p.storages[1];
    s.id = uint32_t(p.storages.size());
    p.storages.push_back(s);
  }
  p.operators[2].updates = {{7}};
  p.operators[2].reads.push_back({2});
  p.operators[3].updates = {{6}};
  p.operators[3].reads.push_back({1});
  auto names = [&](uint64_t bytes) {
    auto blocks = interleaveRepetitions(p, 0, 3, bytes);
    EXPECT_THAT(blocks->problem.check(), IsEmpty());
    std::vector<std::string> out;
    for (uint32_t at = 0; at < blocks->problem.operators.size(); ++at) {
      Copy c = blocks->operators[at];
      out.push_back(p.operators[c.index].name + "." +
                    std::to_string(c.repetition));
    }
    return out;
  };
  EXPECT_THAT(names(512),
              ElementsAre("f0.0", "f1.0", "f0.1", "f1.1", "f0.2", "f1.2",
                          "b1.0", "b1.1", "b1.2", "b0.0", "b0.1", "b0.2"));
  EXPECT_THAT(names(1),
              ElementsAre("f0.0", "f0.1", "f0.2", "f1.0", "f1.1", "f1.2",
                          "b1.0", "b1.1", "b1.2", "b0.0", "b0.1", "b0.2"));
}

TEST(RepeatBlocks, EndWhereLeastGoesOn) {
  Problem p = makeTwoLayers();
  Problem wide = p; // operators in a row: three of four hand on much
  wide.operators.clear();
  wide.storages.resize(1);
  for (uint32_t k = 0; k < 40; ++k) {
    Storage w = p.storages[1], y = p.storages[3];
    w.id = 100 + k, y.id = 200 + k;
    w.bytes = 100, y.bytes = k % 4 == 2 ? 8 : 800;
    wide.storages.push_back(w);
    wide.storages.push_back(y);
    Operator o = p.operators[0];
    o.id = k;
    o.reads = {{k ? 2 * k : 0}, {2 * k + 1}};
    o.writes = {{2 * k + 2}};
    wide.operators.push_back(o);
  }
  wide.repeats = {{0, 39, 2}};
  ASSERT_THAT(wide.check(), IsEmpty());
  auto blocks = interleaveRepetitions(wide, 0, 2, 800);
  ASSERT_TRUE(blocks);
  uint32_t ends = 0;
  for (uint32_t at = 1; at < 80; ++at) {
    Copy before = blocks->operators[at - 1], here = blocks->operators[at];
    if (before.repetition == 1 && here.repetition == 0) {
      EXPECT_EQ(before.index % 4, 2u);
      ++ends;
    }
  }
  EXPECT_GE(ends, 4u);
}

TEST(RepeatBlocks, PlansAreRight) {
  PlanOptions options;
  options.fixedOrder = false;
  uint32_t planned = 0, written = 0;
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    TrainingOptions training;
    training.seed = seed;
    training.layers = 3 + seed % 3;
    training.nvme = seed % 2;
    uint32_t turns = 2 + uint32_t(seed % 3), size = 1 + uint32_t(seed % 2);
    bool loop = seed % 4 < 2;
    Problem p = makeRepeated(training, turns * size * (loop ? 4 : 1));
    Problem g = groupRepetitions(p, 0, size);
    auto blocks = interleaveRepetitions(g, 0, turns, 4000);
    ASSERT_TRUE(blocks) << seed;
    ASSERT_THAT(blocks->problem.check(), IsEmpty());
    uint64_t floor = floorBytes(unroll(g, {2}).problem)[0];
    std::vector<uint64_t> budgets(training.nvme ? 3 : 2, unlimited);
    budgets[0] = floor * (4 + seed % 5) / 2;
    if (loop) {
      LoopPlan r = planLoop(blocks->problem, joint(), options, budgets, 0);
      if (!r.ok)
        continue;
      ++planned;
      Plan split = splitBlocks(g, 0, *blocks, r.plan, r.layout);
      EXPECT_EQ(verifyPlan(g, split, budgets).error, "") << seed;
      EXPECT_EQ(checkLoopLayout(g, split, r.layout), "") << seed;
      split = splitGroups(p, 0, size, g, split, r.layout);
      EXPECT_EQ(verifyPlan(p, split, budgets).error, "") << seed;
      EXPECT_EQ(checkLoopLayout(p, split, r.layout), "") << seed;
      continue;
    }
    GroupPlanner planner(p, joint(), options, budgets);
    GroupPlan r = planner.find({size, turns}, 1);
    ASSERT_TRUE(r.ok) << seed << r.reason;
    ++written;
    EXPECT_EQ(verifyPlan(p, r.plan, budgets).error, "") << seed;
    EXPECT_EQ(checkLoopLayout(p, r.plan, r.layout), "") << seed;
    EXPECT_GE(r.stepNs, stepLowerBoundNs(p, budgets, true)) << seed;
  }
  EXPECT_GE(planned, 6u);
  EXPECT_EQ(written, 8u);
}

TEST(GroupPlanner, BlocksTakeTurnsWhereOperatorsNeedMuch) {
  TrainingOptions training;
  training.layers = 8;
  training.nvme = true;
  training.activationBytes = 2000;
  training.parameterBytes = 40000;
  training.opNs = 3000;
  Problem p = makeRepeated(training, 16);
  uint64_t state = 0;
  for (Operator &op : p.operators)
    op.workspace = 0;
  for (const Storage &s : p.storages)
    state += s.kind == StorageKind::Persistent ? s.bytes : 0;
  PlanOptions options;
  options.budgets = {floorBytes(unroll(p, {2}).problem)[0] * 3 / 2, state / 4,
                     unlimited};
  options.iterations = 1;
  options.fixedOrder = false;
  GroupPlanner planner(p, joint(), options, options.budgets);
  int64_t bound = stepLowerBoundNs(p, options.budgets, true);
  GroupPlan best = planner.findBest(bound, std::nullopt);
  ASSERT_TRUE(best.ok) << best.reason;
  EXPECT_EQ(verifyPlan(p, best.plan, options.budgets).error, "");
  EXPECT_GE(best.stepNs, bound);
  for (uint32_t size : {1u, 2u, 4u, 8u, 16u})
    EXPECT_LT(best.stepNs, planner.find({size, 1}, 1).stepNs / 100 * 96)
        << size;
}

/// Runs in a plan of six repetitions that all take turns.
size_t runsOfTurns(uint64_t bytesPerSecond) {
  TrainingOptions training;
  training.layers = 20;
  training.opNs = 3000;
  training.bytesPerSecond = bytesPerSecond;
  Problem p = makeRepeated(training, 6);
  auto fused = fuseBlocks(p, 0, narrowBlocks(p, 0, 0.04));
  PlanOptions options;
  options.budgets = {floorBytes(fused->problem)[0] * 3 / 2, unlimited};
  options.iterations = 1;
  options.fixedOrder = false;
  GroupPlan found =
      GroupPlanner(p, joint(), options, options.budgets).findFused();
  EXPECT_TRUE(found.ok) << found.reason;
  EXPECT_EQ(verifyPlan(p, found.plan, options.budgets).error, "");
  return size_t(
      std::count_if(found.plan.actions.begin(), found.plan.actions.end(),
                    [](const Action &a) { return a.kind == ActionKind::Run; }));
}

TEST(GroupPlanner, FastLinksCarryWhatSlowOnesHaveMadeAgain) {
  size_t fast = runsOfTurns(400000000000), slow = runsOfTurns(1000000000);
  EXPECT_LT(fast, slow);
}

} // namespace
