//===- Stats.cpp - The figures of a run -------------------------*- C++ -*-===//
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
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sys/resource.h>

using namespace spillway::rt;
using Json = nlohmann::ordered_json;

uint64_t spillway::rt::measuredPeak(const Session &session, uint32_t tier) {
  uint64_t peak = 0;
  for (const auto &byTier : session.record()->touched)
    peak = std::max(peak, byTier[tier]);
  return peak;
}

double spillway::rt::tokensPerSecond(const Session &session) {
  uint64_t tokens = session.plan().program().tokens_per_step();
  int64_t steps = session.record()->steps(), first = steps > 1 ? 1 : 0;
  double seconds = 0;
  for (int64_t step = first; step < steps; ++step)
    seconds += session.stepSeconds(step);
  return seconds > 0 ? double(tokens) * double(steps - first) / seconds : 0;
}

/// Of this process image alone: getrusage's figure outlives exec, and so counts
/// what the parent held when it forked.
static uint64_t peakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "VmHWM: %llu kB", &kib) == 1)
      return kib * 1024;
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return uint64_t(usage.ru_maxrss) * 1024;
}

static Json stalls(const Session &session) {
  Json seconds = Json::object();
  const Schedule &schedule = session.schedule();
  for (uint32_t i = 0; i < schedule.streams.size(); ++i) {
    if (i == schedule.computeStream)
      continue;
    double stalled = double(session.record()->stallNs[i]) * 1e-9;
    const std::string &name = schedule.streams[i].name;
    seconds[name] = seconds.value(name, 0.0) + stalled;
  }
  return seconds;
}

std::string spillway::rt::statsJson(const Session &session) {
  Json stats;
  stats["losses"] = session.losses();
  Json steps = Json::array(), peaks = Json::object(), arenas = Json::object();
  for (int64_t step = 0; step < session.record()->steps(); ++step)
    steps.push_back(session.stepSeconds(step));
  stats["step_seconds"] = steps;
  if (session.plan().program().tokens_per_step())
    stats["tokens_per_second"] = tokensPerSecond(session);
  const std::vector<Tier> &tiers = session.schedule().tiers;
  for (uint32_t i = 0; i < tiers.size(); ++i) {
    peaks[tiers[i].name] = measuredPeak(session, i);
    arenas[tiers[i].name] = tiers[i].arenaBytes;
  }
  stats["measured_peak_bytes"] = peaks;
  stats["arena_bytes"] = arenas;
  if (session.allocations() >= 0)
    stats["allocations_in_steps"] = session.allocations();
  stats["rss_peak_bytes"] = peakResidentBytes();
  stats["stall_seconds"] = stalls(session);
  stats["state_sha256"] = session.state().sha256();
  stats["threads"] = session.options().backendOptions.threads;
  stats["backend"] = session.options().backend;
  return stats.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string spillway::rt::summary(const Session &session) {
  int64_t steps = session.record()->steps();
  std::string text;
  if (steps) {
    std::vector<double> seconds;
    for (int64_t step = steps > 1 ? 1 : 0; step < steps; ++step)
      seconds.push_back(session.stepSeconds(step));
    auto middle = seconds.begin() + seconds.size() / 2;
    std::nth_element(seconds.begin(), middle, seconds.end());
    text += format("%lld steps, median %.4g s", (long long)steps, *middle);
    if (double rate = tokensPerSecond(session); rate > 0)
      text += format(", %.0f tokens/s", rate);
    if (const auto *report = session.plan().plan().report();
        report && report->predicted_step_ns())
      text += format(" (predicted step: %.4g s)",
                     double(report->predicted_step_ns()) * 1e-9);
    text += "\n";
    const std::vector<double> &losses = session.losses();
    if (!std::isnan(losses.front()) || !std::isnan(losses.back()))
      text += format("loss %.6g -> %.6g\n", losses.front(), losses.back());
  }
  for (uint32_t i = 0; i < session.schedule().tiers.size(); ++i) {
    const Tier &tier = session.schedule().tiers[i];
    text += format("%s: touched %.1f of %.1f MiB\n", tier.name.c_str(),
                   double(measuredPeak(session, i)) / 1048576,
                   double(tier.arenaBytes) / 1048576);
  }
  std::string waits;
  for (uint32_t i = 0; i < session.schedule().streams.size(); ++i)
    if (double stalled = double(session.record()->stallNs[i]) * 1e-9;
        stalled >= 0.001)
      waits += format("%s%s %.3g s", waits.empty() ? "" : ", ",
                      session.schedule().streams[i].name.c_str(), stalled);
  if (!waits.empty())
    text += "compute waited for: " + waits + "\n";
  return text;
}
