//===- ConformanceTest.cpp - Every recorded case on the CPU ---------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values agree with PyTorch's, and bits depend neither on the number of threads
// nor on addresses.
//
//===----------------------------------------------------------------------===//

#include "conformance/CpuBackend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

using namespace spillway::conformance;

static CpuBackend &backend(int lanes) {
  static std::map<int, CpuBackend> backends;
  return backends.try_emplace(lanes, lanes).first->second;
}

namespace {

class Conformance : public testing::TestWithParam<std::string> {};

TEST_P(Conformance, AgreesWithPyTorchOnAnyThreadsAndAddresses) {
  for (const Case &test :
       loadCases(SPILLWAY_CONFORMANCE_CASES "/" + GetParam())) {
    SCOPED_TRACE(test.name);
    Result first = runCase(test, backend(1), 0);
    ASSERT_EQ(first.error, "");
    for (size_t i = 0; i < test.outputs.size(); ++i)
      EXPECT_EQ(compare(test.outputs[i], first.outputs[i]), "")
          << "output " << i;
    for (auto [lanes, shift] :
         {std::pair<int, size_t>{1, 256}, {2, 0}, {2, 256}, {3, 0}, {3, 512}}) {
      Result again = runCase(test, backend(lanes), shift);
      ASSERT_EQ(again.error, "");
      EXPECT_TRUE(again.outputs == first.outputs)
          << "other bits on " << lanes << " threads, shifted by " << shift;
    }
  }
}

std::vector<std::string> caseFiles() {
  std::vector<std::string> names;
  for (const auto &entry :
       std::filesystem::directory_iterator(SPILLWAY_CONFORMANCE_CASES))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Files, Conformance, testing::ValuesIn(caseFiles()),
                         [](const auto &info) {
                           return info.param.substr(0, info.param.find('.'));
                         });

TEST(ConformanceSuite, HasCasesForEveryKernel) {
  std::set<std::string> tried;
  for (const std::string &file : caseFiles())
    for (const Case &test : loadCases(SPILLWAY_CONFORMANCE_CASES "/" + file))
      tried.insert(test.kernel);
  for (const auto &[name, kernel] : backend(1).all())
    EXPECT_TRUE(tried.count(name)) << name;
  EXPECT_EQ(tried.size(), backend(1).all().size());
}

} // namespace
