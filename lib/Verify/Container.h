//===- Container.h - The plan file around the plan --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_VERIFY_CONTAINER_H
#define SPILLWAY_LIB_VERIFY_CONTAINER_H

#include "spillway/Plan/plan_generated.h"
#include "spillway/Verify/Verify.h"

namespace spillway::verify {

/// Checks all that makes `file` a plan file: size, identifier, trailer, buffer
/// and nested buffer, version, hash of the program. `file` must lie at a
/// multiple of 16. On success the accessors of both buffers may be used without
/// fear.
std::optional<Error> checkContainer(std::span<const uint8_t> file);

/// The same for a plan whose buffer is known to be well-formed: version, nested
/// buffer, hash of the program.
std::optional<Error> checkEnvelope(const plan::Plan &plan);

} // namespace spillway::verify

#endif // SPILLWAY_LIB_VERIFY_CONTAINER_H
