//===- LayerChain.cpp - A chain of layers for tests by hand -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlacedTest.h"

using namespace spillway::planner;
using namespace spillway::planner::testing;

LayerChain
spillway::planner::testing::makeLayerChain(const LayerChainOptions &o) {
  LayerChain c;
  Problem &p = c.problem;
  p.alignment = 1;
  p.machine = makeMachine(true, o.nvme, 1000000000);
  for (Link &l : p.machine.links)
    l.latencyNs = 0;
  auto storage = [&](StorageKind kind, uint64_t bytes) {
    Storage s;
    s.id = uint32_t(p.storages.size());
    s.kind = kind;
    s.bytes = bytes;
    p.storages.push_back(s);
    return s.id;
  };
  auto op = [&](std::vector<Access> reads, std::vector<Access> writes,
                std::vector<Access> updates = {}) {
    Operator x;
    x.id = uint32_t(p.operators.size());
    x.costNs = {1};
    x.flops = 1;
    x.recomputable = updates.empty();
    x.reads = std::move(reads);
    x.writes = std::move(writes);
    x.updates = std::move(updates);
    p.operators.push_back(x);
    return x.id;
  };
  using K = StorageKind;
  c.x = storage(K::Fed, o.activation);
  uint32_t in = c.x;
  for (uint32_t i = 0; i < o.layers; ++i) {
    c.w.push_back(storage(K::Persistent, o.parameter));
    c.m.push_back(storage(K::Persistent, o.state));
    c.h.push_back(storage(K::Temporary, o.inner));
    c.y.push_back(storage(K::Temporary, o.activation));
    c.f1.push_back(op({{in}, {c.w[i]}}, {{c.h[i]}}));
    c.f2.push_back(op({{c.h[i]}}, {{c.y[i]}}));
    in = c.y[i];
  }
  c.loss = storage(K::Temporary, 4);
  p.storages[c.loss].output = true;
  uint32_t dy = storage(K::Temporary, o.activation);
  c.lossOp = op({{in}}, {{c.loss}, {dy}});
  c.g.resize(o.layers);
  c.dw.resize(o.layers);
  c.dx.assign(o.layers, UINT32_MAX);
  c.u.resize(o.layers);
  for (uint32_t i = o.layers; i-- > 0;) {
    c.g[i] = storage(K::Temporary, o.parameter);
    uint32_t below = i ? c.y[i - 1] : c.x;
    c.dw[i] = op({{dy}, {c.h[i]}, {below}}, {{c.g[i]}});
    if (i) {
      uint32_t next = storage(K::Temporary, o.activation);
      c.dx[i] = op({{dy}, {c.w[i]}}, {{next}});
      dy = next;
    }
    c.u[i] = op({{c.g[i]}}, {}, {{c.w[i]}, {c.m[i]}});
  }
  return c;
}
