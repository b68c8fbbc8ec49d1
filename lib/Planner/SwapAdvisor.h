//===- SwapAdvisor.h - SwapAdvisor's chromosomes and swap plans -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The policy (Policies/SwapAdvisor.cpp) searches over chromosomes; each has one
// swap plan, which is made here (SwapAdvisorPlan.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_SWAPADVISOR_H
#define SPILLWAY_LIB_PLANNER_SWAPADVISOR_H

#include "PlanBuilder.h"

namespace spillway::planner::swapadvisor {

/// A schedule and a memory allocation, and what they lead to.
struct Chromosome {
  std::vector<uint32_t> order;  ///< empty: as given
  std::vector<bool> top;        ///< by distinct size: the largest of a class
  std::vector<uint32_t> blocks; ///< by distinct size, for the tops
  bool pooled = false;          ///< else one pool of bytes
  int64_t stepNs = INT64_MAX;
  Plan plan;
};

/// One swap plan for one chromosome.
class SwapPlanner {
public:
  /// `sizes`: of slots, ascending, each once.
  SwapPlanner(const Analysis &a, const std::vector<uint64_t> &limit,
              const std::vector<uint64_t> &sizes, const Chromosome &c);

  /// `residents`: by storage, what stays on the device over the step's end.
  PolicyAnswer run(const std::vector<bool> &residents);
  /// After a run: persistent storages that came once and never went.
  std::vector<bool> stayed() const { return stays; }

private:
  void enter(uint32_t slot) {
    if (!pooled[slot]) {
      pooled[slot] = true;
      pools[poolOf[slot]].push_back(slot);
    }
  }
  uint32_t inUse(uint32_t pool) {
    std::erase_if(pools[pool], [&](uint32_t slot) {
      return !b.present(slot) ? !(pooled[slot] = false) : false;
    });
    return uint32_t(pools[pool].size());
  }
  bool evict(uint32_t pool, uint32_t op);
  bool evictAny() {
    for (uint32_t k = uint32_t(pools.size()); k-- > 0;)
      if (evict(k, b.position()))
        return true;
    return false;
  }
  bool reserve(uint32_t op);
  void prefetch();
  bool usedBy(uint32_t slot, uint32_t op) const {
    for (const Operand &o : a.operands[op])
      if (o.storage == a.slotStorage[slot])
        return true;
    return false;
  }

  const Analysis &a;
  const Chromosome &c;
  std::vector<std::vector<uint32_t>> pools;
  std::vector<uint32_t> poolOf;
  PlanBuilder b;
  std::vector<bool> pooled, stays;
  std::vector<std::pair<uint32_t, uint32_t>> away; ///< next use, slot; a heap
  int64_t linkFree = 0;
};

} // namespace spillway::planner::swapadvisor

#endif // SPILLWAY_LIB_PLANNER_SWAPADVISOR_H
