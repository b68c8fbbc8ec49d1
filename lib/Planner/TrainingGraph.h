//===- TrainingGraph.h - Roles in a training step ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What static placement speaks of (parameters, gradients, optimizer state, the
// layers of a model), found by structure and never by name.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_TRAININGGRAPH_H
#define SPILLWAY_LIB_PLANNER_TRAININGGRAPH_H

#include "Analysis.h"

namespace spillway::planner {

enum class Role : uint8_t {
  Activation, ///< a temporary that no update reads
  Gradient,   ///< a temporary that an update reads
  Parameter,  ///< persistent, updated, read by others than updates
  State,      ///< persistent, accessed by updates only
  Constant,   ///< persistent, never updated
  Fed
};

struct TrainingGraph {
  explicit TrainingGraph(const Analysis &analysis);

  const Analysis &a;
  std::vector<Role> role; ///< by storage
  /// By operator: replaces persistent content and makes nothing else.
  std::vector<bool> isUpdate;
  /// Operators before it are the forward pass (`ForwardPart`).
  uint32_t turn = 0;
  /// The forward pass in blocks: block b is [blockBegin[b], blockBegin[b + 1]).
  /// A cut lies where one temporary alone goes on. What repeats between cuts is
  /// one block (the layer of a model), before and after it are one block each;
  /// where nothing repeats, sqrt(n) blocks of n cuts.
  std::vector<uint32_t> blockBegin;
  uint32_t numBlocks() const { return uint32_t(blockBegin.size()) - 1; }
  std::vector<uint32_t> blockOf; ///< by operator, none for the backward pass

  /// Temporaries of the forward pass that the backward pass reads, that no
  /// other block reads, and that the block can make again. The last block has
  /// none: its backward pass follows at once.
  std::vector<bool> inner; ///< by storage

  /// The operators in their order and, before the first operator of the
  /// backward pass that reads a dropped temporary of a block, all of that block
  /// again that is needed for what it dropped. `drop` is by storage; what is
  /// not `inner` is kept.
  std::vector<uint32_t> trace(const std::vector<bool> &drop) const;

private:
  void findRoles();
  void findBlocks();
  void findInner();
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_TRAININGGRAPH_H
