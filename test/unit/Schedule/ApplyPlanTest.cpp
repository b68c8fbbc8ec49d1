//===- ApplyPlanTest.cpp - Plans made by hand -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleFixture.h"

using namespace spillway;
using planner::Action;
using planner::Plan;
using testing::HasSubstr;

namespace {

class ApplyPlanTest : public ScheduleFixture {
protected:
  Action run(uint32_t op) { return Action::run(op); }
  Action load(llvm::StringRef name, int32_t part = -1) {
    return Action::load(storage(name), part, 1);
  }
  Action store(llvm::StringRef name, int32_t part = -1) {
    return Action::store(storage(name), part, 1);
  }
  Action drop(llvm::StringRef name, int32_t part = -1, uint32_t tier = 0) {
    return Action::free(storage(name), part, tier);
  }

  /// What every plan has: the fed ones on the host.
  std::vector<planner::Instance> fed() {
    return {{storage("x"), -1, 1}, {storage("lr"), -1, 1}};
  }

  /// All stays, nothing is freed before the end.
  Plan keepAll() {
    Plan plan;
    plan.initial = fed();
    plan.initial.push_back({storage("w1"), -1, 0});
    plan.initial.push_back({storage("w2"), -1, 0});
    std::sort(plan.initial.begin(), plan.initial.end());
    plan.actions = {load("x"), load("lr")};
    for (uint32_t op = 0; op < 12; ++op)
      plan.actions.push_back(run(op));
    for (llvm::StringRef name :
         {"x", "lr", "matmul.0", "unary.1", "matmul.2", "fill.4", "matmul.5",
          "matmul.6", "unary_grad.8", "matmul.9"})
      plan.actions.push_back(drop(name));
    return plan;
  }

  /// Inserts actions before the `index`-th action.
  static void insert(Plan &plan, size_t index,
                     std::initializer_list<Action> actions) {
    plan.actions.insert(plan.actions.begin() + index, actions);
  }
  size_t find(const Plan &plan, const Action &action) {
    auto it = llvm::find(plan.actions, action);
    EXPECT_NE(it, plan.actions.end());
    return it - plan.actions.begin();
  }
};

TEST_F(ApplyPlanTest, KeepAll) {
  EXPECT_FALSE(compile(keepAll()).empty()) << said;
  EXPECT_THAT(offloadText, HasSubstr("hold \"w1\""));
  EXPECT_THAT(offloadText, HasSubstr("train.assemble"));
}

TEST_F(ApplyPlanTest, Recompute) {
  Plan plan = keepAll();
  plan.actions.erase(plan.actions.begin() + find(plan, drop("matmul.0")));
  // %h dies after its first reader and is made again for the gradient.
  insert(plan, find(plan, run(2)), {drop("matmul.0")});
  insert(plan, find(plan, run(8)), {run(0)});
  insert(plan, find(plan, drop("unary.1")), {drop("matmul.0")});
  EXPECT_FALSE(compile(plan).empty()) << said;
  EXPECT_THAT(offloadText, HasSubstr("{recompute_of = 0 : i64}"));
  EXPECT_THAT(schedText, HasSubstr("@matmul 0 recompute"));
}

TEST_F(ApplyPlanTest, RecomputeOfAnUpdatedWeightIsRefused) {
  Plan plan = keepAll();
  plan.actions.erase(plan.actions.begin() + find(plan, drop("unary.1")));
  insert(plan, find(plan, run(11)) + 1, {run(0)});
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("is no valid plan"));
}

TEST_F(ApplyPlanTest, Swap) {
  Plan plan = keepAll();
  insert(plan, find(plan, run(2)), {store("matmul.0"), drop("matmul.0")});
  insert(plan, find(plan, run(8)), {load("matmul.0")});
  insert(plan, find(plan, run(10)), {drop("matmul.0", -1, 1)});
  EXPECT_FALSE(compile(plan).empty()) << said;
  // The buffer is freed only when the store is done with it.
  EXPECT_THAT(offloadText, testing::ContainsRegex("offload.store.start[^\n]*\n"
                                                  "[^\n]*offload.await[^\n]*\n"
                                                  "[^\n]*offload.free"));
  EXPECT_THAT(schedText, HasSubstr("-> host["));
}

TEST_F(ApplyPlanTest, SwapThroughTheHost) {
  planner::Machine &machine = problem.problem.machine;
  machine.tiers.push_back({"nvme", uint64_t(1) << 40});
  machine.links.push_back({"nvme_read", 2, 1, 7000000000, 80000, 1});
  machine.links.push_back({"nvme_write", 1, 2, 6000000000, 30000, 1});
  Plan plan = keepAll();
  uint32_t h = storage("matmul.0");
  insert(plan, find(plan, run(2)), {Action::store(h, -1, 2), drop("matmul.0")});
  insert(plan, find(plan, run(8)), {Action::load(h, -1, 2)});
  insert(plan, find(plan, run(10)), {drop("matmul.0", -1, 2)});
  EXPECT_FALSE(compile(plan).empty()) << said;
  EXPECT_THAT(offloadText, HasSubstr("stash<tensor<64x64xf32>, nvme>"));
  EXPECT_THAT(schedText,
              HasSubstr("-> nvme[0] bytes(16384) on \"nvme_write\""));
  EXPECT_THAT(schedText, HasSubstr("sched.copy nvme[0] -> host["));
  EXPECT_THAT(schedText, HasSubstr("sched.buffer \"staging\" workspace"));
  // Four slots of 16384 bytes, x, lr and the loss.
  EXPECT_THAT(schedText, HasSubstr("17179869184 arena 82432>"));
}

TEST_F(ApplyPlanTest, ParametersAtHomeMoveInParts) {
  Plan plan = keepAll();
  plan.initial = fed();
  plan.initial.push_back({storage("w1"), -1, 1});
  plan.initial.push_back({storage("w2"), -1, 1});
  std::sort(plan.initial.begin(), plan.initial.end());
  insert(plan, 0, {load("w1"), load("w2")});
  insert(plan, find(plan, run(1)), {drop("w1")});
  insert(plan, find(plan, run(8)), {store("w2"), drop("w2")});
  insert(plan, find(plan, run(10)), {load("w1", 0)});
  insert(plan, find(plan, run(11)),
         {store("w1", 0), load("w1", 1), drop("w1", 0)});
  insert(plan, find(plan, run(11)) + 1, {store("w1", 1), drop("w1", 1)});
  EXPECT_FALSE(compile(plan).empty()) << said;
  EXPECT_THAT(offloadText, HasSubstr("at 8192"));
  EXPECT_THAT(schedText,
              HasSubstr("sched.bind \"w1\"[0] bytes(16384) at host"));
}

TEST_F(ApplyPlanTest, ParametersResideInParts) {
  // Part 0 of w1 stays on the device over the step's end, beside the host's
  // copy of all of it.
  Plan plan = keepAll();
  plan.initial = fed();
  plan.initial.push_back({storage("w1"), -1, 1});
  plan.initial.push_back({storage("w1"), 0, 0});
  plan.initial.push_back({storage("w2"), -1, 0});
  std::sort(plan.initial.begin(), plan.initial.end());
  insert(plan, 0, {drop("w1", 0), load("w1")});
  insert(plan, find(plan, run(10)), {drop("w1"), load("w1", 0)});
  insert(plan, find(plan, run(11)), {load("w1", 1)});
  insert(plan, find(plan, run(11)) + 1,
         {store("w1", 0), store("w1", 1), drop("w1", 1)});
  EXPECT_FALSE(compile(plan).empty()) << said;
  EXPECT_THAT(offloadText, HasSubstr("tensor<32x64xf32> hold \"w1\""));
  EXPECT_THAT(schedText,
              HasSubstr("sched.bind \"w1\"[0] bytes(8192) at device"));
}

TEST_F(ApplyPlanTest, WholeTensorIsStoredByParts) {
  Plan plan = keepAll();
  plan.initial.insert(plan.initial.begin(), {storage("w1"), -1, 1});
  std::sort(plan.initial.begin(), plan.initial.end());
  insert(plan, find(plan, run(11)), {store("w1", 0)});
  insert(plan, find(plan, run(11)) + 1, {store("w1", 1)});
  EXPECT_FALSE(compile(plan).empty()) << said;
}

TEST_F(ApplyPlanTest, InPlace) {
  Plan plan = keepAll();
  plan.actions.erase(plan.actions.begin() + find(plan, drop("matmul.6")));
  plan.actions[find(plan, run(8))].inPlace = {
      {storage("unary_grad.8"), storage("matmul.6")}};
  EXPECT_FALSE(compile(plan).empty()) << said;
  EXPECT_THAT(offloadText,
              HasSubstr("id = 8 : i64, offload.in_place = array<i64: 0, 0>"));
}

TEST_F(ApplyPlanTest, InPlaceThatTheKernelDoesNotPermit) {
  Plan plan = keepAll();
  plan.actions[find(plan, run(8))].inPlace = {
      {storage("unary_grad.8"), storage("matmul.0")}};
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("(run train.unary_grad"));
  EXPECT_THAT(said, HasSubstr("its in-place pairs are not permitted"));
}

TEST_F(ApplyPlanTest, MissingLoad) {
  Plan plan = keepAll();
  plan.actions.erase(plan.actions.begin());
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("cannot apply the plan: action 1 (run "
                              "train.matmul"));
  EXPECT_THAT(said, HasSubstr("it reads \"x\" on device, which is not there"));
}

TEST_F(ApplyPlanTest, NothingToLoadStoreOrFree) {
  Plan plan = keepAll();
  insert(plan, 0, {load("matmul.0")});
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("action 0 (load \"matmul.0\" on host): there is "
                              "nothing to load"));
  plan.actions[0] = store("matmul.0");
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("there is nothing to store"));
  plan.actions[0] = drop("matmul.0");
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("there is nothing to free"));
}

TEST_F(ApplyPlanTest, CopyWithoutTheDevice) {
  Plan plan = keepAll();
  Action copy = store("matmul.0");
  copy.from = 1;
  insert(plan, 0, {copy});
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said,
              HasSubstr("action 0 (store \"matmul.0\" on host): it copies "
                        "from host without the device, which no runtime "
                        "executes yet"));
  plan.actions[0].from = 9;
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("there is no such storage or tier"));
}

TEST_F(ApplyPlanTest, UpdateOfWhatIsNotThere) {
  Plan plan = keepAll();
  insert(plan, find(plan, run(7)), {drop("w2")});
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("it reads \"w2\" on device, which is not there"));
}

TEST_F(ApplyPlanTest, LostAtTheEnd) {
  Plan plan = keepAll();
  plan.actions.push_back(drop("w2"));
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("at the end of the step: expects \"w2\" on "
                              "device, as at the start of the step, but it is "
                              "not there"));
}

TEST_F(ApplyPlanTest, InitialThatIsNoArgument) {
  Plan plan = keepAll();
  plan.initial.push_back({storage("matmul.0"), -1, 0});
  EXPECT_TRUE(compile(plan).empty());
  EXPECT_THAT(said, HasSubstr("\"matmul.0\" on device is there when the step "
                              "starts, but is no argument"));
}

TEST_F(ApplyPlanTest, OverCapacity) {
  EXPECT_TRUE(compile(keepAll(), nullptr, {100000}).empty());
  EXPECT_THAT(said, HasSubstr("bytes of tier \"device\", but its capacity is "
                              "100000"));
}

} // namespace
