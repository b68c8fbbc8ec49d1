//===- Options.cpp - The command line of spillway-plan ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include <cmath>
#include <cstdlib>
#include <vector>

using namespace spillway::plantool;

const char *const spillway::plantool::usageText =
    "usage: spillway-plan PROBLEM [options]; --help lists them\n";

const char *const spillway::plantool::helpText =
    R"(spillway-plan plans a training step: what stays in memory, what is
recomputed, what is swapped, and when.

usage: spillway-plan PROBLEM [options]

PROBLEM is Spillway's planning problem (.json), a networkx node-link graph
(.json with --format=networkx), a flattened recompute-only instance (.txt), a
kernel list of G10 (.kernels.config.gz), or buffers to be given offsets (.csv
with --offsets).

  --format=json|networkx|txt|g10|csv   (default: by the file's ending)
  --machine=FILE           tiers, links, engines, where the format has none
  --budget=BYTES|N%        device memory; N% of the peak with nothing moved, in
                           the given order; with --offsets, a height that
                           suffices. Sizes take KiB MiB GiB (binary), KB MB GB
  --host-budget=BYTES, --nvme-budget=BYTES
  --policy=NAME            (default joint)
  --all-policies           a table of all; of the outputs only --stats
  --fixed-order            keep the order of first executions
  --alone                  joint takes over no other policy's plan
  --iterations=N           how hard to search (default 200)
  --plan-seconds=S         search for S seconds instead; the plan then depends on
                           the machine that made it

  --offsets                give buffers addresses; PROBLEM is a .csv with the
                           columns `lower`, `upper` (not included) and `size`

  -o FILE                  the plan (JSON); with --offsets the input with a
                           column `offset`
  --schedule=FILE          a recompute-only plan as lines `run OP`, `free STORAGE`
  --check=PLAN             verify a plan for this problem instead of making one
  --stats=FILE, --plot=FILE.svg, --trace=FILE

Exit status: 0 done; 1 the input is wrong or cannot be planned; 2 usage.
)";

/// strtod also takes signs, spaces, hexadecimals, infinities and NaN.
std::optional<std::pair<double, std::string>>
spillway::plantool::parseNumber(const std::string &text) {
  size_t end = text.find_first_not_of("0123456789.");
  if (end != 0 && end != std::string::npos && (text[end] | 32) == 'e') {
    size_t power = text.find_first_not_of("+-", end + 1);
    if (power <= end + 2)
      end = text.find_first_not_of("0123456789", power);
  }
  std::string number = text.substr(0, end);
  char *stop = nullptr;
  double value = std::strtod(number.c_str(), &stop);
  if (number.empty() || *stop || !std::isfinite(value))
    return std::nullopt;
  return std::pair(value, text.substr(number.size()));
}

std::optional<uint64_t>
spillway::plantool::parseBytes(const std::string &text) {
  auto number = parseNumber(text);
  if (!number)
    return std::nullopt;
  auto [value, unit] = *number;
  static const std::vector<std::pair<std::string, double>> units = {
      {"", 1},         {"B", 1},        {"KiB", 0x1p10}, {"MiB", 0x1p20},
      {"GiB", 0x1p30}, {"TiB", 0x1p40}, {"KB", 1e3},     {"MB", 1e6},
      {"GB", 1e9},     {"TB", 1e12}};
  for (auto &[name, factor] : units)
    if (unit == name) {
      // A plain integer must not pass through a double's 53 bits.
      if (factor == 1 && text.find_first_of(".eE") == std::string::npos)
        if (value < 0x1p62)
          return std::strtoull(text.c_str(), nullptr, 10);
      double bytes = value * factor;
      return bytes < 0x1p62 ? std::optional<uint64_t>(uint64_t(bytes))
                            : std::nullopt;
    }
  return std::nullopt;
}

std::optional<Options> spillway::plantool::parseOptions(int argc, char **argv,
                                                        std::string &error) {
  Options o;
  auto wrong = [&](const std::string &text) {
    error = text;
    return std::nullopt;
  };
  const std::vector<std::pair<std::string, std::string *>> strings = {
      {"--format", &o.format},
      {"--budget", &o.budget},
      {"--host-budget", &o.hostBudget},
      {"--nvme-budget", &o.nvmeBudget},
      {"--machine", &o.machine},
      {"--policy", &o.policy},
      {"--check", &o.check},
      {"--plot", &o.plot},
      {"--trace", &o.trace},
      {"--stats", &o.stats},
      {"--schedule", &o.schedule},
  };
  const std::vector<std::pair<std::string, bool *>> flags = {
      {"--all-policies", &o.allPolicies},
      {"--fixed-order", &o.fixedOrder},
      {"--alone", &o.alone},
      {"--offsets", &o.offsets},
      {"--help", &o.help},
      {"-h", &o.help},
  };
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    if (arg.empty() || arg[0] != '-') {
      if (!o.problem.empty())
        return wrong("expected one problem, found '" + o.problem + "' and '" +
                     arg + "'");
      o.problem = arg;
      continue;
    }
    bool known = false;
    for (auto &[name, flag] : flags)
      if (arg == name)
        known = *flag = true;
    if (known)
      continue;
    std::string name = arg.substr(0, arg.find('=')), value;
    if (name == "-o") {
      if (arg != "-o" || i + 1 >= argc)
        return wrong("expected a file after -o");
      o.output = argv[++i];
      continue;
    }
    if (name.size() < arg.size())
      value = arg.substr(name.size() + 1);
    else if (i + 1 < argc)
      value = argv[++i];
    else
      return wrong("unknown option '" + arg + "', or its value is missing");
    for (auto &[key, target] : strings)
      if (name == key) {
        if (value.empty())
          return wrong("expected a value for " + name + ", found none");
        *target = value;
        known = true;
      }
    if (name == "--plan-seconds" || name == "--iterations") {
      auto number = parseNumber(value);
      bool whole = name == "--iterations";
      if (!number || !number->second.empty() || number->first > 1e6 ||
          (whole && number->first != std::floor(number->first)))
        return wrong(
            "expected a " + std::string(whole ? "whole number" : "number") +
            " from 0 to 1000000 for " + name + ", found '" + value + "'");
      if (whole)
        o.iterations = uint32_t(number->first);
      else
        o.planSeconds = number->first;
      known = true;
    }
    if (!known)
      return wrong("unknown option '" + name + "'");
  }
  if (o.help)
    return o;
  if (o.problem.empty())
    return wrong("expected a problem");
  const bool writesNoPlan = o.allPolicies || !o.check.empty();
  for (auto &[name, file] :
       {std::pair<const char *, const std::string &>{"-o", o.output},
        {"--schedule", o.schedule},
        {"--plot", o.plot},
        {"--trace", o.trace}})
    if (writesNoPlan && !file.empty())
      return wrong(std::string(o.allPolicies ? "--all-policies" : "--check") +
                   " makes no plan that " + name +
                   " could write: leave out one of them");
  return o;
}
