//===- JointMoves.h - What the search of joint may change at once -*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A move makes a stretch of things that look alike do the same: gaps are kept,
// swapped or dropped; operators run on the device or off it; what leaves the
// device goes to one tier or another.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_JOINTMOVES_H
#define SPILLWAY_LIB_PLANNER_JOINTMOVES_H

#include "GapGroups.h"
#include "HostSplit.h"
#include "Random.h"

namespace spillway::planner {

struct JointMove {
  enum Kind : uint8_t { Gap, Engine, Tier, Reserve } kind = Gap;
  uint32_t group = 0;
  uint32_t begin = 0, end = 0; ///< of the group
  uint32_t value = 0;          ///< the choice; 1 for off the device; the tier;
                               ///< thousandths of the device
};

class JointMoves {
public:
  JointMoves(const Analysis &analysis, const std::vector<uint64_t> &budgets);

  bool empty() const { return gapGroups.empty() && hostGroups.empty(); }
  /// Each group as a whole, its earlier and its later half, for each value;
  /// what moves most bytes for longest first.
  std::vector<JointMove> systematic() const;
  JointMove random(Xorshift &random) const;
  /// False if that changes nothing.
  bool apply(const JointMove &move, Decisions &decisions) const;

private:
  const Analysis &a;
  std::vector<GapGroup> gapGroups;
  std::vector<HostGroup> hostGroups;
  uint64_t budget; ///< of the device
  /// Tiers to choose from, if one of them may be too small for all.
  std::vector<uint32_t> tiers;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_JOINTMOVES_H
