//===- spillway-run.cpp - Executes a plan -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AllocationHook.h"
#include "Options.h"
#include "spillway/runtime.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>

using namespace spillway::run;

static int refuse(const std::string &message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

/// "1:05" or "2:00:03".
static void writeDuration(char *to, size_t size, double seconds) {
  auto whole = (long long)(seconds < 3.6e8 ? seconds + 0.5 : 3.6e8);
  if (whole < 3600)
    std::snprintf(to, size, "%lld:%02lld", whole / 60, whole % 60);
  else
    std::snprintf(to, size, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
}

namespace {
struct Progress {
  double seconds = 0;
  bool quiet = false;
};
} // namespace

/// One line a step. The next step is running already: no allocation, one write.
static void report(void *context, const spw_step *step) {
  auto *progress = static_cast<Progress *>(context);
  progress->seconds += step->seconds;
  if (progress->quiet)
    return;
  char line[256], eta[32];
  writeDuration(eta, sizeof(eta),
                progress->seconds / double(step->step) *
                    double(step->steps - step->step));
  int length = std::snprintf(line, sizeof(line), "step %lld/%lld",
                             (long long)step->step, (long long)step->steps);
  auto add = [&](const char *format, auto... values) {
    if (length < int(sizeof(line)))
      length += std::snprintf(line + length, sizeof(line) - size_t(length),
                              format, values...);
  };
  if (!std::isnan(step->loss))
    add("  loss %.6f", step->loss);
  add("  lr %.3g  %.3f s", step->learning_rate, step->seconds);
  if (step->tokens_per_second > 0)
    add("  %.0f tokens/s", step->tokens_per_second);
  if (step->step < step->steps)
    add("  eta %s", static_cast<const char *>(eta));
  add("%s", "\n");
  if (write(STDERR_FILENO, line, std::strlen(line)) < 0)
    progress->quiet = true; // nobody listens
}

static const char *orNull(const std::optional<std::string> &text) {
  return text ? text->c_str() : nullptr;
}

static spw_options toC(const Options &options,
                       std::vector<const char *> &libraries) {
  for (const std::string &library : options.kernelLibraries)
    libraries.push_back(library.c_str());
  spw_options given = {};
  given.struct_size = sizeof(given);
  given.backend = options.backend.c_str();
  given.threads = int32_t(options.threads);
  given.emulate_links = options.emulateLinks;
  given.seed = options.seed;
  given.weights = orNull(options.weights);
  given.init = orNull(options.init);
  given.data = orNull(options.data);
  given.lr_schedule = orNull(options.lrSchedule);
  given.save = orNull(options.save);
  given.kernel_libraries = libraries.data();
  given.num_kernel_libraries = int32_t(libraries.size());
  given.record = options.trace || options.profile;
  given.planned_steps = options.steps;
  given.allocation_count = countsAllocations() ? allocationCount : nullptr;
  return given;
}

static int execute(const Options &options) {
  std::vector<const char *> libraries;
  spw_options given = toC(options, libraries);
  char error[4096] = "";
  spw_session *session = nullptr;
  if (spw_open(options.plan.c_str(), &given, &session, error, sizeof(error)))
    return refuse(error);
  Progress progress;
  progress.quiet = options.quiet;
  int failed =
      spw_run(session, options.steps, report, &progress, error, sizeof(error));
  if (!failed && options.save)
    failed = spw_save(session, error, sizeof(error));
  if (!failed && options.stats)
    failed =
        spw_write_stats(session, options.stats->c_str(), error, sizeof(error));
  if (!failed && options.trace)
    failed =
        spw_write_trace(session, options.trace->c_str(), error, sizeof(error));
  if (!failed && options.profile)
    failed = spw_write_profile(session, options.profile->c_str(), error,
                               sizeof(error));
  if (!failed)
    std::fputs(spw_summary(session), stdout);
  spw_close(session);
  return failed ? refuse(error) : 0;
}

int main(int argc, char **argv) {
  std::string error;
  auto options = parseOptions(argc, argv, error);
  if (!options) {
    std::fprintf(stderr, "error: %s\n%s", error.c_str(), usageText);
    return 2;
  }
  if (options->help) {
    std::fputs(helpText, stdout);
    return 0;
  }
  if (options->resume)
    return refuse("--resume is not supported yet; --weights=FILE starts from "
                  "the parameters of a --save");
  if (options->nvmeDir)
    return refuse("--nvme-dir is not supported yet: this build has no nvme "
                  "tier; compile with --nvme-budget=0");
  return execute(*options);
}
