//===- Bytes.cpp - Sizes as people write them --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Support/Bytes.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;

namespace spillway {

Expected<uint64_t> parseBytes(StringRef text) {
  static const std::pair<StringRef, double> units[] = {
      {"KiB", 1024.0},        {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0}, {"KB", 1e3},
      {"MB", 1e6},            {"GB", 1e9},        {"TB", 1e12},          {"B", 1.0}};
  StringRef number = text.trim();
  double unit = 1;
  for (auto [suffix, factor] : units)
    if (number.consume_back(suffix)) {
      unit = factor;
      break;
    }
  number = number.rtrim();
  uint64_t exact = 0;
  if (unit == 1 && !number.getAsInteger(10, exact))
    return exact;
  double value = 0;
  if (number.empty() || number.getAsDouble(value) || !std::isfinite(value) || value < 0 || value * unit >= 9e18)
    return createStringError(Twine("expected a size such as 512MiB, 8GB or a number of bytes, found '") + text + "'");
  return static_cast<uint64_t>(value * unit);
}

std::string formatBytes(uint64_t bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit)
    value /= 1024;
  std::string text;
  raw_string_ostream(text) << format(unit == 0 ? "%.0f" : value < 10 ? "%.3f" : value < 100 ? "%.2f" : "%.1f", value)
                           << ' ' << units[unit];
  return text;
}

} // namespace spillway
