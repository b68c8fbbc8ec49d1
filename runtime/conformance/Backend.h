//===- Backend.h - What the conformance suite asks of a backend -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A backend gives memory, copies into and out of it, and kernels. `runCase`
// does the rest: it binds operands, surrounds each with guard bytes, fills
// results and workspace with rubbish, runs, and checks that nothing else was
// written.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CONFORMANCE_BACKEND_H
#define SPILLWAY_RUNTIME_CONFORMANCE_BACKEND_H

#include "conformance/Case.h"

namespace spillway::conformance {

class Backend {
public:
  virtual ~Backend() = default;
  /// Null if there is no kernel of that name.
  virtual const spw_kernel *find(const std::string &name) = 0;
  /// Memory at a multiple of 4096 bytes, and its release.
  virtual void *allocate(size_t bytes) = 0;
  virtual void release(void *memory) = 0;
  virtual void upload(void *to, const void *from, size_t bytes) = 0;
  virtual void download(void *to, const void *from, size_t bytes) = 0;
  virtual spw_pool *pool() = 0;
  /// Waits until what `run` started is done.
  virtual void synchronize() {}
};

/// A launch of a case with no memory bound yet: what `prepare` sees. The case
/// must outlive it.
class CaseLaunch {
public:
  CaseLaunch(const Case &test, Backend &backend);
  CaseLaunch(const CaseLaunch &) = delete;
  /// Calls `release` if `prepare` succeeded.
  ~CaseLaunch();

  /// Empty, or why the backend refuses.
  std::string prepare();
  void run() { kernel->run(&launch); }

  std::vector<spw_tensor> inputs, outputs;
  std::vector<spw_attr> attributes;
  spw_launch launch = {};

private:
  const spw_kernel *kernel;
  bool isPrepared = false;
};

struct Result {
  /// Why `prepare` refused, or which bytes were written that must not be.
  std::string error;
  std::vector<std::vector<uint8_t>> outputs;
};

/// Runs a case with every operand `shift` bytes (a multiple of 256) behind a
/// multiple of 4096.
Result runCase(const Case &test, Backend &backend, size_t shift);

} // namespace spillway::conformance

#endif // SPILLWAY_RUNTIME_CONFORMANCE_BACKEND_H
