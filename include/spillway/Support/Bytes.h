//===- Bytes.h - Sizes as people write them ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_SUPPORT_BYTES_H
#define SPILLWAY_SUPPORT_BYTES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>

namespace spillway {

/// `1234`, `1.5GiB` (binary: KiB, MiB, GiB, TiB), `24GB` (decimal: KB, MB, GB,
/// TB). A fraction of a byte is dropped.
llvm::Expected<uint64_t> parseBytes(llvm::StringRef text);

/// The size to four digits in binary units: `123.4 MiB`.
std::string formatBytes(uint64_t bytes);

} // namespace spillway

#endif // SPILLWAY_SUPPORT_BYTES_H
