//===- Profile.cpp - Kernel times for the compiler's cost model -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Reports.h"

#include "nlohmann/json.hpp"

#include <algorithm>
#include <fstream>
#include <map>

using namespace spillway::rt;
using Json = nlohmann::ordered_json;

static std::string processorName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.compare(0, 10, "model name") == 0) {
      size_t colon = line.find(": ");
      return colon == std::string::npos ? line : line.substr(colon + 2);
    }
  return "unknown processor";
}

std::string spillway::rt::profileJson(const Session &session) {
  const Schedule &schedule = session.schedule();
  const Recorder &recorder = *session.record();
  struct Mean {
    int64_t sum = 0, count = 0;
  };
  struct Step {
    int64_t kernels = 0; ///< time of all
    std::map<std::string, Mean> times;
  };
  std::vector<Step> steps;
  // The first step is cold: caches, page tables, clock rates.
  int64_t first = recorder.firstSpanStep();
  if (first == 0 && recorder.steps() > 1)
    first = 1;
  for (int64_t step = first; recorder.hasSpans() && step < recorder.steps();
       ++step) {
    Step &s = steps.emplace_back();
    for (const Stream &stream : schedule.streams)
      for (const Instruction &instruction : stream.instructions) {
        if (instruction.kind != ActionKind::Launch)
          continue;
        const auto *signature =
            schedule.launches[instruction.subject].op->signature();
        if (!signature || !signature->size())
          continue;
        const Recorder::Span &span = recorder.span(step, instruction.index);
        Mean &mean = s.times[signature->str()];
        mean.sum += span.end - span.begin;
        ++mean.count;
        s.kernels += span.end - span.begin;
      }
  }
  // Means over the steps of the middle, so that what is added up is a step's
  // time. Medians of kernels would add up to less: what now and then delays
  // some kernel delays every step.
  std::sort(steps.begin(), steps.end(), [](const Step &a, const Step &b) {
    return a.kernels < b.kernels;
  });
  std::map<std::string, Mean> times;
  size_t skipped = steps.size() / 4;
  for (size_t i = skipped; i + skipped < steps.size(); ++i)
    for (const auto &[signature, mean] : steps[i].times) {
      times[signature].sum += mean.sum;
      times[signature].count += mean.count;
    }
  Json kernels = Json::object();
  for (const auto &[signature, mean] : times)
    kernels[signature] = mean.sum / mean.count;
  Json profile;
  profile["version"] = 1;
  profile["machine"] =
      format("%d threads of %s", session.options().backendOptions.threads,
             processorName().c_str());
  profile["kernels"] = kernels;
  return profile.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}
