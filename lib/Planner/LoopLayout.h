//===- LoopLayout.h - Addresses of a plan with loops ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan with loops is laid out as it stands, with every loop once. An instance
// that is there when a loop begins has the address of the one that is there
// when it ends, which in the next iteration takes its place. What is fed to
// repetitions lies in a row.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_LOOPLAYOUT_H
#define SPILLWAY_LIB_PLANNER_LOOPLAYOUT_H

#include "Layout.h"
#include "spillway/Planner/Loops.h"
#include "spillway/Planner/Simulator.h"

namespace spillway::planner {

/// Addresses that are known: those of a loop's actions on the device, as an
/// ordinary layout of its body says.
struct LoopAddresses {
  uint32_t loop = 0; ///< of the plan
  const Plan *body = nullptr;
  const Layout *layout = nullptr; ///< of `body`
  std::vector<uint32_t> storages; ///< by the body's, those of the plan
};

/// Lives and offsets are those of the plan as it stands, of
/// `unrollFor(problem, plan).problem`.
Layout layOutLoops(const Problem &problem, const Plan &plan,
                   const std::vector<uint64_t> &budgets,
                   const LoopAddresses *known = nullptr);

/// Whether two buffers that are there at the same time overlap, or an instance
/// moves when a loop begins again: one line; empty if nothing is wrong.
std::string checkLoopLayout(const Problem &problem, const Plan &plan,
                            const Layout &layout);

/// The addresses of a plan with its loops written out: by its lives, and by its
/// actions those of workspaces.
struct PlacedWrittenOut {
  std::vector<Lifetime> lives;
  std::vector<uint64_t> offsets, workspaces;
};

PlacedWrittenOut placeWrittenOut(const Problem &problem, const Plan &plan,
                                 const Layout &layout, const WrittenOut &all);

/// The simulation of the whole step. Loops are written out with more and more
/// iterations, until each further one takes the same time; the rest of the
/// iterations take that too. A plan whose loops have few iterations is
/// simulated as it is. With `timeline`, that is of the plan as it stands, every
/// loop once.
Simulation simulateLoops(const Problem &problem, const Plan &plan,
                         const Layout *layout,
                         const std::vector<uint64_t> &budgets, bool timeline);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LOOPLAYOUT_H
