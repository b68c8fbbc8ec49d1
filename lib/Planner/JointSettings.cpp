//===- JointSettings.cpp - Settings that joint asks the greedy for -*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JointSettings.h"

using namespace spillway::planner;

using enum GapClass;
using Settings = std::vector<GreedyOptions>;

/// The weights of links or of recompute, `stride` apart, with some margins.
static void addWeights(Settings &out, const GreedyOptions &plain,
                       uint32_t stride) {
  const double margins[] = {0.0, 0.05, 0.1, 0.2};
  const double links[] = {0.05, 0.1, 0.015, 0.2};
  const double recomputes[] = {0.25, 2.0, 0.5, 4.0};
  for (uint32_t m = 0; m < 4; m += stride)
    for (uint32_t k = 0; k < 4; k += stride) {
      GreedyOptions o = plain;
      o.margin = margins[m];
      o.linkWeight = links[k];
      out.push_back(o);
      o.linkWeight = plain.linkWeight;
      o.recomputeWeight = recomputes[k];
      out.push_back(o);
    }
}

/// With all on the device.
static void addOnDevice(Settings &out, const GreedyOptions &plain) {
  for (const std::vector<GapClass> &first :
       {std::vector{State}, {State, Drop}, {State, Parameter, Drop}})
    for (double recompute : {0.25, 1.0, 4.0}) {
      out.push_back(plain);
      out.back().first = first;
      out.back().recomputeWeight = recompute;
    }
}

/// With all updates off the device no state moves, and all parameters come in
/// once a step at least: the links have little time for more, or none.
static void addOffDevice(Settings &out, const GreedyOptions &plain) {
  auto add = [&](const std::vector<GapClass> &first, double stretch, bool prune,
                 double margin) {
    out.push_back(plain);
    out.back().first = first;
    out.back().stretch = stretch;
    out.back().prune = prune;
    out.back().margin = margin;
  };
  add({}, 1.2, false, 0);
  add({}, 1.1, true, 0);
  add({Drop}, 1.0, true, 0);
  for (double stretch : {1.0, 1.1, 1.35})
    add({Parameter, Drop}, stretch, true, 0);
  for (double stretch : {1.1, 1.2})
    add({Parameter, Drop}, stretch, true, 0.05);
}

std::vector<GreedyOptions>
spillway::planner::probes(const std::vector<uint32_t> *engine) {
  GreedyOptions plain, late;
  plain.engine = late.engine = engine;
  late.first = {Parameter, Drop};
  late.stretch = 1.2;
  late.prune = true;
  return {plain, late};
}

std::vector<GreedyOptions>
spillway::planner::greedySettings(bool swap, bool few,
                                  const std::vector<uint32_t> *engine) {
  Settings out;
  GreedyOptions plain;
  plain.swap = swap;
  plain.engine = engine;
  plain.prune = engine;
  addWeights(out, plain, few ? 2 : 1);
  if (!swap)
    return out;
  if (engine)
    addOffDevice(out, plain);
  else
    addOnDevice(out, plain);
  plain.prune = false;
  plain.recompute = false;
  for (double margin : {0.0, 0.05, 0.1}) {
    out.push_back(plain);
    out.back().margin = margin;
  }
  return out;
}
