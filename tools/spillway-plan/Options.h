//===- Options.h - The command line of spillway-plan ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TOOLS_PLAN_OPTIONS_H
#define SPILLWAY_TOOLS_PLAN_OPTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace spillway::plantool {

struct Options {
  std::string problem;
  std::string format; ///< json, networkx, txt, g10, csv; empty: by the ending
  std::string budget; ///< as given; empty: the tiers' capacities
  std::string hostBudget, nvmeBudget;
  std::string machine, policy = "joint";
  bool allPolicies = false, fixedOrder = false, alone = false;
  bool offsets = false, help = false;
  double planSeconds = 0;
  uint32_t iterations = 200;
  std::string output, check, plot, trace, stats, schedule;
};

extern const char *const usageText;
extern const char *const helpText;

/// Returns nothing and sets `error` if the command line is wrong.
std::optional<Options> parseOptions(int argc, char **argv, std::string &error);

/// A number of at least 0 in decimals (`60`, `1.5e3`) and what follows it.
std::optional<std::pair<double, std::string>>
parseNumber(const std::string &text);

/// `123`, `1.5GiB`, `8MB`. Nothing if it is none.
std::optional<uint64_t> parseBytes(const std::string &text);

} // namespace spillway::plantool

#endif // SPILLWAY_TOOLS_PLAN_OPTIONS_H
