//===- CpuBackend.cpp - Streams as threads, tiers as arenas -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../core/Backend.h"
#include "../core/Error.h"
#include "Arena.h"
#include "Futex.h"
#include "PreparedLaunch.h"
#include "ThreadPool.h"
#include "Wire.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

using namespace spillway::rt;

namespace {

// About 20 us: shorter than the futex round trip that it saves.
constexpr int computeSpins = 500;
// Copies and the host sleep at once: the cores belong to compute.
constexpr int otherSpins = 0;

/// One stream of the schedule, and the thread that runs it.
struct Runner {
  const Stream *stream = nullptr;
  std::unique_ptr<EmulatedLink> link;
  Counter done;
  std::thread thread;
};

class CpuBackend final : public Backend {
public:
  explicit CpuBackend(const BackendOptions &options)
      : options(options), pool(options.threads), serialPool(1) {}
  ~CpuBackend() override;

  void allocate(const Schedule &schedule) override;
  void *hostPointer(Address address, uint64_t) override { return at(address); }
  void prepare(const Schedule &schedule,
               const KernelRegistry &registry) override;
  bool run(StepHost &host, Recorder &recorder,
           const std::function<void(int64_t)> &stepDone) override;
  void parallelFor(int64_t n,
                   const std::function<void(int64_t)> &body) override;

private:
  uint8_t *at(Address address) const {
    return arenas[address.tier]->data() + address.offset;
  }
  void serve(uint32_t index);
  void runStep(uint32_t index, int64_t step);
  bool waitFor(uint32_t index, const Wait &wait, int64_t step);
  void execute(Runner &runner, const Instruction &instruction, int64_t step,
               bool blocked);

  BackendOptions options;
  ThreadPool pool;
  // A kernel on a second stream must not take the compute stream's lanes.
  ThreadPool serialPool;
  const Schedule *schedule = nullptr;
  std::vector<std::unique_ptr<Arena>> arenas;
  std::vector<std::unique_ptr<Wire>> wires;
  std::vector<std::unique_ptr<PreparedLaunch>> launches;
  std::vector<std::unique_ptr<Runner>> runners;

  // The present run; published by `runNumber`.
  StepHost *host = nullptr;
  Recorder *recorder = nullptr;
  Counter runNumber;
  Counter numReady; // threads that have begun; advanced under `readyMutex`
  std::mutex readyMutex;
  std::atomic<bool> failed{false};
  std::atomic<bool> stopping{false};
};

} // namespace

CpuBackend::~CpuBackend() {
  stopping.store(true);
  runNumber.advance();
  for (auto &runner : runners)
    if (runner->thread.joinable())
      runner->thread.join();
}

void CpuBackend::allocate(const Schedule &schedule) {
  uint64_t needed = 0;
  std::string parts;
  for (const Tier &tier : schedule.tiers) {
    if (__builtin_add_overflow(needed, tier.arenaBytes, &needed))
      needed = UINT64_MAX;
    parts += (parts.empty() ? "" : " + ") + tier.name + " " +
             std::to_string(tier.arenaBytes);
  }
  uint64_t available = availableMemory();
  if (needed > available)
    fail("the plan needs %llu bytes of memory (%s), %llu are free; compile it "
         "for smaller budgets",
         (unsigned long long)needed, parts.c_str(),
         (unsigned long long)available);
  for (const Tier &tier : schedule.tiers)
    arenas.push_back(std::make_unique<Arena>(tier.name, tier.arenaBytes));
}

void CpuBackend::prepare(const Schedule &newSchedule,
                         const KernelRegistry &registry) {
  schedule = &newSchedule;
  for (const Launch &launch : schedule->launches) {
    ThreadPool &lanes =
        launch.stream == schedule->computeStream ? pool : serialPool;
    auto at = [this](Address address) { return this->at(address); };
    launches.push_back(
        std::make_unique<PreparedLaunch>(launch, registry, lanes.handle(), at));
  }
  // Links of one nonzero group share a wire; any other has its own.
  std::map<uint32_t, Wire *> groups;
  auto wireOf = [&](const Link &link) {
    Wire *&wire = groups[link.group];
    if (!wire || !link.group)
      wire = wires.emplace_back(std::make_unique<Wire>()).get();
    return wire;
  };
  std::vector<Wire *> linkWires;
  for (const Link &link : schedule->links)
    linkWires.push_back(wireOf(link));
  for (const Stream &stream : schedule->streams) {
    auto runner = std::make_unique<Runner>();
    runner->stream = &stream;
    if (options.emulateLinks && stream.link >= 0) {
      const Link &link = schedule->links[uint32_t(stream.link)];
      runner->link =
          std::make_unique<EmulatedLink>(*linkWires[uint32_t(stream.link)],
                                         link.bytesPerSecond, link.latencyNs);
    }
    runners.push_back(std::move(runner));
  }
  for (uint32_t i = 0; i < runners.size(); ++i)
    runners[i]->thread = std::thread([this, i] { serve(i); });
  // What a thread's start allocates is not a step's.
  numReady.waitFor(runners.size(), 0);
}

bool CpuBackend::run(StepHost &newHost, Recorder &newRecorder,
                     const std::function<void(int64_t)> &stepDone) {
  host = &newHost;
  recorder = &newRecorder;
  failed.store(false);
  for (auto &runner : runners)
    runner->done.reset();
  recorder->start = now();
  // The runners look at the recorder until their last step is done, and nobody
  // would wait for a step that is none.
  if (!recorder->steps())
    return true;
  runNumber.advance();
  for (int64_t step = 0; step < recorder->steps(); ++step) {
    // A runner counts its instructions, and one more at the end of a step.
    for (auto &runner : runners)
      runner->done.waitFor(
          uint64_t(step + 1) * (runner->stream->instructions.size() + 1), 0);
    if (failed.load())
      continue;
    stepDone(step);
  }
  return !failed.load();
}

void CpuBackend::serve(uint32_t index) {
  makeSleepsPrecise();
  {
    std::lock_guard<std::mutex> lock(readyMutex);
    numReady.advance();
  }
  for (uint64_t run = 1;; ++run) {
    runNumber.waitFor(run, 0);
    if (stopping.load())
      return;
    // Once the last step is done, the recorder is its owner's again.
    const int64_t steps = recorder->steps();
    for (int64_t step = 0; step < steps; ++step)
      runStep(index, step);
  }
}

void CpuBackend::runStep(uint32_t index, int64_t step) {
  Runner &runner = *runners[index];
  // No stream runs more than a step ahead of the slowest: what the recorder
  // and the host keep of a step stays theirs.
  if (step >= 2)
    for (auto &other : runners)
      other->done.waitFor(uint64_t(step - 1) *
                              (other->stream->instructions.size() + 1),
                          otherSpins);
  for (const Instruction &instruction : runner.stream->instructions) {
    bool blocked = false;
    for (const Wait &wait : instruction.waits)
      blocked |= waitFor(index, wait, step);
    // After a failure nothing is believed: the streams run empty.
    if (!failed.load(std::memory_order_relaxed)) {
      if (recorder->hasSpans()) {
        int64_t begin = now();
        execute(runner, instruction, step, blocked);
        recorder->span(step, instruction.index) = {begin, now()};
      } else {
        execute(runner, instruction, step, blocked);
      }
      for (const Touch &touch : instruction.touches) {
        uint64_t &highest = recorder->touched[index][touch.tier];
        highest = std::max(highest, touch.end);
      }
    }
    runner.done.advance();
  }
  recorder->streamEnd(index, step) = now();
  runner.done.advance();
}

/// True if the stream had to wait.
bool CpuBackend::waitFor(uint32_t index, const Wait &wait, int64_t step) {
  int64_t awaitedStep = step - (wait.previousStep ? 1 : 0);
  if (awaitedStep < 0)
    return false;
  Runner &other = *runners[wait.stream];
  uint64_t target =
      uint64_t(awaitedStep) * (other.stream->instructions.size() + 1) +
      wait.position;
  if (other.done.value() >= target)
    return false;
  bool compute = index == schedule->computeStream;
  int64_t begin = now();
  other.done.waitFor(target, compute ? computeSpins : otherSpins);
  if (compute)
    recorder->stallNs[wait.stream] += now() - begin;
  return true;
}

void CpuBackend::execute(Runner &runner, const Instruction &instruction,
                         int64_t step, bool blocked) {
  switch (instruction.kind) {
  case ActionKind::Launch:
    launches[instruction.subject]->run();
    return;
  case ActionKind::Copy: {
    void *to = at(instruction.destination);
    const void *from = at(instruction.source);
    if (runner.link)
      runner.link->copy(to, from, instruction.bytes, blocked);
    else
      std::memmove(to, from, instruction.bytes);
    return;
  }
  case ActionKind::Feed:
    if (!host->feed(instruction.subject, step, at(instruction.destination)))
      failed.store(true);
    return;
  case ActionKind::Fetch:
    host->fetch(instruction.subject, step, at(instruction.source));
    return;
  }
}

void CpuBackend::parallelFor(int64_t n,
                             const std::function<void(int64_t)> &body) {
  spw_pool *lanes = pool.handle();
  auto call = [](void *context, int64_t task, int32_t) {
    (*static_cast<const std::function<void(int64_t)> *>(context))(task);
  };
  lanes->parallel_for(lanes, n, call,
                      const_cast<std::function<void(int64_t)> *>(&body));
}

std::unique_ptr<Backend>
spillway::rt::createCpuBackend(const BackendOptions &options) {
  return std::make_unique<CpuBackend>(options);
}
