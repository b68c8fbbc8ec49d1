//===- FittingTest.cpp - Plans with addresses -------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/Fitting.h"
#include "PlacedTest.h"
#include "Planner/GapGreedy.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

struct Some {
  LayerChain chain = makeLayerChain({.layers = 8, .state = 200});
  std::vector<uint64_t> budgets{2400, unlimited};
  std::vector<Plan> plans;

  Some() {
    Analysis a(chain.problem);
    for (double margin : {0.0, 0.1, 0.2}) {
      GreedyOptions options;
      options.margin = margin;
      Emission e = emitPlan(a, chooseGaps(a, options, budgets), budgets);
      EXPECT_TRUE(e.ok) << e.reason;
      plans.push_back(std::move(e.plan));
    }
  }
  std::vector<FittingRequest> requests() const {
    std::vector<FittingRequest> out;
    for (const Plan &p : plans)
      for (IssueOrder order : {IssueOrder::AsIs, IssueOrder::ByTime,
                               IssueOrder::Later, IssueOrder::Latest})
        for (bool effort : {false, true})
          out.push_back({&p, order, effort});
    return out;
  }
};

TEST(Fitting, TogetherAsByThemselves) {
  Some some;
  Fitting together(some.chain.problem, true);
  together.begin(some.budgets);
  together.prepare(some.requests());
  uint32_t fit = 0;
  for (const FittingRequest &r : some.requests()) {
    Fitting alone(some.chain.problem, true);
    alone.begin(some.budgets);
    Fitted &a = alone.fit(r), &b = together.fit(r);
    EXPECT_EQ(a.stepNs, b.stepNs);
    EXPECT_EQ(a.plan.actions, b.plan.actions);
    EXPECT_EQ(a.layout.offsets, b.layout.offsets);
    EXPECT_EQ(a.excess, b.excess);
    if (a.stepNs == INT64_MAX)
      continue;
    ++fit;
    EXPECT_TRUE(verifyPlan(some.chain.problem, a.plan, some.budgets).ok());
    EXPECT_LE(a.layout.heights[0], some.budgets[0]);
    EXPECT_EQ(a.excess[0], 0u);
  }
  EXPECT_GT(fit, 12u);
}

TEST(Fitting, WhatWasAskedIsRemembered) {
  Some some;
  Fitting fitting(some.chain.problem, true);
  fitting.begin(some.budgets);
  FittingRequest request{&some.plans[0], IssueOrder::ByTime, true};
  Fitted &first = fitting.fit(request);
  int64_t stepNs = first.stepNs;
  ASSERT_LT(stepNs, INT64_MAX);
  first.plan = {};
  EXPECT_EQ(fitting.fit(request).stepNs, stepNs);
  EXPECT_TRUE(fitting.fit(request).plan.actions.empty());
  // An equal plan in the same order, not the same one.
  Plan copy = some.plans[0];
  EXPECT_EQ(&fitting.fit({&copy, IssueOrder::ByTime, true}), &first);
  EXPECT_NE(&fitting.fit({&copy, IssueOrder::AsIs, true}), &first);
  EXPECT_NE(&fitting.fit({&copy, IssueOrder::ByTime, false}), &first);
  fitting.begin(some.budgets);
  EXPECT_FALSE(fitting.fit(request).plan.actions.empty());
}

TEST(Fitting, SaysWhatIsMissing) {
  Some some;
  Fitting fitting(some.chain.problem, true);
  fitting.begin({1000, unlimited});
  Fitted &f = fitting.fit({&some.plans[0], IssueOrder::AsIs, true});
  EXPECT_EQ(f.stepNs, INT64_MAX);
  EXPECT_GT(f.excess[0], 0u);
  EXPECT_EQ(f.excess[1], 0u);
}

TEST(Fitting, WithoutAddressesEverythingFits) {
  Some some;
  Fitting fitting(some.chain.problem, false);
  fitting.begin(some.budgets);
  Fitted &f = fitting.fit({&some.plans[0], IssueOrder::AsIs, true});
  EXPECT_LT(f.stepNs, INT64_MAX);
  EXPECT_TRUE(f.layout.offsets.empty());
  EXPECT_FALSE(f.layout.lives.empty());
}

} // namespace
