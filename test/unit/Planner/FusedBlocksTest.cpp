//===- FusedBlocksTest.cpp - Blocks of repetitions as operators -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/FusedBlocks.h"
#include "Planner/Attempt.h"
#include "Planner/LoopLayout.h"
#include "Planner/RepeatBlocks.h"
#include "Repeated.h"
#include "spillway/Planner/Planner.h"
#include "spillway/Planner/Simulator.h"
#include "spillway/Planner/Verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

namespace {

/// Three layers of two operators, over what each hands on: up makes much of
/// what comes in, down little of that. Each layer's backward operator reads
/// what up made. Storages and operators by name.
struct Layers {
  Problem p;
  std::map<std::string, uint32_t> s, o;

  Layers() {
    p.machine = makeMachine(true, true, 1000000000);
    storage("fed", StorageKind::Fed, 8);
    storage("x0", StorageKind::Temporary, 100);
    for (const char *i : {"0", "1", "2"}) {
      storage(std::string("w") + i, StorageKind::Persistent, 300);
      storage(std::string("a") + i, StorageKind::Temporary, 300);
      storage(std::string("h") + i, StorageKind::Temporary, 1000);
    }
    for (const char *name : {"x1", "x2", "x3", "g0", "g1", "g2", "g3"})
      storage(name, StorageKind::Temporary, 100);
    for (const char *i : {"0", "1", "2"})
      op(std::string("zero") + i, {}, {std::string("a") + i}, {});
    op("in", {"fed"}, {"x0"}, {});
    for (int i = 0; i < 3; ++i) {
      std::string at = std::to_string(i), next = std::to_string(i + 1);
      op("up" + at, {"x" + at, "w" + at}, {"h" + at}, {});
      op("down" + at, {"h" + at}, {"x" + next}, {});
    }
    op("loss", {"x3"}, {"g3"}, {});
    for (int i = 2; i >= 0; --i) {
      std::string at = std::to_string(i), next = std::to_string(i + 1);
      op("back" + at, {"g" + next, "h" + at, "w" + at}, {"g" + at}, {"a" + at});
    }
    for (const char *i : {"0", "1", "2"})
      op(std::string("update") + i, {std::string("a") + i}, {},
         {std::string("w") + i});
    p.repeats = {{o["in"], o["back0"], 4}};
  }
  void storage(std::string name, StorageKind kind, uint64_t bytes) {
    Storage x;
    x.id = s[name] = uint32_t(p.storages.size());
    x.name = name;
    x.bytes = bytes;
    x.kind = kind;
    p.storages.push_back(x);
  }
  void op(std::string name, std::vector<std::string> reads,
          std::vector<std::string> writes, std::vector<std::string> updates) {
    Operator x;
    x.id = o[name] = uint32_t(p.operators.size());
    x.name = name;
    x.costNs = {int64_t(10 + p.operators.size())};
    x.workspace = 40;
    for (const std::string &n : reads)
      x.reads.push_back({s.at(n)});
    for (const std::string &n : writes)
      x.writes.push_back({s.at(n)});
    for (const std::string &n : updates)
      x.updates.push_back({s.at(n)});
    x.recomputable = updates.empty();
    p.operators.push_back(x);
  }
  std::vector<uint32_t> ends() const {
    std::vector<uint32_t> out;
    for (const char *n :
         {"down0", "down1", "down2", "loss", "back2", "back1", "back0"})
      out.push_back(o.at(n));
    return out;
  }
  std::vector<std::string> steps(const FusedBlocks &f, uint32_t block) const {
    std::vector<std::string> out;
    for (uint32_t at : f.blocks[block].operators)
      out.push_back(p.operators[at].name);
    return out;
  }
  /// What the operator of a block and a repetition accesses.
  std::vector<std::string> names(const FusedBlocks &f, uint32_t block,
                                 std::vector<Access> Operator::*list) const {
    std::vector<std::string> out;
    for (uint32_t at = 0; at < f.operators.size(); ++at)
      if (f.operators[at].block == int32_t(block) &&
          f.operators[at].repetition == 2)
        for (const Access &a : f.problem.operators[at].*list)
          out.push_back(f.problem.storages[a.storage].name);
    return out;
  }
};

TEST(FusedBlocks, ABackwardBlockBeginsWithWhatItNeedsAgain) {
  Layers l;
  ASSERT_THAT(l.p.check(), IsEmpty());
  auto f = fuseBlocks(l.p, 0, l.ends());
  ASSERT_TRUE(f);
  ASSERT_THAT(f->problem.check(), IsEmpty());
  EXPECT_THAT(l.steps(*f, 0), ElementsAre("in", "up0", "down0"));
  EXPECT_THAT(l.steps(*f, 1), ElementsAre("up1", "down1"));
  EXPECT_THAT(l.steps(*f, 4), ElementsAre("up2", "back2"));
  EXPECT_THAT(l.steps(*f, 5), ElementsAre("up1", "back1"));
  // What came in is made again as well: it does not go on to the next block.
  EXPECT_THAT(l.steps(*f, 6), ElementsAre("in", "up0", "back0"));
  EXPECT_EQ(f->blocks[5].madeAgain, 1u);
  EXPECT_EQ(f->blocks[6].madeAgain, 2u);
  using ::testing::StartsWith;
  EXPECT_THAT(l.names(*f, 5, &Operator::reads),
              UnorderedElementsAre(StartsWith("x1"), StartsWith("g2"), "w1"));
  EXPECT_THAT(l.names(*f, 5, &Operator::writes), ElementsAre(StartsWith("g1")));
  EXPECT_THAT(l.names(*f, 5, &Operator::updates), ElementsAre("a1"));
  // Each block for one repetition after the other; what is around them where
  // it is needed.
  std::vector<std::string> order;
  for (uint32_t at = 0; at < f->operators.size(); ++at) {
    const FusedBlocks::Origin &o = f->operators[at];
    order.push_back(o.block < 0 ? f->problem.operators[at].name
                                : std::to_string(o.block) + "." +
                                      std::to_string(o.repetition));
  }
  EXPECT_THAT(order, ElementsAre("0.0", "0.1", "0.2", "0.3", "1.0", "1.1",
                                 "1.2", "1.3", "2.0", "2.1", "2.2", "2.3",
                                 "3.0", "3.1", "3.2", "3.3", "zero2", "4.0",
                                 "4.1", "4.2", "4.3", "update2", "zero1", "5.0",
                                 "5.1", "5.2", "5.3", "update1", "zero0", "6.0",
                                 "6.1", "6.2", "6.3", "update0"));
}

TEST(FusedBlocks, WhatIsGoneWithinIsWorkspace) {
  Layers l;
  auto f = fuseBlocks(l.p, 0, l.ends());
  ASSERT_TRUE(f);
  const BlockSteps &b = f->blocks[6]; // in, up0, back0: x0, h0, g0
  EXPECT_THAT(b.ends, ElementsAre(IsEmpty(), ElementsAre(l.s["x0"]),
                                  ElementsAre(l.s["h0"], l.s["g0"])));
  for (uint32_t at = 0; at < f->operators.size(); ++at) {
    const Operator &op = f->problem.operators[at];
    if (f->operators[at].block == 6) {
      // up0 has x0 and h0 and workspace, back0 g0 instead of x0.
      EXPECT_EQ(op.workspace, 1024u + 256 + 256);
      EXPECT_EQ(op.costNs[0], 3 * 10 + l.o["in"] + l.o["up0"] + l.o["back0"]);
      EXPECT_FALSE(op.recomputable);
    } else if (f->operators[at].block == 1) {
      EXPECT_EQ(op.workspace, 1024u + 256);
      EXPECT_TRUE(op.recomputable);
    }
  }
  for (const Storage &s : f->problem.storages)
    EXPECT_FALSE(s.name[0] == 'h' || s.name.substr(0, 2) == "x0") << s.name;
}

TEST(FusedBlocks, WhatCannotBeMadeAgainWaits) {
  using ::testing::Contains;
  using ::testing::StartsWith;
  Layers random;
  random.p.operators[random.o["up1"]].recomputable = false;
  auto f = fuseBlocks(random.p, 0, random.ends());
  ASSERT_TRUE(f);
  EXPECT_THAT(random.steps(*f, 5), ElementsAre("back1"));
  EXPECT_THAT(random.names(*f, 5, &Operator::reads),
              Contains(StartsWith("h1")));
  // Nor what is made from what cannot, and is gone by then.
  Layers from;
  from.p.operators[from.o["in"]].recomputable = false;
  f = fuseBlocks(from.p, 0, from.ends());
  ASSERT_TRUE(f);
  EXPECT_THAT(from.steps(*f, 6), ElementsAre("back0"));
  // What was changed since is no longer what it was made from.
  Layers changed;
  changed.p.operators[changed.o["loss"]].updates = {{changed.s["x1"]}};
  changed.p.operators[changed.o["loss"]].recomputable = false;
  f = fuseBlocks(changed.p, 0, changed.ends());
  ASSERT_TRUE(f);
  EXPECT_THAT(changed.steps(*f, 5), ElementsAre("back1"));
  EXPECT_THAT(changed.steps(*f, 4), ElementsAre("up2", "back2"));
  // What others read, or is an output, waits in any case.
  Layers seen;
  seen.p.operators[seen.o["update2"]].reads.push_back({seen.s["h0"]});
  seen.p.storages[seen.s["h1"]].output = true;
  f = fuseBlocks(seen.p, 0, seen.ends());
  ASSERT_TRUE(f);
  EXPECT_THAT(seen.steps(*f, 5), ElementsAre("back1"));
  EXPECT_THAT(seen.steps(*f, 6), ElementsAre("back0"));
}

TEST(FusedBlocks, WhatWaitsIsThereWhereItIsMadeOnceMore) {
  using ::testing::Contains;
  using ::testing::Not;
  using ::testing::StartsWith;
  // up1 makes something else as well, which goes on to the next block.
  Layers l;
  l.storage("z", StorageKind::Temporary, 100);
  l.p.operators[l.o["up1"]].writes.push_back({l.s["z"]});
  l.p.operators[l.o["up2"]].reads.push_back({l.s["z"]});
  ASSERT_THAT(l.p.check(), IsEmpty());
  auto f = fuseBlocks(l.p, 0, l.ends());
  ASSERT_TRUE(f);
  ASSERT_THAT(f->problem.check(), IsEmpty());
  EXPECT_THAT(l.steps(*f, 5), ElementsAre("up1", "back1"));
  EXPECT_THAT(l.names(*f, 1, &Operator::writes), Contains(StartsWith("z")));
  EXPECT_THAT(l.names(*f, 5, &Operator::reads), Contains(StartsWith("z")));
  EXPECT_THAT(l.names(*f, 5, &Operator::writes),
              Not(Contains(StartsWith("z"))));
}

TEST(FusedBlocks, AShareOfWhatWouldBeMadeAgainWaits) {
  using ::testing::Contains;
  using ::testing::StartsWith;
  // One of three alike ones: that of the middle.
  Layers l;
  auto f = fuseBlocks(l.p, 0, l.ends(), 0.36);
  ASSERT_TRUE(f);
  ASSERT_THAT(f->problem.check(), IsEmpty());
  EXPECT_THAT(l.steps(*f, 4), ElementsAre("up2", "back2"));
  EXPECT_THAT(l.steps(*f, 5), ElementsAre("back1"));
  EXPECT_THAT(l.names(*f, 1, &Operator::writes), Contains(StartsWith("h1")));
  EXPECT_THAT(l.names(*f, 5, &Operator::reads), Contains(StartsWith("h1")));
  EXPECT_THAT(l.steps(*f, 6), ElementsAre("in", "up0", "back0"));
  // What takes longest a byte first, as far as it goes.
  Layers dear;
  dear.p.operators[dear.o["up0"]].costNs = {1000};
  f = fuseBlocks(dear.p, 0, dear.ends(), 0.36);
  ASSERT_TRUE(f);
  EXPECT_THAT(dear.steps(*f, 4), ElementsAre("up2", "back2"));
  EXPECT_THAT(dear.steps(*f, 5), ElementsAre("up1", "back1"));
  EXPECT_THAT(dear.steps(*f, 6), ElementsAre("back0"));
  f = fuseBlocks(l.p, 0, l.ends(), 1);
  ASSERT_TRUE(f);
  for (const BlockSteps &b : f->blocks)
    EXPECT_EQ(b.madeAgain, 0u);
}

TEST(FusedBlocks, NarrowOnesEndWhereLeastGoesOn) {
  TrainingOptions training;
  training.layers = 12;
  Problem p = makeRepeated(training, 2);
  const Repeat &r = p.repeats[0];
  std::vector<uint32_t> few = narrowBlocks(p, 0, 0.05),
                        more = narrowBlocks(p, 0, 0.3);
  ASSERT_FALSE(few.empty());
  ASSERT_GT(more.size(), few.size());
  EXPECT_EQ(few.back(), r.last);
  EXPECT_TRUE(std::includes(more.begin(), more.end(), few.begin(), few.end()));
  // Repetitions that share what several blocks change must not take turns.
  Layers l;
  EXPECT_FALSE(narrowBlocks(l.p, 0, 0.5).empty());
  l.p.operators[l.o["back0"]].updates.push_back({l.s["a2"]});
  EXPECT_TRUE(narrowBlocks(l.p, 0, 0.9).empty());
}

const Policy &joint() {
  for (const Policy &p : allPolicies())
    if (p.name == std::string("joint"))
      return p;
  std::abort();
}

TEST(FusedBlocks, PlansAreRight) {
  PlanOptions options;
  uint32_t planned = 0;
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    TrainingOptions training;
    training.seed = seed;
    training.layers = 4 + seed % 5;
    training.nvme = seed % 2;
    Problem p = makeRepeated(training, 2 + uint32_t(seed % 4));
    auto f = fuseBlocks(p, 0, narrowBlocks(p, 0, 0.1 * double(1 + seed % 4)),
                        double(seed % 3) / 4);
    if (!f)
      continue;
    ASSERT_THAT(f->problem.check(), IsEmpty()) << seed;
    options.budgets.assign(training.nvme ? 3 : 2, unlimited);
    options.budgets[0] = floorBytes(f->problem)[0] * (4 + seed % 5) / 3;
    Analysis analysis(f->problem);
    Attempt attempt(analysis, joint(), options);
    if (!attempt.run(options.budgets, seed % 3))
      continue;
    ++planned;
    Layout layout = attempt.layout;
    Plan split = splitFused(p, *f, attempt.plan, layout);
    EXPECT_EQ(verifyPlan(p, split, options.budgets).error, "") << seed;
    EXPECT_EQ(checkLoopLayout(p, split, layout), "") << seed;
    // No later than the blocks as a whole.
    Problem written = unroll(p).problem;
    SimulationOptions sim;
    sim.budgets = options.budgets;
    sim.offsets = &layout.offsets;
    sim.workspaceOffsets = &layout.workspaces;
    EXPECT_LE(simulate(written, split, sim).stepNs, attempt.stepNs) << seed;
  }
  EXPECT_GE(planned, 12u);
}

} // namespace
