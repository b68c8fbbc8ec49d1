//===- Backend.h - What executes a schedule ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A backend owns the arenas and the streams. `cpu` is linked in; others are
// modules found at run time, so that one build runs with and without a GPU.
// Loading acquires everything (`allocate`, `prepare`); `run` allocates nothing.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_BACKEND_H
#define SPILLWAY_RUNTIME_CORE_BACKEND_H

#include "KernelRegistry.h"
#include "Recorder.h"
#include "Schedule.h"

#include <functional>
#include <memory>
#include <string>

namespace spillway::rt {

/// What the host does within a step. Called from the backend's threads, one
/// call at a time for one tensor or output; neither throws nor allocates.
class StepHost {
public:
  virtual ~StepHost() = default;
  /// Writes the sample of a step (counting from 0 in this run) of an input.
  /// False: it could not, and the run ends.
  virtual bool feed(uint32_t tensor, int64_t step, void *to) = 0;
  virtual void fetch(uint32_t output, int64_t step, const void *from) = 0;
};

struct BackendOptions {
  int threads = 1;
  bool emulateLinks = false;
};

class Backend {
public:
  virtual ~Backend() = default;

  /// Makes one arena a tier, of exactly its size, with all pages there. Throws
  /// a Failure with both numbers where there is not enough memory.
  virtual void allocate(const Schedule &schedule) = 0;
  /// A host address of a byte, valid between steps; for `bytes` from there on.
  virtual void *hostPointer(Address address, uint64_t bytes) = 0;
  /// Finds and prepares all kernels, and starts the streams. Comes after
  /// `allocate`. The schedule must outlive the backend.
  virtual void prepare(const Schedule &schedule,
                       const KernelRegistry &registry) = 0;
  /// Runs `recorder.steps()` steps, one behind the other without a barrier;
  /// calls `stepDone` on this thread as each is finished. Returns false where
  /// the host could not feed one.
  virtual bool run(StepHost &host, Recorder &recorder,
                   const std::function<void(int64_t step)> &stepDone) = 0;
  /// Runs body(i) for every i below n on the backend's threads; for loading.
  virtual void parallelFor(int64_t n,
                           const std::function<void(int64_t)> &body) = 0;
};

std::unique_ptr<Backend> createCpuBackend(const BackendOptions &options);

/// By name: "cpu", or a module "libspillway_NAME.so" beside this library that
/// exports `spillway_create_backend`. Throws a Failure where there is none.
std::unique_ptr<Backend> createBackend(const std::string &name,
                                       const BackendOptions &options);

/// The entry of a module; null with a message where it finds no device.
using CreateBackendFn = Backend *(const BackendOptions &options, char *error,
                                  uint64_t errorSize);

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_BACKEND_H
