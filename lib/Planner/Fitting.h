//===- Fitting.h - Plans with addresses -------------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gives a plan addresses within the budgets, in one of some orders of its
// actions, and asks the simulator what it takes with them. Both take long: what
// has been asked once is remembered, and of several plans two are worked on at
// a time. The answers do not depend on that.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_FITTING_H
#define SPILLWAY_LIB_PLANNER_FITTING_H

#include "Layout.h"

#include <deque>

namespace spillway::planner {

/// In which order a plan's actions are issued.
enum class IssueOrder : uint8_t {
  AsIs,
  ByTime, ///< as the simulator starts them
  /// The same with loads that come later, and into less memory: the less is
  /// there ahead of its time, the easier addresses are to find.
  Later,
  Latest
};

struct FittingRequest {
  const Plan *plan = nullptr;
  IssueOrder order = IssueOrder::AsIs;
  bool effort = true; ///< or quickly, whether there are any
};

struct Fitted {
  Plan plan;
  Layout layout;
  int64_t stepNs = INT64_MAX;   ///< INT64_MAX: no addresses fit
  std::vector<uint64_t> excess; ///< by tier: bytes above the budget, at least
};

class Fitting {
public:
  /// Without `offsets` every plan fits, and is simulated without.
  Fitting(const Problem &problem, bool offsets)
      : problem(problem), offsets(offsets) {}

  /// Forgets all.
  void begin(const std::vector<uint64_t> &budgets);
  /// The caller may move the plan and the layout out of it.
  Fitted &fit(const FittingRequest &request);
  /// Finds the answers to several requests before they are asked for.
  void prepare(const std::vector<FittingRequest> &requests);

private:
  struct Known {
    IssueOrder order;
    bool effort;
    std::vector<Action> actions;
    std::vector<Instance> initial;
    Fitted fitted;
  };
  Known *find(const FittingRequest &request);
  Fitted make(const FittingRequest &request) const;
  bool placeWithin(Fitted &out, bool effort) const;

  const Problem &problem;
  const bool offsets;
  std::vector<uint64_t> budgets;
  std::deque<Known> known;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_FITTING_H
