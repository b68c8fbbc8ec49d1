//===- Training.cpp - Training-shaped problems for tests --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Training.h"

using namespace spillway::planner;
using namespace spillway::planner::testing;

Machine spillway::planner::testing::makeMachine(bool host, bool nvme,
                                                uint64_t rate) {
  Machine m = Machine::deviceOnly();
  if (host) {
    m.tiers.push_back({"host", unlimited});
    m.links.push_back({"h2d", 1, 0, rate, 100, 0});
    m.links.push_back({"d2h", 0, 1, rate, 100, 0});
    m.engines.push_back({"host", 1});
  }
  if (nvme) {
    m.tiers.push_back({"nvme", unlimited});
    m.links.push_back({"nvme_read", 2, 1, rate / 4, 1000, 1});
    m.links.push_back({"nvme_write", 1, 2, rate / 4, 1000, 1});
  }
  return m;
}

Problem
spillway::planner::testing::makeTraining(const TrainingOptions &options) {
  Random r(options.seed);
  Problem p;
  p.name = "training";
  p.machine = makeMachine(options.host, options.nvme, options.bytesPerSecond);
  auto storage = [&](StorageKind kind, uint64_t about, const char *name) {
    Storage s;
    s.id = 100 + uint32_t(p.storages.size());
    s.name = std::string(name) + std::to_string(s.id);
    s.kind = kind;
    s.bytes = about < 8 ? about : r.in(about / 2, about * 3 / 2);
    p.storages.push_back(s);
    return uint32_t(p.storages.size() - 1);
  };
  auto op = [&](const char *name, std::vector<Access> reads,
                std::vector<Access> writes, int64_t about) -> Operator & {
    Operator o;
    o.id = uint32_t(p.operators.size());
    o.name = name + std::to_string(o.id);
    o.costNs = {int64_t(r.in(uint64_t(about) / 2, uint64_t(about) * 2))};
    o.flops = uint64_t(o.costNs[0]) * 10;
    o.reads = std::move(reads);
    o.writes = std::move(writes);
    o.workspace = r.chance(30) ? r.in(1, options.activationBytes) : 0;
    p.operators.push_back(o);
    return p.operators.back();
  };
  using K = StorageKind;
  struct Layer {
    uint32_t in, mid, out, w, m;
    bool hasSkip;
    uint32_t skip;
    uint32_t parts;
  };
  std::vector<Layer> layers;
  uint32_t x;
  if (options.host) {
    x = storage(K::Fed, options.activationBytes / 4, "input");
  } else {
    x = storage(K::Persistent, options.activationBytes / 4, "input");
  }
  uint32_t lr = storage(options.host ? K::Fed : K::Persistent, 4, "lr");
  for (uint32_t i = 0; i < options.layers; ++i) {
    Layer l{};
    l.in = x;
    l.w = storage(K::Persistent, options.parameterBytes, "w");
    l.m = storage(K::Persistent, 8, "m");
    p.storages[l.m].bytes = p.storages[l.w].bytes;
    l.parts = uint32_t(r.in(1, options.parts));
    for (uint32_t k = 1; k < l.parts; ++k) {
      uint64_t cut = p.storages[l.w].bytes * k / l.parts;
      p.storages[l.w].parts.push_back(cut);
      p.storages[l.m].parts.push_back(cut);
    }
    l.mid = storage(K::Temporary, options.activationBytes, "h");
    l.out = storage(K::Temporary, options.activationBytes, "y");
    l.hasSkip = i > 1 && r.chance(30);
    l.skip = l.hasSkip ? layers[r.in(0, i - 2)].out : 0;
    Operator &mm = op("mm", {{l.in}, {l.w}}, {{l.mid}}, options.opNs * 2);
    mm.recomputable = !r.chance(10);
    std::vector<Access> reads{{l.mid}};
    if (l.hasSkip)
      reads.push_back({l.skip});
    // An elementwise result may take over its operand.
    p.storages[l.out].bytes = p.storages[l.mid].bytes;
    op("act", reads, {{l.out}}, options.opNs / 4).inPlace = {{l.out, l.mid}};
    x = l.out;
    layers.push_back(l);
  }
  uint32_t loss = storage(K::Temporary, 4, "loss");
  p.storages[loss].output = true;
  uint32_t g = storage(K::Temporary, options.activationBytes, "g");
  p.storages[g].bytes = p.storages[x].bytes;
  op("loss", {{x}}, {{loss}, {g}}, options.opNs);
  for (uint32_t i = options.layers; i-- > 0;) {
    Layer &l = layers[i];
    uint32_t gm = storage(K::Temporary, options.activationBytes, "gm");
    p.storages[gm].bytes = p.storages[l.mid].bytes;
    op("dact", {{g}, {l.mid}}, {{gm}}, options.opNs / 4).inPlace = {{gm, g}};
    uint32_t gw = storage(K::Temporary, 8, "gw");
    p.storages[gw].bytes = p.storages[l.w].bytes;
    p.storages[gw].parts = p.storages[l.w].parts;
    op("dw", {{gm}, {l.in}}, {{gw}}, options.opNs * 2);
    if (i > 0) {
      uint32_t next = storage(K::Temporary, options.activationBytes, "g");
      p.storages[next].bytes = p.storages[l.in].bytes;
      op("dx", {{gm}, {l.w}}, {{next}}, options.opNs * 2);
      g = next;
    }
    for (uint32_t k = 0; k < l.parts; ++k) {
      int32_t part = l.parts == 1 ? -1 : int32_t(k);
      Operator &u = op("update", {{gw, part}, {lr}}, {}, options.opNs / 8);
      u.updates = {{l.w, part}, {l.m, part}};
      u.recomputable = false;
    }
  }
  return p;
}
