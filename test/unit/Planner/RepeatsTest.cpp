//===- RepeatsTest.cpp - Operators that repeat ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Repeated.h"
#include "spillway/Planner/Loops.h"
#include "spillway/Planner/RepeatBound.h"
#include "spillway/Planner/Verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

TEST(Repeats, AreWrittenOutOneAfterTheOther) {
  Problem p = makeOneLayer(3);
  ASSERT_THAT(p.check(), IsEmpty());
  Unrolled u = unroll(p);
  EXPECT_THAT(u.problem.check(), IsEmpty());
  EXPECT_THAT(u.problem.repeats, IsEmpty());
  std::vector<uint32_t> ids;
  for (const Operator &op : u.problem.operators)
    ids.push_back(op.id);
  EXPECT_THAT(ids, ElementsAre(10, 11, 12, 111, 112, 211, 212, 13));
  // x and y are each repetition's own; w and g are there once.
  ASSERT_EQ(u.problem.storages.size(), 8u);
  for (uint32_t r = 0; r < 3; ++r) {
    const Operator &f = u.problem.operators[u.op(1, r)];
    EXPECT_THAT(f.reads,
                ElementsAre(Access{u.storage(0, r)}, Access{u.storage(1, 0)}));
    EXPECT_THAT(f.writes, ElementsAre(Access{u.storage(3, r)}));
    EXPECT_EQ(u.problem.operators[u.op(2, r)].updates[0].storage,
              u.storage(2, 0));
    EXPECT_EQ(u.operators[u.op(2, r)].repetition, r);
  }
  EXPECT_EQ(u.problem.operators[u.op(1, 2)].name, "f, repetition 2");
}

TEST(Repeats, WhatIsReadOutsideIsTheLastRepetitions) {
  Problem p = makeOneLayer(3);
  p.storages[3].output = true;
  p.operators[3].reads.push_back({3});
  ASSERT_THAT(p.check(), IsEmpty());
  Unrolled u = unroll(p);
  EXPECT_EQ(u.problem.operators.back().reads.back().storage, u.storage(3, 2));
  for (uint32_t r = 0; r < 3; ++r)
    EXPECT_EQ(u.problem.storages[u.storage(3, r)].output, r == 2);
}

TEST(Repeats, OfOneChangeNothing) {
  Problem p = makeOneLayer(1), q = p;
  q.repeats.clear();
  EXPECT_EQ(printProblem(unroll(p).problem), printProblem(q));
  EXPECT_EQ(p.fingerprint(), q.fingerprint());
  EXPECT_NE(makeOneLayer(2).fingerprint(), q.fingerprint());
  EXPECT_NE(makeOneLayer(2).fingerprint(), makeOneLayer(3).fingerprint());
}

TEST(Repeats, CheckNamesTheRepeatAndTheOperator) {
  auto first = [](const Problem &p) {
    auto faults = p.check();
    return faults.empty() ? std::string() : faults.front();
  };
  Problem p = makeOneLayer(2);
  p.repeats.push_back({2, 3, 2});
  EXPECT_THAT(first(p), AllOf(HasSubstr("repeat of operators 12 to 13"),
                              HasSubstr("operator 12 'dw'"),
                              HasSubstr("expected ranges apart")));
  p = makeOneLayer(0);
  EXPECT_THAT(first(p), HasSubstr("a positive count"));
  p = makeOneLayer(2);
  p.repeats[0] = {2, 1, 2};
  EXPECT_THAT(first(p), HasSubstr("expected first <= last"));
  p = makeOneLayer(2);
  p.operators[3].reads.push_back({0}); // x
  EXPECT_THAT(first(p),
              AllOf(HasSubstr("repeat of operators 11 to 12"),
                    HasSubstr("operator 11 'f'"), HasSubstr("storage 1 'x'"),
                    HasSubstr("operator 13 'update'"),
                    HasSubstr("expected two storages")));
  p.repeats[0].count = 1;
  EXPECT_THAT(first(p), IsEmpty());
  p = makeOneLayer(2);
  p.storages[3].parts = {2};
  p.operators[1].writes = {{3, 0}};
  p.operators[0].writes.push_back({3, 1});
  EXPECT_THAT(first(p), AllOf(HasSubstr("operator 11 'f' writes a part"),
                              HasSubstr("operator 10 'zero' outside")));
  p = makeOneLayer(1u << 30);
  EXPECT_THAT(first(p), HasSubstr("executions of operators"));
}

TEST(Repeats, PlanOfTheProblemWrittenOutIsRight) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    TrainingOptions options;
    options.seed = seed;
    options.layers = 3;
    Problem p = makeRepeated(options, 3);
    ASSERT_THAT(p.check(), IsEmpty());
    PlanOptions how;
    how.iterations = 5;
    how.fixedOrder = seed % 2 == 0;
    how.budgets = {unconstrainedPeakBytes(p) * 2 / 3};
    PlanResult r = plan(p, how);
    ASSERT_TRUE(r.feasible) << seed << ": " << r.infeasible.reason;
    EXPECT_EQ(verifyPlan(p, r.plan, how.budgets).error, "");
    EXPECT_GE(r.simulation.stepNs, stepLowerBoundNs(p, how.budgets, true));
    // The file says it all.
    std::string error, text = printPlan(r.plan, p);
    auto back = parsePlan(text, p, error);
    ASSERT_TRUE(back) << error;
    EXPECT_EQ(back->actions, r.plan.actions);
    EXPECT_EQ(back->initial, r.plan.initial);
    PlanResult again = adopt(p, *back, {});
    EXPECT_TRUE(again.feasible) << again.infeasible.reason;
    // A plan without its last update is none.
    Plan broken = r.plan;
    for (size_t i = broken.actions.size(); i-- > 0;)
      if (broken.actions[i].kind == ActionKind::Run) {
        broken.actions.erase(broken.actions.begin() + int64_t(i));
        break;
      }
    EXPECT_FALSE(verifyPlan(p, broken).ok());
  }
}

TEST(Repeats, UpdatesFollowTheirGradientsUnlessTheOrderIsFixed) {
  TrainingOptions options;
  options.layers = 3;
  Problem p = makeRepeated(options, 3);
  PlanOptions how;
  how.iterations = 0;
  how.policy = "keep-all";
  auto lastRun = [&](const PlanResult &r) {
    Unrolled u = unrollFor(p, r.plan);
    for (size_t i = r.plan.actions.size(); i-- > 0;)
      if (r.plan.actions[i].kind == ActionKind::Run)
        if (u.repeatOfOp(u.operators[r.plan.actions[i].op].index) >= 0)
          return i;
    return size_t(0);
  };
  auto updatesBefore = [&](const PlanResult &r, size_t end) {
    Unrolled u = unrollFor(p, r.plan);
    uint32_t n = 0;
    for (size_t i = 0; i < end; ++i)
      if (r.plan.actions[i].kind == ActionKind::Run)
        n += u.problem.operators[r.plan.actions[i].op].name.starts_with(
            "update");
    return n;
  };
  how.fixedOrder = true;
  PlanResult fixed = plan(p, how);
  EXPECT_EQ(updatesBefore(fixed, lastRun(fixed)), 0u);
  how.fixedOrder = false;
  PlanResult any = plan(p, how);
  EXPECT_GT(updatesBefore(any, lastRun(any)), 0u);
}

TEST(Loops, ARightOneIsAcceptedWhateverTheCount) {
  for (uint32_t count : {1u, 2u, 3u, 50u, 1000000u}) {
    Problem p = makeOneLayer(count);
    Plan plan = planOneLayer(count);
    Verdict verdict = verifyPlan(p, plan);
    EXPECT_EQ(verdict.error, "") << count;
    // Each repetition's input is on the host all along.
    EXPECT_EQ(verdict.peakBytes[1], 4u * count);
    EXPECT_EQ(verdict.peakBytes[0], 16u);
  }
}

TEST(Loops, AreWrittenOutAsTheyAre) {
  Problem p = makeOneLayer(5);
  WrittenOut all = writeOut(p, planOneLayer(5));
  EXPECT_EQ(all.plan.actions.size(), 3u + 5 * 5);
  EXPECT_EQ(verifyPlan(unroll(p).problem, all.plan).error, "");
  EXPECT_EQ(verifyPlan(p, all.plan).error, "");
  WrittenOut two = writeOut(p, planOneLayer(5), 2);
  EXPECT_EQ(two.plan.actions.size(), 3u + 2 * 5);
  EXPECT_EQ(verifyPlan(two.unrolled.problem, two.plan).error, "");
}

TEST(Loops, AFileCountsRepetitionsOfTheProblem) {
  Problem p = makeOneLayer(5);
  p.operators[3].reads.push_back({3}); // the last repetition's y
  Plan plan = planOneLayer(4);         // the fifth behind the loop
  Plan tail = planOneLayer(1);
  Unrolled u = unroll(p, {2});
  plan.initial = {{u.storage(0, 0), -1, 1},
                  {u.storage(0, 1), -1, 1},
                  {u.storage(1, 0), -1, 0}};
  auto copy = [&](Action a, uint32_t r) {
    if (a.kind == ActionKind::Run)
      a.op = u.op(a.op, r);
    else
      a.storage = u.storage(a.storage, r);
    return a;
  };
  std::vector<Action> actions;
  for (uint32_t i = 0; i < 6; ++i)
    actions.push_back(copy(plan.actions[i], 0));
  for (uint32_t i = 1; i < 5; ++i)
    actions.push_back(copy(tail.actions[i], 1));
  actions.push_back(copy(tail.actions[6], 1));
  actions.push_back(copy(tail.actions[5], 1));
  actions.push_back(copy(tail.actions[7], 1));
  plan.actions = actions;
  EXPECT_EQ(verifyPlan(p, plan).error, "");
  std::string text = printPlan(plan, p), error;
  EXPECT_THAT(text, HasSubstr("[\"run\",[11,0],"));
  EXPECT_THAT(text, HasSubstr("[\"run\",[11,4],"));
  EXPECT_THAT(text, HasSubstr("\"loops\""));
  auto back = parsePlan(text, p, error);
  ASSERT_TRUE(back) << error;
  EXPECT_EQ(back->actions, plan.actions);
  EXPECT_EQ(back->loops, plan.loops);
  EXPECT_EQ(back->initial, plan.initial);
  // A repetition that the loop has done already.
  size_t at = text.find("[11,4]");
  text[at + 4] = '2';
  EXPECT_FALSE(parsePlan(text, p, error));
  EXPECT_THAT(error, HasSubstr("a repetition from 3 to 4"));
}

TEST(Loops, ThatDoNotComeBackToTheirStateAreRefused) {
  Problem p = makeOneLayer(5);
  auto errorOf = [&](const Plan &plan) { return verifyPlan(p, plan).error; };
  Plan plan = planOneLayer(5);
  plan.actions.erase(plan.actions.begin() + 5); // y stays
  plan.loops[0].last = 4;
  EXPECT_NE(errorOf(plan), "");
  plan = planOneLayer(5);
  plan.actions.erase(plan.actions.begin() + 3); // x stays
  plan.loops[0].last = 4;
  EXPECT_NE(errorOf(plan), "");
  // The first iteration makes an instance that the others find.
  plan = planOneLayer(5);
  plan.actions.insert(plan.actions.begin() + 6, Action::store(2, -1, 1));
  plan.actions.push_back(Action::free(2, -1, 1));
  plan.loops[0].last = 6;
  EXPECT_THAT(errorOf(plan), HasSubstr("loop 0 (actions 1 to 6, 5 iterations"));
  // g leaves the device in the first iteration and does not come back.
  plan = planOneLayer(5);
  plan.actions.insert(plan.actions.begin() + 5, Action::free(2, -1, 0));
  plan.loops[0].last = 6;
  EXPECT_NE(errorOf(plan), "");
  // Zeros in the loop undo what the repetition before has added.
  plan = planOneLayer(5);
  plan.loops[0].first = 0;
  EXPECT_NE(errorOf(plan), "");
  // The update in the loop runs again and again.
  plan = planOneLayer(5);
  plan.loops[0].last = 6;
  EXPECT_NE(errorOf(plan), "");
  // Too few iterations: a repetition never runs.
  plan = planOneLayer(4);
  EXPECT_NE(errorOf(plan), "");
  plan = planOneLayer(6);
  EXPECT_THAT(errorOf(plan), HasSubstr("expected at most 5 in all"));
  plan = planOneLayer(5);
  plan.loops[0].last = 99;
  EXPECT_THAT(errorOf(plan), HasSubstr("a loop has actions 1 to 99"));
}

TEST(Loops, AStaleCopyInTheLaterIterationsIsFound) {
  // g is loaded in each iteration, but stored before the first only.
  Problem p = makeOneLayer(5);
  Plan plan;
  plan.initial = {{0, -1, 1}, {1, -1, 0}};
  plan.actions = {
      Action::run(0),         Action::store(2, -1, 1), Action::free(2, -1, 0),
      Action::load(2, -1, 1), Action::load(0, -1, 1),  Action::run(1),
      Action::free(0, -1, 0), Action::run(2),          Action::free(3, -1, 0),
      Action::free(2, -1, 0), Action::load(2, -1, 1),  Action::run(3),
      Action::free(2, -1, 0), Action::free(2, -1, 1)};
  plan.loops = {{0, 3, 9, 5}};
  EXPECT_THAT(verifyPlan(p, plan).error, HasSubstr("stale"));
  plan.actions.insert(plan.actions.begin() + 9, Action::store(2, -1, 1));
  plan.loops[0].last = 10;
  EXPECT_EQ(verifyPlan(p, plan).error, "");
}

} // namespace
