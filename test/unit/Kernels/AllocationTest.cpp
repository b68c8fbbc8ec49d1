//===- AllocationTest.cpp - No kernel allocates while it runs -------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every allocation of the process is counted: malloc, its kin and mmap are this
// program's own.
//
//===----------------------------------------------------------------------===//

#include "conformance/CpuBackend.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !defined(__SANITIZE_ADDRESS__) && defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

static std::atomic<int64_t> allocations = 0;

#ifndef __SANITIZE_ADDRESS__
extern "C" {
#define SPW_EXPORT [[gnu::visibility("default")]]
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

SPW_EXPORT void *malloc(size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
SPW_EXPORT void *calloc(size_t count, size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
SPW_EXPORT void *realloc(void *old, size_t bytes) {
  ++allocations;
  return __libc_realloc(old, bytes);
}
SPW_EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
SPW_EXPORT int posix_memalign(void **result, size_t alignment, size_t bytes) {
  ++allocations;
  *result = __libc_memalign(alignment, bytes);
  return *result ? 0 : ENOMEM;
}
SPW_EXPORT void *mmap(void *at, size_t bytes, int protection, int flags, int fd,
                      off_t offset) {
  ++allocations;
  return reinterpret_cast<void *>(
      syscall(SYS_mmap, at, bytes, protection, flags, fd, offset));
}
}
#endif

using namespace spillway::conformance;

namespace {

Operand floats(std::vector<int64_t> sizes) {
  Operand result;
  result.sizes = sizes;
  result.strides.resize(sizes.size());
  int64_t count = 1;
  for (size_t i = sizes.size(); i-- > 0; count *= sizes[i])
    result.strides[i] = count;
  result.bytes.resize(size_t(count) * 4);
  return result;
}

/// Allocations while a case runs once, the first time that it does.
int64_t allocationsOf(const Case &test, CpuBackend &backend) {
  CaseLaunch launch(test, backend);
  EXPECT_EQ(launch.prepare(), "") << test.name;
  std::vector<void *> buffers;
  auto bind = [&](const std::vector<uint8_t> &bytes) {
    buffers.push_back(backend.allocate(bytes.size() + 1));
    backend.upload(buffers.back(), bytes.data(), bytes.size());
    return buffers.back();
  };
  for (size_t i = 0; i < test.inputs.size(); ++i)
    launch.inputs[i].data = bind(test.inputs[i].bytes);
  for (size_t i = 0; i < test.outputs.size(); ++i)
    launch.outputs[i].data = bind(test.outputs[i].bytes);
  launch.launch.workspace =
      bind(std::vector<uint8_t>(launch.launch.workspace_bytes));
  int64_t before = allocations;
  launch.run();
  int64_t result = allocations - before;
  for (void *buffer : buffers)
    backend.release(buffer);
  return result;
}

TEST(Allocation, HookCounts) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer owns malloc";
#endif
  int64_t before = allocations;
  void *page =
      mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page, 4096);
  // Through a library, which is where it matters; not to be optimised away.
  char *(*volatile duplicate)(const char *) = strdup;
  std::free(duplicate("text"));
  EXPECT_EQ(allocations - before, 2);
}

// The first product of a process is where a library would map its buffers.
TEST(Allocation, NoneInProducts) {
  for (int lanes : {1, 2, 5}) {
    CpuBackend backend(lanes);
    Case test;
    test.name = test.kernel = "matmul";
    test.inputs = {floats({700, 300}), floats({300, 900})};
    test.outputs = {floats({700, 900})};
    EXPECT_EQ(allocationsOf(test, backend), 0) << lanes << " threads";
  }
}

TEST(Allocation, NoneInAnyKernel) {
  CpuBackend backend(2);
  for (const auto &entry :
       std::filesystem::directory_iterator(SPILLWAY_CONFORMANCE_CASES))
    for (const Case &test : loadCases(entry.path()))
      EXPECT_EQ(allocationsOf(test, backend), 0) << test.name;
}

} // namespace
