//===- File.h - Files that are read, and files written whole ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_FILE_H
#define SPILLWAY_RUNTIME_CORE_FILE_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace spillway::rt {

/// A regular file open for reading. Reads go straight into their destination:
/// neither weights nor data are ever held twice.
class InputFile {
public:
  /// Throws a Failure naming `what` and the path where it cannot be opened or
  /// is not a regular file.
  InputFile(const std::string &path, const char *what);
  ~InputFile();
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;

  const std::string &path() const { return filePath; }
  uint64_t size() const { return bytes; }

  /// The number of bytes read, fewer than asked only at the end of the file;
  /// -1 with errno on failure. Allocates nothing.
  int64_t read(void *to, uint64_t count, uint64_t offset) const;
  /// All of them, or a Failure.
  void readExactly(void *to, uint64_t count, uint64_t offset) const;
  std::vector<uint8_t> readAll() const;

private:
  std::string filePath;
  int fd = -1;
  uint64_t bytes = 0;
};

/// A file that appears under its name when it is complete and on disk, or not
/// at all. Its space is taken when it is made where the file system can.
class OutputFile {
public:
  /// Throws a Failure where the file cannot be made or `reserve` bytes are not
  /// there. Where the file system allows, nothing is left if the process is
  /// killed.
  OutputFile(const std::string &path, uint64_t reserve = 0);
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  void write(const void *data, uint64_t count);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Flushes to disk and gives the file its name.
  void commit();

private:
  [[noreturn]] void failed(const char *doing) const;

  std::string path, temporary, directory;
  int fd = -1;
  bool named = false;
  /// The path is a device or a pipe: written in place, for a file cannot take
  /// its place.
  bool special = false;
  uint64_t written = 0;
};

/// The directory of a path, "." where it has none.
std::string directoryOf(const std::string &path);

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_FILE_H
