//===- SamplesTest.cpp - Valid plans are accepted -------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Samples.h"
#include "spillway/Verify/Verify.h"
#include "gtest/gtest.h"

using namespace spillway;
using namespace spillway::test;

namespace {

void expectAccepted(Sample sample) {
  auto error = verify::verifyPlan(sample.file());
  EXPECT_FALSE(error) << verify::codeName(error->code) << ": "
                      << error->message;
}

TEST(Samples, Resident) { expectAccepted(residentStep()); }
TEST(Samples, Swap) { expectAccepted(swapStep()); }
TEST(Samples, Recompute) { expectAccepted(recomputeStep()); }
TEST(Samples, Sliced) { expectAccepted(slicedStep()); }
TEST(Samples, Streamed) { expectAccepted(streamedStep()); }
TEST(Samples, Assembled) { expectAccepted(assembledStep()); }

TEST(Samples, NamesMayBeInAnyLanguage) {
  Sample sample = residentStep();
  sample.plan.tiers[1]->name = "h\xc3\xb6st \xe4\xb8\xbb \xf0\x9f\x92\xbe";
  expectAccepted(std::move(sample));
}

} // namespace
