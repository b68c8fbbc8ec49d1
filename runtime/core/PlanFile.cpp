//===- PlanFile.cpp - A plan file, checked ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanFile.h"
#include "Error.h"
#include "File.h"
#include "spillway/Plan/Alignment.h"
#include "spillway/Plan/PlanFile.h"
#include "spillway/Plan/Sha256.h"
#include "spillway/Verify/Verify.h"

#include <algorithm>

using namespace spillway;
using namespace spillway::rt;

/// A table takes at least four bytes, so a buffer whose tables are not shared
/// by malice never has more.
static flatbuffers::Verifier structureVerifier(const uint8_t *data,
                                               size_t bytes) {
  auto maxTables = flatbuffers::uoffset_t(bytes / 4 + 1);
  return flatbuffers::Verifier(data, bytes, /*max_depth=*/16, maxTables);
}

PlanFile::PlanFile(const std::string &path, bool prove) : filePath(path) {
  const char *name = path.c_str();
  InputFile input(path, "plan");
  if (input.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)
    fail("'%s' is not a plan: %llu bytes are more than a plan file can have",
         name, (unsigned long long)input.size());
  file = input.readAll();
  if (file.size() < plan::kTrailerBytes + 8)
    fail("'%s' is not a plan: expected at least %zu bytes, found %zu", name,
         plan::kTrailerBytes + 8, file.size());
  size_t bytes = file.size() - plan::kTrailerBytes;
  if (!plan::PlanBufferHasIdentifier(file.data()))
    fail("'%s' is not a plan: expected the file identifier '%s'", name,
         plan::PlanIdentifier());
  Sha256::Digest digest = Sha256::of(file.data(), bytes);
  if (!std::equal(digest.begin(), digest.end(), file.begin() + bytes))
    fail("plan '%s' is damaged: its checksum does not match its content; "
         "copy or compile it again",
         name);
  auto verifier = structureVerifier(file.data(), bytes);
  if (!plan::VerifyPlanBuffer(verifier) ||
      !plan::hasAlignedVectors(*plan::GetPlan(file.data())))
    fail("plan '%s' is malformed: its FlatBuffers structure is invalid", name);
  planRoot = plan::GetPlan(file.data());
  if (planRoot->version() != plan::kPlanVersion)
    fail("plan '%s' has version %u, this build runs version %u; compile it "
         "again",
         name, planRoot->version(), plan::kPlanVersion);

  programBytes.assign(planRoot->program()->begin(), planRoot->program()->end());
  Sha256::Digest programDigest =
      Sha256::of(programBytes.data(), programBytes.size());
  const auto *expected = planRoot->program_sha256();
  if (!expected || expected->size() != programDigest.size() ||
      !std::equal(programDigest.begin(), programDigest.end(),
                  expected->begin()))
    fail("plan '%s' is malformed: its program does not match program_sha256",
         name);
  auto programVerifier =
      structureVerifier(programBytes.data(), programBytes.size());
  if (programBytes.size() < 8 ||
      !programVerifier.VerifyBuffer<plan::Program>(nullptr) ||
      !plan::hasAlignedVectors(
          *flatbuffers::GetRoot<plan::Program>(programBytes.data())))
    fail("plan '%s' is malformed: its program's FlatBuffers structure is "
         "invalid",
         name);
  programRoot = flatbuffers::GetRoot<plan::Program>(programBytes.data());

  if (!prove)
    return;
  if (auto error = verify::verifyPlan(file))
    fail("plan '%s' is refused by the verifier: %s", name,
         error->message.c_str());
}
