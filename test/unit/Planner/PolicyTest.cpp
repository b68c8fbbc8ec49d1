//===- PolicyTest.cpp - What holds for every plan ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Training.h"
#include "spillway/Planner/Offsets.h"
#include "spillway/Planner/Verify.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

/// No two buffers overlap in time and place, and none ends above the peak.
void expectSound(const Problem &problem, const PlanResult &result,
                 const std::vector<uint64_t> &budgets) {
  ASSERT_TRUE(result.feasible) << result.infeasible.reason;
  Verdict verdict = verifyPlan(problem, result.plan, budgets);
  EXPECT_TRUE(verdict.ok()) << verdict.error;
  uint32_t n = uint32_t(result.plan.actions.size());
  for (uint32_t tier = 0; tier < problem.machine.tiers.size(); ++tier) {
    std::vector<OffsetItem> items;
    std::vector<uint64_t> offsets;
    for (const Buffer &b : result.buffers) {
      const Lifetime &l = b.lifetime;
      if (l.instance.tier != tier)
        continue;
      EXPECT_EQ(b.offset % problem.alignment, 0u);
      EXPECT_LE(b.offset + b.bytes, result.peakBytes[tier]);
      OffsetItem item;
      item.bytes = problem.aligned(b.bytes);
      if (!l.wraps)
        item.live = {{l.first, l.end}};
      else
        item.live = {{l.first, n}, {0, l.end}};
      items.push_back(item);
      offsets.push_back(b.offset);
      if (l.takesOver >= 0) {
        EXPECT_EQ(b.offset, result.buffers[l.takesOver].offset);
      }
    }
    for (uint32_t at = 0; at < n; ++at) {
      const Action &a = result.plan.actions[at];
      if (a.kind == ActionKind::Run && problem.operators[a.op].workspace &&
          problem.machine.engines[a.engine].tier == tier) {
        items.push_back(
            {problem.operators[a.op].workspace, {{at, at + 1}}, {}});
        offsets.push_back(result.workspaceOffsets[at]);
      }
    }
    EXPECT_EQ(checkOffsets(items, offsets), "");
    EXPECT_LE(result.peakBytes[tier], budgets[tier]);
  }
  EXPECT_GE(result.simulation.stepNs, result.lowerBoundNs);
}

std::vector<uint64_t> budgetsFor(const Problem &problem, uint64_t device) {
  std::vector<uint64_t> budgets(problem.machine.tiers.size(), unlimited);
  budgets[0] = device;
  return budgets;
}

PlanResult planWith(const Problem &problem, const std::string &policy,
                    const std::vector<uint64_t> &budgets,
                    uint32_t iterations = 1) {
  PlanOptions options;
  options.policy = policy;
  options.budgets = budgets;
  options.iterations = iterations;
  return plan(problem, options);
}

class RandomTraining : public ::testing::TestWithParam<uint64_t> {
protected:
  /// Joint's, with a search that is short for most seeds.
  PlanResult planJoint(const Problem &p, const std::vector<uint64_t> &budgets) {
    return planWith(p, "joint", budgets, GetParam() % 6 == 1 ? 8 : 1);
  }
  Problem make(bool host = true, bool nvme = false) {
    Random r(GetParam());
    TrainingOptions o;
    o.seed = GetParam();
    o.layers = uint32_t(r.in(1, 9));
    o.host = host;
    o.nvme = nvme;
    o.activationBytes = r.in(300, 9000);
    o.parameterBytes = r.in(300, 9000);
    Problem p = makeTraining(o);
    EXPECT_TRUE(p.check().empty()) << p.check().front();
    return p;
  }
};

TEST_P(RandomTraining, KeepAllMovesNothing) {
  Problem p = make();
  PlanResult r = planWith(p, "keep-all", {});
  expectSound(p, r, budgetsFor(p, unlimited));
  EXPECT_EQ(r.numRecomputed, 0u);
  EXPECT_EQ(r.numSwapped, 0u);
  PlanResult j = planJoint(p, budgetsFor(p, r.peakBytes[0]));
  expectSound(p, j, budgetsFor(p, r.peakBytes[0]));
  EXPECT_EQ(j.numRecomputed, 0u);
  EXPECT_EQ(j.numSwapped, 0u);
  EXPECT_EQ(j.plan.initial, r.plan.initial);
}

TEST_P(RandomTraining, JointMeetsEveryBudgetDownToTheFloor) {
  Problem p = make();
  uint64_t full = unconstrainedPeakBytes(p);
  uint64_t floor = floorBytes(p)[0];
  ASSERT_LE(floor, full);
  for (uint64_t percent : GetParam() % 2 ? std::vector<uint64_t>{100, 50, 10}
                                         : std::vector<uint64_t>{75, 25, 0}) {
    uint64_t budget = floor + (full - floor) * percent / 100;
    SCOPED_TRACE(percent);
    auto budgets = budgetsFor(p, budget);
    PlanResult r = planJoint(p, budgets);
    expectSound(p, r, budgets);
  }
}

TEST_P(RandomTraining, JointWithoutOtherTiersRecomputes) {
  Problem p = make(false);
  uint64_t full = unconstrainedPeakBytes(p);
  auto budgets = budgetsFor(p, full - 1);
  for (int k = 0; k < 3; ++k) {
    PlanResult r = planJoint(p, budgets);
    if (!r.feasible) {
      EXPECT_GE(r.infeasible.smallestFoundBytes, budgets[0]);
      budgets[0] = r.infeasible.smallestFoundBytes;
      r = planJoint(p, budgets);
    }
    expectSound(p, r, budgets);
    EXPECT_EQ(r.numSwapped, 0u);
    budgets[0] = budgets[0] * 3 / 4;
  }
}

TEST_P(RandomTraining, SmallHostBudgetsHold) {
  Problem p = make(true, true);
  uint64_t full = unconstrainedPeakBytes(p);
  auto budgets = budgetsFor(p, (floorBytes(p)[0] + full) / 2);
  uint64_t fed = 0;
  for (const Storage &s : p.storages)
    if (s.kind == StorageKind::Fed)
      fed += p.aligned(s.bytes);
  budgets[1] = fed + full / 5;
  expectSound(p, planJoint(p, budgets), budgets);
  budgets[1] = fed;
  expectSound(p, planJoint(p, budgets), budgets);
}

TEST_P(RandomTraining, RecomputeAllNeedsLessAndMovesNothing) {
  TrainingOptions o;
  o.seed = GetParam();
  o.layers = 16;
  o.parameterBytes = 500;
  Problem p = makeTraining(o);
  PlanResult keep = planWith(p, "keep-all", {});
  PlanResult r = planWith(p, "recompute-all", {});
  expectSound(p, r, budgetsFor(p, unlimited));
  EXPECT_EQ(r.numSwapped, 0u);
  EXPECT_GT(r.numRecomputed, 0u);
  EXPECT_LT(r.peakBytes[0], keep.peakBytes[0]);
}

TEST_P(RandomTraining, DtrRecomputesWithinTheBudget) {
  TrainingOptions o;
  o.seed = GetParam();
  o.layers = 12;
  o.parameterBytes = 500;
  Problem p = makeTraining(o);
  for (const char *policy : {"dtr", "dtr-eq"}) {
    PlanResult keep = planWith(p, policy, {});
    expectSound(p, keep, budgetsFor(p, unlimited));
    EXPECT_EQ(keep.numRecomputed, 0u);
    auto budgets = budgetsFor(p, keep.peakBytes[0] * 4 / 5);
    PlanResult r = planWith(p, policy, budgets);
    if (!r.feasible)
      continue; // some seeds keep too much that may not be made again
    expectSound(p, r, budgets);
    EXPECT_GT(r.numRecomputed, 0u);
    EXPECT_EQ(r.numSwapped, 0u);
  }
}

/// Whatever a policy is, its plans hold, or it says why there is none; and
/// planning again gives the same.
void expectEveryPolicySound(const Problem &p) {
  uint64_t full = unconstrainedPeakBytes(p), floor = floorBytes(p)[0];
  for (const PolicyInfo &policy : policies()) {
    // Programs of many small problems: their own tests do that.
    if ((policy.name.starts_with("checkmate") ||
         policy.name.starts_with("poet")) &&
        p.operators.size() > 16)
      continue;
    for (uint64_t percent : {100, 60, 20}) {
      SCOPED_TRACE(policy.name + " at " + std::to_string(percent));
      PlanOptions options;
      options.policy = policy.name;
      options.budgets = budgetsFor(p, floor + (full - floor) * percent / 100);
      options.iterations = 1;
      options.findSmallest = false;
      PlanResult r = plan(p, options);
      if (!r.feasible) {
        EXPECT_NE(r.infeasible.reason, "");
        EXPECT_EQ(r.infeasible.reason.find("internal fault"), std::string::npos)
            << r.infeasible.reason;
        continue;
      }
      expectSound(p, r, options.budgets);
      if (percent == 60)
        EXPECT_EQ(plan(p, options).plan.actions, r.plan.actions);
    }
  }
}

TEST_P(RandomTraining, EveryPolicyIsSoundOrSaysWhy) {
  if (GetParam() > 9)
    return; // the others hold many policies up for little more
  uint64_t tiers = GetParam() % 3;
  expectEveryPolicySound(make(tiers != 1, tiers == 2));
}

TEST_P(RandomTraining, TheSameTwice) {
  Problem p = make();
  auto budgets =
      budgetsFor(p, (floorBytes(p)[0] + unconstrainedPeakBytes(p)) / 2);
  PlanResult a = planJoint(p, budgets);
  PlanResult b = planJoint(p, budgets);
  EXPECT_EQ(a.plan.actions, b.plan.actions);
  for (size_t i = 0; i < a.buffers.size(); ++i)
    EXPECT_EQ(a.buffers[i].offset, b.buffers[i].offset);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomTraining,
                         ::testing::Range<uint64_t>(1, 25));

TEST(Policy, BelowTheFloorIsRefusedWithTheFloor) {
  Problem p = makeTraining({});
  uint64_t floor = floorBytes(p)[0];
  auto budgets = budgetsFor(p, floor - 1);
  PlanResult r = planWith(p, "joint", budgets);
  ASSERT_FALSE(r.feasible);
  EXPECT_EQ(r.infeasible.tier, 0u);
  EXPECT_EQ(r.infeasible.floorBytes, floor);
  EXPECT_GE(r.infeasible.smallestFoundBytes, floor);
  EXPECT_FALSE(r.infeasible.peakStorages.empty());
  budgets[0] = r.infeasible.smallestFoundBytes;
  expectSound(p, planWith(p, "joint", budgets), budgets);
}

TEST(Policy, UnknownNamesAreRefused) {
  PlanResult r = planWith(makeTraining({}), "magic", {});
  EXPECT_FALSE(r.feasible);
  EXPECT_NE(r.infeasible.reason.find("unknown policy 'magic'"),
            std::string::npos);
}

} // namespace
