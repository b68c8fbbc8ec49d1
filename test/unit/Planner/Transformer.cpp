//===- Transformer.cpp - Transformer training steps for tests ---*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Transformer.h"

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

class Builder {
public:
  explicit Builder(const TransformerOptions &o) : o(o) {
    Machine &m = p.machine;
    m = Machine::deviceOnly();
    m.tiers[0].capacity = o.deviceBytes;
    m.tiers.push_back({"host", o.hostBytes});
    m.links.push_back({"h2d", 1, 0, o.linkBytesPerSecond, 10000, 0});
    m.links.push_back({"d2h", 0, 1, o.linkBytesPerSecond, 10000, 0});
    tokens = o.batch * o.sequence;
  }

  Problem build();

private:
  struct Parameter {
    uint32_t w, m, v;
    uint64_t elements;
  };
  struct Layer {
    Parameter qkv, proj, fc1, fc2, ln1, ln2;
    uint32_t x, n1, s1, q, o, lse, x2, n2, s2, h, g;
  };

  uint32_t storage(const char *name, StorageKind kind, uint64_t elements) {
    Storage s;
    s.id = uint32_t(p.storages.size());
    s.name = std::string(name) + "." + std::to_string(s.id);
    s.kind = kind;
    s.bytes = elements * 4;
    p.storages.push_back(s);
    return s.id;
  }
  uint32_t temporary(const char *name, uint64_t elements) {
    return storage(name, StorageKind::Temporary, elements);
  }
  void cut(uint32_t s, uint64_t bytes) {
    for (uint64_t at = o.partBytes; at < bytes; at += o.partBytes)
      p.storages[s].parts.push_back(at);
  }
  Parameter parameter(const char *name, uint64_t elements) {
    Parameter out{storage(name, StorageKind::Persistent, elements),
                  storage("m", StorageKind::Persistent, elements),
                  storage("v", StorageKind::Persistent, elements), elements};
    for (uint32_t s : {out.w, out.m, out.v})
      cut(s, elements * 4);
    return out;
  }
  Operator &op(const char *name, uint64_t flops, std::vector<Access> reads,
               std::vector<Access> writes) {
    Operator x;
    x.id = uint32_t(p.operators.size());
    x.name = std::string(name) + "." + std::to_string(x.id);
    x.flops = flops;
    x.reads = std::move(reads);
    x.writes = std::move(writes);
    double bytes = 0;
    for (const Access &a : x.reads)
      bytes += double(p.storages[a.storage].partBytes(a.part));
    for (const Access &a : x.writes)
      bytes += double(p.storages[a.storage].partBytes(a.part));
    x.costNs = {int64_t(1e9 * std::max(double(flops) / o.flopsPerSecond,
                                       bytes / o.memoryBytesPerSecond)) +
                2000};
    p.operators.push_back(std::move(x));
    return p.operators.back();
  }
  uint32_t matmul(const char *name, uint32_t a, uint32_t b, uint64_t m,
                  uint64_t k, uint64_t n) {
    uint32_t y = temporary(name, m * n);
    op(name, 2 * m * k * n, {{a}, {b}}, {{y}});
    return y;
  }
  void gradient(const char *name, uint32_t x, uint32_t dy, uint64_t k,
                uint64_t n, const Parameter &w) {
    uint32_t g = temporary("dw", k * n);
    cut(g, k * n * 4);
    op(name, 2 * tokens * k * n, {{x}, {dy}}, {{g}});
    update(g, w);
  }
  void update(uint32_t g, const Parameter &w) {
    uint32_t parts = p.storages[w.w].numParts();
    for (uint32_t k = 0; k < parts; ++k) {
      int32_t part = parts == 1 ? -1 : int32_t(k);
      Operator &u = op("adamw", 12 * w.elements / parts, {{g, part}, {lr}}, {});
      u.updates = {{w.w, part}, {w.m, part}, {w.v, part}};
      u.recomputable = false;
      u.costNs[0] += int64_t(1e9 * 6 * double(p.storages[w.w].partBytes(part)) /
                             o.memoryBytesPerSecond);
    }
  }
  uint32_t add(uint32_t a, uint32_t b, uint64_t n) {
    uint32_t y = temporary("add", n);
    op("add", n, {{a}, {b}}, {{y}}).inPlace = {{y, a}, {y, b}};
    return y;
  }
  uint32_t norm(uint32_t x, const Parameter &w, uint32_t &stats) {
    uint32_t y = temporary("norm", tokens * o.width);
    stats = temporary("stats", tokens * 2);
    op("norm", 8 * tokens * o.width, {{x}, {w.w}}, {{y}, {stats}});
    return y;
  }
  uint32_t normGrad(uint32_t dy, uint32_t x, const Parameter &w,
                    uint32_t stats) {
    uint32_t dx = temporary("dnorm", tokens * o.width);
    uint32_t g = temporary("dgamma", o.width * 2);
    op("norm_grad", 16 * tokens * o.width, {{dy}, {x}, {w.w}, {stats}},
       {{dx}, {g}})
        .inPlace = {{dx, dy}};
    update(g, w);
    return dx;
  }

  const TransformerOptions &o;
  Problem p;
  uint64_t tokens = 0;
  uint32_t lr = 0;
};

Problem Builder::build() {
  uint64_t d = o.width, f = o.hidden, t = tokens;
  uint32_t ids = storage("ids", StorageKind::Fed, t);
  lr = storage("lr", StorageKind::Fed, 1);
  Parameter embedding = parameter("embedding", uint64_t(o.vocabulary) * d);
  uint32_t x = temporary("x", t * d);
  op("embed", t * d, {{ids}, {embedding.w}}, {{x}});
  std::vector<Layer> layers(o.layers);
  for (Layer &l : layers) {
    l.qkv = parameter("qkv", d * 3 * d);
    l.proj = parameter("proj", d * d);
    l.fc1 = parameter("fc1", d * f);
    l.fc2 = parameter("fc2", f * d);
    l.ln1 = parameter("ln1", 2 * d);
    l.ln2 = parameter("ln2", 2 * d);
    l.x = x;
    l.n1 = norm(x, l.ln1, l.s1);
    l.q = matmul("qkv", l.n1, l.qkv.w, t, d, 3 * d);
    l.o = temporary("attention", t * d);
    l.lse = temporary("lse", t * o.heads);
    op("attention", 4 * t * o.sequence * d, {{l.q}}, {{l.o}, {l.lse}});
    l.x2 = add(x, matmul("proj", l.o, l.proj.w, t, d, d), t * d);
    l.n2 = norm(l.x2, l.ln2, l.s2);
    l.h = matmul("fc1", l.n2, l.fc1.w, t, d, f);
    l.g = temporary("gelu", t * f);
    op("gelu", 8 * t * f, {{l.h}}, {{l.g}}).inPlace = {{l.g, l.h}};
    x = add(l.x2, matmul("fc2", l.g, l.fc2.w, t, f, d), t * d);
  }
  uint32_t logits = matmul("logits", x, embedding.w, t, d, o.vocabulary);
  uint32_t labels = storage("labels", StorageKind::Fed, t);
  uint32_t loss = temporary("loss", 1);
  p.storages[loss].output = true;
  uint32_t dlogits = temporary("dlogits", t * o.vocabulary);
  op("cross_entropy", 5 * t * o.vocabulary, {{logits}, {labels}},
     {{loss}, {dlogits}})
      .inPlace = {{dlogits, logits}};
  uint32_t dx = matmul("dx", dlogits, embedding.w, t, o.vocabulary, d);
  gradient("dembedding", x, dlogits, d, o.vocabulary, embedding);
  for (uint32_t i = o.layers; i-- > 0;) {
    Layer &l = layers[i];
    uint32_t dg = matmul("dgelu", dx, l.fc2.w, t, d, f);
    gradient("dfc2", l.g, dx, f, d, l.fc2);
    uint32_t dh = temporary("dh", t * f);
    op("gelu_grad", 16 * t * f, {{dg}, {l.h}}, {{dh}}).inPlace = {{dh, dg}};
    uint32_t dn2 = matmul("dn2", dh, l.fc1.w, t, f, d);
    gradient("dfc1", l.n2, dh, d, f, l.fc1);
    dx = add(dx, normGrad(dn2, l.x2, l.ln2, l.s2), t * d);
    uint32_t dO = matmul("dO", dx, l.proj.w, t, d, d);
    gradient("dproj", l.o, dx, d, d, l.proj);
    uint32_t dq = temporary("dq", t * 3 * d);
    op("attention_grad", 10 * t * o.sequence * d, {{dO}, {l.q}, {l.o}, {l.lse}},
       {{dq}});
    uint32_t dn1 = matmul("dn1", dq, l.qkv.w, t, 3 * d, d);
    gradient("dqkv", l.n1, dq, d, 3 * d, l.qkv);
    dx = add(dx, normGrad(dn1, l.x, l.ln1, l.s1), t * d);
  }
  return std::move(p);
}

} // namespace

Problem
spillway::planner::testing::makeTransformer(const TransformerOptions &options) {
  return Builder(options).build();
}
