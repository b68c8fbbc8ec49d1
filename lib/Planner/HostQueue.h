//===- HostQueue.h - Runs off the device that may wait ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An engine off the device takes what is to run there in the order of issue.
// Where it is behind, what is needed first had better go first: the parameters
// of a model's first layers are changed last and needed first, those of its
// last layers may wait until the next step has begun. So runs come into a
// queue, and whoever touches what they touch says that they must leave it.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_HOSTQUEUE_H
#define SPILLWAY_LIB_PLANNER_HOSTQUEUE_H

#include "spillway/Planner/Plan.h"

#include <set>

namespace spillway::planner {

class HostQueue {
public:
  /// Nothing may wait where some tier of `budgets` could not hold all that the
  /// plan ever puts there at once.
  HostQueue(const Problem &problem, const Plan &plan,
            const std::vector<uint64_t> &budgets);

  /// Whether an action is a run that may wait.
  bool mayWait(uint32_t action) const {
    return enabled && isHostRun(plan.actions[action]);
  }
  bool empty() const { return waiting.empty(); }
  /// `ready`: when all that it reads is there.
  void add(uint32_t run, int64_t ready);
  void remove(uint32_t run);

  struct Waiting {
    size_t needed = 0; ///< the load of what it changes, counted on over the end
    uint32_t run = 0;
    int64_t ready = 0;
    auto operator<=>(const Waiting &) const = default;
  };
  /// By when they are needed.
  const std::set<Waiting> &all() const { return waiting; }
  /// Those that must run before an action if it comes after them, in the order
  /// of the plan. A free off the device comes after all that use what it ends.
  std::vector<uint32_t> before(const Action &action) const;

private:
  bool isHostRun(const Action &a) const {
    return a.kind == ActionKind::Run &&
           problem.machine.engines[a.engine].tier != 0;
  }
  template <class Visit>
  void eachCell(uint32_t storage, int32_t part, Visit visit) const;
  template <class Visit> void eachAccess(const Action &run, Visit visit) const;
  void findNeeds();

  const Problem &problem;
  const Plan &plan;
  bool enabled = true;
  std::vector<uint32_t> cellBegin; ///< by storage
  std::vector<Waiting> needs;      ///< by action; of runs off the device
  std::set<Waiting> waiting;
  struct User {
    uint32_t run;
    bool changes;
  };
  std::vector<std::vector<User>> users; ///< by cell: who waits
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_HOSTQUEUE_H
