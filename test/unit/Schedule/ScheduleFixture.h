//===- ScheduleFixture.h - A small step to plan and schedule ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two layers, trained by SGD; the first layer's update runs in two slices. All
// tensors but the scalars have 16384 bytes.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_UNIT_SCHEDULE_SCHEDULEFIXTURE_H
#define SPILLWAY_TEST_UNIT_SCHEDULE_SCHEDULEFIXTURE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "spillway/Conversion/OffloadToSched.h"
#include "spillway/Conversion/TrainToProblem.h"
#include "spillway/Export/Export.h"
#include "spillway/Transforms/Schedule.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace spillway {

inline constexpr llvm::StringLiteral kSmallStep = R"mlir(
!t = tensor<64x64xf32>
!s = tensor<32x64xf32>
train.step @mlp(input %x "x" : !t, param %w1 "w1" : !t, param %w2 "w2" : !t,
                hyper %lr "lr" : tensor<f32>) attributes {frozen, lanes = 2 : i64} {
  %h = train.matmul %x, %w1 {id = 0 : i64} : !t, !t to !t
  %a = train.unary gelu_tanh %h {id = 1 : i64} : !t
  %y = train.matmul %a, %w2 {id = 2 : i64} : !t, !t to !t
  %l = train.reduce mean %y [0, 1] {id = 3 : i64} : !t to tensor<1x1xf32>
  %loss = train.reshape %l : tensor<1x1xf32> to tensor<f32>
  %g = train.fill 2.4414e-4 {id = 4 : i64} : !t
  %dw2 = train.matmul %a, %g {id = 5 : i64, transpose_a = true} : !t, !t to !t
  %da = train.matmul %g, %w2 {id = 6 : i64, transpose_b = true} : !t, !t to !t
  %w2n = train.sgd lr %lr on %w2, %dw2 {id = 7 : i64, momentum = 0.0 : f64, weight_decay = 0.0 : f64}
      : tensor<f32>, !t, !t to !t
  %dh = train.unary_grad gelu_tanh %da, %h {id = 8 : i64} : !t
  %dw1 = train.matmul %x, %dh {id = 9 : i64, transpose_a = true} : !t, !t to !t
  %wa = train.slice %w1 [0, 0] : !t to !s
  %wb = train.slice %w1 [32, 0] : !t to !s
  %ga = train.slice %dw1 [0, 0] : !t to !s
  %gb = train.slice %dw1 [32, 0] : !t to !s
  %na = train.sgd lr %lr on %wa, %ga {id = 10 : i64, momentum = 0.0 : f64, weight_decay = 0.0 : f64}
      : tensor<f32>, !s, !s to !s
  %nb = train.sgd lr %lr on %wb, %gb {id = 11 : i64, momentum = 0.0 : f64, weight_decay = 0.0 : f64}
      : tensor<f32>, !s, !s to !s
  %w1n = train.assemble %na, %nb : !s, !s to !t
  train.return loss %loss : tensor<f32> update (%w1, %w2 : !t, !t) to (%w1n, %w2n : !t, !t)
}
)mlir";

class ScheduleFixture : public testing::Test {
protected:
  ScheduleFixture()
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          llvm::raw_string_ostream(said) << diagnostic << '\n';
        }) {
    context.loadDialect<train::TrainDialect, offload::OffloadDialect,
                        sched::SchedDialect>();
    load(kSmallStep);
  }

  void load(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    ASSERT_TRUE(module) << said;
    auto built = StepTable::build(*module->getOps<train::StepOp>().begin());
    ASSERT_TRUE(succeeded(built)) << said;
    table = std::move(*built);
    auto target = loadTarget(context, "cpu-emulated");
    ASSERT_TRUE(succeeded(target)) << said;
    auto problem = buildProblem(table, *target);
    ASSERT_TRUE(succeeded(problem)) << said;
    this->problem = std::move(*problem);
  }

  /// The index of a storage by the name of its value.
  uint32_t storage(llvm::StringRef name) {
    for (auto [index, value] : llvm::enumerate(table.values))
      if (value.name == name)
        return problem.storageOfValue[index];
    ADD_FAILURE() << "no value " << name.str();
    return 0;
  }

  /// From a plan to a file that the verifier accepts; empty where it fails.
  std::vector<uint8_t> compile(const planner::Plan &plan,
                               const planner::PlanResult *layout = nullptr,
                               llvm::ArrayRef<uint64_t> budgets = {}) {
    auto step = applyPlan(table, problem, plan, budgets, layout);
    if (failed(step) || failed(mlir::verify(*module)))
      return {};
    offloadText = print(*step);
    if (failed(assignOffsets(*step)))
      return {};
    auto program = convertOffloadToSched(*step, table);
    if (failed(program) || failed(insertWaits(*program, table)) ||
        failed(mlir::verify(*module)))
      return {};
    schedText = print(*program);
    auto file = exportPlan(table, *program, {});
    program->erase();
    step->erase();
    return succeeded(file) ? *file : std::vector<uint8_t>();
  }

  static std::string print(mlir::Operation *op) {
    std::string text;
    llvm::raw_string_ostream(text) << *op;
    return text;
  }

  mlir::MLIRContext context;
  std::string said;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  StepTable table;
  StepProblem problem;
  std::string offloadText, schedText;
};

} // namespace spillway

#endif // SPILLWAY_TEST_UNIT_SCHEDULE_SCHEDULEFIXTURE_H
