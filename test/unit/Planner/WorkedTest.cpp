//===- WorkedTest.cpp - Verifier, simulator, JSON and bounds ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Training.h"
#include "spillway/Planner/Offsets.h"
#include "spillway/Planner/Verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::HasSubstr;

namespace {

Storage storage(uint32_t id, uint64_t bytes,
                StorageKind kind = StorageKind::Temporary) {
  Storage s;
  s.id = id;
  s.bytes = bytes;
  s.kind = kind;
  return s;
}

Operator op(uint32_t id, int64_t ns, std::vector<Access> reads,
            std::vector<Access> writes, std::vector<Access> updates = {}) {
  Operator o;
  o.id = id;
  o.costNs = {ns};
  o.reads = std::move(reads);
  o.writes = std::move(writes);
  o.updates = std::move(updates);
  o.recomputable = o.updates.empty();
  return o;
}

/// x -> y; then y, w -> g; then w is updated with g. One byte a ns each way.
Problem small() {
  Problem p;
  p.machine = makeMachine(true, false, 1000000000);
  for (Link &l : p.machine.links)
    l.latencyNs = 0;
  p.alignment = 1;
  p.storages = {storage(10, 100), storage(11, 200, StorageKind::Persistent),
                storage(12, 200)};
  p.operators = {op(0, 50, {}, {{0}}), op(1, 60, {{0}, {1}}, {{2}}),
                 op(2, 40, {{2}}, {}, {{1}})};
  return p;
}

/// w lives on the host: it is loaded, used, updated and stored.
Plan swapping() {
  Plan plan;
  plan.initial = {{1, -1, 1}};
  plan.actions = {Action::run(0),          Action::load(1, -1, 1),
                  Action::run(1),          Action::free(0, -1, 0),
                  Action::run(2),          Action::free(2, -1, 0),
                  Action::store(1, -1, 1), Action::free(1, -1, 0)};
  return plan;
}

std::string verdictOf(const Problem &p, const Plan &plan,
                      const std::vector<uint64_t> &budgets = {}) {
  return verifyPlan(p, plan, budgets).error;
}

TEST(Verify, AcceptsARightPlanAndCountsItsPeak) {
  Problem p = small();
  Verdict v = verifyPlan(p, swapping());
  EXPECT_TRUE(v.ok()) << v.error;
  EXPECT_EQ(v.peakBytes, (std::vector<uint64_t>{500, 200}));
}

TEST(Verify, RejectsATierOverItsBudget) {
  EXPECT_THAT(verdictOf(small(), swapping(), {499}),
              HasSubstr("needs 500 bytes of device, expected at most 499"));
}

TEST(Verify, RejectsAMissingLoad) {
  Plan plan = swapping();
  plan.actions.erase(plan.actions.begin() + 1);
  EXPECT_THAT(verdictOf(small(), plan), HasSubstr("which is not there"));
}

TEST(Verify, RejectsAStaleHomeAtTheEnd) {
  Plan plan = swapping();
  plan.actions.erase(plan.actions.begin() + 6);
  EXPECT_THAT(verdictOf(small(), plan), HasSubstr("stale when the step ends"));
}

TEST(Verify, RejectsAStaleLoad) {
  Plan plan = swapping();
  plan.actions.erase(plan.actions.begin() + 6);
  plan.actions.push_back(Action::load(1, -1, 1));
  EXPECT_THAT(verdictOf(small(), plan), HasSubstr("is stale"));
}

TEST(Verify, RejectsARecomputeThatReadsAnUpdatedWeight) {
  Plan plan = swapping();
  plan.actions = {
      Action::run(0),         Action::load(1, -1, 1),  Action::run(1),
      Action::run(2),         Action::run(1),          Action::free(0, -1, 0),
      Action::free(2, -1, 0), Action::store(1, -1, 1), Action::free(1, -1, 0)};
  EXPECT_THAT(verdictOf(small(), plan),
              HasSubstr("after 1 updates, expected after 0"));
}

TEST(Verify, RejectsWhatIsNeverFreed) {
  Plan plan = swapping();
  plan.actions.erase(plan.actions.begin() + 5);
  EXPECT_THAT(verdictOf(small(), plan), HasSubstr("expected a free"));
}

TEST(Verify, RejectsAnOperatorThatNeverRunsOrRunsTwice) {
  Plan plan = swapping();
  plan.actions.erase(plan.actions.begin() + 4);
  EXPECT_THAT(verdictOf(small(), plan), HasSubstr("operator 2 never runs"));
  plan = swapping();
  plan.actions.insert(plan.actions.begin() + 5, Action::run(2));
  EXPECT_THAT(verdictOf(small(), plan), HasSubstr("exactly once"));
}

TEST(Verify, RejectsAPersistentStorageThatIsNowhere) {
  Plan plan = swapping();
  plan.initial.clear();
  EXPECT_THAT(verdictOf(small(), plan), HasSubstr("nowhere when the step"));
}

TEST(Verify, RejectsIndicesOutOfRange) {
  for (Action bad : {Action::run(9), Action::run(0, 7), Action::load(9, -1, 1),
                     Action::load(1, 3, 1), Action::store(0, -1, 9),
                     Action::free(2, -1, 0)}) {
    Plan plan = swapping();
    plan.actions.insert(plan.actions.begin() + 1, bad);
    EXPECT_NE(verdictOf(small(), plan), "");
  }
}

TEST(Simulator, OverlapsTransfersWithCompute) {
  // The period of the steady state: w is loaded while operator 0 runs, but may
  // not be before the step before has stored it: 200 in, 60 + 40 compute, 200
  // out, in a circle.
  Problem p = small();
  SimulationOptions options;
  options.timeline = true;
  Simulation s = simulate(p, swapping(), options);
  EXPECT_EQ(s.stepNs, 500);
  EXPECT_EQ(s.engineNs[0], 150);
  EXPECT_EQ(s.linkBytes, (std::vector<uint64_t>{200, 200}));
  EXPECT_EQ(s.peakBytes, (std::vector<uint64_t>{500, 200}));
  EXPECT_EQ(s.occupancy[0],
            (std::vector<uint64_t>{100, 300, 500, 400, 400, 200, 200, 0}));
}

TEST(Simulator, ComputeAloneTakesItsSum) {
  Problem p = small();
  Plan plan;
  plan.initial = {{1, -1, 0}};
  plan.actions = {Action::run(0), Action::run(1), Action::free(0, -1, 0),
                  Action::run(2), Action::free(2, -1, 0)};
  ASSERT_EQ(verdictOf(p, plan), "");
  EXPECT_EQ(simulate(p, plan).stepNs, 150);
}

TEST(Simulator, WaitsForBytesThatAreStillRead) {
  // Storage 0 is stored before operator 1 may take its bytes: with a budget of
  // one buffer the compute stream waits 100 ns, with two it does not.
  Problem p;
  p.machine = makeMachine(true, false, 1000000000);
  for (Link &l : p.machine.links)
    l.latencyNs = 0;
  p.alignment = 1;
  p.storages = {storage(0, 100), storage(1, 100)};
  p.storages[0].output = true;
  p.operators = {op(0, 50, {}, {{0}}), op(1, 500, {}, {{1}})};
  Plan plan;
  plan.actions = {Action::run(0), Action::store(0, -1, 1),
                  Action::free(0, -1, 0), Action::run(1),
                  Action::free(1, -1, 0)};
  ASSERT_EQ(verdictOf(p, plan), "");
  SimulationOptions options;
  options.budgets = {100};
  EXPECT_EQ(simulate(p, plan, options).stepNs, 650);
  options.budgets = {200};
  EXPECT_EQ(simulate(p, plan, options).stepNs, 550);
}

TEST(Simulator, LinksOfOneGroupTakeTurns) {
  Problem p = small();
  Plan plan = swapping();
  int64_t apart = simulate(p, plan).stepNs;
  for (Link &l : p.machine.links)
    l.group = 1;
  p.operators[0].costNs[0] = p.operators[1].costNs[0] = 0;
  p.operators[2].costNs[0] = 0;
  EXPECT_EQ(simulate(p, plan).stepNs, 400);
  EXPECT_EQ(apart, 500);
}

TEST(Machine, RoutesThroughAThirdTierAtTheSlowerRate) {
  Machine m = makeMachine(true, true, 4000000000);
  EXPECT_EQ(m.route(2, 0), (std::vector<uint32_t>{2, 0}));
  EXPECT_EQ(m.transferNs(1, 0, 4000), 100 + 1000);
  EXPECT_EQ(m.transferNs(2, 0, 4000), 100 + 1000 + 4000);
  EXPECT_TRUE(Machine::deviceOnly().route(0, 1).empty());
}

TEST(Machine, StagedTransfersTakeTheFasterLinkForTheirBytesOnly) {
  Machine m = makeMachine(true, true, 4000000000);
  EXPECT_EQ(m.way(2, 0).link, 2u);
  EXPECT_EQ(m.way(2, 0).shared, 0u);
  EXPECT_EQ(m.way(0, 2).link, 3u);
  EXPECT_EQ(m.way(0, 2).shared, 1u);
  EXPECT_EQ(m.way(1, 0).link, 0u);
  EXPECT_EQ(m.way(1, 0).shared, Machine::Way::none);
  EXPECT_EQ(Machine::deviceOnly().way(0, 1).link, Machine::Way::none);
  m.links[2].bytesPerSecond = 8000000000; // the drive is the faster one
  EXPECT_EQ(m.way(2, 0).link, 0u);
  EXPECT_EQ(m.way(2, 0).shared, 2u);
}

TEST(Simulator, OthersGoBetweenTheChunksOfAStagedTransfer) {
  // Two reads from the drive, at a quarter of the link's rate, and ten from the
  // host, in either order of issue.
  Problem p;
  p.alignment = 1;
  p.machine = makeMachine(true, true, 4000000000);
  for (Link &l : p.machine.links)
    l.latencyNs = 0;
  for (uint32_t s = 0; s < 12; ++s)
    p.storages.push_back(
        {.id = s, .bytes = 4000, .kind = StorageKind::Persistent});
  p.operators.push_back({.costNs = {1}});
  for (bool farFirst : {true, false}) {
    Plan plan;
    for (uint32_t s = 0; s < 12; ++s) {
      plan.initial.push_back({s, -1, s < 2 ? 2u : 1u});
      uint32_t which = farFirst ? s : 11 - s;
      plan.actions.push_back(Action::load(which, -1, which < 2 ? 2 : 1));
    }
    plan.actions.push_back(Action::run(0));
    for (uint32_t s = 0; s < 12; ++s)
      plan.actions.push_back(Action::free(s, -1, 0));
    ASSERT_EQ(verdictOf(p, plan), "");
    Simulation s = simulate(p, plan);
    EXPECT_EQ(s.linkNs[2], 8000);
    EXPECT_EQ(s.linkNs[0], 12000);
    // One after the other on the link would take 18000.
    EXPECT_EQ(s.stepNs, 12000);
  }
}

TEST(Json, ProblemAndPlanSurviveTheRoundTrip) {
  TrainingOptions options;
  options.nvme = true;
  Problem p = makeTraining(options);
  std::string error, text = printProblem(p);
  auto again = parseProblem(text, error);
  ASSERT_TRUE(again) << error;
  EXPECT_EQ(printProblem(*again), text);
  EXPECT_EQ(again->fingerprint(), p.fingerprint());
  PlanOptions plans;
  plans.budgets = {unconstrainedPeakBytes(p) * 2 / 3, unlimited, unlimited};
  plans.iterations = 2;
  PlanResult r = plan(p, plans);
  ASSERT_TRUE(r.feasible);
  auto back = parsePlan(printPlan(r.plan, p), p, error);
  ASSERT_TRUE(back) << error;
  EXPECT_EQ(back->actions, r.plan.actions);
  EXPECT_EQ(back->initial, r.plan.initial);
  PlanResult adopted = adopt(p, *back, plans.budgets);
  EXPECT_TRUE(adopted.feasible) << adopted.infeasible.reason;
  p.storages[0].bytes += 1;
  EXPECT_FALSE(parsePlan(printPlan(r.plan, *again), p, error));
  EXPECT_THAT(error, HasSubstr("the plan is for another problem"));
}

TEST(Json, ErrorsNameTheField) {
  std::string text = printProblem(small()), error;
  auto broken = [&](const std::string &from, const std::string &to) {
    std::string t = text;
    t.replace(t.find(from), from.size(), to);
    error.clear();
    EXPECT_FALSE(parseProblem(t, error));
    return error;
  };
  EXPECT_THAT(broken("\"bytes\":100", "\"bytes\":-1"),
              HasSubstr("storages[0].bytes: expected an integer of at least "
                        "0, found -1"));
  EXPECT_THAT(broken("\"persistent\"", "\"eternal\""),
              HasSubstr("storages[1].kind"));
  EXPECT_THAT(broken("\"reads\":[10,11]", "\"reads\":[10,99]"),
              HasSubstr("operators[1].reads[1]: expected the id of a storage, "
                        "found 99"));
  EXPECT_THAT(broken("\"version\": 1", "\"version\": 3"), HasSubstr("version"));
  EXPECT_THAT(broken("\"alignment\": 1", "\"aligment\": 1"),
              HasSubstr("unknown field 'aligment'"));
  EXPECT_THAT(broken("\"bytes\":100", "\"bytes\":100,\"bytes\":200"),
              HasSubstr("storages[0].bytes: expected the field once"));
  EXPECT_THAT(broken("\"from\":\"host\"", "\"from\":\"moon\""),
              HasSubstr("machine.links[0].from"));
}

TEST(Problem, CheckNamesTheFault) {
  auto first = [](const Problem &p) {
    auto faults = p.check();
    return faults.empty() ? std::string() : faults.front();
  };
  EXPECT_EQ(first(small()), "");
  Problem p = small();
  p.operators[0].reads = {{2, -1}};
  EXPECT_THAT(first(p), HasSubstr("operator 0 reads storage 12 before"));
  p = small();
  p.operators[2].recomputable = true;
  EXPECT_THAT(first(p), HasSubstr("cannot be recomputable"));
  p = small();
  p.storages[1].parts = {200};
  EXPECT_THAT(first(p), HasSubstr("cut points"));
  p = small();
  p.operators[1].writes = {{0, -1}};
  EXPECT_THAT(first(p), HasSubstr("which another operator has written"));
  p = small();
  p.operators[1].reads[1].part = 0;
  EXPECT_THAT(first(p), HasSubstr("expected part -1"));
  p = small();
  p.machine.links[0].bytesPerSecond = 0;
  EXPECT_THAT(first(p), HasSubstr("positive bandwidth"));
  p = small();
  p.storages[2].id = 10;
  EXPECT_THAT(first(p), HasSubstr("the id is taken"));
  p = small();
  p.operators[1].inPlace = {{2, 0}};
  EXPECT_THAT(first(p), HasSubstr("different bytes"));
}

TEST(Bounds, WhatDoesNotFitMustMove) {
  // w and its like do not fit beside the operands: the bound is the link's.
  Problem p = small();
  for (auto &o : p.operators)
    o.costNs[0] = 1;
  EXPECT_EQ(lowerBoundNs(p), 3);
  // At operator 1 everything is needed: 500 bytes. No budget below has a plan.
  EXPECT_EQ(floorBytes(p)[0], 500u);
  p.storages.push_back(storage(13, 300, StorageKind::Persistent));
  p.operators.push_back(op(3, 1, {}, {}, {{3}}));
  int64_t bound = lowerBoundNs(p, {500, unlimited});
  // Storage 13 comes in and goes out once a step, at 1 ns a byte, and not while
  // operator 1 runs.
  EXPECT_GE(bound, 290);
  EXPECT_LE(bound, 2 * 300 + 3);
  EXPECT_LE(bound, fixedOrderLowerBoundNs(p, {500, unlimited}));
}

TEST(Bounds, AWindowTakesWhatMovesInIt) {
  // In the given order 13 must be away at operator 1, so it cannot come in
  // while it goes out, though the link is duplex.
  Problem p = small();
  for (auto &o : p.operators)
    o.costNs[0] = 1;
  p.storages.push_back(storage(13, 300, StorageKind::Persistent));
  p.operators.push_back(op(3, 1, {}, {}, {{3}}));
  PlanOptions options;
  options.budgets = {500, unlimited};
  PlanResult r = plan(p, options);
  ASSERT_TRUE(r.feasible) << r.infeasible.reason;
  int64_t bound = fixedOrderLowerBoundNs(p, options.budgets);
  EXPECT_GE(bound, 590);
  EXPECT_LE(bound, r.simulation.stepNs);
}

TEST(Bounds, NeverAboveWhatIsFound) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    TrainingOptions options;
    options.seed = seed;
    options.layers = 1 + uint32_t(seed % 8);
    options.host = seed % 3 != 0;
    Problem p = makeTraining(options);
    uint64_t full = unconstrainedPeakBytes(p), floor = floorBytes(p)[0];
    uint64_t percent = seed % 4 == 0 ? 90 : seed % 4 == 1 ? 60 : 30;
    PlanOptions plans;
    plans.budgets.assign(p.machine.tiers.size(), unlimited);
    plans.budgets[0] = floor + (full - floor) * percent / 100;
    plans.iterations = 2;
    plans.findSmallest = false;
    PlanResult r = plan(p, plans);
    if (!r.feasible) {
      EXPECT_THAT(r.infeasible.reason, ::testing::Not(HasSubstr("fault")));
      continue;
    }
    EXPECT_LE(fixedOrderLowerBoundNs(p, plans.budgets), r.simulation.stepNs);
  }
}

TEST(Offsets, FillsHolesAndRespectsWrapsAndFixedAddresses) {
  std::vector<OffsetItem> items = {
      {256, {{0, 10}}, {}},         // all along
      {512, {{0, 4}}, {}},          // then its bytes are free
      {256, {{4, 10}}, {}},         //
      {256, {{6, 10}, {0, 2}}, {}}, // wraps
      {100, {{4, 6}}, 0x1000},      // given
  };
  OffsetResult r = assignOffsets(items);
  EXPECT_EQ(checkOffsets(items, r.offsets), "");
  EXPECT_EQ(r.offsets[4], 0x1000u);
  EXPECT_EQ(r.maxLoad, 1024u);
  items.pop_back();
  r = assignOffsets(items);
  EXPECT_EQ(r.height, 1024u);
  for (uint64_t offset : r.offsets)
    EXPECT_EQ(offset % 256, 0u);
  r.offsets[1] = r.offsets[0];
  EXPECT_THAT(checkOffsets(items, r.offsets), HasSubstr("items 0 and 1"));
}

} // namespace
