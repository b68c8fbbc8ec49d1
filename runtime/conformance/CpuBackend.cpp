//===- CpuBackend.cpp - The CPU kernels under the conformance suite -------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "conformance/CpuBackend.h"

#include "kernels/cpu_kernels.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>

using namespace spillway::conformance;

CpuBackend::CpuBackend(int lanes) : threads(lanes) {
  spillway_register_cpu_kernels(
      &kernels, [](void *registry, const spw_kernel *kernel) {
        static_cast<std::map<std::string, spw_kernel> *>(registry)
            ->insert_or_assign(kernel->name, *kernel);
      });
}

const spw_kernel *CpuBackend::find(const std::string &name) {
  auto found = kernels.find(name);
  return found == kernels.end() ? nullptr : &found->second;
}

void *CpuBackend::allocate(size_t bytes) {
  // Large buffers in huge pages, as the runtime's arenas are.
  constexpr size_t kHuge = size_t(2) << 20;
  size_t alignment = bytes >= kHuge ? kHuge : 4096;
  bytes = (bytes + alignment - 1) / alignment * alignment;
  void *memory = std::aligned_alloc(alignment, bytes);
  if (!memory)
    throw std::bad_alloc();
  if (alignment == kHuge)
    madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}

void CpuBackend::release(void *memory) { std::free(memory); }

void CpuBackend::upload(void *to, const void *from, size_t bytes) {
  if (bytes)
    std::memcpy(to, from, bytes);
}

void CpuBackend::download(void *to, const void *from, size_t bytes) {
  if (bytes)
    std::memcpy(to, from, bytes);
}
