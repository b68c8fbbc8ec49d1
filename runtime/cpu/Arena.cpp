//===- Arena.cpp - A tier's memory ------------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arena.h"
#include "../core/Error.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace spillway::rt;

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

Arena::Arena(const std::string &name, uint64_t bytes) {
  const uint64_t page = uint64_t(sysconf(_SC_PAGESIZE));
  // Huge pages make a difference to matrix products; they need this alignment.
  const uint64_t huge = 2 << 20;
  uint64_t usable = (bytes + page - 1) / page * page;
  if (bytes > (uint64_t(1) << 46))
    fail("the %s arena of %llu bytes is more than a process can address",
         name.c_str(), (unsigned long long)bytes);
  mappedBytes = usable + huge + 2 * page;
  mapping = mmap(nullptr, mappedBytes, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED)
    fail("cannot map the %s arena of %llu bytes: %s", name.c_str(),
         (unsigned long long)bytes, systemError().c_str());
  uint64_t start = reinterpret_cast<uint64_t>(mapping) + page;
  base = reinterpret_cast<uint8_t *>((start + huge - 1) / huge * huge);
  if (!usable)
    return;
  int status = mprotect(base, usable, PROT_READ | PROT_WRITE);
  if (status == 0) {
    madvise(base, usable, MADV_HUGEPAGE); // a hint; nothing is lost without
    status = madvise(base, usable, MADV_POPULATE_WRITE);
    if (status != 0 && (errno == EINVAL || errno == ENOSYS)) {
      std::memset(base, 0, usable);
      status = 0;
    }
  }
  if (status != 0) {
    std::string reason = systemError();
    munmap(mapping, mappedBytes);
    fail("cannot take %llu bytes for the %s arena: %s",
         (unsigned long long)bytes, name.c_str(), reason.c_str());
  }
}

Arena::~Arena() { munmap(mapping, mappedBytes); }

/// The first number in a small file after `key`; false where there is none.
static bool readNumber(const char *path, const char *key, uint64_t &number) {
  FILE *file = std::fopen(path, "re");
  if (!file)
    return false;
  char text[4096];
  size_t length = std::fread(text, 1, sizeof(text) - 1, file);
  std::fclose(file);
  text[length] = '\0';
  const char *found = std::strstr(text, key);
  unsigned long long value;
  if (!found || std::sscanf(found + std::strlen(key), " %llu", &value) != 1)
    return false;
  number = value;
  return true;
}

uint64_t spillway::rt::availableMemory() {
  uint64_t available = UINT64_MAX, kib, limit, used;
  if (readNumber("/proc/meminfo", "MemAvailable:", kib))
    available = kib * 1024;
  if (readNumber("/sys/fs/cgroup/memory.max", "", limit) &&
      readNumber("/sys/fs/cgroup/memory.current", "", used))
    available = std::min(available, limit > used ? limit - used : 0);
  return available;
}
