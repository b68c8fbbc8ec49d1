//===- Chain.cpp - Small problems as papers draw them -----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chain.h"

#include "spillway/Planner/Formats.h"

#include <fstream>
#include <sstream>

using namespace spillway::planner;
using namespace spillway::planner::testing;

Problem spillway::planner::testing::emptyProblem() {
  Problem p;
  p.machine = Machine::deviceOnly();
  p.alignment = 1;
  return p;
}

uint32_t spillway::planner::testing::addOp(Problem &p, int64_t cost,
                                           uint64_t bytes,
                                           const std::vector<uint32_t> &reads) {
  uint32_t id = uint32_t(p.operators.size());
  Storage s;
  s.id = id;
  s.bytes = bytes;
  p.storages.push_back(s);
  Operator o;
  o.id = id;
  o.costNs = {cost};
  for (uint32_t r : reads)
    o.reads.push_back({r, -1});
  o.writes = {{id, -1}};
  p.operators.push_back(o);
  return id;
}

Problem spillway::planner::testing::makeChain(const ChainOptions &options) {
  Problem p = emptyProblem();
  uint32_t n = options.layers;
  auto bytes = [&](uint32_t i) {
    return i < options.bytes.size() ? options.bytes[i] : 1;
  };
  auto cost = [&](uint32_t i) {
    return i < options.costs.size() ? options.costs[i] : 1;
  };
  for (uint32_t i = 0; i < n; ++i)
    addOp(p, cost(i), bytes(i),
          i ? std::vector<uint32_t>{i - 1} : std::vector<uint32_t>{});
  addOp(p, 1, bytes(n - 1), {n - 1});
  for (uint32_t i = n; i-- > 0;) {
    uint32_t gradient = uint32_t(p.operators.size()) - 1;
    std::vector<uint32_t> reads{gradient};
    if (i)
      reads.push_back(i - 1);
    addOp(p, cost(i), bytes(i ? i - 1 : 0), reads);
  }
  p.storages.back().output = true;
  return p;
}

Problem spillway::planner::testing::readInput(const std::string &name) {
  std::ifstream file(std::string(SPILLWAY_PLANNER_INPUTS "/") + name);
  std::stringstream text;
  text << file.rdbuf();
  std::string error;
  auto imported = name.ends_with(".json") ? readNetworkx(text.str(), error)
                                          : readFlattened(text.str(), error);
  return imported ? imported->problem : Problem();
}

std::vector<uint32_t> spillway::planner::testing::runsOf(const Plan &plan) {
  std::vector<uint32_t> runs;
  for (const Action &a : plan.actions)
    if (a.kind == ActionKind::Run)
      runs.push_back(a.op);
  return runs;
}

std::vector<uint32_t> spillway::planner::testing::rerunsOf(const Plan &plan) {
  std::vector<uint32_t> again;
  std::vector<bool> ran;
  for (uint32_t op : runsOf(plan)) {
    ran.resize(std::max<size_t>(ran.size(), op + 1));
    if (ran[op])
      again.push_back(op);
    ran[op] = true;
  }
  return again;
}

PlanResult spillway::planner::testing::planLoad(const Problem &problem,
                                                const std::string &policy,
                                                uint64_t budget,
                                                uint32_t iterations,
                                                bool fixedOrder) {
  PlanOptions options;
  options.policy = policy;
  options.budgets = {budget};
  options.iterations = iterations;
  options.fixedOrder = fixedOrder;
  options.offsets = false;
  return plan(problem, options);
}
