//===- RepeatBlocks.h - Repetitions block by block --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Micro-batches may take turns layer by layer: each block of operators runs for
// one repetition after the other before the next block begins. What the block
// shares, its parameters and gradients, then crosses the links once for all of
// them, as it does operator by operator (RepeatGroups.h), but only what goes
// from block to block is there for all at once.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REPEATBLOCKS_H
#define SPILLWAY_LIB_PLANNER_REPEATBLOCKS_H

#include "Layout.h"
#include "spillway/Planner/Repeats.h"

namespace spillway::planner {

/// A problem of which one repetition stands for `size` of another problem.
struct BlockProblem {
  /// Its only repeat has the operators of `size` repetitions, block by block.
  Problem problem;
  uint32_t size = 1;
  std::vector<Copy> operators, storages; ///< by index: of the other problem
};

/// The last operator of each block of a repetition, where blocks end at all
/// places behind which few bytes go on: no more than behind the least `share`
/// of them. Empty if the repetitions must not take turns: they share what
/// several blocks access and one of them changes.
std::vector<uint32_t> narrowBlocks(const Problem &problem, uint32_t repeat,
                                   double share);

/// `size`, which divides the count, repetitions of `repeat` at a time. A block
/// shares at most `blockBytes`, if its operators allow, and ends where least
/// goes on to the next one. Nothing if the repetitions must not take turns
/// within.
std::optional<BlockProblem> interleaveRepetitions(const Problem &problem,
                                                  uint32_t repeat,
                                                  uint32_t size,
                                                  uint64_t blockBytes);

/// A plan for `blocks.problem`, in terms of `problem`. Its layout, unless it
/// has no offsets, becomes that of the new plan.
Plan splitBlocks(const Problem &problem, uint32_t repeat,
                 const BlockProblem &blocks, const Plan &plan, Layout &layout);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REPEATBLOCKS_H
