//===- KernelRegistry.cpp - Kernels by name ---------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelRegistry.h"
#include "../kernels/cpu_kernels.h"
#include "Error.h"

#include <dlfcn.h>

using namespace spillway::rt;

void KernelRegistry::addFromC(void *registry, const spw_kernel *kernel) {
  if (kernel && kernel->name && kernel->run)
    static_cast<KernelRegistry *>(registry)->add(*kernel);
}

void KernelRegistry::addBuiltins() {
  spillway_register_cpu_kernels(this, addFromC);
}

void KernelRegistry::addLibrary(const std::string &path) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    fail("cannot load the kernel library '%s': %s", path.c_str(), dlerror());
  auto entry = reinterpret_cast<spw_kernel_library_fn>(
      dlsym(library, "spillway_kernel_library"));
  if (!entry)
    fail("'%s' is not a kernel library: it does not export "
         "spillway_kernel_library",
         path.c_str());
  if (entry(SPW_KERNEL_ABI_VERSION, this, addFromC) != 0)
    fail("the kernel library '%s' refuses version %d of the kernel interface; "
         "build it again",
         path.c_str(), SPW_KERNEL_ABI_VERSION);
}

void KernelRegistry::add(const spw_kernel &kernel) {
  kernels[kernel.name] = kernel;
}

const spw_kernel *KernelRegistry::find(const std::string &name) const {
  auto found = kernels.find(name);
  return found == kernels.end() ? nullptr : &found->second;
}
