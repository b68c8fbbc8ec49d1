//===- PlanFile.h - A plan file, checked ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_RUNTIME_CORE_PLANFILE_H
#define SPILLWAY_RUNTIME_CORE_PLANFILE_H

#include "spillway/Plan/plan_generated.h"

#include <string>
#include <vector>

namespace spillway::rt {

/// The bytes of a plan file and typed access to them. Nothing in them is
/// believed before it was checked: the constructor proves the frame (checksum,
/// FlatBuffers structure, version, hash of the program) and runs the plan
/// verifier; a Schedule checks every number that it takes over.
class PlanFile {
public:
  /// `prove` false leaves the verifier out, for tests of what stands behind it.
  explicit PlanFile(const std::string &path, bool prove = true);

  const std::string &path() const { return filePath; }
  const plan::Plan &plan() const { return *planRoot; }
  const plan::Program &program() const { return *programRoot; }

private:
  std::string filePath;
  std::vector<uint8_t> file;
  // A copy: a nested buffer need not be aligned where it lies.
  std::vector<uint8_t> programBytes;
  const plan::Plan *planRoot = nullptr;
  const plan::Program *programRoot = nullptr;
};

} // namespace spillway::rt

#endif // SPILLWAY_RUNTIME_CORE_PLANFILE_H
