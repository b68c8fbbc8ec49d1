//===- Spec.h - Settings written as name(a,key=value) --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_SUPPORT_SPEC_H
#define SPILLWAY_SUPPORT_SPEC_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <utility>
#include <vector>

namespace spillway {

/// `adamw(lr=1e-3,eps=1e-8)`: a name, positional arguments, keyed arguments.
struct Spec {
  std::string name;
  std::vector<std::string> positional;
  std::vector<std::pair<std::string, std::string>> keyed;

  /// Parses, or says which character is wrong. The parentheses may be left out.
  static llvm::Expected<Spec> parse(llvm::StringRef text);

  /// The number given for `key`, or `fallback`.
  llvm::Expected<double> number(llvm::StringRef key, double fallback) const;

  /// Fails if a key is none of `known`, naming those.
  llvm::Error checkKeys(llvm::ArrayRef<llvm::StringRef> known) const;
};

} // namespace spillway

#endif // SPILLWAY_SUPPORT_SPEC_H
