//===- Repeats.h - Micro-batches written out --------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a repeat means: a problem with repeats stands for the ordinary problem
// in which every range is written out `count` times, one repetition after the
// other. Each repetition has storages of its own for what is fed to it and for
// what it makes; everything else is shared, so that what a repetition updates
// the next one finds. What is read outside of the range is the last
// repetition's. See docs/planning-model.md.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_REPEATS_H
#define SPILLWAY_PLANNER_REPEATS_H

#include "spillway/Planner/Problem.h"

namespace spillway::planner {

/// Where something of the problem written out comes from.
struct Copy {
  uint32_t index = 0;      ///< operator or storage of the problem
  uint32_t repetition = 0; ///< 0 where nothing repeats
};

struct Unrolled {
  /// Without repeats. Repetition r of what has the id i has the id
  /// i + r * 10^k, with 10^k above every id, as far as 32 bits go; what is not
  /// repeated keeps its id. Names tell the repetition.
  Problem problem;
  std::vector<Copy> operators, storages; ///< by index of `problem`

  uint32_t op(uint32_t index, uint32_t repetition) const {
    const First &f = firstOp[index];
    return f.index + (f.repeat < 0 ? 0 : repetition * stride[f.repeat]);
  }
  uint32_t storage(uint32_t index, uint32_t repetition) const {
    const First &f = firstStorage[index];
    return f.index + (f.repeat < 0 ? 0 : repetition);
  }
  /// The repeat that an operator, or a storage of a repetition, belongs to, by
  /// index of the problem that was unrolled; -1: none.
  int32_t repeatOfOp(uint32_t index) const { return firstOp[index].repeat; }
  int32_t repeatOfStorage(uint32_t index) const {
    return firstStorage[index].repeat;
  }
  std::vector<uint32_t> counts; ///< by repeat

  /// Where repetition 0 of an operator or storage is.
  struct First {
    uint32_t index = 0;
    int32_t repeat = -1;
  };
  std::vector<First> firstOp, firstStorage; ///< by index of the original
  std::vector<uint32_t> stride;             ///< operators a repetition
};

/// `counts`: by repeat, instead of the problem's own. A problem with no count
/// above 1 comes out as it is, less its repeats.
Unrolled unroll(const Problem &problem,
                const std::vector<uint32_t> &counts = {});

/// Some count is above 1.
bool hasRepeats(const Problem &problem);

/// The only repeat with a count above 1; -1: there is none, or several.
int32_t onlyRepeat(const Problem &problem);

/// By storage, the repeat whose repetitions have one each; -1: one for all.
/// `Problem::check` must have found nothing.
std::vector<int32_t> repeatOfStorages(const Problem &problem);

/// The faults of the repeats of a problem that is otherwise well-formed: one
/// line each, which names the repeat and the operator.
std::vector<std::string> checkRepeats(const Problem &problem);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_REPEATS_H
