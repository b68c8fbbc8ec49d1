//===- Reports.h - What a run is told in ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_REPORTS_H
#define SPILLWAY_RUNTIME_CORE_REPORTS_H

#include "Session.h"

#include <string>

namespace spillway::rt {

/// The keys of a run's `--stats` file, as JSON.
std::string statsJson(const Session &session);

/// Chrome's trace format, which Perfetto opens: process 1 is what happened on
/// every stream in the recorded steps, process 2 what the plan predicted.
void writeTrace(const Session &session, OutputFile &file);

/// The median time of each kernel signature:
/// {"version": 1, "machine": "...", "kernels": {SIGNATURE: ns}}.
std::string profileJson(const Session &session);

/// A few lines for a reader.
std::string summary(const Session &session);

/// The highest byte that kernels, copies and the host touched on a tier.
uint64_t measuredPeak(const Session &session, uint32_t tier);
/// 0 where there are no tokens; without the first step where there are more.
double tokensPerSecond(const Session &session);

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_REPORTS_H
