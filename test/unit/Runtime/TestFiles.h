//===- TestFiles.h - Files that tests make ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_UNIT_RUNTIME_TESTFILES_H
#define SPILLWAY_TEST_UNIT_RUNTIME_TESTFILES_H

#include "core/Error.h"
#include "core/Safetensors.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace spillway::test {

/// A directory that goes with its fixture.
class FilesTest : public ::testing::Test {
protected:
  FilesTest() {
    std::string pattern = ::testing::TempDir() + "spillway-XXXXXX";
    directory = mkdtemp(pattern.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(directory); }

  std::string pathOf(const std::string &name) const {
    return directory + "/" + name;
  }

  std::string write(const std::string &name, const void *data, size_t bytes) {
    // Some file systems flush what replaces the content of a file.
    std::filesystem::remove(pathOf(name));
    std::ofstream file(pathOf(name), std::ios::binary);
    file.write(static_cast<const char *>(data), std::streamsize(bytes));
    return pathOf(name);
  }
  std::string write(const std::string &name, const std::string &text) {
    return write(name, text.data(), text.size());
  }
  template <typename T>
  std::string write(const std::string &name, const std::vector<T> &data) {
    return write(name, data.data(), data.size() * sizeof(T));
  }

  std::string read(const std::string &name) const {
    std::ifstream file(pathOf(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// A safetensors file of one tensor.
  template <typename T>
  std::string writeTensor(const std::string &file, const std::string &name,
                          rt::DType dtype, const std::vector<int64_t> &sizes,
                          const std::vector<T> &data) {
    uint64_t bytes = data.size() * sizeof(T);
    std::string text = rt::safetensorsHeader({{name, dtype, sizes, bytes}}, {});
    text.append(reinterpret_cast<const char *>(data.data()), bytes);
    return write(file, text);
  }

  size_t numFiles() const {
    auto files = std::filesystem::directory_iterator(directory);
    return size_t(std::distance(begin(files), end(files)));
  }

  std::string directory;
};

/// The message of the Failure that `body` throws; empty if none.
inline std::string failureOf(const std::function<void()> &body) {
  try {
    body();
  } catch (const rt::Failure &failure) {
    return failure.what();
  }
  return "";
}

} // namespace spillway::test

#endif // SPILLWAY_TEST_UNIT_RUNTIME_TESTFILES_H
