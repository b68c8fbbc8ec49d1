//===- OffMate.h - The step as OffMate sees it ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The policy (Policies/OffMate.cpp) in three parts: what the step is made of
// (OffMateSteps.cpp), the program over that (OffMateProgram.cpp), and the plan
// that follows from a solution (Policies/OffMate.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_OFFMATE_H
#define SPILLWAY_LIB_PLANNER_OFFMATE_H

#include "Placement.h"
#include "Solver/Milp.h"
#include "TrainingGraph.h"

namespace spillway::planner::offmate {

/// What moves together: slots of one kind and block.
struct Group {
  std::vector<uint32_t> slots;
  double bytes = 0;
  std::vector<uint32_t> steps; ///< that use it on the device, ascending
  bool persistent = false;
  uint32_t block = none; ///< of activations that may be made again
  bool isState = false;
  uint32_t state = none; ///< of parameters: the group of their state
  double gradient = 0;   ///< of parameters: bytes that the host's update needs
  double hostTime = 0;   ///< the same in the program's unit
  double hostNs = 0;     ///< of parameters: all updates on the host; 0: cannot
};

/// Between two uses of a group: columns.
struct Away {
  uint32_t group = 0, from = 0, to = 0; ///< steps; `to` may be in the next one
  uint32_t share = none;
  std::vector<std::pair<uint32_t, uint32_t>> in; ///< step, column
};

class OffMate {
public:
  explicit OffMate(const PolicyRequest &r)
      : request(r), a(r.analysis), problem(a.problem), graph(a) {}

  PolicyAnswer run();

private:
  void findSteps();
  void findGroups();
  void findLoads();
  void build(double room);
  void addGroup(uint32_t g);
  void addGap(uint32_t g, uint32_t from, uint32_t to, uint32_t home);
  std::vector<double> solve();
  Placement place(const std::vector<double> &x) const;
  void placeGroup(uint32_t g, const std::vector<double> &x,
                  const std::vector<std::vector<uint32_t>> &uses,
                  const std::vector<uint32_t> &stepOf,
                  const std::vector<uint32_t> &firstRun, Placement &p) const;
  uint32_t backStep(uint32_t block) const { return steps - 1 - block; }

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  TrainingGraph graph;
  uint32_t blocks = 0, steps = 0;
  std::vector<uint32_t> blockOf; ///< of the program, by block of the graph
  std::vector<uint32_t> stepOf;  ///< by operator
  std::vector<double> compute, others, remake; ///< by step, by step, by block
  std::vector<Group> groups;
  std::vector<uint32_t> groupOf; ///< by slot, none: always on the device
  double inRate = 0, outRate = 0;

  LinearProgram lp;
  using Term = LinearProgram::Term;
  std::vector<uint32_t> again;     ///< by block: the option's column
  std::vector<uint32_t> hostShare; ///< by group: a column or none
  std::vector<Away> aways;
  std::vector<std::vector<Term>> memory, inTime, outTime, hostTime; ///< by step
};

} // namespace spillway::planner::offmate

#endif // SPILLWAY_LIB_PLANNER_OFFMATE_H
