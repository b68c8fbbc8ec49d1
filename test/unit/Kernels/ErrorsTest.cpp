//===- ErrorsTest.cpp - What prepare refuses ------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recorded cases, each spoiled in one way: `prepare` must say what is wrong.
//
//===----------------------------------------------------------------------===//

#include "conformance/CpuBackend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

using namespace spillway::conformance;
using testing::HasSubstr;

namespace {

CpuBackend &backend() {
  static CpuBackend instance(2);
  return instance;
}

const std::map<std::string, Case> &allCases() {
  static const std::map<std::string, Case> cases = [] {
    std::map<std::string, Case> result;
    for (const auto &entry :
         std::filesystem::directory_iterator(SPILLWAY_CONFORMANCE_CASES))
      for (Case &test : loadCases(entry.path()))
        result.emplace(test.name, std::move(test));
    return result;
  }();
  return cases;
}

/// The message of a case after `spoil` changed it.
std::string refusal(const std::string &name,
                    const std::function<void(Case &)> &spoil) {
  Case test = allCases().at(name);
  spoil(test);
  return CaseLaunch(test, backend()).prepare();
}

void setAttribute(Case &test, const std::string &name,
                  const std::function<void(Attribute &)> &change) {
  for (Attribute &attribute : test.attributes)
    if (attribute.name == name)
      return change(attribute);
  FAIL() << test.name << " has no attribute " << name;
}

TEST(KernelErrors, EveryKernelNeedsItsOperands) {
  for (const auto &[name, test] : allCases()) {
    if (!test.inputs.empty() && test.kernel != "sum_squares" &&
        test.kernel != "clip_scale") {
      EXPECT_THAT(refusal(name, [](Case &c) { c.inputs.clear(); }),
                  HasSubstr("expected"))
          << name;
    }
    EXPECT_THAT(refusal(name, [](Case &c) { c.outputs.clear(); }),
                HasSubstr("expected"))
        << name;
    EXPECT_THAT(
        refusal(name, [](Case &c) { c.outputs.push_back(c.outputs.back()); }),
        HasSubstr("outputs"))
        << name;
  }
}

TEST(KernelErrors, EveryKernelNeedsItsAttributes) {
  for (const auto &[name, test] : allCases()) {
    for (const Attribute &attribute : test.attributes) {
      if (attribute.name.starts_with("transpose_"))
        continue; // absent: not transposed
      std::string error = refusal(name, [&](Case &c) {
        std::erase_if(c.attributes, [&](const Attribute &other) {
          return other.name == attribute.name;
        });
      });
      EXPECT_THAT(error, HasSubstr("'" + attribute.name + "'")) << name;
      error = refusal(name, [&](Case &c) {
        setAttribute(c, attribute.name, [](Attribute &a) {
          a.kind = a.kind == SPW_ATTR_STRING ? SPW_ATTR_BYTES : SPW_ATTR_STRING;
        });
      });
      EXPECT_THAT(error, HasSubstr("another kind")) << name;
    }
  }
}

bool reduces(const Case &test, int64_t dim) {
  for (const Attribute &attribute : test.attributes)
    if (attribute.name == "dims")
      return std::count(attribute.ints.begin(), attribute.ints.end(), dim) > 0;
  return false;
}

TEST(KernelErrors, EveryKernelChecksShapes) {
  for (const auto &[name, test] : allCases()) {
    for (size_t i = 0; i < test.inputs.size(); ++i) {
      if (test.kernel == "sum_squares" || test.kernel == "pad")
        continue; // these take any
      std::string error = refusal(name, [&](Case &c) {
        c.inputs[i].sizes.push_back(2);
        c.inputs[i].strides.push_back(1);
      });
      EXPECT_THAT(error, HasSubstr("expected")) << name << " input " << i;
      for (size_t d = 0; d < test.inputs[i].sizes.size(); ++d) {
        // A vocabulary, and what is reduced, are as large as they are.
        bool isFree = (test.kernel == "embedding" && i == 0 && d == 0) ||
                      (test.kernel == "cross_entropy" && i == 0 && d == 1) ||
                      (test.kernel == "reduce" && reduces(test, int64_t(d)));
        if (isFree)
          continue;
        error = refusal(name, [&](Case &c) { c.inputs[i].sizes[d] += 1; });
        EXPECT_THAT(error, HasSubstr("expected"))
            << name << " input " << i << " dimension " << d;
      }
    }
  }
}

TEST(KernelErrors, EveryKernelChecksTypes) {
  for (const auto &[name, test] : allCases()) {
    if (test.kernel == "cast")
      continue;
    for (size_t i = 0; i < test.inputs.size(); ++i)
      EXPECT_THAT(refusal(name, [&](Case &c) { c.inputs[i].dtype = SPW_F64; }),
                  HasSubstr("expected"))
          << name << " input " << i;
    for (size_t i = 0; i < test.outputs.size() && test.kernel != "fill"; ++i)
      EXPECT_THAT(refusal(name, [&](Case &c) { c.outputs[i].dtype = SPW_F64; }),
                  HasSubstr("expected"))
          << name << " output " << i;
  }
}

TEST(KernelErrors, WorkspaceMustSuffice) {
  for (const auto &[name, test] : allCases()) {
    if (workspaceBytes(test) == 0)
      continue;
    CaseLaunch launch(test, backend());
    launch.launch.workspace_bytes -= 1;
    EXPECT_THAT(launch.prepare(),
                HasSubstr("expected a workspace of " +
                          std::to_string(workspaceBytes(test)) + " bytes"))
        << name;
  }
}

TEST(KernelErrors, OperandsMustBePlain) {
  EXPECT_EQ(refusal("unary/exp",
                    [](Case &c) {
                      c.inputs[0].sizes.assign(9, 1);
                      c.inputs[0].strides.assign(9, 1);
                    }),
            "input 0: expected a rank of 0 to 8, found 9");
  EXPECT_THAT(
      refusal("unary/exp", [](Case &c) { c.inputs[0].strides[1] = -1; }),
      HasSubstr("not negative, found size 3 and stride -1"));
  EXPECT_THAT(
      refusal("unary/exp", [](Case &c) { c.outputs[0].strides[0] = 7; }),
      HasSubstr("expected a dense result"));
  EXPECT_THAT(
      refusal("softmax/7x8", [](Case &c) { c.inputs[0].strides[0] = 9; }),
      HasSubstr("copy it first"));
  CaseLaunch launch(allCases().at("unary/exp"), backend());
  launch.launch.pool = nullptr;
  EXPECT_THAT(launch.prepare(), HasSubstr("expected a pool"));
}

TEST(KernelErrors, AttributesMustMakeSense) {
  auto setText = [](const char *name, const char *value) {
    return [=](Case &c) {
      setAttribute(c, name, [=](Attribute &a) { a.s = value; });
    };
  };
  auto setInt = [](const char *name, int64_t value) {
    return [=](Case &c) {
      setAttribute(c, name, [=](Attribute &a) { a.i = value; });
    };
  };
  auto setInts = [](const char *name, std::vector<int64_t> value) {
    return [=](Case &c) {
      setAttribute(c, name, [=](Attribute &a) { a.ints = value; });
    };
  };
  EXPECT_THAT(refusal("unary/exp", setText("fn", "expp")),
              HasSubstr("found 'expp'"));
  EXPECT_THAT(refusal("unary_grad/exp", setText("fn", "add")),
              HasSubstr("found 'add'"));
  EXPECT_THAT(refusal("binary/add", setText("fn", "eq")),
              HasSubstr("binary function"));
  EXPECT_THAT(refusal("reduce/sum-[0]", setText("fn", "product")),
              HasSubstr("sum, mean or max"));
  EXPECT_THAT(refusal("reduce/sum-[0]", setInts("dims", {4})),
              HasSubstr("'dims'"));
  EXPECT_THAT(refusal("reduce/sum-[0]", setInts("dims", {0, 0})),
              HasSubstr("distinct"));
  EXPECT_THAT(refusal("concat/dim-0", setInt("dim", 3)), HasSubstr("'dim'"));
  EXPECT_THAT(refusal("pad/(1, 2)-(0, 3)", setInts("low", {1})),
              HasSubstr("expected 2 numbers, found 1"));
  EXPECT_THAT(refusal("pad/(1, 2)-(0, 3)", setInts("low", {2, 2})),
              HasSubstr("inside of y"));
  EXPECT_THAT(refusal("attention/plain", setInt("lanes", 0)),
              HasSubstr("'lanes': expected at least 1"));
  EXPECT_THAT(refusal("adamw/1-decay0.01-scaleNone", setInt("groups", 2)),
              HasSubstr("expected 11 inputs, found 7"));
  EXPECT_THAT(refusal("adamw/1-decay0.01-scaleNone", setInt("groups", -1)),
              HasSubstr("'groups'"));
}

TEST(KernelErrors, MatricesMustNotOverlapThemselves) {
  EXPECT_THAT(
      refusal("matmul/17x33x65", [](Case &c) { c.inputs[0].strides = {0, 1}; }),
      HasSubstr("a: expected a matrix or the transpose of one"));
  EXPECT_THAT(refusal("matmul/17x33x65",
                      [](Case &c) { c.inputs[1].strides = {66, 2}; }),
              HasSubstr("copy it first"));
  EXPECT_THAT(
      refusal("attention/plain", [](Case &c) { c.inputs[1].strides[3] = 2; }),
      HasSubstr("k: expected a last stride of 1"));
  EXPECT_THAT(
      refusal("attention/plain", [](Case &c) { c.inputs[2].strides[1] = 0; }),
      HasSubstr("v: expected a stride of at least 8 between rows"));
}

} // namespace
