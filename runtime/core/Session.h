//===- Session.h - A plan with its memory -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_SESSION_H
#define SPILLWAY_RUNTIME_CORE_SESSION_H

#include "Backend.h"
#include "Feeders.h"
#include "State.h"
#include "Weights.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace spillway::rt {

struct SessionOptions {
  std::string backend = "cpu";
  BackendOptions backendOptions;
  WeightOptions weightOptions;
  std::string data;
  std::string lrSchedule = "constant";
  std::string save;
  std::vector<std::string> kernelLibraries;
  bool record = false;
  int64_t plannedSteps = 0;
  uint64_t (*allocationCount)() = nullptr;
};

/// What one step was; see `spw_step`.
struct StepReport {
  int64_t step;
  double loss, learningRate, seconds, tokensPerSecond;
};

class Session final : public StepHost {
public:
  Session(const std::string &planPath, SessionOptions options);
  ~Session() override;

  void run(int64_t steps, const std::function<void(const StepReport &)> &done);
  void save();

  // What reports are made of.
  const PlanFile &plan() const { return planFile; }
  const Schedule &schedule() const { return steadyStep; }
  const State &state() const { return *persistent; }
  /// Null before the first run.
  const Recorder *record() const { return recorder.get(); }
  const std::vector<double> &losses() const { return lossOfStep; }
  /// -1 where the host does not count.
  int64_t allocations() const { return allocationsInSteps; }
  double stepSeconds(int64_t step) const;
  const SessionOptions &options() const { return settings; }

  bool feed(uint32_t tensor, int64_t step, void *to) override;
  void fetch(uint32_t output, int64_t step, const void *from) override;

private:
  void checkData(int64_t steps);
  void checkUsable() const;

  SessionOptions settings;
  PlanFile planFile;
  Schedule steadyStep;
  LrSchedule lr;
  std::vector<std::unique_ptr<Feeder>> feeders; // by tensor
  std::unique_ptr<Weights> weights;             // until they are loaded
  std::unique_ptr<Backend> backend;
  std::unique_ptr<State> persistent;
  std::unique_ptr<OutputFile> saveFile;
  std::unique_ptr<Recorder> recorder;
  std::vector<double> lossOfStep;
  std::vector<FeedError> feedErrors; // by tensor
  double baseLr = 0;
  uint32_t lossOutput = 0;
  int64_t stepsDone = 0;
  int64_t allocationsInSteps = -1;
  bool broken = false;
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_SESSION_H
