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

std::vector<GreedyOptions>
spillway::planner::greedySettings(bool swap, bool few,
                                  const std::vector<uint32_t> *engine) {
  std::vector<GreedyOptions> out;
  GreedyOptions plain;
  plain.swap = swap;
  plain.engine = engine;
  auto add = [&](auto change) { change(out.emplace_back(plain)); };
  uint32_t stride = few ? 2 : 1;
  const double margins[] = {0.0, 0.05, 0.1, 0.2};
  const double links[] = {0.05, 0.1, 0.015, 0.2};
  const double recomputes[] = {0.25, 2.0, 0.5, 4.0};
  for (uint32_t m = 0; m < 4; m += stride)
    for (uint32_t k = 0; k < 4; k += stride) {
      add([&](GreedyOptions &o) {
        o.margin = margins[m], o.linkWeight = links[k];
      });
      add([&](GreedyOptions &o) {
        o.margin = margins[m], o.recomputeWeight = recomputes[k];
      });
    }
  if (!swap)
    return out;
  using enum GapClass;
  for (const std::vector<GapClass> &first :
       {std::vector{State}, {State, Drop}, {State, Parameter, Drop}}) {
    // What is dear hardly matters where it goes first anyhow.
    for (double recompute : {0.25, 1.0, 4.0})
      if (!few || first.size() == 1 || recompute == 1.0)
        add([&](GreedyOptions &o) {
          o.first = first, o.recomputeWeight = recompute;
        });
    // A step that waits for its links gives them more time. With updates on the
    // device it waits for much else as well.
    for (double stretch : {1.1, 1.2, 1.35})
      if (!few || engine)
        add([&](GreedyOptions &o) { o.first = first, o.stretch = stretch; });
  }
  for (double margin : {0.0, 0.05, 0.1})
    add([&](GreedyOptions &o) { o.margin = margin, o.recompute = false; });
  return out;
}
