//===- Machine.cpp - Tiers, links and streams -----------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fields.h"
#include "Schedule.h"

#include <cmath>

namespace spillway::verify {
namespace {

constexpr uint64_t maxArenaBytes = uint64_t(1) << 62;
constexpr uint64_t maxLatencyNs = 60'000'000'000;

std::optional<Error> checkTiers(const plan::Plan &plan) {
  const auto *tiers = plan.tiers();
  if (sizeOf(tiers) == 0)
    return Error{Code::MissingField, "plan has no tier, expected at least one"};
  if (sizeOf(tiers) > 255)
    return Error{Code::LimitExceeded, "plan has more than 255 tiers"};
  Names names("tier");
  for (const plan::Tier *tier : *tiers) {
    if (auto error = names.add(tier->name()))
      return error;
    std::string place = "tier '" + tier->name()->str() + "'";
    if (tier->arena_bytes() > tier->capacity_bytes())
      return Error{Code::ArenaOverCapacity,
                   place + " needs an arena of " +
                       std::to_string(tier->arena_bytes()) +
                       " bytes, but its capacity is " +
                       std::to_string(tier->capacity_bytes()) + " bytes"};
    if (tier->arena_bytes() >= maxArenaBytes)
      return Error{Code::Overflow, place + " has an arena of " +
                                       std::to_string(tier->arena_bytes()) +
                                       " bytes, expected less than 2^62"};
  }
  return std::nullopt;
}

std::optional<Error> checkLinks(const plan::Plan &plan) {
  Names names("link");
  for (uint32_t i = 0; i < sizeOf(plan.links()); ++i) {
    const plan::Link &link = *plan.links()->Get(i);
    if (auto error = names.add(link.name()))
      return error;
    std::string place = "link '" + link.name()->str() + "'";
    for (uint8_t tier : {link.source(), link.destination()})
      if (tier >= plan.tiers()->size())
        return Error{Code::IndexOutOfRange,
                     place + " ends at tier " + std::to_string(tier) +
                         ", expected one of " +
                         std::to_string(plan.tiers()->size())};
    if (!std::isfinite(link.bytes_per_second()) || link.bytes_per_second() < 1)
      return Error{Code::BadLink,
                   place + " moves " + std::to_string(link.bytes_per_second()) +
                       " bytes per second, expected a number of at least 1"};
    if (link.latency_ns() > maxLatencyNs)
      return Error{Code::BadLink, place + " has a latency of " +
                                      std::to_string(link.latency_ns()) +
                                      " ns, expected at most " +
                                      std::to_string(maxLatencyNs)};
  }
  return std::nullopt;
}

std::optional<Error> checkStreams(const plan::Plan &plan) {
  if (sizeOf(plan.streams()) > maxStreams)
    return Error{Code::LimitExceeded,
                 "plan has " + std::to_string(plan.streams()->size()) +
                     " streams, expected at most " +
                     std::to_string(maxStreams)};
  Names names("stream");
  for (uint32_t i = 0; i < sizeOf(plan.streams()); ++i) {
    const plan::Stream &stream = *plan.streams()->Get(i);
    if (auto error = names.add(stream.name()))
      return error;
    if (stream.link() < -1 || stream.link() >= int64_t(sizeOf(plan.links())))
      return Error{Code::IndexOutOfRange,
                   "stream '" + stream.name()->str() + "' is of link " +
                       std::to_string(stream.link()) +
                       ", expected -1 or one of " +
                       std::to_string(sizeOf(plan.links()))};
  }
  return std::nullopt;
}

} // namespace

std::optional<Error> checkMachine(const plan::Plan &plan) {
  if (auto error = checkTiers(plan))
    return error;
  if (auto error = checkLinks(plan))
    return error;
  return checkStreams(plan);
}

} // namespace spillway::verify
