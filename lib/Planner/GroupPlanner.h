//===- GroupPlanner.h - Plans for groups of repetitions ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Repetitions may run one after the other, or in groups: operator by operator
// (RepeatGroups.h), block by block (RepeatBlocks.h), or blocks of operators
// that each run for several. Which groups are fastest is found by planning
// some.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GROUPPLANNER_H
#define SPILLWAY_LIB_PLANNER_GROUPPLANNER_H

#include "LoopPlanner.h"
#include "Policy.h"
#include "RepeatBlocks.h"
#include "spillway/Planner/Planner.h"
#include "spillway/Planner/Repeats.h"

#include <compare>

namespace spillway::planner {

struct FusedBlocks;

/// `turns` repetitions that take turns block by block, each of which stands for
/// `size` that go operator by operator.
struct GroupShape {
  uint32_t size = 1, turns = 1;
  uint32_t repetitions() const { return size * turns; }
  auto operator<=>(const GroupShape &) const = default;
};

/// A plan of any kind for groups of repetitions, in terms of the problem.
struct GroupPlan : LoopPlan {
  int64_t stepNs = INT64_MAX;
};

class GroupPlanner {
public:
  /// `problem` has one repeat with a count above 1.
  GroupPlanner(const Problem &problem, const Policy &policy,
               const PlanOptions &options, std::vector<uint64_t> budgets);

  GroupPlan find(GroupShape shape, uint32_t iterations) const;
  /// Whether repetitions may run otherwise than one after the other.
  bool mayGroup() const;
  /// Of the shapes that promise most, what is fastest. No plan is faster than
  /// `boundNs`; `oneNs`: what repetition by repetition takes, where that has
  /// been planned.
  GroupPlan findBest(int64_t boundNs, std::optional<int64_t> oneNs) const;
  /// All repetitions take turns, with narrow blocks as operators. Of what these
  /// would make again, as much waits as the links carry beside the rest.
  GroupPlan findFused() const;
  /// Whether a plan for groups of so many has a loop, or is written out.
  bool loops(uint32_t repetitions) const;

private:
  /// Iterations while sizes are tried.
  static constexpr uint32_t quick = 1;
  /// So many operators of groups that take turns are planned.
  static constexpr uint32_t mostInTurns = 10000;
  /// The problem of a shape, and the way back.
  struct Shaped {
    Problem grouped;
    std::optional<BlockProblem> blocks;
    const Problem &problem() const {
      return blocks ? blocks->problem : grouped;
    }
  };
  struct Candidate {
    int64_t ns = 0;
    GroupShape shape;
    BodyPlan body; ///< of a loop
  };
  std::optional<Shaped> make(GroupShape shape) const;
  std::vector<GroupShape> largeShapes() const;
  GroupPlan planFused(const FusedBlocks &fused) const;
  int64_t firstStepNs(const Problem &p) const;
  GroupPlan check(GroupPlan plan) const;
  GroupPlan finish(const Shaped &shaped, uint32_t size, LoopPlan plan) const;
  void finish(std::vector<Candidate> &candidates, uint32_t effort,
              LoopHopes &hopes, GroupPlan &best) const;
  LoopPlan writtenOut(const Problem &grouped, uint32_t iterations) const;
  Candidate look(GroupShape shape, uint32_t effort, GroupPlan &best) const;

  const Problem &problem;
  const Policy &policy;
  const PlanOptions &options;
  std::vector<uint64_t> budgets;
  uint32_t repeat;
};

/// An order of what is written out: as it is if `fixed`, otherwise what stands
/// around the repetitions next to them.
std::vector<uint32_t> orderToPlan(const Unrolled &unrolled, bool fixed);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GROUPPLANNER_H
