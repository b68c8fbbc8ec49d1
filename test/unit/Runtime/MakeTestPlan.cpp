//===- MakeTestPlan.cpp - Writes a plan for the tool's tests ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlans.h"

#include <cstdio>
#include <fstream>
#include <string>

using namespace spillway::test;

static PlanBuilder build(const std::string &name) {
  if (name == "overlap")
    return overlapPlan(10, 10000000, 1 << 20, 104857600);
  if (name == "allocating")
    return overlapPlan(2, 0, 1024, 1e9, "test_allocating");
  if (name == "unknown-kernel")
    return overlapPlan(2, 0, 1024, 1e9, "test_nothing");
  if (name == "refusing")
    return overlapPlan(2, 0, 1024, 1e9, "test_refusing");
  TinyIndices at;
  PlanBuilder b = tinyPlan(&at);
  if (name == "tiny")
    setInline(b, at.w, 1);
  if (name == "other-version")
    ++b.plan.version;
  if (name == "external") {
    b.program.model = "model.onnx";
    b.tensorAt(at.w).file = "weights.bin";
    b.tensorAt(at.w).file_offset = 64;
    b.tensorAt(at.w).file_bytes = 256;
  }
  if (name == "tied")
    b.tensorAt(at.w).tied_to = "lm_head.weight";
  return b;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make-test-plan NAME FILE\n");
    return 2;
  }
  std::vector<uint8_t> bytes = build(argv[1]).file();
  std::ofstream file(argv[2], std::ios::binary);
  file.write(reinterpret_cast<const char *>(bytes.data()),
             std::streamsize(bytes.size()));
  return file.good() ? 0 : 1;
}
