//===- GapGroups.h - Gaps that look alike -----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layers of a model repeat: a gap of one layer has its like in every other.
// Deciding on all of them at once, or on a stretch of them, is a step that a
// search over single gaps finds only by luck.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GAPGROUPS_H
#define SPILLWAY_LIB_PLANNER_GAPGROUPS_H

#include "Emitter.h"

namespace spillway::planner {

/// By operator, a number that is the same for those that look alike: by the
/// name without its digits, and by how many bytes they access how.
std::vector<uint32_t> looksAlike(const Analysis &analysis);

struct GapGroup {
  std::vector<uint32_t> gaps; ///< in order of time
  /// What may be decided, `Keep` first. Never only that.
  std::vector<GapChoice> choices;
  /// Bytes of one gap times the operators it lasts, over all gaps.
  double area = 0;
};

/// Gaps between operators of the same names and operand sizes, of storages of
/// the same size and kind. Largest area first. Gaps that are too short to do
/// anything with are left out.
std::vector<GapGroup> groupGaps(const Analysis &analysis);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GAPGROUPS_H
