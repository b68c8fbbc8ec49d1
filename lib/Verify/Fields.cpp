//===- Fields.cpp - Access to optional and counted fields -----------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fields.h"

namespace spillway::verify {

bool isPrintable(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto lead = uint8_t(text[i++]);
    if (lead < 0x80) {
      if (lead < 0x20 || lead == 0x7f)
        return false;
      continue;
    }
    if (lead < 0xc2 || lead > 0xf4)
      return false;
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    // What fits fewer bytes must not take more; the first of two are controls.
    uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0xa0;
    uint32_t point = lead & (0x3fu >> more);
    for (; more > 0; --more, ++i) {
      if (i == text.size() || (uint8_t(text[i]) & 0xc0) != 0x80)
        return false;
      point = point << 6 | (uint8_t(text[i]) & 0x3f);
    }
    bool isSurrogate = point >= 0xd800 && point < 0xe000;
    if (point < least || point > 0x10ffff || isSurrogate)
      return false;
  }
  return true;
}

} // namespace spillway::verify
