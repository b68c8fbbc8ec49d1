//===- Checkpoints.h - What waits between blocks ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operators of a repetition are cut into blocks. What goes on to the next
// block waits for whoever needs it; anything else that a block needs of one
// further back, it makes again within itself. Where to cut is a matter of what
// waiting costs: the more cuts, the more waits and the less is made again. Some
// of what would be made again may wait, too.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_CHECKPOINTS_H
#define SPILLWAY_LIB_PLANNER_CHECKPOINTS_H

#include "spillway/Planner/Repeats.h"

namespace spillway::planner {

/// Reads, writes and updates.
template <typename Visit> void eachAccess(const Operator &op, Visit visit) {
  for (auto *list : {&op.reads, &op.writes, &op.updates})
    for (const Access &a : *list)
      visit(a);
}

class Checkpoints {
public:
  Checkpoints(const Problem &problem, uint32_t repeat);

  /// False if repetitions make a storage in parts, or if some of their
  /// operators do not run on the device.
  bool possible() const { return may; }
  /// `ends`: the last operator of each block. `share`: so many of the bytes that
  /// would be made again wait; those first whose operators take longest a byte,
  /// and of alike ones some of each stretch of the repetition.
  void cut(std::vector<uint32_t> ends, double share = 0);

  struct Runs {
    std::vector<uint32_t> operators; ///< in sequence; the block's own come last
    uint32_t madeAgain = 0; ///< how many of them belong to other blocks
  };
  uint32_t numBlocks() const { return uint32_t(ends.size()); }
  uint32_t lastOf(uint32_t block) const { return ends[block]; }
  Runs runsOf(uint32_t block) const;
  /// It is made, and made again, for use within one block.
  bool passes(uint32_t storage) const {
    return own[storage] && !waits[storage];
  }

private:
  bool mayRunAgain(uint32_t at) const;
  bool hasToWait(uint32_t storage) const;
  void findWaiting();
  std::vector<uint32_t> mostWorth(double share) const;
  uint32_t blockOf(uint32_t at) const { return block[at - range.first]; }

  const Problem &problem;
  const Repeat range;
  bool may = true;
  std::vector<uint32_t> ends, block;
  std::vector<std::vector<uint32_t>> uses; ///< by storage: operators in range
  std::vector<uint32_t> maker;             ///< by storage, in the range
  std::vector<bool> own;     ///< by storage: a repetition makes it for itself
  std::vector<bool> seen;    ///< by storage: accessed outside of the range
  std::vector<bool> changes; ///< by storage: updated in the range
  std::vector<bool> repeatable; ///< by storage: it can be made again later
  std::vector<bool> waits;      ///< by storage: from the block that makes it on
  std::vector<bool> kept;       ///< by storage: it waits though it need not
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_CHECKPOINTS_H
