//===- JsonKeys.cpp - Fields that a JSON text has twice ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JsonKeys.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

using Json = nlohmann::json;

namespace {

/// Follows the parser through the text without keeping any of it.
class Walk : public Json::json_sax_t {
public:
  std::optional<std::string> repeated;

  bool key(string_t &name) override {
    Level &level = levels.back();
    bool isNew = level.names.insert(name).second;
    level.last = name;
    if (!isNew)
      repeated = path();
    return isNew;
  }

  bool null() override { return element(); }
  bool boolean(bool) override { return element(); }
  bool number_integer(number_integer_t) override { return element(); }
  bool number_unsigned(number_unsigned_t) override { return element(); }
  bool number_float(number_float_t, const string_t &) override {
    return element();
  }
  bool string(string_t &) override { return element(); }
  bool binary(binary_t &) override { return element(); }
  bool start_object(std::size_t) override { return open(false); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  // Whoever reads the text says what is wrong with it.
  bool parse_error(std::size_t, const std::string &,
                   const Json::exception &) override {
    return false;
  }

private:
  /// An object or an array around where the parser is.
  struct Level {
    bool isArray;
    size_t next = 0; ///< of an array: elements begun
    std::string last;
    std::set<std::string> names;
  };
  std::vector<Level> levels;

  bool element() {
    if (!levels.empty())
      ++levels.back().next;
    return true;
  }

  bool open(bool isArray) {
    element();
    levels.push_back({isArray, 0, {}, {}});
    return true;
  }

  bool close() {
    levels.pop_back();
    return true;
  }

  std::string path() const {
    std::string out;
    for (const Level &level : levels)
      out += level.isArray ? "[" + std::to_string(level.next - 1) + "]"
                           : (out.empty() ? "" : ".") + level.last;
    return out;
  }
};

} // namespace

std::optional<std::string>
spillway::planner::repeatedField(std::string_view text) {
  Walk walk;
  Json::sax_parse(text, &walk);
  return walk.repeated;
}
