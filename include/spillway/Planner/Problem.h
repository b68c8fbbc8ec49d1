//===- Problem.h - What is to be planned ------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One training step as operators over storages, and the machine it runs on. See
// docs/planning-model.md. In memory everything refers to everything else by
// index into the vectors below; the JSON form refers by `id`.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_PROBLEM_H
#define SPILLWAY_PLANNER_PROBLEM_H

#include "spillway/Planner/Machine.h"

namespace spillway::planner {

enum class StorageKind : uint8_t { Temporary, Persistent, Fed };

/// The unit of memory. Views of a tensor share its storage.
struct Storage {
  uint32_t id = 0;
  std::string name;
  uint64_t bytes = 0;
  StorageKind kind = StorageKind::Temporary;
  /// Cut points in bytes, ascending, without 0 and `bytes`. None: one part.
  std::vector<uint64_t> parts;
  /// Persistent: the tier that must hold it when a step starts; none: the
  /// planner's choice. Fed: the tier that the host writes it to (none: tier 1).
  std::optional<uint32_t> home;
  /// A temporary that must still be valid, on any tier, when the step ends.
  bool output = false;

  uint32_t numParts() const { return uint32_t(parts.size()) + 1; }
  uint64_t partBegin(uint32_t part) const {
    return part == 0 ? 0 : parts[part - 1];
  }
  uint64_t partEnd(uint32_t part) const {
    return part == parts.size() ? bytes : parts[part];
  }
  /// Bytes of a part, or of the whole for part -1.
  uint64_t partBytes(int32_t part) const {
    return part < 0 ? bytes : partEnd(part) - partBegin(part);
  }
};

/// A storage, or (part >= 0) one part of it.
struct Access {
  uint32_t storage = 0;
  int32_t part = -1;
  bool operator==(const Access &) const = default;
};

/// Storage `written` may take over the buffer of storage `read`.
struct InPlacePair {
  uint32_t written = 0, read = 0;
  bool operator==(const InPlacePair &) const = default;
};

struct Operator {
  uint32_t id = 0;
  std::string name;
  /// By engine of the machine; negative: does not run there.
  std::vector<int64_t> costNs;
  uint64_t flops = 0;
  std::vector<Access> reads;
  /// Makes the content. A temporary storage has one producing operator, or
  /// one for each part.
  std::vector<Access> writes;
  /// Replaces the content in place: reads the old, leaves the new.
  std::vector<Access> updates;
  uint64_t workspace = 0;
  /// False: runs exactly once a step.
  bool recomputable = true;
  /// Both storages are accessed as a whole and have as many bytes.
  std::vector<InPlacePair> inPlace;

  int64_t cost(uint32_t engine) const {
    return engine < costNs.size() ? costNs[engine] : -1;
  }
};

/// Operators [first, last] run `count` times, accumulating. What that means:
/// Repeats.h.
struct Repeat {
  uint32_t first = 0, last = 0, count = 1;
};

struct Problem {
  std::string name;
  Machine machine;
  /// Every instance takes a multiple of this many bytes.
  uint64_t alignment = 256;
  std::vector<Storage> storages;
  /// In a valid order.
  std::vector<Operator> operators;
  std::vector<Repeat> repeats;

  uint64_t aligned(uint64_t bytes) const {
    return (bytes + alignment - 1) / alignment * alignment;
  }

  /// Every fault of the problem, one line each; empty if it is well-formed.
  /// Everything else in this library may rely on a well-formed problem.
  std::vector<std::string> check() const;

  /// A number that differs for problems that differ in anything a plan depends
  /// on (names do not count).
  uint64_t fingerprint() const;
};

/// Reads the JSON form. On failure returns nothing and sets `error` to one line
/// that names the field, or the line of a syntax error. Does not call `check`.
std::optional<Problem> parseProblem(std::string_view text, std::string &error);
std::string printProblem(const Problem &problem);

/// The JSON form of a machine alone, the same as in a problem.
std::optional<Machine> parseMachine(std::string_view text, std::string &error);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_PROBLEM_H
