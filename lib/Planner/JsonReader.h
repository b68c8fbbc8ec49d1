//===- JsonReader.h - JSON with errors that name the field ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A cursor over a JSON value that knows its path. Every getter throws
// `JsonError` with one line that names the path, what was expected and what was
// found; the public parse functions catch it.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_JSONREADER_H
#define SPILLWAY_LIB_PLANNER_JSONREADER_H

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace spillway::planner {

struct JsonError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class JsonReader {
public:
  using Json = nlohmann::json;

  JsonReader(const Json &value, std::string path)
      : value(value), path(std::move(path)) {}

  /// Parses text; a syntax error names the line and column. An object must not
  /// have a field twice.
  static Json parse(std::string_view text);

  [[noreturn]] void fail(const std::string &expected) const;
  [[noreturn]] void fail(const std::string &expected,
                         const std::string &found) const;
  /// Checks `kind` and `version` of a document.
  void expectKind(std::string_view kind) const;
  /// Fails at a field that is not among `names`.
  void expectFields(std::initializer_list<std::string_view> names) const;

  bool has(const char *name) const;
  JsonReader operator[](const char *name) const; ///< fails where it is missing
  JsonReader at(size_t index) const;
  size_t size() const; ///< of an array, else fails
  bool isArray() const { return value.is_array(); }
  bool isNull() const { return value.is_null(); }

  uint64_t bytes() const; ///< an integer >= 0
  int64_t integer() const;
  uint32_t id() const; ///< an integer in [0, 2^32)
  bool boolean() const;
  std::string string() const;
  const Json &json() const { return value; }

private:
  const Json &value;
  std::string path;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_JSONREADER_H
