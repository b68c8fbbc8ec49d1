//===- Formats.h - Planning problems of others ------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Readers of published formats. Each gives a problem, or nothing and one line
// in `error` that names the line or the field of the input.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_PLANNER_FORMATS_H
#define SPILLWAY_PLANNER_FORMATS_H

#include "spillway/Planner/Offsets.h"
#include "spillway/Planner/Plan.h"

namespace spillway::planner {

struct ImportedProblem {
  Problem problem;
  /// Costs of the instance's own unit in one nanosecond of the problem.
  double unitsPerNs = 1;
  /// A plan needs no addresses: memory is the sum of live bytes.
  bool loadOnly = false;
};

/// The flattened text format: `n S`, sizes, resident bytes a step, operators,
/// storages that must be live at the end. Operators and storages keep their
/// index in the file.
std::optional<ImportedProblem> readFlattened(std::string_view text,
                                             std::string &error);

/// networkx node-link JSON with `cost_cpu` and `cost_ram` (Checkmate's graphs)
/// or `duration` and `out_cost` (MOCCASIN's). Operator and storage i are the
/// i-th node of the file.
std::optional<ImportedProblem> readNetworkx(std::string_view text,
                                            std::string &error);

/// G10's kernel lists, not compressed. Costs are cycles at 1.2 GHz. The machine
/// is the one of its paper: a 40 GB GPU, 128 GB host memory behind 15.754 GB/s
/// each way, and a 3.2 GB/s SSD that shares that link.
std::optional<ImportedProblem> readG10(std::string_view text,
                                       std::string &error);

/// `id,lower,upper,size` with a header, in any order of columns; a buffer is
/// live in [lower, upper).
struct OffsetInstance {
  std::vector<OffsetItem> items;
  /// The lines of the input, header first.
  std::vector<std::string> lines;
};
std::optional<OffsetInstance> readOffsetCsv(std::string_view text,
                                            std::string &error);

/// The lines `run OP`, `free STORAGE` of a plan on one tier.
std::string printSchedule(const Plan &plan);

} // namespace spillway::planner

#endif // SPILLWAY_PLANNER_FORMATS_H
