//===- Spec.cpp - Settings written as name(a,key=value) ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Support/Spec.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace spillway {

static Error failure(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

Expected<Spec> Spec::parse(StringRef text) {
  Spec spec;
  StringRef rest = text.trim();
  size_t open = rest.find('(');
  spec.name = rest.substr(0, open).trim().str();
  if (spec.name.empty())
    return failure("expected a name, found '" + text + "'");
  if (open == StringRef::npos)
    return spec;
  if (!rest.ends_with(")"))
    return failure("expected ')' at the end of '" + text + "'");
  StringRef inside = rest.slice(open + 1, rest.size() - 1).trim();
  if (inside.empty())
    return spec;
  SmallVector<StringRef> arguments;
  inside.split(arguments, ',');
  for (StringRef argument : arguments) {
    auto [key, value] = argument.split('=');
    key = key.trim();
    value = value.trim();
    if (key.empty() || (argument.contains('=') && value.empty()))
      return failure("expected an argument or key=value, found '" + argument.trim() + "' in '" + text + "'");
    for (const auto &[given, ignored] : spec.keyed)
      if (argument.contains('=') && given == key)
        return failure("expected '" + key + "' once, found it twice in '" + text + "'");
    if (argument.contains('='))
      spec.keyed.emplace_back(key.str(), value.str());
    else
      spec.positional.push_back(key.str());
  }
  return spec;
}

Expected<double> Spec::number(StringRef key, double fallback) const {
  for (const auto &[given, value] : keyed) {
    if (given != key)
      continue;
    double result = 0;
    if (!to_float(value, result))
      return failure("expected a number for '" + key + "' of " + name + ", found '" + value + "'");
    return result;
  }
  return fallback;
}

Error Spec::checkKeys(ArrayRef<StringRef> known) const {
  for (const auto &[key, value] : keyed)
    if (!is_contained(known, key))
      return failure(Twine("'") + name + "' has no setting '" + key + "'; it has " + join(known, ", "));
  return Error::success();
}

} // namespace spillway
