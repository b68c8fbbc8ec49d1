//===- ZeroOffload.cpp - State and update on the host -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ren et al., "ZeRO-Offload: Democratizing Billion-Scale Model Training",
// USENIX ATC 2021. A cut through the data flow of mixed-precision training that
// moves least: parameters that the passes read stay on the device; master copy,
// optimizer state and their update are on the host; a gradient is sent as soon
// as it is made and leaves the device; updated parameters come back. Forward
// and backward never touch a link otherwise: activations are checkpointed layer
// by layer (the user's switch, so the faster of with and without is taken).
//
//===----------------------------------------------------------------------===//

#include "../Placement.h"
#include "../Policy.h"
#include "../TrainingGraph.h"

using namespace spillway::planner;

PolicyAnswer spillway::planner::planZeroOffload(const PolicyRequest &request) {
  const Analysis &a = request.analysis;
  const Problem &problem = a.problem;
  TrainingGraph graph(a);
  PolicyAnswer answer;
  std::vector<uint32_t> engine(a.numOps);
  bool any = false;
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (graph.isUpdate[at]) {
      engine[at] = hostEngine(problem, at);
      any |= engine[at] != 0;
    }
  if (!any) {
    answer.applies = false;
    answer.reason = "zero-offload updates on the host, but no update of this "
                    "problem has a cost on an engine there";
    return answer;
  }
  Placement place;
  place.home.assign(problem.storages.size(), 0);
  place.resident.assign(problem.storages.size(), false);
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Access &u : problem.operators[at].updates)
      if (engine[at]) {
        place.home[u.storage] = problem.machine.engines[engine[at]].tier;
        place.resident[u.storage] = graph.role[u.storage] == Role::Parameter;
      }
  for (bool checkpoint : {false, true}) {
    std::vector<bool> drop(problem.storages.size(), checkpoint);
    place.runs.clear();
    for (uint32_t op : graph.trace(drop))
      place.runs.push_back({op, engine[op]});
    addPlan(a, place, request.budgets, answer);
  }
  return answer;
}
