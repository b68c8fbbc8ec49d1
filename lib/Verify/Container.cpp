//===- Container.cpp - The plan file around the plan ----------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Container.h"

#include "spillway/Plan/Alignment.h"
#include "spillway/Plan/PlanFile.h"
#include "spillway/Plan/Seal.h"
#include "spillway/Plan/Sha256.h"

#include <algorithm>

namespace spillway::verify {
namespace {

// FlatBuffers may share a table between parents, so a small file can unfold
// into very many of them. A plan for a model of 100,000 ops has a few millions.
constexpr flatbuffers::Verifier::Options limits() {
  flatbuffers::Verifier::Options options;
  options.max_depth = 16;
  options.max_tables = 4'000'000;
  // Done by hand, under these limits.
  options.check_nested_flatbuffers = false;
  return options;
}

// Root offset, identifier, and the smallest table with its description.
constexpr uint64_t minBufferBytes = 16;

// The largest buffer that FlatBuffers can address, less some for comfort.
constexpr uint64_t maxFileBytes = uint64_t(1) << 30;

std::string hex(const flatbuffers::Vector<uint8_t> &bytes) {
  Sha256::Digest digest;
  std::copy_n(bytes.begin(), digest.size(), digest.begin());
  return Sha256::hex(digest);
}

} // namespace

std::optional<Error> checkContainer(std::span<const uint8_t> file) {
  auto payload = plan::planPayload(file);
  if (!payload || payload->size() < minBufferBytes)
    return Error{Code::FileTooSmall, "not a plan file: it has " +
                                         std::to_string(file.size()) +
                                         " bytes only; was it cut?"};
  if (file.size() > maxFileBytes)
    return Error{Code::LimitExceeded, "plan file of " +
                                          std::to_string(file.size()) +
                                          " bytes, expected at most " +
                                          std::to_string(maxFileBytes)};
  if (!plan::PlanBufferHasIdentifier(payload->data()))
    return Error{Code::WrongIdentifier,
                 "not a plan file: expected the identifier 'SPIL' at byte 4"};
  if (!plan::isSealIntact(file))
    return Error{Code::ChecksumMismatch,
                 "plan file is damaged: its SHA-256 trailer does not match its "
                 "bytes; compile or copy it again"};
  flatbuffers::Verifier verifier(payload->data(), payload->size(), limits());
  if (!plan::VerifyPlanBuffer(verifier))
    return Error{Code::MalformedBuffer,
                 "plan file is not a well-formed buffer of the plan schema"};
  if (!plan::hasAlignedVectors(*plan::GetPlan(payload->data())))
    return Error{Code::MalformedBuffer,
                 "plan file has a vector at a place that its elements may not "
                 "be read at"};
  return checkEnvelope(*plan::GetPlan(payload->data()));
}

std::optional<Error> checkEnvelope(const plan::Plan &plan) {
  if (plan.version() != plan::kPlanVersion)
    return Error{Code::UnsupportedVersion,
                 "plan file has version " + std::to_string(plan.version()) +
                     ", expected " + std::to_string(plan::kPlanVersion) +
                     "; compile the model again with this build"};

  const flatbuffers::Vector<uint8_t> *program = plan.program();
  if (!program || program->size() < minBufferBytes)
    return Error{Code::MissingField, "plan file holds no program"};
  if (reinterpret_cast<uintptr_t>(program->data()) % 16 != 0)
    return Error{Code::MalformedBuffer,
                 "program does not start at a multiple of 16 in the plan file; "
                 "write it with the alignment of the schema"};
  flatbuffers::Verifier verifier(program->data(), program->size(), limits());
  if (!verifier.VerifyBuffer<plan::Program>(nullptr))
    return Error{Code::MalformedBuffer,
                 "program is not a well-formed buffer of the plan schema"};
  if (!plan::hasAlignedVectors(
          *flatbuffers::GetRoot<plan::Program>(program->data())))
    return Error{Code::MalformedBuffer,
                 "program has a vector at a place that its elements may not be "
                 "read at"};

  const flatbuffers::Vector<uint8_t> *pinned = plan.program_sha256();
  if (!pinned || pinned->size() != plan::kTrailerBytes)
    return Error{
        Code::MissingField,
        "plan file does not pin its program: expected a program_sha256 "
        "of 32 bytes"};
  Sha256::Digest actual = Sha256::of(program->data(), program->size());
  if (!std::equal(actual.begin(), actual.end(), pinned->begin()))
    return Error{Code::ProgramHashMismatch,
                 "program does not match its hash: expected " + hex(*pinned) +
                     ", found " + Sha256::hex(actual)};
  return std::nullopt;
}

} // namespace spillway::verify
