//===- Repeated.cpp - Training in micro-batches for tests -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Repeated.h"

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::testing;

Problem spillway::planner::testing::makeRepeated(const TrainingOptions &options,
                                                 uint32_t count) {
  Problem p = makeTraining(options);
  std::vector<Operator> zeros, range, rest;
  uint32_t id = 1000;
  for (Operator &op : p.operators) {
    if (!op.updates.empty()) {
      rest.push_back(std::move(op));
      continue;
    }
    if (op.name.starts_with("dw")) {
      Operator zero;
      zero.id = id++;
      zero.name = "zero";
      zero.costNs = {1};
      zero.writes = op.writes;
      zeros.push_back(zero);
      std::swap(op.updates, op.writes);
      op.recomputable = false;
    }
    range.push_back(std::move(op));
  }
  p.operators.clear();
  for (auto *list : {&zeros, &range, &rest})
    p.operators.insert(p.operators.end(), list->begin(), list->end());
  p.repeats = {{uint32_t(zeros.size()),
                uint32_t(zeros.size() + range.size()) - 1, count}};
  return p;
}

Problem spillway::planner::testing::makeOneLayer(uint32_t count) {
  Problem p;
  p.name = "one layer";
  p.alignment = 1;
  p.machine = makeMachine(true, false, 1000000000);
  for (Link &l : p.machine.links)
    l.latencyNs = 0;
  auto storage = [&](uint32_t id, const char *name, StorageKind kind) {
    Storage s;
    s.id = id;
    s.name = name;
    s.bytes = 4;
    s.kind = kind;
    p.storages.push_back(s);
  };
  storage(1, "x", StorageKind::Fed);
  storage(2, "w", StorageKind::Persistent);
  storage(3, "g", StorageKind::Temporary);
  storage(4, "y", StorageKind::Temporary);
  auto op = [&](uint32_t id, const char *name, std::vector<Access> reads,
                std::vector<Access> writes, std::vector<Access> updates) {
    Operator o;
    o.id = id;
    o.name = name;
    o.costNs = {1};
    o.reads = std::move(reads);
    o.writes = std::move(writes);
    o.updates = std::move(updates);
    o.recomputable = o.updates.empty();
    p.operators.push_back(o);
  };
  op(10, "zero", {}, {{2}}, {});
  op(11, "f", {{0}, {1}}, {{3}}, {});
  op(12, "dw", {{3}}, {}, {{2}});
  op(13, "update", {{2}}, {}, {{1}});
  p.repeats = {{1, 2, count}};
  return p;
}

Plan spillway::planner::testing::planOneLayer(uint32_t count) {
  Plan plan; // indices into the problem written out once: they are the same
  plan.initial = {{0, -1, 1}, {1, -1, 0}};
  plan.actions = {Action::run(0), Action::load(0, -1, 1),
                  Action::run(1), Action::free(0, -1, 0),
                  Action::run(2), Action::free(3, -1, 0),
                  Action::run(3), Action::free(2, -1, 0)};
  plan.loops = {{0, 1, 5, count}};
  return plan;
}
