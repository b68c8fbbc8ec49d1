//===- RematGraph.h - A recompute-only problem, bare ------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the search over sequences needs of a problem with one tier: operators
// with costs, what they read and make, bytes. Two reductions make it smaller:
//
// * An operator that makes nothing (a view, a check) and reads only what one
//   other operator has at hand runs right after that one; nothing is lost.
// * Grouping: an operator whose one result has one reader and is no smaller
//   than what it is made from joins its reader, so that the two run as one.
//   After Imanishi et al., "A fast heuristic to optimize time-space tradeoff
//   for large models". Something may be lost, so a search of the groups is
//   followed by one of the operators.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_REMATGRAPH_H
#define SPILLWAY_LIB_PLANNER_REMATGRAPH_H

#include "Analysis.h"

namespace spillway::planner {

struct RematOp {
  int64_t cost = 0;
  uint64_t workspace = 0; ///< bytes, while it runs
  bool recomputable = true;
  std::vector<uint32_t> reads, writes; ///< storages, each once, disjoint
  /// The problem's operators that it stands for, in order. Those from
  /// `numRepeated` on run only the first time.
  std::vector<uint32_t> members;
  uint32_t numRepeated = 0;
};

struct RematGraph {
  std::vector<RematOp> ops;    ///< in a valid order
  std::vector<uint64_t> bytes; ///< by storage
  std::vector<bool> output;    ///< by storage: is there at the end
  uint64_t resident = 0;       ///< bytes that are there all along
  int64_t onceCost = 0;        ///< of operators that run with another, once
};

/// What is left out: persistent storages count as resident.
RematGraph makeRematGraph(const Analysis &analysis);

/// Both reductions (see above); `group` false: only the first.
RematGraph reduce(const RematGraph &graph, bool group);

/// A sequence of a reduced graph's operators as one of the problem's.
std::vector<uint32_t> expand(const RematGraph &graph,
                             const std::vector<uint32_t> &sequence);

/// The other way: keeps what can be told. Every operator of the graph stands
/// where the last of its members stood, by runs of that member.
std::vector<uint32_t> contract(const RematGraph &graph, uint32_t numOps,
                               const std::vector<uint32_t> &sequence);

/// What a sequence costs and needs, counted from scratch.
struct RematReplay {
  bool valid = false; ///< each operand was made before, each operator runs
  int64_t cost = 0;
  uint64_t peak = 0; ///< bytes
};
RematReplay replay(const RematGraph &graph,
                   const std::vector<uint32_t> &sequence);

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_REMATGRAPH_H
