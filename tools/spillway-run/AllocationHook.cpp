//===- AllocationHook.cpp - Counts all allocations --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// operator new ends in malloc or aligned_alloc; glibc exports its allocator
// under a second name for such wrappers.
//
//===----------------------------------------------------------------------===//

#include "AllocationHook.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SPILLWAY_COUNT_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define SPILLWAY_COUNT_ALLOCATIONS 0
#endif
#endif
#ifndef SPILLWAY_COUNT_ALLOCATIONS
#define SPILLWAY_COUNT_ALLOCATIONS 1
#endif

static std::atomic<uint64_t> allocations{0};

bool spillway::run::countsAllocations() { return SPILLWAY_COUNT_ALLOCATIONS; }

uint64_t spillway::run::allocationCount() {
  return allocations.load(std::memory_order_relaxed);
}

#if SPILLWAY_COUNT_ALLOCATIONS

#define EXPORT __attribute__((visibility("default")))

static void count() { allocations.fetch_add(1, std::memory_order_relaxed); }

extern "C" {

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

EXPORT void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

EXPORT void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

EXPORT void *realloc(void *old, size_t size) {
  count();
  return __libc_realloc(old, size);
}

EXPORT void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t size) {
  count();
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)))
    return EINVAL;
  void *memory = __libc_memalign(alignment, size);
  if (!memory)
    return ENOMEM;
  *result = memory;
  return 0;
}

EXPORT void *mmap(void *address, size_t length, int protection, int flags,
                  int file, off_t offset) noexcept {
  count();
  return reinterpret_cast<void *>(
      syscall(SYS_mmap, address, length, protection, flags, file, offset));
}

} // extern "C"

#endif // SPILLWAY_COUNT_ALLOCATIONS
