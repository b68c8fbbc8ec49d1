//===- JsonReader.cpp - JSON with errors that name the field ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JsonReader.h"
#include "JsonKeys.h"
#include "Quoted.h"

#include <algorithm>

using namespace spillway::planner;
using Json = JsonReader::Json;

static std::string placeOf(std::string_view text, size_t at) {
  size_t line = 1 + std::count(text.begin(), text.begin() + at, '\n');
  size_t newline = text.substr(0, at).rfind('\n');
  size_t column = at - (newline == std::string_view::npos ? 0 : newline + 1);
  return "line " + std::to_string(line) + ", column " +
         std::to_string(column + 1);
}

Json JsonReader::parse(std::string_view text) {
  try {
    Json value = Json::parse(text);
    if (auto field = repeatedField(text))
      throw JsonError(*field + ": expected the field once, found it twice");
    return value;
  } catch (const Json::parse_error &e) {
    size_t at = std::min<size_t>(e.byte ? e.byte - 1 : 0, text.size());
    throw JsonError(placeOf(text, at) +
                    ": expected JSON, found a syntax error" +
                    (at >= text.size() ? " (the text ends too early)" : ""));
  } catch (const Json::exception &e) {
    // A number above a double's range: the message ends with it in quotes, and
    // says not where it stands.
    std::string_view what = e.what();
    size_t open = what.find('\'');
    std::string_view number =
        open == std::string_view::npos
            ? ""
            : what.substr(open + 1, what.rfind('\'') - open - 1);
    size_t at = std::min(text.find(number), text.size());
    throw JsonError(placeOf(text, at) + ": expected a smaller number, found " +
                    inQuotes(number));
  }
}

void JsonReader::fail(const std::string &expected) const {
  std::string found =
      value.is_structured()
          ? std::string(value.type_name())
          : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (found.size() > 60)
    found = found.substr(0, 57) + "...";
  fail(expected, found);
}

void JsonReader::fail(const std::string &expected,
                      const std::string &found) const {
  throw JsonError((path.empty() ? "top level" : path) + ": expected " +
                  expected + ", found " + found);
}

void JsonReader::expectKind(std::string_view kind) const {
  if (!value.is_object())
    fail("an object of kind \"" + std::string(kind) + "\"");
  if ((*this)["kind"].string() != kind)
    (*this)["kind"].fail("\"" + std::string(kind) + "\"");
  if ((*this)["version"].integer() != 1)
    (*this)["version"].fail("version 1");
}

void JsonReader::expectFields(
    std::initializer_list<std::string_view> names) const {
  if (!value.is_object())
    fail("an object");
  for (auto &[key, field] : value.items())
    if (std::find(names.begin(), names.end(), key) == names.end())
      throw JsonError((path.empty() ? "" : path + ": ") + "unknown field " +
                      inQuotes(key));
}

bool JsonReader::has(const char *name) const {
  return value.is_object() && value.contains(name);
}

JsonReader JsonReader::operator[](const char *name) const {
  if (!value.is_object())
    fail("an object");
  auto it = value.find(name);
  if (it == value.end())
    throw JsonError((path.empty() ? "" : path + ": ") + "missing field '" +
                    name + "'");
  return JsonReader(*it, path.empty() ? name : path + "." + name);
}

JsonReader JsonReader::at(size_t index) const {
  if (index >= size())
    fail("an array of more than " + std::to_string(index) + " elements");
  return JsonReader(value[index], path + "[" + std::to_string(index) + "]");
}

size_t JsonReader::size() const {
  if (!value.is_array())
    fail("an array");
  return value.size();
}

uint64_t JsonReader::bytes() const {
  if (!value.is_number_unsigned())
    fail("an integer of at least 0");
  return value.get<uint64_t>();
}

int64_t JsonReader::integer() const {
  if (!value.is_number_integer() ||
      (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX))
    fail("an integer");
  return value.get<int64_t>();
}

uint32_t JsonReader::id() const {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > UINT32_MAX)
    fail("an id (an integer in [0, 2^32))");
  return uint32_t(value.get<uint64_t>());
}

bool JsonReader::boolean() const {
  if (!value.is_boolean())
    fail("true or false");
  return value.get<bool>();
}

std::string JsonReader::string() const {
  if (!value.is_string())
    fail("a string");
  return value.get<std::string>();
}
