//===- Mutate.h - Random changes to plan files ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes plan files that differ from a valid one in one or a few places, with
// the seal put right. Most are wrong; the verifier must refuse all that compute
// anything else than the program.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TEST_UNIT_VERIFY_MUTATE_H
#define SPILLWAY_TEST_UNIT_VERIFY_MUTATE_H

#include "spillway/Plan/plan_generated.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace spillway::test {

struct Mutant {
  std::string what; ///< "drop wait 1 of instruction 7"
  std::vector<uint8_t> file;
};

class Mutator {
public:
  /// `file` must be a valid plan file.
  Mutator(std::vector<uint8_t> file, uint64_t seed);

  Mutant next();

  /// The plan without predictions, pictures, rates and capacities: what a
  /// machine would look at.
  static std::vector<uint8_t> essenceOf(const std::vector<uint8_t> &file);

  /// Whether a mutant that was accepted is the same plan to a machine.
  bool isEquivalent(const std::vector<uint8_t> &file) const;

private:
  uint64_t below(uint64_t limit) { return limit ? random() % limit : 0; }
  uint32_t anInstruction() { return uint32_t(below(numInstructions)); }
  /// An offset near, or that of something else.
  uint64_t anOffset(uint64_t offset);

  std::string flipBytes(std::vector<uint8_t> &payload);
  std::string changeField(plan::Plan &plan);
  std::string changeLaunch(plan::Launch &launch);
  std::string changeLocation(plan::Location &location);
  std::string changeMachine(plan::Plan &plan);
  std::string swapInstructions(plan::Plan &plan, uint32_t i, uint32_t j);
  std::string rebuild(std::vector<uint8_t> &payload);

  std::vector<uint8_t> original;
  std::mt19937_64 random;
  uint32_t numInstructions;
  std::vector<uint64_t> offsets; ///< all that occur in the plan
};

} // namespace spillway::test

#endif // SPILLWAY_TEST_UNIT_VERIFY_MUTATE_H
