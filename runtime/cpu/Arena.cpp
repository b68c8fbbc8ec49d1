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

/// The first number after `key` in the first 4 KiB of a file; false where there
/// is none (a control group's "max" is no number).
static bool readNumber(const std::string &path, const char *key,
                       uint64_t &number) {
  FILE *file = std::fopen(path.c_str(), "re");
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

/// This process's control group (version 2), "" for the root.
static std::string controlGroup() {
  FILE *file = std::fopen("/proc/self/cgroup", "re");
  if (!file)
    return "";
  char line[4096], path[4096] = "";
  while (std::fgets(line, sizeof(line), file))
    if (std::sscanf(line, "0::%4095[^\n]", path) == 1)
      break;
  std::fclose(file);
  return std::strcmp(path, "/") == 0 ? "" : path;
}

uint64_t spillway::rt::availableMemory() {
  uint64_t available = UINT64_MAX, kib;
  if (readNumber("/proc/meminfo", "MemAvailable:", kib))
    available = kib * 1024;
  // A group's limit holds for all groups in it.
  for (std::string group = controlGroup();; group.resize(group.rfind('/'))) {
    std::string directory = "/sys/fs/cgroup" + group;
    uint64_t limit, used, cached = 0;
    if (readNumber(directory + "/memory.max", "", limit) &&
        readNumber(directory + "/memory.current", "", used)) {
      // Cached files count as used, but make room.
      readNumber(directory + "/memory.stat", "\nfile", cached);
      used -= std::min(used, cached);
      available = std::min(available, limit > used ? limit - used : 0);
    }
    if (group.empty() || group.rfind('/') == std::string::npos)
      return available;
  }
}
