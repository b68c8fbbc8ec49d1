//===- Precedence.h - What holds in every valid order -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For the lower bounds: which operators must come before which, and what an
// operator needs at least, counted by cells (the parts of storages) so that
// nothing is counted twice.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_PRECEDENCE_H
#define SPILLWAY_LIB_PLANNER_PRECEDENCE_H

#include "Analysis.h"

namespace spillway::planner {

/// By operator, those that run for the first time before it: writers before
/// readers, readers of the old content before those that update it. Without
/// those that follow from others of the same cell.
std::vector<std::vector<uint32_t>> predecessors(const Analysis &analysis);

/// All its engines are on the device.
bool runsOnDevice(const Problem &problem, uint32_t op);

/// It runs on the first engine and no other.
bool runsOnFirstOnly(const Problem &problem, uint32_t op);

/// Bytes of a cell on the device at least: a storage without parts is rounded
/// up in any plan, parts only where they are there by themselves.
double cellBytes(const Analysis &analysis, uint32_t storage, uint32_t part);

/// The cells that an operator accesses, ascending.
std::vector<uint32_t> accessedCells(const Analysis &analysis, uint32_t op);

/// What the operator needs at once: its cells, whole storages rounded up, and
/// its workspace, less what working in place saves.
double cellNeed(const Analysis &analysis, uint32_t op);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_PRECEDENCE_H
