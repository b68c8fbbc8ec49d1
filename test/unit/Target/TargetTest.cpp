//===- TargetTest.cpp - Loading machine descriptions ----------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Target/Target.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <filesystem>
#include <fstream>

using namespace spillway;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class TargetTest : public testing::Test {
protected:
  /// Loads and keeps what was said, with its place.
  mlir::FailureOr<Target> load(llvm::StringRef nameOrPath) {
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) {
      llvm::raw_string_ostream(said) << d.getLocation() << ": " << d << "\n";
    });
    return loadTarget(context, nameOrPath);
  }

  std::string write(const std::string &text) {
    std::filesystem::path path =
        std::filesystem::path(testing::TempDir()) /
        (std::string(
             testing::UnitTest::GetInstance()->current_test_info()->name()) +
         ".mlir");
    std::ofstream(path) << text;
    return path.string();
  }

  mlir::MLIRContext context;
  std::string said;
};

TEST_F(TargetTest, EveryShippedTargetLoads) {
  std::vector<std::string> names = targetNames();
  EXPECT_THAT(names, testing::IsSupersetOf({"a100-40g", "cpu-emulated",
                                            "h100-80g-pcie5", "laptop-8g",
                                            "rtx4090-24g"}));
  for (const std::string &name : names) {
    mlir::FailureOr<Target> target = load(name);
    ASSERT_TRUE(succeeded(target)) << said;
    EXPECT_EQ(target->machine.tiers[0].name, "device");
    EXPECT_EQ(target->machine.engines[0].tier, 0u);
    EXPECT_EQ(target->machine.engines.size(), target->engines.size());
  }
}

// Neither swap nor recompute is free on the machine that tests run on.
TEST_F(TargetTest, EmulatedLinksStandToComputeAsOnALaptop) {
  mlir::FailureOr<Target> target = load("cpu-emulated");
  ASSERT_TRUE(succeeded(target)) << said;
  double flops = target->compute().gemmFlops(mlir::Float32Type::get(&context));
  ASSERT_EQ(target->machine.links.size(), 2u);
  for (const planner::Link &link : target->machine.links) {
    EXPECT_GE(flops / static_cast<double>(link.bytesPerSecond), 1000);
    EXPECT_LE(flops / static_cast<double>(link.bytesPerSecond), 1700);
    EXPECT_EQ(link.group, 0u) << "duplex";
  }
}

constexpr const char *machine = R"(
hw.machine @m device @near {
  hw.tier @far capacity 4GiB reserve 1GiB
  hw.tier @near capacity 1GB
  hw.link @out @near -> @far bandwidth 10GB/s efficiency 0.5 latency 7us wire "bus"
  hw.link @in @far -> @near bandwidth 2.5GB/s wire "bus"
  hw.engine @helper on @far memory 1GB/s rates [gemm f32 1GFLOP/s]
  hw.engine @main on @near lanes 3 launch 2us memory 100GB/s efficiency 0.5 rates [
    gemm f32 1TFLOP/s efficiency 0.5, gemm bf16 4TFLOP/s, attention bf16 3TFLOP/s]
}
)";

TEST_F(TargetTest, DeviceTierAndItsEngineComeFirst) {
  mlir::FailureOr<Target> target = load(write(machine));
  ASSERT_TRUE(succeeded(target)) << said;
  EXPECT_EQ(target->name, "m");
  const planner::Machine &m = target->machine;
  ASSERT_EQ(m.tiers.size(), 2u);
  EXPECT_EQ(m.tiers[0].name, "near");
  EXPECT_EQ(m.tiers[0].capacity, 1'000'000'000u);
  EXPECT_EQ(m.tiers[1].capacity, 3ull << 30) << "less the reserve";
  ASSERT_EQ(m.engines.size(), 2u);
  EXPECT_EQ(m.engines[0].name, "main");
  EXPECT_EQ(m.engines[0].tier, 0u);
  EXPECT_EQ(m.engines[1].tier, 1u);
  EXPECT_EQ(target->compute().name, "main");
  EXPECT_EQ(target->compute().lanes, 3u);
  EXPECT_EQ(target->compute().launchOverheadNs, 2000u);
  EXPECT_DOUBLE_EQ(target->compute().memoryBytesPerSecond, 50e9);
  ASSERT_EQ(m.links.size(), 2u);
  EXPECT_EQ(m.links[0].from, 0u);
  EXPECT_EQ(m.links[0].to, 1u);
  EXPECT_EQ(m.links[0].bytesPerSecond, 5'000'000'000u) << "times efficiency";
  EXPECT_EQ(m.links[0].latencyNs, 7000);
  EXPECT_EQ(m.links[1].bytesPerSecond, 2'500'000'000u);
  EXPECT_EQ(m.links[0].group, 1u);
  EXPECT_EQ(m.links[1].group, 1u) << "one wire";
}

TEST_F(TargetTest, MissingRatesFallBack) {
  mlir::FailureOr<Target> target = load(write(machine));
  ASSERT_TRUE(succeeded(target)) << said;
  mlir::Type f32 = mlir::Float32Type::get(&context);
  mlir::Type bf16 = mlir::BFloat16Type::get(&context);
  mlir::Type f16 = mlir::Float16Type::get(&context);
  const EngineRates &rates = target->compute();
  EXPECT_DOUBLE_EQ(rates.gemmFlops(f32), 0.5e12);
  EXPECT_DOUBLE_EQ(rates.gemmFlops(bf16), 4e12);
  EXPECT_DOUBLE_EQ(rates.gemmFlops(f16), 0.5e12) << "the same work in f32";
  EXPECT_DOUBLE_EQ(rates.attentionFlops(bf16), 3e12);
  EXPECT_DOUBLE_EQ(rates.attentionFlops(f32), 0.5e12) << "as gemm";
  EXPECT_DOUBLE_EQ(rates.elementwiseFlops(bf16), 4e12) << "as gemm";
}

TEST_F(TargetTest, UnknownNameListsTheKnown) {
  EXPECT_TRUE(failed(load("h1000")));
  EXPECT_THAT(said, HasSubstr("no target 'h1000'; expected a file or one of "
                              "a100-40g, cpu-emulated"));
}

TEST_F(TargetTest, ANameIsNoPath) {
  EXPECT_TRUE(failed(load("../targets/cpu-emulated")));
  EXPECT_THAT(said, HasSubstr("no target '../targets/cpu-emulated'"));
}

TEST_F(TargetTest, ErrorsNameThePlaceInTheFile) {
  std::string path = write("hw.machine @m device @d {\n"
                           "  hw.tier @d capacity 1GB\n"
                           "  hw.link @l @d -> @h bandwidth 1GB/s\n"
                           "}\n");
  EXPECT_TRUE(failed(load(path)));
  EXPECT_THAT(said, HasSubstr(path + "\":3:3"));
  EXPECT_THAT(said,
              HasSubstr("expects a tier of the machine (d), but got 'h'"));
}

TEST_F(TargetTest, SyntaxErrorsNameThePlaceInTheFile) {
  std::string path = write("hw.machine @m device @d {\n"
                           "  hw.tier @d capacity 1GX\n}\n");
  EXPECT_TRUE(failed(load(path)));
  EXPECT_THAT(said, HasSubstr(path + "\":2:23"));
}

TEST_F(TargetTest, OneMachineAFile) {
  EXPECT_TRUE(failed(load(write("module {}"))));
  EXPECT_THAT(said, HasSubstr("expects one hw.machine in a target, but got 0"));
}

TEST_F(TargetTest, AnEmptyFileIsAnError) {
  EXPECT_TRUE(failed(load(write(""))));
  EXPECT_THAT(said, HasSubstr("expects one hw.machine in a target, but got 0"));
}

} // namespace
