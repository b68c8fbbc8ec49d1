//===- Seal.cpp - The trailer of a plan file ------------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Plan/Seal.h"
#include "spillway/Plan/PlanFile.h"
#include "spillway/Plan/Sha256.h"

#include <algorithm>

namespace spillway::plan {

void sealPlan(std::vector<uint8_t> &buffer) {
  Sha256::Digest digest = Sha256::of(buffer.data(), buffer.size());
  static_assert(sizeof(digest) == kTrailerBytes);
  buffer.insert(buffer.end(), digest.begin(), digest.end());
}

std::optional<std::span<const uint8_t>>
planPayload(std::span<const uint8_t> file) {
  if (file.size() <= kTrailerBytes)
    return std::nullopt;
  return file.first(file.size() - kTrailerBytes);
}

bool isSealIntact(std::span<const uint8_t> file) {
  auto payload = planPayload(file);
  return payload &&
         std::ranges::equal(Sha256::of(payload->data(), payload->size()),
                            file.last(kTrailerBytes));
}

} // namespace spillway::plan
