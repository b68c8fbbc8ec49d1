//===- RepeatBoundTest.cpp - Bounds where operators repeat ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/RepeatBound.h"
#include "Optimum.h"
#include "Planner/Precedence.h"
#include "Repeated.h"
#include "spillway/Planner/Repeats.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

int64_t costOf(const Problem &p) {
  int64_t sum = 0;
  for (const Operator &op : p.operators)
    sum += op.costNs[0];
  return sum;
}

/// `optimum` wants operator i to make storage i.
Problem numberedAlike(const Problem &p) {
  Problem q = p;
  std::vector<uint32_t> now(p.storages.size());
  for (uint32_t at = 0; at < p.operators.size(); ++at) {
    uint32_t made = p.operators[at].writes[0].storage;
    now[made] = at;
    q.storages[at] = p.storages[made];
  }
  for (Operator &op : q.operators)
    for (auto *list : {&op.reads, &op.writes})
      for (Access &a : *list)
        a.storage = now[a.storage];
  return q;
}

/// The bound of all repetitions is never above the optimum of the problem
/// written out.
void expectBelowOptima(bool fixedOrder) {
  uint32_t told = 0, instances = 0;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    Problem p = seed % 2 ? randomProblem(seed, 7) : randomChain(seed, 3);
    uint32_t n = uint32_t(p.operators.size());
    uint32_t first = uint32_t(random.in(0, 2)),
             last = uint32_t(random.in(3, 5));
    uint32_t count = uint32_t(random.in(2, 3));
    while (n + (last - first + 1) * (count - 1) > 11)
      --last;
    p.repeats = {{first, last, count}};
    ASSERT_TRUE(p.check().empty()) << seed;
    Problem all = numberedAlike(unroll(p).problem);
    int64_t base = costOf(all);
    uint64_t low = floorBytes(all)[0];
    while (optimum(all, low, fixedOrder) < 0)
      ++low;
    for (uint64_t budget = low; budget < low + 3; ++budget) {
      int64_t least = optimum(all, budget, fixedOrder);
      // Without the programs over the problem written out.
      int64_t bound = anyRepetitionBoundNs(p, {budget}, !fixedOrder);
      ASSERT_LE(bound, least) << "seed " << seed << ", budget " << budget;
      ++instances;
      told += bound > base;
      ASSERT_LE(stepLowerBoundNs(p, {budget}, !fixedOrder), least);
    }
  }
  printf("%u of %u instances cost something for sure\n", told, instances);
  EXPECT_GE(told, 10u);
}

TEST(RepeatBound, IsBelowTheOptimumInAnyOrder) { expectBelowOptima(false); }
TEST(RepeatBound, IsBelowTheOptimumInTheGivenOrder) { expectBelowOptima(true); }

/// `count` times: make a (100 bytes, 7 ns), an operator that fills the device
/// of 1000 bytes, one that reads a. The first and the last read w, too, which
/// takes 100 bytes; host links of a byte a ns.
Problem betweenTwoUses(uint32_t count) {
  Problem p;
  p.alignment = 1;
  p.machine = makeMachine(true, false, 1000000000);
  for (Link &l : p.machine.links)
    l.latencyNs = 0;
  p.storages = {{.id = 0, .bytes = 100, .kind = StorageKind::Temporary},
                {.id = 1, .bytes = 100, .kind = StorageKind::Persistent}};
  p.operators = {
      {.id = 0, .costNs = {7}, .reads = {{1}}, .writes = {{0}}},
      {.id = 1, .costNs = {10}, .reads = {{2}}, .writes = {{3}}},
      {.id = 2, .costNs = {5}, .reads = {{0}, {1}, {3}}, .writes = {{4}}}};
  for (uint32_t s : {2u, 3u, 4u})
    p.storages.push_back({.id = s, .bytes = 1});
  p.operators[0].writes.push_back({2});
  p.operators[1].workspace = 998;
  p.repeats = {{0, 2, count}};
  return p;
}

TEST(RepeatBound, EveryRepetitionMakesAgainWhatItHasNoRoomFor) {
  Problem p = betweenTwoUses(50);
  ASSERT_TRUE(p.check().empty()) << p.check().front();
  // Loading every a takes longer than making it again, half each less than
  // either. w comes at least once a step, whatever the number.
  int64_t ns = anyRepetitionBoundNs(p, {1000, unlimited}, true);
  double again = 7 * 100 / 107.0; // a's load hides
  EXPECT_GE(double(ns), 50 * (22 + again) * 0.8);
  EXPECT_LE(ns, 50 * (22 + 7));
  // Without links nothing but making it again is left.
  p.machine.links.clear();
  p.operators[0].reads.clear(),
      p.operators[2].reads.erase(p.operators[2].reads.begin() + 1);
  ns = anyRepetitionBoundNs(p, {1000, 0}, true);
  EXPECT_LE(ns, 50 * (22 + 7));
  EXPECT_GE(double(ns), 50 * (22 + 7 * 100 / 101.0) * 0.99);
}

TEST(RepeatBound, WhatRepetitionsShareCrossesOnce) {
  Problem p = betweenTwoUses(20);
  p.storages[1].bytes = 900;
  // Where all do the first operator before the second, w comes twice.
  int64_t ns = anyRepetitionBoundNs(p, {1001, unlimited}, true);
  EXPECT_GE(ns, 890);
  EXPECT_LE(ns, 1800);
  // In the given order it comes for each; 64 pivots see as many.
  p.repeats[0].count = 1000;
  EXPECT_GE(stepLowerBoundNs(p, {1001, unlimited}, false), 60 * 890);
  EXPECT_LT(stepLowerBoundNs(p, {1001, unlimited}, true), 60 * 890);
}

/// The problem written out, its operators in another valid order: 0 as they
/// are, 1 all repetitions of an operator before the next operator, above that
/// at random.
Problem reordered(const Problem &p, uint64_t how) {
  Unrolled u = unroll(p);
  if (how == 0)
    return u.problem;
  Random random(how);
  Analysis a(u.problem);
  auto from = predecessors(a);
  std::vector<uint32_t> waits(a.numOps), ready;
  std::vector<std::vector<uint32_t>> to(a.numOps);
  for (uint32_t at = 0; at < a.numOps; ++at) {
    std::sort(from[at].begin(), from[at].end());
    from[at].erase(std::unique(from[at].begin(), from[at].end()),
                   from[at].end());
    waits[at] = uint32_t(from[at].size());
    for (uint32_t f : from[at])
      to[f].push_back(at);
    if (from[at].empty())
      ready.push_back(at);
  }
  Problem q = u.problem;
  q.operators.clear();
  while (!ready.empty()) {
    auto next = ready.begin();
    if (how == 1)
      next = std::min_element(
          ready.begin(), ready.end(), [&](uint32_t x, uint32_t y) {
            const Copy &c = u.operators[x], &d = u.operators[y];
            return std::pair(c.index, c.repetition) <
                   std::pair(d.index, d.repetition);
          });
    else
      next += int64_t(random.in(0, ready.size() - 1));
    uint32_t at = *next;
    ready.erase(next);
    q.operators.push_back(u.problem.operators[at]);
    for (uint32_t t : to[at])
      if (--waits[t] == 0)
        ready.push_back(t);
  }
  return q;
}

/// Micro-batches with a device that is short, and half of them with a drive
/// behind a host that is.
Problem randomSteps(uint64_t seed, std::vector<uint64_t> &budgets) {
  TrainingOptions options;
  options.seed = seed;
  options.layers = 2 + seed % 3;
  options.nvme = seed % 2;
  options.activationBytes = seed % 5 < 3 ? 30000 : 3000;
  options.bytesPerSecond = seed % 3 ? 2000000000 : 6000000000;
  Problem p = makeRepeated(options, 2 + uint32_t(seed % 4));
  if (seed % 3 == 0)
    for (Link &l : p.machine.links)
      l.group = l.from == 2 || l.to == 2 ? 1 : 0;
  if (seed % 4 == 0)
    for (Operator &op : p.operators)
      if (!op.updates.empty() && op.name.starts_with("adam"))
        op.costNs = {op.costNs[0], op.costNs[0] * 3};
  uint64_t persistent = 0;
  for (const Storage &s : p.storages)
    if (s.kind == StorageKind::Persistent)
      persistent += s.bytes;
  uint64_t floor = floorBytes(unroll(p).problem)[0];
  budgets = {floor * (102 + seed * 7 % 40) / 100, unlimited};
  if (options.nvme)
    budgets = {budgets[0], persistent * (30 + seed % 40) / 100, unlimited};
  return p;
}

TEST(RepeatBound, NoPolicyBeatsItInAnyOrderOfTheRepetitions) {
  uint32_t plans = 0, told = 0;
  double closest = 1e9;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::vector<uint64_t> budgets;
    Problem p = randomSteps(seed, budgets);
    ASSERT_TRUE(p.check().empty());
    int64_t bound = anyRepetitionBoundNs(p, budgets, true);
    told += bound > costOf(unroll(p).problem);
    for (uint64_t how = 0; how < 3; ++how) {
      Problem q = reordered(p, how);
      ASSERT_TRUE(q.check().empty()) << q.check().front();
      ASSERT_EQ(q.operators.size(), unroll(p).problem.operators.size());
      for (const char *policy :
           {"joint", "recompute-all", "zero-infinity", "delta"}) {
        PlanOptions request;
        request.policy = policy;
        request.iterations = 0;
        request.budgets = budgets;
        request.portfolio = false;
        request.findSmallest = false;
        request.fixedOrder = true;
        PlanResult r = plan(q, request);
        if (!r.feasible)
          continue;
        ++plans;
        closest =
            std::min(closest, double(r.simulation.stepNs) / double(bound));
        EXPECT_LE(bound, r.simulation.stepNs)
            << policy << ", seed " << seed << ", order " << how;
      }
    }
  }
  printf("%u plans, the best %.3f of the bound; %u of 10 bounds tell\n", plans,
         closest, told);
  EXPECT_GE(plans, 12u);
  EXPECT_GE(told, 4u);
}

} // namespace
