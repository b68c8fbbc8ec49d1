//===- Plan.h - Where everything is and when it moves -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A total issue order of actions and what is where when a step starts. See
// docs/planning-model.md. All numbers are indices into the problem's vectors;
// the JSON form has ids and names.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_PLAN_H
#define SPILLWAY_PLANNER_PLAN_H

#include "spillway/Planner/Problem.h"

namespace spillway::planner {

/// A buffer that holds a storage, or one part of it, on a tier. Off the device
/// an instance is always of the whole storage (part -1).
struct Instance {
  uint32_t storage = 0;
  int32_t part = -1;
  uint32_t tier = 0;
  auto operator<=>(const Instance &) const = default;
};

enum class ActionKind : uint8_t { Run, Load, Store, Free };

struct Action {
  ActionKind kind = ActionKind::Run;
  /// Run: the operator and the engine.
  uint32_t op = 0, engine = 0;
  /// Load: tier to device; Store: to tier, from the device or, without going
  /// over it, from another tier; Free: the instance that ends.
  uint32_t storage = 0;
  int32_t part = -1;
  uint32_t tier = 0;
  uint32_t from = 0; ///< of a Store: where it is copied from
  /// Run: which results take over the buffer of an operand that ends here.
  std::vector<InPlacePair> inPlace;

  static Action run(uint32_t op, uint32_t engine = 0);
  static Action load(uint32_t storage, int32_t part, uint32_t tier);
  static Action store(uint32_t storage, int32_t part, uint32_t tier,
                      uint32_t from = 0);
  static Action free(uint32_t storage, int32_t part, uint32_t tier);
  bool operator==(const Action &) const = default;
};

/// Actions [first, last] are done `count` times. They stand as in the first
/// iteration; in the next, all that belongs to a repetition of the repeat, in
/// the loop and behind it, is that of the repetition `repetitions` further on.
struct Loop {
  uint32_t repeat = 0; ///< of the problem
  uint32_t first = 0, last = 0, count = 1;
  uint32_t repetitions = 1; ///< in an iteration
  bool operator==(const Loop &) const = default;
};

/// Where the problem repeats operators, numbers are indices into the problem
/// written out as far as the plan's actions go when loops are done once
/// (Loops.h): each count less what the loops do further iterations of.
struct Plan {
  std::string policy;
  /// Sorted. In the steady state also what is where when the step ends.
  std::vector<Instance> initial;
  std::vector<Action> actions;
  /// In order, apart from one another. Only where the problem repeats.
  std::vector<Loop> loops;
};

/// Reads the JSON form; a plan for another problem (by fingerprint) is an
/// error. On failure sets `error` to one line that names the field.
std::optional<Plan> parsePlan(std::string_view text, const Problem &problem,
                              std::string &error);
std::string printPlan(const Plan &plan, const Problem &problem);

/// One life of an instance in the steady state: it occupies the positions
/// [first, end) of the issue order, or [first, n) and [0, end) where it wraps
/// (first == end == 0: always there).
struct Lifetime {
  Instance instance;
  uint32_t first = 0, end = 0;
  bool wraps = false;
  /// The lifetime whose buffer this one takes over at `first`, or -1.
  int32_t takesOver = -1;
};

/// All lifetimes in a plan, in order of (first appearance). The plan must be
/// well-formed in the sense of `verifyPlan`.
std::vector<Lifetime> lifetimes(const Problem &problem, const Plan &plan);

/// Whether a write of one part, with no instance of the storage there, makes
/// the instance of the whole: so it does where some operator accesses the
/// storage as a whole. By storage.
std::vector<bool> accessedAsWhole(const Problem &problem);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_PLAN_H
