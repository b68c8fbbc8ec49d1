//===- FeedersTest.cpp - Data on its way into a step ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "core/Feeders.h"
#include "TestFiles.h"
#include "TestPlans.h"
#include "core/Schedule.h"

using namespace spillway;
using namespace spillway::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

class FeedersTest : public FilesTest {
protected:
  std::vector<std::unique_ptr<rt::Feeder>> feeders(const std::string &data) {
    plan.emplace(write("plan.spill", tiny.file()), /*prove=*/false);
    rt::Schedule schedule(*plan);
    return rt::createFeeders({plan->program(), lr, data, schedule.fed});
  }

  template <typename T>
  std::vector<T> feed(rt::Feeder &feeder, int64_t step, size_t count) {
    std::vector<T> to(count);
    rt::FeedError error;
    EXPECT_TRUE(feeder.feed(step, to.data(), error)) << error.message;
    return to;
  }

  std::string feedError(rt::Feeder &feeder, int64_t step) {
    std::vector<int32_t> to(8, 77);
    rt::FeedError error;
    EXPECT_FALSE(feeder.feed(step, to.data(), error));
    // An embedding that still runs must stay within its table.
    EXPECT_THAT(to, ElementsAre(0, 0, 0, 0, 0, 0, 0, 0));
    return error.message;
  }

  std::string refusal(const std::string &data) {
    return failureOf([&] { feeders(data); });
  }

  /// 0, 1, 2, ... below 16.
  template <typename T> std::string tokens(const std::string &name, int n) {
    std::vector<T> data;
    for (int i = 0; i < n; ++i)
      data.push_back(T(i % 16));
    return write(name, data);
  }

  TinyIndices at;
  PlanBuilder tiny = tinyPlan(&at);
  rt::LrSchedule lr{"linear", 4};
  std::optional<rt::PlanFile> plan;
};

} // namespace

TEST_F(FeedersTest, TokensFillWindowsAndLabels) {
  // 21 tokens: five windows of four and one more token, as labels need.
  auto all = feeders("tokens:" + tokens<uint8_t>("t.bin", 21));
  EXPECT_THAT(feed<int32_t>(*all[at.ids], 0, 8),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(feed<int32_t>(*all[at.labels], 0, 8),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  // Step 2 takes the fifth window and, wrapping, the first.
  EXPECT_THAT(feed<int32_t>(*all[at.ids], 2, 8),
              ElementsAre(0, 1, 2, 3, 0, 1, 2, 3));
  EXPECT_THAT(feed<int32_t>(*all[at.labels], 2, 8),
              ElementsAre(1, 2, 3, 4, 1, 2, 3, 4));
  EXPECT_EQ(feed<int32_t>(*all[at.ids], 5, 8),
            feed<int32_t>(*all[at.ids], 0, 8));
}

TEST_F(FeedersTest, TokenTypes) {
  for (auto path : {tokens<uint8_t>("a:b", 20) + ":u8",
                    tokens<uint16_t>("t.u16", 20) + ":u16",
                    tokens<int32_t>("t.i32", 20) + ":i32"}) {
    auto all = feeders("tokens:" + path);
    EXPECT_THAT(feed<int32_t>(*all[at.ids], 1, 8),
                ElementsAre(8, 9, 10, 11, 12, 13, 14, 15));
  }
  // A u16 is not a negative i16.
  tiny.tensorAt(at.ids).vocabulary = tiny.tensorAt(at.labels).vocabulary =
      70000;
  auto all = feeders(
      "tokens:" + write("high", std::vector<uint16_t>(9, 65535)) + ":u16");
  EXPECT_EQ(feed<int32_t>(*all[at.ids], 0, 8)[0], 65535);
}

TEST_F(FeedersTest, TokensOutsideTheVocabulary) {
  std::vector<uint8_t> data(40, 3);
  data[13] = 16;
  auto all = feeders("tokens:" + write("t.bin", data));
  EXPECT_THAT(feedError(*all[at.ids], 1),
              HasSubstr("token 16 in '" + pathOf("t.bin") +
                        "' (element 13, at byte 13) is outside of the "
                        "vocabulary of input 'input_ids': expected 0 to 15"));
  feed<int32_t>(*all[at.ids], 0, 8);
  std::vector<int32_t> negative(9, -100);
  all = feeders("tokens:" + write("n.bin", negative) + ":i32");
  feed<int32_t>(*all[at.labels], 0, 8); // -100 is what labels ignore
  EXPECT_THAT(feedError(*all[at.ids], 0), HasSubstr("token -100"));
}

TEST_F(FeedersTest, DataShorterThanABatch) {
  EXPECT_THAT(refusal("tokens:" + tokens<uint8_t>("t.bin", 8)),
              HasSubstr("needs 2 x 4 + 1 tokens, found 8"));
  EXPECT_EQ(refusal("tokens:" + tokens<uint8_t>("t.bin", 9)), "");
  EXPECT_THAT(refusal("tokens:" + write("empty", std::string())),
              HasSubstr("found 0"));
  EXPECT_THAT(refusal("tokens:" + tokens<uint8_t>("t.bin", 9) + ":u16"),
              HasSubstr("no whole number of 2-byte tokens"));
}

TEST_F(FeedersTest, InputsWithoutData) {
  EXPECT_THAT(refusal(""), HasSubstr("takes input 'input_ids': give --data"));
  EXPECT_THAT(refusal("tokens:" + pathOf("none")),
              HasSubstr("cannot open data"));
  std::string path = writeTensor("d.safetensors", "input_ids", rt::DType::I64,
                                 {2, 4}, std::vector<int64_t>(8, 1));
  EXPECT_THAT(refusal(path), HasSubstr("has no tensor 'labels'"));
  tiny.tensorAt(at.labels).name = "attention_mask";
  EXPECT_THAT(refusal("tokens:" + tokens<uint8_t>("t.bin", 20)),
              HasSubstr("do not fill input 'attention_mask'"));
}

TEST_F(FeedersTest, WhatIsNotFedNeedsNoData) {
  tiny.tensor("attention_mask", plan::Role::INPUT, plan::DType::I64, {2, 4});
  auto all = feeders("tokens:" + tokens<uint8_t>("t.bin", 20));
  EXPECT_TRUE(all[at.ids]);
  EXPECT_FALSE(all.back());
}

TEST_F(FeedersTest, SamplesAreTakenInOrderAndWrap) {
  std::vector<int64_t> ids(12); // three samples of four
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = int64_t(i);
  auto tensor = [&](const std::vector<int64_t> &sizes) {
    std::string path =
        writeTensor("d.safetensors", "input_ids", rt::DType::I64, sizes, ids);
    rt::SafetensorsFile file(path, "data");
    plan.emplace(write("plan.spill", tiny.file()), /*prove=*/false);
    auto feeder = rt::createSampleFeeder(
        *plan->program().tensors()->Get(at.ids), *file.find("input_ids"));
    return feed<int32_t>(*feeder, 1, 8); // i64 to i32 on the way
  };
  EXPECT_THAT(tensor({3, 4}), ElementsAre(8, 9, 10, 11, 0, 1, 2, 3));
  ids.resize(4);
  EXPECT_THAT(failureOf([&] { tensor({1, 4}); }),
              HasSubstr("needs 2 samples, found 1"));
  EXPECT_THAT(failureOf([&] { tensor({2, 2}); }),
              HasSubstr("expected samples of [4], found [2, 2]"));
}

TEST_F(FeedersTest, SamplesOfAnotherType) {
  std::string path = writeTensor("d.safetensors", "input_ids", rt::DType::F32,
                                 {2, 4}, std::vector<float>(8));
  EXPECT_THAT(refusal(path),
              HasSubstr("input 'input_ids': expected I32, found F32"));
  tiny.tensorAt(at.ids).vocabulary = 0;
  path = writeTensor("d.safetensors", "input_ids", rt::DType::I64, {2, 4},
                     std::vector<int64_t>(8, int64_t(1) << 40));
  rt::SafetensorsFile file(path, "data");
  plan.emplace(write("plan.spill", tiny.file()), /*prove=*/false);
  auto feeder = rt::createSampleFeeder(*plan->program().tensors()->Get(at.ids),
                                       *file.find("input_ids"));
  EXPECT_THAT(feedError(*feeder, 0),
              HasSubstr("value 1099511627776 in '" + path + "'"));
}

TEST_F(FeedersTest, Hyperparameters) {
  auto all = feeders("tokens:" + tokens<uint8_t>("t.bin", 20));
  EXPECT_THAT(feed<int64_t>(*all[at.step], 0, 1), ElementsAre(1));
  EXPECT_THAT(feed<int64_t>(*all[at.step], 6, 1), ElementsAre(7));
  EXPECT_THAT(feed<float>(*all[at.lr], 0, 1), ElementsAre(0.125f));
  EXPECT_THAT(feed<float>(*all[at.lr], 2, 1), ElementsAre(0.0625f));
}
