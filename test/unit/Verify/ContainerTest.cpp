//===- ContainerTest.cpp - The plan file around the plan ------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Support/PlanBuilder.h"
#include "spillway/Plan/Seal.h"
#include "spillway/Verify/Verify.h"
#include "gtest/gtest.h"
#include <algorithm>

using namespace spillway;
using verify::Code;

namespace {

std::vector<uint8_t> emptyPlan() { return test::PlanBuilder(0, 0).file(); }

// Seals a payload that was changed on purpose.
std::vector<uint8_t> reseal(std::vector<uint8_t> file) {
  file.resize(file.size() - plan::kTrailerBytes);
  plan::sealPlan(file);
  return file;
}

std::string verdict(std::span<const uint8_t> file) {
  auto error = verify::verifyPlan(file);
  return error ? verify::codeName(error->code) : "accepted";
}

TEST(Container, AcceptsAnEmptyPlan) {
  EXPECT_EQ(verdict(emptyPlan()), "accepted");
}

TEST(Container, AcceptsAFileAtAnyAddress) {
  std::vector<uint8_t> file = emptyPlan();
  std::vector<uint8_t> moved(file.size() + 3);
  std::copy(file.begin(), file.end(), moved.begin() + 3);
  EXPECT_EQ(verdict(std::span(moved).subspan(3)), "accepted");
}

TEST(Container, RejectsEveryTruncation) {
  std::vector<uint8_t> file = emptyPlan();
  for (size_t size = 0; size < file.size(); ++size)
    ASSERT_NE(verdict(std::span(file).first(size)), "accepted") << size;
  EXPECT_EQ(verdict({}), "FileTooSmall");
  EXPECT_EQ(verdict(std::span(file).first(40)), "FileTooSmall");
  EXPECT_EQ(verdict(std::span(file).first(file.size() - 1)),
            "ChecksumMismatch");
}

TEST(Container, RejectsEveryFlippedBit) {
  const std::vector<uint8_t> file = emptyPlan();
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    std::vector<uint8_t> flipped = file;
    flipped[bit / 8] ^= uint8_t(1u << bit % 8);
    ASSERT_NE(verdict(flipped), "accepted") << bit;
  }
}

TEST(Container, RejectsWrongIdentifier) {
  std::vector<uint8_t> file = emptyPlan();
  file[4] = 'X';
  EXPECT_EQ(verdict(file), "WrongIdentifier");
}

TEST(Container, RejectsMalformedBufferUnderAnIntactSeal) {
  std::vector<uint8_t> file = emptyPlan();
  file[0] ^= 0x40;
  EXPECT_EQ(verdict(reseal(file)), "MalformedBuffer");
}

TEST(Container, RejectsAnotherVersion) {
  test::PlanBuilder builder(0, 0);
  builder.plan.version = plan::kPlanVersion + 1;
  auto error = verify::verifyPlan(builder.file());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::UnsupportedVersion);
  EXPECT_EQ(error->message, "plan file has version 2, expected 1; compile the "
                            "model again with this build");
}

TEST(Container, RejectsAProgramThatIsNotThePinnedOne) {
  std::vector<uint8_t> file = emptyPlan();
  auto *plan = plan::GetMutablePlan(file.data());
  plan->mutable_program_sha256()->Mutate(7, 99);
  EXPECT_EQ(verdict(reseal(file)), "ProgramHashMismatch");
}

// Any change of the program's own bytes is found, even one that leaves both
// buffers well-formed.
TEST(Container, RejectsAChangedProgram) {
  std::vector<uint8_t> file = emptyPlan();
  auto *program = plan::GetMutablePlan(file.data())->mutable_program();
  for (uint32_t i = 0; i < program->size(); ++i) {
    std::vector<uint8_t> changed = file;
    auto *bytes = plan::GetMutablePlan(changed.data())->mutable_program();
    bytes->Mutate(i, uint8_t(bytes->Get(i) ^ 1));
    std::string found = verdict(reseal(changed));
    ASSERT_TRUE(found == "ProgramHashMismatch" || found == "MalformedBuffer")
        << i << ": " << found;
  }
}

} // namespace
