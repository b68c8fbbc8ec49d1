//===- SafetensorsTest.cpp - Tensor files, read and written -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "core/File.h"

#include <cstring>

using namespace spillway::rt;
using spillway::test::failureOf;
using spillway::test::FilesTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {
class SafetensorsTest : public FilesTest {
protected:
  std::string refusal(const std::string &bytes) {
    std::string path = write("x.safetensors", bytes);
    return failureOf([&] { SafetensorsFile file(path, "weights"); });
  }
  static std::string withHeader(const std::string &header, size_t dataBytes) {
    uint64_t length = header.size();
    std::string text(8, '\0');
    std::memcpy(text.data(), &length, 8);
    return text + header + std::string(dataBytes, 'd');
  }
};
} // namespace

TEST_F(SafetensorsTest, ReadsWhatItWrites) {
  std::vector<float> data = {1, 2, 3, 4, 5, 6};
  std::string path =
      writeTensor("x.safetensors", "a \"b\"", DType::F32, {2, 3}, data);
  SafetensorsFile file(path, "weights");
  const FileTensor *tensor = file.find("a \"b\"");
  ASSERT_TRUE(tensor);
  EXPECT_EQ(tensor->dtype, DType::F32);
  EXPECT_THAT(tensor->sizes, ElementsAre(2, 3));
  EXPECT_EQ(tensor->offset % 8, 0u);
  std::vector<float> back(6);
  tensor->file->readExactly(back.data(), tensor->bytes, tensor->offset);
  EXPECT_EQ(back, data);
  EXPECT_FALSE(file.find("b"));
}

TEST_F(SafetensorsTest, RefusesDamagedFiles) {
  EXPECT_THAT(refusal("abc"), HasSubstr("at least 8 bytes, found 3"));
  EXPECT_THAT(refusal(std::string(16, '\xff')), HasSubstr("a header of"));
  EXPECT_THAT(refusal(withHeader("{]", 0)), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal(withHeader("[1]", 0)), HasSubstr("not a JSON object"));
  auto entry = [&](const std::string &text, size_t bytes) {
    return refusal(withHeader("{\"w\":" + text + "}", bytes));
  };
  EXPECT_THAT(entry("3", 0), HasSubstr("tensor 'w': expected dtype"));
  EXPECT_THAT(entry(R"({"dtype":"F8","shape":[1],"data_offsets":[0,1]})", 1),
              HasSubstr("unknown type 'F8'"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4),
              HasSubstr("no natural number"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})", 4),
              HasSubstr("ends before it begins"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 4),
              HasSubstr("ends at byte 8 of the data, of which there are 4"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", 8),
              HasSubstr("8 bytes do not make F32 [3]"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[9223372036854775807,9],)"
                    R"("data_offsets":[0,8]})",
                    8),
              HasSubstr("do not make"));
}

TEST_F(SafetensorsTest, FollowsAnIndexOfShards) {
  writeTensor("a.safetensors", "x", DType::I32, {1}, std::vector<int>{5});
  writeTensor("b.safetensors", "y", DType::I32, {1}, std::vector<int>{6});
  std::string path = write("model.safetensors.index.json",
                           std::string(R"({"weight_map":{"x":"a.safetensors",)"
                                       R"("y":"b.safetensors"}})"));
  SafetensorsFile file(path, "weights");
  ASSERT_TRUE(file.find("x") && file.find("y"));
  EXPECT_EQ(file.find("y")->file->path(), pathOf("b.safetensors"));
  path =
      write("bad.json", std::string(R"({"weight_map":{"z":"a.safetensors"}})"));
  EXPECT_THAT(failureOf([&] { SafetensorsFile bad(path, "weights"); }),
              HasSubstr("'z' is in 'a.safetensors', which does not have it"));
  path = write("bad.json", std::string("{}"));
  EXPECT_THAT(failureOf([&] { SafetensorsFile bad(path, "weights"); }),
              HasSubstr("expected an object with 'weight_map'"));
}

TEST_F(SafetensorsTest, OutputAppearsWholeOrNotAtAll) {
  {
    OutputFile file(pathOf("out"), 1000);
    file.write("abc");
    EXPECT_FALSE(std::filesystem::exists(pathOf("out")));
  }
  EXPECT_EQ(numFiles(), 0u);
  write("out", std::string("old"));
  {
    OutputFile file(pathOf("out"), 1000);
    file.write("abc");
    EXPECT_EQ(read("out"), "old");
    file.commit();
  }
  EXPECT_EQ(read("out"), "abc");
  EXPECT_EQ(numFiles(), 1u);
}

TEST_F(SafetensorsTest, OutputSaysWhyItCannotBe) {
  EXPECT_THAT(failureOf([&] { OutputFile file(pathOf("no/such/file")); }),
              HasSubstr("No such file or directory"));
  EXPECT_THAT(failureOf([&] { OutputFile file(directory); }),
              HasSubstr("it is a directory"));
  // More than any file system has.
  EXPECT_THAT(
      failureOf([&] { OutputFile file(pathOf("big"), uint64_t(1) << 60); }),
      HasSubstr("bytes are needed"));
  EXPECT_EQ(numFiles(), 0u);
}
