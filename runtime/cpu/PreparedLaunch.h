//===- PreparedLaunch.h - A kernel with its operands ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CPU_PREPAREDLAUNCH_H
#define SPILLWAY_RUNTIME_CPU_PREPAREDLAUNCH_H

#include "../core/KernelRegistry.h"
#include "../core/Schedule.h"

#include <functional>
#include <vector>

namespace spillway::rt {

/// Owns what a `spw_launch` points at. Throws a Failure naming the kernel, the
/// op and its place in the model where there is no such kernel or it refuses.
class PreparedLaunch {
public:
  PreparedLaunch(const Launch &launch, const KernelRegistry &registry,
                 spw_pool *pool, const std::function<void *(Address)> &pointer);
  ~PreparedLaunch();
  PreparedLaunch(const PreparedLaunch &) = delete;
  PreparedLaunch &operator=(const PreparedLaunch &) = delete;

  void run() const { kernel.run(&face); }

private:
  spw_kernel kernel = {};
  std::vector<spw_tensor> tensors; // inputs, then outputs
  std::vector<spw_attr> attrs;
  spw_launch face = {};
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CPU_PREPAREDLAUNCH_H
