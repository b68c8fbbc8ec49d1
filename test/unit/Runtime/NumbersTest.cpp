//===- NumbersTest.cpp - Numbers, random numbers, learning rates *- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "core/Numbers.h"
#include "TestFiles.h"
#include "core/LrSchedule.h"
#include "core/Philox.h"

using namespace spillway::rt;
using spillway::test::failureOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The vectors that come with the authors' Random123.
TEST(Philox, PublishedVectors) {
  EXPECT_THAT(philox({0, 0, 0, 0}, 0),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(philox({~0u, ~0u, ~0u, ~0u}, ~0ull),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                     0x299f31d0a4093822),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(Philox, NormalsAreNormal) {
  double sum = 0, squares = 0;
  const int blocks = 50000;
  for (uint64_t i = 0; i < blocks; ++i)
    for (double x : normals(1, 2, i)) {
      sum += x;
      squares += x * x;
    }
  EXPECT_NEAR(sum / (4 * blocks), 0, 0.01);
  EXPECT_NEAR(squares / (4 * blocks), 1, 0.02);
  EXPECT_NE(normals(1, 2, 0), normals(2, 2, 0));
  EXPECT_NE(normals(1, 2, 0), normals(1, 3, 0));
}

static uint16_t bits16(DType dtype, double value) {
  uint16_t bits;
  storeNumber(dtype, value, &bits);
  return bits;
}

TEST(Numbers, NarrowFloatsRoundToNearestEven) {
  EXPECT_EQ(bits16(DType::BF16, 1.0), 0x3f80);
  EXPECT_EQ(bits16(DType::BF16, -2.0), 0xc000);
  EXPECT_EQ(bits16(DType::BF16, 1 + 0x1p-8), 0x3f80);  // tie, to even
  EXPECT_EQ(bits16(DType::BF16, 1 + 0x3p-8), 0x3f82);  // tie, to even
  EXPECT_EQ(bits16(DType::BF16, 2 - 0x1p-10), 0x4000); // carries
  EXPECT_EQ(bits16(DType::BF16, 1e39), 0x7f80);
  EXPECT_EQ(bits16(DType::F16, 1.0), 0x3c00);
  EXPECT_EQ(bits16(DType::F16, 65504), 0x7bff);
  EXPECT_EQ(bits16(DType::F16, 65520), 0x7c00);
  EXPECT_EQ(bits16(DType::F16, 0x1p-24), 0x0001); // the smallest subnormal
  EXPECT_EQ(bits16(DType::F16, 0x1p-14), 0x0400); // the smallest normal
}

TEST(Numbers, EveryNarrowFloatComesBack) {
  for (DType dtype : {DType::F16, DType::BF16})
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      auto narrow = uint16_t(bits);
      double value = loadNumber(dtype, &narrow);
      if (value == value) {
        ASSERT_EQ(bits16(dtype, value), bits) << bits;
      }
    }
}

TEST(Numbers, IntegersThatDoNotFitAreRefused) {
  uint8_t memory[8] = {};
  EXPECT_TRUE(storeInteger(DType::U8, 255, memory));
  EXPECT_FALSE(storeInteger(DType::U8, 256, memory));
  EXPECT_FALSE(storeInteger(DType::U8, -1, memory));
  EXPECT_TRUE(storeInteger(DType::I16, -32768, memory));
  EXPECT_EQ(loadInteger(DType::I16, memory), -32768);
  EXPECT_FALSE(storeInteger(DType::I32, int64_t(1) << 31, memory));
  EXPECT_TRUE(storeInteger(DType::BOOL, 1, memory));
  EXPECT_FALSE(storeInteger(DType::BOOL, 2, memory));
  EXPECT_FALSE(storeInteger(DType::BOOL, -1, memory));
}

TEST(LrSchedule, Shapes) {
  LrSchedule constant("constant", 10), warm("constant(warmup=4)", 10);
  EXPECT_EQ(constant.factor(1), 1);
  EXPECT_EQ(constant.factor(1000), 1);
  EXPECT_EQ(warm.factor(1), 0.25);
  EXPECT_EQ(warm.factor(4), 1);
  EXPECT_EQ(warm.factor(5), 1);
  LrSchedule linear("linear(warmup=2,steps=12)", 100);
  EXPECT_EQ(linear.factor(2), 1);
  EXPECT_EQ(linear.factor(3), 1);
  EXPECT_DOUBLE_EQ(linear.factor(8), 0.5);
  EXPECT_EQ(linear.factor(13), 0);
  EXPECT_EQ(linear.factor(50), 0);
  LrSchedule cosine("cosine", 10);
  EXPECT_EQ(cosine.factor(1), 1);
  EXPECT_NEAR(cosine.factor(6), 0.5, 1e-15);
  EXPECT_NEAR(cosine.factor(11), 0, 1e-15);
}

TEST(LrSchedule, RefusesWhatItDoesNotKnow) {
  auto refusal = [](const char *text) {
    return failureOf([&] { LrSchedule schedule(text, 10); });
  };
  EXPECT_THAT(refusal("exponential"), HasSubstr("unknown schedule"));
  EXPECT_THAT(refusal("linear(warmup=2"), HasSubstr("not closed"));
  EXPECT_THAT(refusal("linear(warmup=x)"), HasSubstr("'warmup=x' is not"));
  EXPECT_THAT(refusal("linear(cooldown=3)"), HasSubstr("unknown name"));
  EXPECT_THAT(refusal("linear(warmup=-1)"), HasSubstr("is not a name and"));
  EXPECT_THAT(refusal("cosine(warmup=10)"), HasSubstr("do not outlast"));
}
