//===- Runtime.cpp - The C interface of the runtime -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/runtime.h"
#include "Error.h"
#include "Reports.h"
#include "Session.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <thread>

using namespace spillway::rt;

struct spw_session {
  std::unique_ptr<Session> session;
  std::string summary;
};

namespace {

/// Runs `body`, and turns what it throws into a status and a message.
template <typename BodyT>
int guarded(char *error, uint64_t errorSize, const BodyT &body) {
  auto say = [&](const char *message) {
    if (error && errorSize)
      std::snprintf(error, size_t(errorSize), "%s", message);
    return 1;
  };
  try {
    body();
    return 0;
  } catch (const std::bad_alloc &) {
    return say("out of memory");
  } catch (const std::exception &failure) {
    return say(failure.what());
  } catch (...) {
    return say("unknown failure");
  }
}

std::string text(const char *given, const char *otherwise = "") {
  return given ? given : otherwise;
}

SessionOptions convert(const spw_options &given) {
  SessionOptions options;
  options.backend = text(given.backend, "cpu");
  options.backendOptions.threads =
      given.threads > 0 ? given.threads
                        : std::max(1, int(std::thread::hardware_concurrency()));
  options.backendOptions.emulateLinks = given.emulate_links != 0;
  options.weightOptions = {text(given.weights), text(given.init), given.seed};
  options.data = text(given.data);
  options.lrSchedule = text(given.lr_schedule, "constant");
  options.save = text(given.save);
  for (int32_t i = 0; i < given.num_kernel_libraries; ++i)
    options.kernelLibraries.push_back(given.kernel_libraries[i]);
  options.record = given.record != 0;
  options.plannedSteps = given.planned_steps;
  options.allocationCount = given.allocation_count;
  return options;
}

const Session &ranSession(spw_session *session) {
  if (!session->session->record())
    fail("there was no run yet");
  return *session->session;
}

} // namespace

int spw_abi_version(void) { return SPW_RUNTIME_ABI_VERSION; }

int spw_open(const char *plan, const spw_options *given, spw_session **session,
             char *error, uint64_t errorSize) {
  return guarded(error, errorSize, [&] {
    *session = nullptr;
    // An older caller's struct is shorter; what it does not know is default.
    spw_options options = {};
    if (given)
      std::memcpy(&options, given,
                  std::min<uint64_t>(given->struct_size, sizeof(options)));
    auto made = std::make_unique<spw_session>();
    made->session = std::make_unique<Session>(text(plan), convert(options));
    *session = made.release();
  });
}

int spw_run(spw_session *session, int64_t steps, spw_step_fn done,
            void *context, char *error, uint64_t errorSize) {
  return guarded(error, errorSize, [&] {
    session->session->run(steps, [&](const StepReport &report) {
      spw_step step = {report.step,    steps,
                       report.loss,    report.learningRate,
                       report.seconds, report.tokensPerSecond};
      if (done)
        done(context, &step);
    });
  });
}

int spw_save(spw_session *session, char *error, uint64_t errorSize) {
  return guarded(error, errorSize, [&] { session->session->save(); });
}

int spw_write_stats(spw_session *session, const char *path, char *error,
                    uint64_t errorSize) {
  return guarded(error, errorSize, [&] {
    const Session &ran = ranSession(session);
    OutputFile file(path);
    file.write(statsJson(ran));
    file.commit();
  });
}

int spw_write_trace(spw_session *session, const char *path, char *error,
                    uint64_t errorSize) {
  return guarded(error, errorSize, [&] {
    const Session &ran = ranSession(session);
    OutputFile file(path);
    writeTrace(ran, file);
    file.commit();
  });
}

int spw_write_profile(spw_session *session, const char *path, char *error,
                      uint64_t errorSize) {
  return guarded(error, errorSize, [&] {
    const Session &ran = ranSession(session);
    OutputFile file(path);
    file.write(profileJson(ran));
    file.commit();
  });
}

const char *spw_summary(spw_session *session) {
  int status = guarded(
      nullptr, 0, [&] { session->summary = summary(ranSession(session)); });
  return status == 0 ? session->summary.c_str() : "";
}

void spw_close(spw_session *session) { delete session; }
