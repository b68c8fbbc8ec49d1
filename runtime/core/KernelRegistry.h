//===- KernelRegistry.h - Kernels by name -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_KERNELREGISTRY_H
#define SPILLWAY_RUNTIME_CORE_KERNELREGISTRY_H

#include "spillway/kernel.h"

#include <map>
#include <string>

namespace spillway::rt {

class KernelRegistry {
public:
  /// Registers the backend's own kernels.
  void addBuiltins();
  /// Loads a kernel library and keeps it for the life of the process: its code
  /// may be running when a registry goes. Throws a Failure naming it.
  void addLibrary(const std::string &path);
  /// A kernel of the same name is replaced.
  void add(const spw_kernel &kernel);

  /// Null where there is none.
  const spw_kernel *find(const std::string &name) const;

private:
  static void addFromC(void *registry, const spw_kernel *kernel);

  std::map<std::string, spw_kernel> kernels;
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_KERNELREGISTRY_H
