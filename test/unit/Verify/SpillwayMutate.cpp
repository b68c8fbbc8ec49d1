//===- SpillwayMutate.cpp - Writes the mutants that are accepted ----------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// spillway-mutate PLAN [--count=N] [--seed=S] [--out=DIR]
//
// Verifies N mutants of a plan file. Those that are accepted and are another
// plan to a machine are written to DIR/NNNNN.spill, each once, for a test to
// run and compare. Prints a JSON summary, with what was done to each of them.
//
//===----------------------------------------------------------------------===//

#include "Mutate.h"
#include "spillway/Plan/Sha256.h"
#include "spillway/Verify/Verify.h"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

using namespace spillway;

namespace {

struct Options {
  std::string plan, out;
  uint64_t count = 10000, seed = 1;
};

bool parse(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    std::string_view arg = argv[i];
    auto number = [&](std::string_view flag, uint64_t &to) {
      if (!arg.starts_with(flag))
        return false;
      const char *end = arg.data() + arg.size();
      auto result = std::from_chars(arg.data() + flag.size(), end, to);
      return result.ptr == end && result.ec == std::errc();
    };
    if (number("--count=", options.count) || number("--seed=", options.seed))
      continue;
    if (arg.starts_with("--out="))
      options.out = arg.substr(6);
    else if (!arg.starts_with("-") && options.plan.empty())
      options.plan = arg;
    else
      return false;
  }
  return !options.plan.empty();
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  if (argc == 2 && argv[1] == std::string_view("--help")) {
    std::puts(
        R"(spillway-mutate changes a plan file at random and verifies what comes out.

usage: spillway-mutate PLAN [--count=N] [--seed=S] [--out=DIR]

Counts the mutants that the verifier rejects, by code, and those that it accepts;
of these, the ones that differ from PLAN are written to DIR, to be run: each must
give the results of PLAN.

  --count=N   mutants (default 10000)
  --seed=S    of the random changes (default 1))");
    return 0;
  }
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr, "usage: spillway-mutate PLAN [--count=N] [--seed=S] "
                         "[--out=DIR]\n");
    return 2;
  }
  std::ifstream input(options.plan, std::ios::binary);
  std::vector<uint8_t> file{std::istreambuf_iterator<char>(input), {}};
  if (!input) {
    std::fprintf(stderr, "error: cannot read '%s'\n", options.plan.c_str());
    return 1;
  }
  if (auto error = verify::verifyPlan(file)) {
    std::fprintf(stderr, "error: '%s' is no valid plan: %s (%s)\n",
                 options.plan.c_str(), error->message.c_str(),
                 verify::codeName(error->code));
    return 1;
  }

  test::Mutator mutator(std::move(file), options.seed);
  std::map<std::string, uint64_t> rejected;
  std::map<std::string, std::string> written;
  std::set<std::string> seen;
  uint64_t accepted = 0, equivalent = 0;
  for (uint64_t i = 0; i < options.count; ++i) {
    test::Mutant mutant = mutator.next();
    if (auto error = verify::verifyPlan(mutant.file)) {
      ++rejected[verify::codeName(error->code)];
      continue;
    }
    ++accepted;
    if (mutator.isEquivalent(mutant.file)) {
      ++equivalent;
      continue;
    }
    std::vector<uint8_t> essence = mutator.essenceOf(mutant.file);
    if (options.out.empty() ||
        !seen.emplace(essence.begin(), essence.end()).second)
      continue;
    char name[32];
    std::snprintf(name, sizeof(name), "%05llu.spill", (unsigned long long)i);
    std::ofstream output(options.out + "/" + name, std::ios::binary);
    output.write(reinterpret_cast<const char *>(mutant.file.data()),
                 std::streamsize(mutant.file.size()));
    if (!output.flush()) {
      std::fprintf(stderr, "error: cannot write '%s/%s'\n", options.out.c_str(),
                   name);
      return 1;
    }
    written[name] = mutant.what;
  }

  std::printf("{\n  \"mutants\": %llu,\n  \"accepted\": %llu,\n"
              "  \"equivalent\": %llu,\n  \"rejected\": {",
              (unsigned long long)options.count, (unsigned long long)accepted,
              (unsigned long long)equivalent);
  const char *separator = "\n";
  for (const auto &[code, count] : rejected) {
    std::printf("%s    \"%s\": %llu", separator, code.c_str(),
                (unsigned long long)count);
    separator = ",\n";
  }
  std::printf("\n  },\n  \"written\": {");
  separator = "\n";
  for (const auto &[name, what] : written) {
    std::printf("%s    \"%s\": \"%s\"", separator, name.c_str(), what.c_str());
    separator = ",\n";
  }
  std::printf("\n  }\n}\n");
}
