//===- Machine.h - Tiers, links and engines ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The machine as the planner sees it: tiers with capacities, links between
// them, engines that run operators. Names, never enums: a machine may have more
// of each than we know today. Tier 0 is the one that kernels compute in.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_MACHINE_H
#define SPILLWAY_PLANNER_MACHINE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spillway::planner {

/// A capacity that is no limit.
inline constexpr uint64_t unlimited = UINT64_MAX;

struct Tier {
  std::string name;
  /// What a plan may use: the tier's size less its reserve.
  uint64_t capacity = unlimited;
};

/// A one-way link between two tiers, with a stream of its own.
struct Link {
  std::string name;
  uint32_t from = 0, to = 0;
  uint64_t bytesPerSecond = 0;
  int64_t latencyNs = 0;
  /// Links of one nonzero group share one wire: they transfer by turns.
  uint32_t group = 0;

  /// Time of one transfer, rounded up, and of its bytes alone.
  int64_t transferNs(uint64_t bytes) const {
    return latencyNs + bytesNs(bytes);
  }
  int64_t bytesNs(uint64_t bytes) const;
};

/// Runs operators one after the other, on the instances of its tier.
struct Engine {
  std::string name;
  uint32_t tier = 0;
};

struct Machine {
  std::vector<Tier> tiers;
  std::vector<Link> links;
  /// Engine 0 computes on tier 0.
  std::vector<Engine> engines;

  std::optional<uint32_t> findTier(std::string_view name) const;
  std::optional<uint32_t> findEngine(std::string_view name) const;
  /// The link, or the two links through a third tier, that carry a transfer.
  /// Empty where there is no way. Two links work as one at the slower rate: the
  /// bytes are staged chunk by chunk in a few slots of the tier between. Other
  /// transfers over the faster link go between the chunks.
  std::vector<uint32_t> route(uint32_t from, uint32_t to) const;
  /// The same, as what a transfer takes for as long as it lasts, and what it
  /// takes only for its bytes' time there.
  struct Way {
    static constexpr uint32_t none = UINT32_MAX;
    uint32_t link = none, shared = none;
  };
  Way way(uint32_t from, uint32_t to) const;
  /// Time of one transfer over `route(from, to)`.
  int64_t transferNs(uint32_t from, uint32_t to, uint64_t bytes) const;

  /// One tier without a limit and one engine: for instances without a machine.
  static Machine deviceOnly();
};

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_MACHINE_H
