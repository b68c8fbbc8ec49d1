//===- PipelineTest.cpp - From a policy's plan to a verified file ---------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleFixture.h"
#include "spillway/Plan/PlanFile.h"
#include "spillway/Plan/plan_generated.h"

using namespace spillway;
using testing::HasSubstr;

namespace {

class PipelineTest : public ScheduleFixture {
protected:
  planner::PlanResult makePlan(llvm::StringRef policy, uint64_t budget) {
    planner::PlanOptions options;
    options.policy = policy.str();
    options.budgets = {budget};
    return planner::plan(problem.problem, options);
  }
};

/// The whole range of budgets, with the planner's addresses and with our own.
TEST_F(PipelineTest, EveryBudget) {
  uint64_t peak = planner::unconstrainedPeakBytes(problem.problem);
  std::vector<uint8_t> program;
  unsigned planned = 0;
  for (uint64_t budget = peak; budget >= 40000; budget -= 4096) {
    planner::PlanResult result = makePlan("joint", budget);
    if (!result.feasible)
      continue;
    ++planned;
    for (bool keepLayout : {true, false}) {
      std::vector<uint8_t> file =
          compile(result.plan, keepLayout ? &result : nullptr,
                  keepLayout ? llvm::ArrayRef<uint64_t>(budget)
                             : llvm::ArrayRef<uint64_t>());
      ASSERT_FALSE(file.empty()) << "budget " << budget << ": " << said;
      const plan::Plan *plan = plan::GetPlan(file.data());
      if (keepLayout) {
        EXPECT_EQ(plan->tiers()->Get(0)->arena_bytes(), result.peakBytes[0]);
      }
      // The arithmetic is the same under every budget, byte for byte.
      std::vector<uint8_t> now(plan->program()->begin(),
                               plan->program()->end());
      if (program.empty())
        program = now;
      EXPECT_EQ(program, now);
    }
  }
  EXPECT_GE(planned, 6u);
}

TEST_F(PipelineTest, EveryPolicy) {
  uint64_t peak = planner::unconstrainedPeakBytes(problem.problem);
  for (const planner::PolicyInfo &policy : planner::policies()) {
    planner::PlanResult result = makePlan(policy.name, peak);
    if (result.feasible) {
      EXPECT_FALSE(compile(result.plan, &result).empty())
          << policy.name << ": " << said;
    }
  }
}

/// A plan that fills the host to its last byte leaves no room for a copy of the
/// loss there.
TEST_F(PipelineTest, NoRoomForOutputs) {
  planner::PlanResult result = makePlan("keep-all", 1 << 20);
  ASSERT_TRUE(result.feasible);
  llvm::SmallVector<uint64_t> budgets = {1 << 20, result.peakBytes[1]};
  EXPECT_FALSE(compile(result.plan, &result, budgets).empty()) << said;
  EXPECT_THAT(schedText, HasSubstr("fetch \"loss\" from device"));
  budgets[1] += sched::kAlignment;
  EXPECT_FALSE(compile(result.plan, &result, budgets).empty()) << said;
  EXPECT_THAT(schedText, HasSubstr("fetch \"loss\" from host"));
}

TEST_F(PipelineTest, SameBytes) {
  planner::PlanResult result = makePlan("joint", 60000);
  ASSERT_TRUE(result.feasible);
  std::vector<uint8_t> first = compile(result.plan, &result);
  EXPECT_FALSE(first.empty()) << said;
  EXPECT_EQ(first, compile(result.plan, &result));
}

TEST_F(PipelineTest, Program) {
  planner::PlanResult result = makePlan("keep-all", UINT64_MAX);
  std::vector<uint8_t> file = compile(result.plan, &result);
  ASSERT_FALSE(file.empty()) << said;
  const plan::Plan *plan = plan::GetPlan(file.data());
  const plan::Program *program =
      flatbuffers::GetRoot<plan::Program>(plan->program()->data());
  ASSERT_EQ(program->ops()->size(), 12u);
  const plan::Op *update = program->ops()->Get(11);
  EXPECT_EQ(update->kernel()->str(), "sgd");
  EXPECT_FALSE(update->recomputable());
  // The second slice of w1, seen from its first byte.
  EXPECT_EQ(update->inputs()->Get(1)->offset(), 8192u);
  EXPECT_EQ(update->outputs()->Get(0)->offset(), 8192u);
  const plan::Tensor *w1 = program->tensors()->Get(1);
  EXPECT_EQ(w1->name()->str(), "w1");
  EXPECT_NE(w1->value_in(), w1->value_out());
  EXPECT_EQ(update->outputs()->Get(0)->value(), w1->value_out());
  EXPECT_EQ(program->outputs()->Get(0)->name()->str(), "loss");
  EXPECT_EQ(program->outputs()->Get(0)->sizes(), nullptr); // a scalar
  EXPECT_EQ(plan->version(), plan::kPlanVersion);
}

/// No wait may be missing, and none is there in vain: without any one of them
/// the verifier finds a race.
TEST_F(PipelineTest, EveryWaitIsNeeded) {
  planner::PlanResult result = makePlan("joint", 60000);
  ASSERT_TRUE(result.feasible);
  auto step = applyPlan(table, problem, result.plan, {}, &result);
  ASSERT_TRUE(succeeded(step) && succeeded(assignOffsets(*step))) << said;
  auto program = convertOffloadToSched(*step, table);
  ASSERT_TRUE(succeeded(program) && succeeded(insertWaits(*program, table)));
  unsigned dropped = 0;
  for (mlir::Operation &op : program->getBody().front()) {
    auto instruction = llvm::cast<sched::InstructionOpInterface>(op);
    llvm::SmallVector<int64_t> waits(instruction.getWaits());
    for (size_t i = 0; i < waits.size(); ++i) {
      llvm::SmallVector<int64_t> fewer(waits);
      fewer.erase(fewer.begin() + i);
      instruction.setWaits(fewer);
      EXPECT_TRUE(failed(exportPlan(table, *program, {}))) << print(&op);
      ++dropped;
    }
    instruction.setWaits(waits);
  }
  EXPECT_GT(dropped, 10u);
  EXPECT_TRUE(succeeded(exportPlan(table, *program, {}))) << said;
}

/// A buffer that is freed and loaded again within the step is used first behind
/// its load, and last, in the next step, before it is freed.
TEST_F(PipelineTest, RebornBuffer) {
  planner::PlanResult result = makePlan("joint", 60000);
  ASSERT_TRUE(result.feasible);
  std::vector<uint8_t> file = compile(result.plan, &result);
  ASSERT_FALSE(file.empty()) << said;
  unsigned wrapping = 0;
  for (const plan::Buffer *buffer : *plan::GetPlan(file.data())->buffers())
    wrapping += buffer->last() < buffer->first();
  unsigned planned = 0;
  for (const planner::Buffer &buffer : result.buffers)
    planned += buffer.lifetime.wraps && buffer.lifetime.first > 0;
  EXPECT_EQ(wrapping, planned);
}

TEST_F(PipelineTest, ProgramOfAnotherStep) {
  planner::PlanResult result = makePlan("keep-all", UINT64_MAX);
  auto step = applyPlan(table, problem, result.plan);
  ASSERT_TRUE(succeeded(step) && succeeded(assignOffsets(*step))) << said;
  auto program = convertOffloadToSched(*step, table);
  ASSERT_TRUE(succeeded(program) && succeeded(insertWaits(*program, table)));
  for (mlir::Operation &op : program->getBody().front())
    if (auto launch = llvm::dyn_cast<sched::LaunchOp>(op)) {
      launch.setId(99);
      EXPECT_TRUE(failed(exportPlan(table, *program, {})));
      EXPECT_THAT(said, HasSubstr("launches the op with the id 99, which the "
                                  "step does not have"));
      launch.setId(3);
      EXPECT_TRUE(failed(exportPlan(table, *program, {})));
      EXPECT_THAT(said, HasSubstr("expects 1 inputs and 1 outputs"));
      break;
    }
}

} // namespace
