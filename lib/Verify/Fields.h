//===- Fields.h - Access to optional and counted fields ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FlatBuffers gives a null pointer for an empty vector or string that was never
// written. These treat both alike.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_VERIFY_FIELDS_H
#define SPILLWAY_LIB_VERIFY_FIELDS_H

#include "spillway/Plan/plan_generated.h"
#include "spillway/Verify/Verify.h"

#include <set>
#include <string_view>

namespace spillway::verify {

template <typename T> uint32_t sizeOf(const flatbuffers::Vector<T> *vector) {
  return vector ? vector->size() : 0;
}

inline std::string_view textOf(const flatbuffers::String *string) {
  return string ? string->string_view() : std::string_view();
}

/// FlatBuffers' own verifier does not look at the alignment of elements.
template <typename T>
bool isAligned(const flatbuffers::Vector<T> *vector, uint32_t alignment) {
  return !vector ||
         reinterpret_cast<uintptr_t>(vector->Data()) % alignment == 0;
}

/// Whether all of it is UTF-8 without control characters, so that it may be
/// printed and put into JSON.
bool isPrintable(std::string_view text);

/// Names of one kind: none is empty, none is there twice, none is a book.
class Names {
public:
  explicit Names(const char *kind) : kind(kind) {}

  std::optional<Error> add(const flatbuffers::String *string) {
    std::string_view name = textOf(string);
    if (name.empty())
      return Error{Code::MissingField,
                   std::string("a ") + kind + " has no name"};
    if (name.size() > maxLength)
      return Error{Code::LimitExceeded, std::string("a ") + kind +
                                            " has a name of " +
                                            std::to_string(name.size()) +
                                            " characters, expected at most " +
                                            std::to_string(maxLength)};
    if (!isPrintable(name))
      return Error{Code::BadText, std::string("the name of a ") + kind +
                                      " is not printable UTF-8"};
    if (!names.insert(name).second)
      return Error{Code::DuplicateName, std::string("two of kind '") + kind +
                                            "' have the name '" +
                                            std::string(name) + "'"};
    return std::nullopt;
  }

private:
  static constexpr size_t maxLength = 4096;

  const char *kind;
  std::set<std::string_view> names;
};

} // namespace spillway::verify

#endif // SPILLWAY_LIB_VERIFY_FIELDS_H
