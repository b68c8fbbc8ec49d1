//===- Session.cpp - A plan with its memory ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "Error.h"
#include "Numbers.h"

#include <algorithm>
#include <cmath>

using namespace spillway;
using namespace spillway::rt;

// What can be refused is looked at before what takes long or much memory.
Session::Session(const std::string &planPath, SessionOptions options)
    : settings(std::move(options)), planFile(planPath), steadyStep(planFile),
      lr(settings.lrSchedule, settings.plannedSteps) {
  const plan::Program &program = planFile.program();
  backend = createBackend(settings.backend, settings.backendOptions);
  KernelRegistry registry;
  registry.addBuiltins();
  for (const std::string &library : settings.kernelLibraries)
    registry.addLibrary(library);
  feeders = createFeeders({program, lr, settings.data, steadyStep.fed});
  feedErrors.resize(feeders.size());
  weights = std::make_unique<Weights>(planFile, settings.weightOptions);
  for (uint32_t i = 0; i < feeders.size(); ++i) {
    const plan::Tensor *tensor = program.tensors()->Get(i);
    if (tensor->role() == plan::Role::HYPER && tensor->name()->str() == "lr")
      baseLr = tensor->fill();
  }
  for (uint32_t i = 0; program.outputs() && i < program.outputs()->size(); ++i)
    if (program.outputs()->Get(i)->name()->str() == "loss")
      lossOutput = i;

  backend->allocate(steadyStep);
  backend->prepare(steadyStep, registry);
  persistent = std::make_unique<State>(planFile, steadyStep, *backend);
  if (!settings.save.empty())
    saveFile =
        std::make_unique<OutputFile>(settings.save, persistent->fileBytes());
  weights->load(steadyStep, *backend);
  weights.reset();
}

Session::~Session() = default;

void Session::checkUsable() const {
  if (broken)
    fail("the session is unusable after a failed run");
}

/// Looks at all tokens that the next steps will take: no step runs on data that
/// is found unfit in a later one.
void Session::checkData(int64_t steps) {
  std::vector<uint8_t> scratch;
  FeedError error;
  for (uint32_t i = 0; i < feeders.size(); ++i) {
    int64_t period = feeders[i] ? feeders[i]->period() : -1;
    if (period < 0)
      continue;
    const plan::Tensor *tensor = planFile.program().tensors()->Get(i);
    uint64_t count = tensor->sizes() ? *countElements(*tensor->sizes()) : 1;
    scratch.resize(count * elementBytes(tensor->dtype()));
    for (int64_t step = 0; step < std::min(steps, period); ++step)
      if (!feeders[i]->feed(stepsDone + step, scratch.data(), error))
        fail("%s", error.message);
  }
}

void Session::run(int64_t steps,
                  const std::function<void(const StepReport &)> &done) {
  checkUsable();
  if (steps < 0)
    fail("cannot run %lld steps", (long long)steps);
  checkData(steps);
  recorder = std::make_unique<Recorder>(steadyStep, steps, settings.record);
  lossOfStep.assign(size_t(steps), NAN);
  double tokens = double(planFile.program().tokens_per_step());
  auto stepDone = [&](int64_t step) {
    double seconds = stepSeconds(step);
    done({stepsDone + step + 1, lossOfStep[size_t(step)],
          baseLr * lr.factor(stepsDone + step + 1), seconds,
          seconds > 0 ? tokens / seconds : 0});
  };
  // Made before the counting begins: it may allocate.
  const std::function<void(int64_t)> callback = stepDone;
  auto count = settings.allocationCount;
  uint64_t before = count ? count() : 0;
  bool good = backend->run(*this, *recorder, callback);
  allocationsInSteps = count ? int64_t(count() - before) : -1;
  if (!good) {
    broken = true;
    for (const FeedError &error : feedErrors)
      if (error.message[0])
        fail("%s", error.message);
    fail("a step failed");
  }
  stepsDone += steps;
}

double Session::stepSeconds(int64_t step) const {
  int64_t begin = step ? recorder->stepEnd(step - 1) : recorder->start;
  return double(recorder->stepEnd(step) - begin) * 1e-9;
}

bool Session::feed(uint32_t tensor, int64_t step, void *to) {
  return !feeders[tensor] ||
         feeders[tensor]->feed(stepsDone + step, to, feedErrors[tensor]);
}

void Session::fetch(uint32_t output, int64_t step, const void *from) {
  if (output == lossOutput)
    lossOfStep[size_t(step)] =
        loadNumber(planFile.program().outputs()->Get(output)->dtype(), from);
}

void Session::save() {
  checkUsable();
  if (!saveFile)
    fail("there is nowhere to save to, or it was done already");
  persistent->save(*saveFile, stepsDone);
  saveFile.reset();
}
