//===- Error.h - How the runtime fails --------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that can go wrong does so while a plan is loaded, by throwing a
// Failure that the C interface turns into a message and a status. Nothing
// throws inside a step.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_ERROR_H
#define SPILLWAY_RUNTIME_CORE_ERROR_H

#include <stdexcept>
#include <string>

namespace spillway::rt {

/// A message for the user: lower case, names the place, what was expected and
/// found, and the remedy.
class Failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// printf into a string.
[[gnu::format(printf, 1, 2)]] std::string format(const char *format, ...);

[[noreturn, gnu::format(printf, 1, 2)]] void fail(const char *format, ...);

/// The text of `errno`.
std::string systemError();

/// "[2, 3]".
template <typename SizesT> std::string dimensions(const SizesT &sizes) {
  std::string text = "[";
  for (auto size : sizes)
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_ERROR_H
