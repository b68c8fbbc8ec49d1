//===- Options.h - The command line of spillway-run -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TOOLS_SPILLWAY_RUN_OPTIONS_H
#define SPILLWAY_TOOLS_SPILLWAY_RUN_OPTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace spillway::run {

struct Options {
  std::string plan;
  std::string backend = "cpu";
  int64_t threads = 0;
  int64_t steps = 1;
  uint64_t seed = 0;
  std::optional<std::string> weights, init, data, lrSchedule, save, stats,
      trace, profile, resume, nvmeDir;
  std::vector<std::string> kernelLibraries;
  bool emulateLinks = false;
  bool quiet = false;
  bool help = false;
};

/// Parses the arguments; nothing, with a message, where they make no sense.
std::optional<Options> parseOptions(int argc, char **argv, std::string &error);

extern const char *const usageText;
extern const char *const helpText;

} // namespace spillway::run

#endif // SPILLWAY_TOOLS_SPILLWAY_RUN_OPTIONS_H
