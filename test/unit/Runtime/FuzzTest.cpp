//===- FuzzTest.cpp - Plan files of random damage ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whatever the bytes are, loading a plan ends with a plan or with one message:
// no crash, no other exception, nothing that runs away. SPILLWAY_FUZZ in the
// environment is the number of files (with the sanitizers, 100000 and more).
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "TestPlans.h"
#include "core/PlanFile.h"
#include "core/Schedule.h"
#include "spillway/Plan/Seal.h"
#include "spillway/Plan/Sha256.h"
#include "spillway/Verify/Verify.h"

#include <random>

using namespace spillway;
using namespace spillway::test;

namespace {

/// How much of a damaged file is made to look right again.
enum class Seal { None, File, ProgramAndFile };

class Fuzz : public FilesTest {
protected:
  uint64_t below(uint64_t limit) { return limit ? random() % limit : 0; }

  /// Damages a buffer without its trailer.
  void damage(std::vector<uint8_t> &bytes) {
    static constexpr uint32_t words[] = {0,          1,          0x7fffffff,
                                         0x80000000, 0xfffffffc, 0xffffffff};
    for (uint64_t i = 0, count = 1 + below(8); i < count; ++i) {
      if (bytes.size() < 16)
        return;
      size_t at = below(bytes.size() - 8);
      switch (below(7)) {
      case 0:
      case 1:
        bytes[at] ^= uint8_t(1u << below(8));
        break;
      case 2:
        bytes[at] = uint8_t(random());
        break;
      case 3: // where FlatBuffers keeps its offsets and lengths
        at &= ~size_t(3);
        std::memcpy(&bytes[at], &words[below(std::size(words))], 4);
        break;
      case 4: { // something valid in the wrong place
        size_t length = std::min<size_t>(1 + below(64), bytes.size() - at);
        size_t from = below(bytes.size() - length);
        std::memmove(&bytes[at], &bytes[from], length);
        break;
      }
      case 5:
        bytes.resize(below(8) ? bytes.size() - below(16) : at);
        break;
      default:
        bytes.insert(bytes.begin() + int64_t(at), 4 * (1 + below(4)), 0);
        break;
      }
    }
  }

  /// Makes the program's hash right, where a program can still be found.
  static void sealProgram(std::vector<uint8_t> &bytes) {
    flatbuffers::Verifier verifier(bytes.data(), bytes.size());
    if (bytes.size() < 8 || !plan::VerifyPlanBuffer(verifier))
      return;
    plan::Plan &plan = *plan::GetMutablePlan(bytes.data());
    if (!plan.program() || !plan.program_sha256() ||
        plan.program_sha256()->size() != Sha256::Digest().size())
      return;
    Sha256::Digest digest =
        Sha256::of(plan.program()->data(), plan.program()->size());
    std::copy(digest.begin(), digest.end(),
              plan.mutable_program_sha256()->data());
  }

  /// The three ways in: as users load a plan, the parser behind a verifier that
  /// looks away, and the verifier alone. Returns whether it was taken.
  bool load(const std::vector<uint8_t> &file) {
    std::string path = write("plan.spill", file);
    std::string why = failureOf([&] { rt::PlanFile plan(path); });
    failureOf([&] {
      rt::PlanFile plan(path, /*prove=*/false);
      rt::Schedule schedule(plan);
    });
    auto error = verify::verifyPlan(file);
    EXPECT_TRUE(why.empty() || why.size() < 2000) << why;
    EXPECT_TRUE(!error || !error->message.empty());
    if (error) {
      EXPECT_NE(why, "") << "loaded, but the verifier says " << error->message;
    }
    return why.empty();
  }

  static uint64_t count() {
    const char *text = std::getenv("SPILLWAY_FUZZ");
    return text ? std::strtoull(text, nullptr, 10) : 3000;
  }

  std::mt19937_64 random{20};
};

} // namespace

TEST_F(Fuzz, DamagedPlans) {
  TinyIndices at;
  PlanBuilder tiny = tinyPlan(&at);
  setInline(tiny, at.w, 1);
  std::vector<uint8_t> good = tiny.file();
  ASSERT_TRUE(load(good));
  good.resize(good.size() - plan::kTrailerBytes);
  uint64_t taken[3] = {};
  for (uint64_t i = 0; i < count(); ++i) {
    SCOPED_TRACE(i);
    std::vector<uint8_t> bytes = good;
    damage(bytes);
    Seal seal = Seal(i % 3);
    if (seal == Seal::ProgramAndFile)
      sealProgram(bytes);
    if (seal == Seal::None)
      bytes.resize(bytes.size() + plan::kTrailerBytes, 0xa5);
    else
      plan::sealPlan(bytes);
    taken[i % 3] += load(bytes);
    if (HasFailure())
      return;
  }
  // Without a seal nothing gets in; with both, some harmless damage does.
  EXPECT_EQ(taken[0], 0u);
  EXPECT_GT(taken[2], 0u);
}

TEST_F(Fuzz, RandomBytes) {
  for (uint64_t i = 0; i < count() / 4; ++i) {
    std::vector<uint8_t> bytes(below(below(4) ? 256 : 8192));
    for (uint8_t &b : bytes)
      b = uint8_t(random());
    if (i % 2 && bytes.size() >= 8)
      std::memcpy(&bytes[4], plan::PlanIdentifier(), 4);
    if (i % 4 == 3)
      plan::sealPlan(bytes);
    ASSERT_FALSE(load(bytes)) << i;
  }
}
