//===- Quoted.h - Input as it stands in a diagnostic ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_QUOTED_H
#define SPILLWAY_LIB_PLANNER_QUOTED_H

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace spillway::planner {

/// Between quotes, no longer than 40 characters; bytes that are no printable
/// ASCII as \xNN, so that a diagnostic stays one line of text.
inline std::string inQuotes(std::string_view text) {
  std::string out = "'";
  for (char c : text.substr(0, 40)) {
    if (c >= ' ' && c <= '~') {
      out += c;
      continue;
    }
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", unsigned(uint8_t(c)));
    out += hex;
  }
  return out + (text.size() > 40 ? "...'" : "'");
}

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_QUOTED_H
