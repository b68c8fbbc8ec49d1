//===- LoopCompose.h - One plan of a body and what is around ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_LOOPCOMPOSE_H
#define SPILLWAY_LIB_PLANNER_LOOPCOMPOSE_H

#include "LoopProblems.h"

namespace spillway::planner {

/// Puts the body's plan, as a loop, in the place of the gap, and before and
/// behind it the stores, loads and frees by which what is there becomes what
/// the body expects, and again what the rest expects. Nothing, and a reason,
/// where content is on a tier from which it cannot get to where it has to be.
std::optional<Plan> composeLoop(const Problem &problem, uint32_t repeat,
                                const BodyProblem &bodyProblem,
                                const Plan &body, const OuterProblem &outer,
                                const Plan &outerPlan, std::string &reason);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LOOPCOMPOSE_H
