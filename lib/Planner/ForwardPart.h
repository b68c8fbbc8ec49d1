//===- ForwardPart.h - Where a training step turns --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Methods for checkpointing speak of a forward and a backward pass; a problem
// has only operators. Finds where one ends and the other begins, and the
// operators between which the forward pass is a chain.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_FORWARDPART_H
#define SPILLWAY_LIB_PLANNER_FORWARDPART_H

#include "RunPlan.h"

namespace spillway::planner {

struct ForwardPart {
  explicit ForwardPart(const Analysis &analysis);

  /// Position of the last forward operator. Where the problem updates
  /// parameters, that which makes the first output (the loss); else that over
  /// which most bytes are kept for later.
  uint32_t turn = 0;
  /// By storage: the last forward operator that accesses it, or none.
  std::vector<uint32_t> lastForwardUse;
  /// Positions, ascending, of forward operators from which alone later forward
  /// operators read: the articulation points of the forward graph in its
  /// order. Small tables that no temporary goes into and that three operators
  /// or more read do not count.
  std::vector<uint32_t> cuts;
  /// By storage: such a table.
  std::vector<bool> table;
};

/// All operators in order, and before those after the turn what they need of
/// the forward part again: everything but the storages in `keep`, which stay
/// for as long as something is made from them, and what cannot be made again.
/// What is made again stays until its last use.
Runs runsKeeping(const Analysis &analysis, const ForwardPart &part,
                 const std::vector<bool> &keep);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_FORWARDPART_H
