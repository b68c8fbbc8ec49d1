//===- CpuBackend.h - The CPU kernels under the suite ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CONFORMANCE_CPUBACKEND_H
#define SPILLWAY_RUNTIME_CONFORMANCE_CPUBACKEND_H

#include "conformance/Backend.h"
#include "conformance/ThreadPool.h"

#include <map>

namespace spillway::conformance {

/// The kernels of `spillway_register_cpu_kernels` on a pool of `lanes` threads.
class CpuBackend : public Backend {
public:
  explicit CpuBackend(int lanes);
  const spw_kernel *find(const std::string &name) override;
  void *allocate(size_t bytes) override;
  void release(void *memory) override;
  void upload(void *to, const void *from, size_t bytes) override;
  void download(void *to, const void *from, size_t bytes) override;
  spw_pool *pool() override { return threads.pool(); }

  const std::map<std::string, spw_kernel> &all() const { return kernels; }

private:
  std::map<std::string, spw_kernel> kernels;
  ThreadPool threads;
};

} // namespace spillway::conformance

#endif // SPILLWAY_RUNTIME_CONFORMANCE_CPUBACKEND_H
