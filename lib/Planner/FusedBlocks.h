//===- FusedBlocks.h - Blocks of repetitions as operators -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Many micro-batches that take turns block by block (RepeatBlocks.h) are too
// many operators to plan one by one. Here a block is one operator for each
// repetition. What goes from block to block waits; what a block needs of one
// further back it makes again within itself, from that. So a layer's backward
// pass begins with its forward pass, as with checkpoints of layers. What is
// made and gone within a block is its workspace, with addresses of its own.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_FUSEDBLOCKS_H
#define SPILLWAY_LIB_PLANNER_FUSEDBLOCKS_H

#include "Checkpoints.h"
#include "Layout.h"

#include <map>

namespace spillway::planner {

/// What a block does for each repetition, in terms of the repetition.
struct BlockSteps : Checkpoints::Runs {
  std::vector<std::vector<uint32_t>> ends; ///< by step: storages gone behind it
  std::map<uint32_t, uint64_t> offsets;    ///< of storages, in the workspace
  std::vector<uint64_t> workspaces;        ///< by step: where its own is
};

struct FusedBlocks {
  /// Without repeats. Operators around the repetitions are next to what needs
  /// them, as orderAroundRepeats has it.
  Problem problem;
  struct Origin {
    int32_t block = -1; ///< -1: one operator
    uint32_t repetition = 0;
    uint32_t op = 0; ///< of the problem written out, if it is one
  };
  std::vector<Origin> operators;  ///< by index
  std::vector<uint32_t> storages; ///< by index: of the problem written out
  std::vector<BlockSteps> blocks;
};

/// `ends`: the last operator of each block, as `narrowBlocks` has them. Nothing
/// if that is not possible. `share` of what blocks would make again waits
/// (`Checkpoints`).
std::optional<FusedBlocks> fuseBlocks(const Problem &problem, uint32_t repeat,
                                      std::vector<uint32_t> ends,
                                      double share = 0);

/// A plan for `fused.problem`, in terms of `problem`, written out. Its layout,
/// unless it has no offsets, becomes that of the new plan.
Plan splitFused(const Problem &problem, const FusedBlocks &fused,
                const Plan &plan, Layout &layout);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_FUSEDBLOCKS_H
