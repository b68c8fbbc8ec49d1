//===- Options.cpp - The command line of spillway-run -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include <cerrno>
#include <cstdlib>

using namespace spillway::run;

const char *const spillway::run::usageText =
    "usage: spillway-run PLAN [options]; --help lists them\n";

const char *const spillway::run::helpText =
    R"(spillway-run executes a compiled training step.

usage: spillway-run PLAN [options]

PLAN is a file that spillwayc wrote. It is checked before anything runs: its
checksum, its structure, and a proof that its schedule computes its program.

what to run
  --steps=N              training steps (default 1)
  --data=FILE.safetensors
                         one tensor per model input; samples along the first
                         axis are taken in order, and again from the start
  --data=tokens:FILE[:u8|u16|i32]
                         raw tokens (default u8: bytes); consecutive windows
                         fill the token input, and 'labels' with the next tokens
  --weights=FILE         safetensors file, or the *.index.json of its shards
                         (default: where the model's initializers are)
  --init=normal:STD      or random parameters: normal for matrices, zero for
                         biases, one for other vectors
  --seed=N               of everything random (default 0)
  --lr-schedule=KIND[(warmup=W,steps=S)]
                         constant (default), linear or cosine, from the learning
                         rate that was compiled in; S defaults to --steps

where
  --backend=cpu|cuda     (default cpu)
  --threads=N            lanes of the compute stream (default: all processors)
  --emulate-links        copies take the time of the target's links, so that the
                         schedule's overlap is real
  --load-kernels=LIB.so  more kernels; may be repeated

results
  --save=FILE            parameters and optimizer state, as safetensors: NAME,
                         NAME.exp_avg, NAME.exp_avg_sq, ...
  --stats=FILE.json      losses, times, peaks, stalls, hash of the state
  --trace=FILE.json      timeline, measured and predicted; open it in Perfetto
  --profile=FILE         measured kernel times, for spillwayc --profile
  --quiet                no line for every step

Arenas have exactly the plan's sizes; all is acquired before the first step.
Exit status: 0 done; 1 the input is wrong or cannot be run; 2 usage.
)";

namespace {

/// Walks over "--name=value" and "--name value".
class Parser {
public:
  Parser(int argc, char **argv, std::string &error)
      : argc(argc), argv(argv), error(error) {}

  std::optional<Options> run() {
    for (next = 1; next < argc; ++next) {
      parseOne(argv[next]);
      if (!error.empty())
        return std::nullopt;
    }
    if (options.plan.empty() && !options.help) {
      error = "expected a plan file";
      return std::nullopt;
    }
    return options;
  }

private:
  void parseOne(const std::string &argument) {
    if (argument == "-h" || argument == "--help") {
      options.help = true;
      return;
    }
    if (argument.size() < 2 || argument[0] != '-') {
      if (!options.plan.empty())
        error = "expected one plan file, found '" + options.plan + "' and '" +
                argument + "'";
      options.plan = argument;
      return;
    }
    size_t equals = argument.find('=');
    name = argument.substr(0, equals);
    hasValue = equals != std::string::npos;
    value = hasValue ? argument.substr(equals + 1) : "";
    bool known =
        flag("--emulate-links", options.emulateLinks) ||
        flag("--quiet", options.quiet) || text("--data", options.data) ||
        text("--weights", options.weights) || text("--init", options.init) ||
        text("--lr-schedule", options.lrSchedule) ||
        text("--save", options.save) || text("--stats", options.stats) ||
        text("--trace", options.trace) || text("--profile", options.profile) ||
        text("--resume", options.resume) ||
        text("--nvme-dir", options.nvmeDir) ||
        text("--backend", options.backend) || library() ||
        number("--threads", options.threads, 1, 1024) ||
        number("--steps", options.steps, 0, 1000000000) || seed();
    if (!known)
      error = "unknown option '" + name + "'";
  }

  // Each of these says whether the argument is its own; its value may be wrong
  // all the same, which `error` says then.

  bool flag(const char *flagName, bool &set) {
    if (name != flagName)
      return false;
    if (hasValue)
      error = name + " takes no value";
    set = true;
    return true;
  }

  bool is(const char *flagName) {
    if (name != flagName)
      return false;
    if (!hasValue && next + 1 < argc)
      value = argv[++next];
    if (value.empty())
      error = name + " needs a value";
    return true;
  }

  template <typename TextT> bool text(const char *flagName, TextT &to) {
    if (!is(flagName))
      return false;
    to = value;
    return true;
  }

  bool library() {
    if (!is("--load-kernels"))
      return false;
    options.kernelLibraries.push_back(value);
    return true;
  }

  bool number(const char *flagName, int64_t &to, int64_t least, int64_t most) {
    if (!is(flagName))
      return false;
    char *end = nullptr;
    errno = 0;
    to = std::strtoll(value.c_str(), &end, 10);
    if (error.empty() && (*end || errno || to < least || to > most))
      error = name + ": expected a number from " + std::to_string(least) +
              " to " + std::to_string(most) + ", found '" + value + "'";
    return true;
  }

  bool seed() {
    if (!is("--seed"))
      return false;
    char *end = nullptr;
    errno = 0;
    options.seed = std::strtoull(value.c_str(), &end, 10);
    if (error.empty() && (*end || errno || value[0] == '-'))
      error = "--seed: expected a natural number, found '" + value + "'";
    return true;
  }

  int argc;
  char **argv;
  std::string &error;
  int next = 1;
  std::string name, value;
  bool hasValue = false;
  Options options;
};

} // namespace

std::optional<Options> spillway::run::parseOptions(int argc, char **argv,
                                                   std::string &error) {
  return Parser(argc, argv, error).run();
}
