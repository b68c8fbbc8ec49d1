//===- File.cpp - Files that are read, and files written whole --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "File.h"
#include "Error.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace spillway::rt;

InputFile::InputFile(const std::string &path, const char *what)
    : filePath(path) {
  fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0)
    fail("cannot open %s '%s': %s", what, path.c_str(), systemError().c_str());
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    fail("cannot read %s '%s': not a regular file", what, path.c_str());
  }
  bytes = uint64_t(status.st_size);
}

InputFile::~InputFile() { close(fd); }

int64_t InputFile::read(void *to, uint64_t count, uint64_t offset) const {
  uint64_t done = 0;
  while (done < count) {
    // Linux moves at most 2 GiB a call.
    size_t piece = size_t(std::min<uint64_t>(count - done, 1u << 30));
    ssize_t n =
        pread(fd, static_cast<char *>(to) + done, piece, off_t(offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    if (n == 0)
      break;
    done += uint64_t(n);
  }
  return int64_t(done);
}

void InputFile::readExactly(void *to, uint64_t count, uint64_t offset) const {
  int64_t n = offset > bytes ? 0 : read(to, count, offset);
  if (n < 0)
    fail("cannot read '%s': %s", filePath.c_str(), systemError().c_str());
  if (uint64_t(n) < count)
    fail("'%s' is too short: expected %llu bytes at offset %llu, found %llu",
         filePath.c_str(), (unsigned long long)count,
         (unsigned long long)offset, (unsigned long long)n);
}

std::vector<uint8_t> InputFile::readAll() const {
  std::vector<uint8_t> data(bytes);
  readExactly(data.data(), bytes, 0);
  return data;
}

std::string spillway::rt::directoryOf(const std::string &path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash ? path.substr(0, slash) : "/";
}

void OutputFile::failed(const char *doing) const {
  fail("cannot %s '%s': %s", doing, path.c_str(), systemError().c_str());
}

OutputFile::OutputFile(const std::string &path, uint64_t reserve)
    : path(path), directory(directoryOf(path)) {
  struct stat status;
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode))
      fail("cannot write '%s': it is a directory", path.c_str());
    special = !S_ISREG(status.st_mode);
  }
  if (special) {
    fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0)
      failed("write");
    return;
  }
  temporary = path + ".tmp-" + std::to_string(getpid());
  fd = open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT ||
                 errno == EINVAL)) {
    fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    named = fd >= 0;
  }
  if (fd < 0)
    failed("write");
  if (!reserve)
    return;
  // Not every file system can; then the space is taken as it is written.
  if (fallocate(fd, 0, 0, off_t(reserve)) != 0 && errno != EOPNOTSUPP &&
      errno != ENOSYS) {
    std::string reason = systemError();
    close(fd);
    if (named)
      unlink(temporary.c_str());
    fail("cannot write '%s': %llu bytes are needed: %s", path.c_str(),
         (unsigned long long)reserve, reason.c_str());
  }
}

OutputFile::~OutputFile() {
  if (fd >= 0)
    close(fd);
  if (named)
    unlink(temporary.c_str());
}

void OutputFile::write(const void *data, uint64_t count) {
  for (uint64_t done = 0; done < count;) {
    size_t piece = size_t(std::min<uint64_t>(count - done, 1u << 26));
    ssize_t n = ::write(fd, static_cast<const char *>(data) + done, piece);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      failed("write");
    done += uint64_t(n);
  }
  written += count;
}

void OutputFile::commit() {
  if (special) {
    int closed = close(fd);
    fd = -1;
    if (closed != 0)
      failed("write");
    return;
  }
  if (ftruncate(fd, off_t(written)) != 0 || fsync(fd) != 0)
    failed("write");
  if (!named) {
    std::string self = "/proc/self/fd/" + std::to_string(fd);
    unlink(temporary.c_str());
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temporary.c_str(),
               AT_SYMLINK_FOLLOW) != 0)
      failed("write");
    named = true;
  }
  if (rename(temporary.c_str(), path.c_str()) != 0)
    failed("write");
  named = false;
  // The name is durable only when its directory is.
  int parent = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0) {
    fsync(parent);
    close(parent);
  }
}
