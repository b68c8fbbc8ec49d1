//===- WeightsTest.cpp - Where parameters begin -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "TestPlans.h"
#include "core/Philox.h"
#include "core/Session.h"

using namespace spillway;
using namespace spillway::test;
using ::testing::Each;
using ::testing::HasSubstr;

namespace {

class WeightsTest : public FilesTest {
protected:
  WeightsTest() {
    options.data = "tokens:" + write("t.bin", std::string(20, '\1'));
    options.kernelLibraries = {TEST_KERNELS};
    options.save = pathOf("out.safetensors");
  }

  /// Loads, runs nothing, saves.
  std::vector<float> loaded(const std::string &name = "w") {
    rt::Session session(write("plan.spill", tiny.file()), options);
    session.run(0, [](const rt::StepReport &) {});
    session.save();
    rt::SafetensorsFile file(options.save, "weights");
    const rt::FileTensor *tensor = file.find(name);
    std::vector<float> data(tensor->bytes / sizeof(float));
    tensor->file->readExactly(data.data(), tensor->bytes, tensor->offset);
    return data;
  }
  std::string refusal() {
    return failureOf([&] { loaded(); });
  }

  static std::vector<float> counting(size_t n) {
    std::vector<float> data(n);
    for (size_t i = 0; i < n; ++i)
      data[i] = float(i);
    return data;
  }

  void useModelFile(uint64_t offset) {
    tiny.program.model = pathOf("model.onnx");
    tiny.tensorAt(at.w).file = "weights.bin";
    tiny.tensorAt(at.w).file_offset = offset;
    tiny.tensorAt(at.w).file_bytes = 256;
  }

  TinyIndices at;
  PlanBuilder tiny = tinyPlan(&at);
  rt::SessionOptions options;
};

} // namespace

TEST_F(WeightsTest, FromTheModel) {
  std::vector<float> file = counting(70);
  write("weights.bin", file);
  useModelFile(24);
  EXPECT_EQ(loaded(), std::vector<float>(file.begin() + 6, file.end()));
  // A plan that was moved together with its model.
  tiny.program.model = "/somewhere/else/model.onnx";
  EXPECT_EQ(loaded(), std::vector<float>(file.begin() + 6, file.end()));
}

TEST_F(WeightsTest, MissingOrShortExternalData) {
  useModelFile(24);
  EXPECT_THAT(refusal(),
              HasSubstr("missing external data: tensor 'w' needs 256 bytes of "
                        "'" +
                        pathOf("weights.bin") + "', which does not exist"));
  write("weights.bin", counting(60));
  EXPECT_THAT(refusal(), HasSubstr("'w' needs 256 bytes at offset 24 of '" +
                                   pathOf("weights.bin") + "', found 216"));
  tiny.tensorAt(at.w).file_bytes = 100;
  EXPECT_THAT(refusal(), HasSubstr("its shape needs 256 bytes"));
}

TEST_F(WeightsTest, NowhereIsAnError) {
  EXPECT_THAT(refusal(), HasSubstr("parameter 'w' has no initial values"));
}

TEST_F(WeightsTest, FromSafetensors) {
  options.weightOptions.weights =
      writeTensor("in.safetensors", "w", rt::DType::F32, {16, 4}, counting(64));
  EXPECT_EQ(loaded(), counting(64));
  EXPECT_THAT(loaded("w.exp_avg"), Each(0.0f));
}

TEST_F(WeightsTest, FromSafetensorsUnderATiedName) {
  tiny.tensorAt(at.w).tied_to = "lm_head";
  options.weightOptions.weights = writeTensor(
      "in.safetensors", "lm_head", rt::DType::F32, {16, 4}, counting(64));
  EXPECT_EQ(loaded(), counting(64));
}

TEST_F(WeightsTest, SafetensorsThatDoNotFit) {
  auto &file = options.weightOptions.weights;
  file =
      writeTensor("in.safetensors", "v", rt::DType::F32, {16, 4}, counting(64));
  EXPECT_THAT(refusal(), HasSubstr("have no tensor 'w'"));
  file =
      writeTensor("in.safetensors", "w", rt::DType::F32, {4, 16}, counting(64));
  EXPECT_THAT(refusal(), HasSubstr("tensor 'w': expected F32 [16, 4], found "
                                   "F32 [4, 16]"));
  file = writeTensor("in.safetensors", "w", rt::DType::I32, {16, 4},
                     std::vector<int32_t>(64));
  EXPECT_THAT(refusal(), HasSubstr("found I32 [16, 4]"));
  options.weightOptions.init = "normal:1";
  EXPECT_THAT(refusal(), HasSubstr("exclude each other"));
}

TEST_F(WeightsTest, RandomButReproducible) {
  options.weightOptions.init = "normal:0.5";
  std::vector<float> first = loaded();
  EXPECT_EQ(first, loaded());
  EXPECT_EQ(first[5], float(0.5 * rt::normals(0, rt::hashName("w"), 1)[1]));
  options.weightOptions.seed = 1;
  EXPECT_NE(first, loaded());
  options.weightOptions.init = "uniform:1";
  EXPECT_THAT(refusal(), HasSubstr("--init=uniform:1: expected normal:STD"));
}

TEST_F(WeightsTest, PartsOfATensorAreOneSequence) {
  options.weightOptions.init = "normal:1";
  std::vector<float> whole = loaded();
  tiny.plan.bindings.clear();
  // The moment moves to the end of the host's arena, and "w" is cut in two.
  tiny.bind(at.w, 0, 100, tiny.at(0, 0));
  tiny.bind(at.w, 100, 156, tiny.at(0, 100));
  tiny.bind(at.m, tiny.at(1, 0));
  std::string path = write("plan.spill", tiny.file());
  rt::PlanFile plan(path, /*prove=*/false);
  rt::Schedule schedule(plan);
  auto backend = rt::createCpuBackend({});
  backend->allocate(schedule);
  rt::Weights(plan, options.weightOptions).load(schedule, *backend);
  auto *data = static_cast<float *>(backend->hostPointer({0, 0}, 256));
  EXPECT_EQ(std::vector<float>(data, data + 64), whole);
}

TEST_F(WeightsTest, VectorsAreOnesOrZeros) {
  options.weightOptions.init = "normal:1";
  // The optimizer kernel does not care about shapes; the loader does.
  for (auto [name, value] : {std::pair{"norm.weight", 1.0f},
                             {"x.bias", 0.0f},
                             {"norm.beta", 0.0f}}) {
    PlanBuilder builder = overlapPlan(1, 0, 64, 1e9);
    builder.program.tensors[0]->name = name;
    builder.program.tensors[0]->data.clear();
    std::string path = write("plan.spill", builder.file());
    rt::Session session(path, options);
    session.run(1, [](const rt::StepReport &) {});
    EXPECT_EQ(session.losses()[0], value) << name;
  }
}
