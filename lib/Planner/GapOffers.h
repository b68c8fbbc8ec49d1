//===- GapOffers.h - What a gap relieves, and what it costs ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to GapGreedy.cpp, which takes the best offer, and to GapOffers.cpp,
// which makes them.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GAPOFFERS_H
#define SPILLWAY_LIB_PLANNER_GAPOFFERS_H

#include "BytesOver.h"
#include "GapGreedy.h"
#include "LinkWindows.h"

namespace spillway::planner {

class Greedy {
public:
  Greedy(const Analysis &a, const GreedyOptions &options,
         const std::vector<uint64_t> &budgets)
      : a(a), problem(a.problem), options(options), budgets(budgets) {}

  Decisions run();

private:
  struct Offer {
    GapChoice choice = GapChoice::Keep;
    double ratio = -1;
    uint32_t low = 0, high = 0; ///< buckets relieved, [low, high), may wrap
  };
  struct Remake {
    double cost = 0;              ///< ns
    std::vector<uint32_t> pulled; ///< gaps that end earlier for it
  };
  struct Entry {
    double ratio;
    uint32_t gap;
    bool operator<(const Entry &o) const {
      return ratio != o.ratio ? ratio < o.ratio : gap > o.gap;
    }
  };

  void profile();
  void trust();
  void leaveForOthers();
  bool open(uint32_t gap) const {
    return !options.residence ||
           (*options.residence)[a.slotStorage[a.gaps[gap].slot]] ==
               Residence::Open;
  }
  void leaveByResidence();
  Offer swapOffer(uint32_t gap);
  Offer dropOffer(uint32_t gap);
  Offer bestOffer(uint32_t gap);
  void promote(uint32_t gap, Offer &offer) const;
  bool isState(uint32_t slot) const;
  void accept(uint32_t gap, const Offer &offer);
  void keepAfterAll();
  double relief(uint32_t low, uint32_t high, uint64_t bytes) const {
    return over.relief(low, high, int64_t(bytes));
  }
  bool storeNeeded(uint32_t gap) const;
  bool loadNeeded(uint32_t gap) const {
    return !off(a.gaps[gap].to) && !returns(gap);
  }
  bool leaves(uint32_t gap) const;
  bool returns(uint32_t gap) const;
  bool off(uint32_t position) const {
    return options.engine && position < 2 * a.numOps &&
           (*options.engine)[position % a.numOps] != 0;
  }
  uint32_t tierFor(uint32_t slot) const;
  uint32_t gapOver(uint32_t slot, uint32_t at) const;
  uint32_t remakeTime(uint32_t gap) const;
  void remake(uint32_t storage, uint32_t at, Remake &out);
  double burden(uint32_t at, uint32_t gap) const;

  uint32_t bucketOf(uint32_t position) const { return position / width; }
  /// Buckets wholly inside a gap.
  std::pair<uint32_t, uint32_t> interior(const Gap &g) const {
    return {(g.from + width) / width, g.to / width};
  }

  const Analysis &a;
  const Problem &problem;
  const GreedyOptions &options;
  const std::vector<uint64_t> &budgets;
  uint32_t width = 1, buckets = 1;
  BytesOver over;            ///< by bucket: bytes above the budget
  std::vector<int64_t> time; ///< by bucket: ns of compute
  LinkWindows links;         ///< by bucket: ns the links have left
  /// By gap that is dropped: the operator before which it is made again. That
  /// is its next use, or an earlier one of something made from it.
  std::vector<uint32_t> remadeAt;
  std::vector<uint8_t> makesDropped; ///< by operator: any of its results is
  std::vector<uint32_t> visited;     ///< by storage: the visit that saw it
  uint32_t visit = 0;
  Decisions d;
  std::vector<uint64_t> left;   ///< by tier: bytes
  std::vector<uint32_t> awayTo; ///< by storage: the tier of its copy, or 0
  std::vector<bool> state;      ///< by slot: `isState`
  std::vector<bool> away;       ///< by slot: some gap of it is swapped already
  struct Swapped {
    uint32_t gap, low, high; ///< buckets relieved
  };
  std::vector<Swapped> swapped; ///< by choice, not by need
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GAPOFFERS_H
