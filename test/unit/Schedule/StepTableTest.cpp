//===- StepTableTest.cpp - Steps that are no programs ---------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleFixture.h"
#include "spillway/Plan/plan_generated.h"

using namespace spillway;
using testing::HasSubstr;

namespace {

class StepTableTest : public ScheduleFixture {
protected:
  /// Builds the table of a step with this body; empty where that fails.
  std::optional<StepTable> build(llvm::StringRef body) {
    said.clear();
    module = mlir::parseSourceString<mlir::ModuleOp>(
        ("train.step @s(input %x \"x\" : tensor<8x8xf32>, "
         "param %w \"w\" : tensor<8x8xf32> {value = dense<1.0> : "
         "tensor<8x8xf32>}) {\n" +
         body + "\n}")
            .str(),
        &context);
    if (!module)
      return std::nullopt;
    auto table = StepTable::build(*module->getOps<train::StepOp>().begin());
    return succeeded(table) ? std::optional(std::move(*table)) : std::nullopt;
  }
};

TEST_F(StepTableTest, Views) {
  auto table = build(R"(
    %t = train.transpose %x [1, 0] : tensor<8x8xf32> to tensor<8x8xf32>
    %p = train.slice %t [2, 4] : tensor<8x8xf32> to tensor<4x4xf32>
    %c = train.copy %p {id = 5 : i64} : tensor<4x4xf32>
    train.return outputs ["c"] (%c : tensor<4x4xf32>))");
  ASSERT_TRUE(table) << said;
  EXPECT_EQ(table->findOp(5), 0u);
  EXPECT_FALSE(table->findOp(0));
  const TableView &view = table->ops[0].inputs[0];
  EXPECT_EQ(view.offset, (4 * 8 + 2) * 4u);
  EXPECT_THAT(view.strides, testing::ElementsAre(1, 8));
  EXPECT_EQ(view.extent(), (3 + 3 * 8 + 1) * 4u);
  EXPECT_EQ(getSignature(table->ops[0], 1), "copy(f32[4x4]@1x8)->(f32[4x4])");
}

TEST_F(StepTableTest, ViewThatStridesCannotExpress) {
  EXPECT_FALSE(build(R"(
    %t = train.transpose %x [1, 0] : tensor<8x8xf32> to tensor<8x8xf32>
    %r = train.reshape %t : tensor<8x8xf32> to tensor<64xf32>
    %c = train.copy %r {id = 0 : i64} : tensor<64xf32>
    train.return outputs ["c"] (%c : tensor<64xf32>))"));
  EXPECT_THAT(said, HasSubstr("copy the operand first"));
}

TEST_F(StepTableTest, OutputThatIsAPart) {
  EXPECT_FALSE(build(R"(
    %p = train.slice %x [0, 0] : tensor<8x8xf32> to tensor<4x8xf32>
    train.return outputs ["p"] (%p : tensor<4x8xf32>))"));
  EXPECT_THAT(said, HasSubstr("expects output \"p\" to be a whole value"));
}

TEST_F(StepTableTest, ConstantInlineBytes) {
  auto table = build("train.return");
  ASSERT_TRUE(table) << said;
  auto bytes = exportProgram(*table);
  ASSERT_TRUE(succeeded(bytes)) << said;
  const auto *program = flatbuffers::GetRoot<plan::Program>(bytes->data());
  // A splat is written out.
  EXPECT_EQ(program->tensors()->Get(1)->data()->size(), 8 * 8 * 4u);
}

TEST_F(StepTableTest, Locations) {
  mlir::Builder builder(&context);
  mlir::Location name = mlir::NameLoc::get(builder.getStringAttr("node")),
                 file = mlir::FileLineColLoc::get(&context, "f", 1, 2);
  EXPECT_EQ(describeLocation(name), "node");
  EXPECT_EQ(describeLocation(file), "f:1:2");
  EXPECT_EQ(describeLocation(mlir::FusedLoc::get(&context, {name, file})),
            "node, f:1:2");
  EXPECT_EQ(describeLocation(builder.getUnknownLoc()), "");
}

} // namespace
