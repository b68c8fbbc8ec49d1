//===- LargeStep.cpp - A valid plan of any size ---------------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LargeStep.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace spillway::test {
namespace {

constexpr uint64_t sliceBytes = 256;
constexpr uint64_t slot = 1 << 12; // distance of buffers, larger than any

/// Users of the buffers, from which waits follow.
class Waits {
public:
  /// Records a use by the instruction that comes next; returns its waits.
  std::vector<uint32_t> use(uint32_t index, uint16_t stream,
                            const std::vector<uint64_t> &reads,
                            const std::vector<uint64_t> &writes) {
    std::set<uint32_t> waits;
    auto add = [&](std::pair<uint32_t, uint16_t> user) {
      if (user.second != stream)
        waits.insert(user.first);
    };
    for (uint64_t buffer : reads) {
      if (users[buffer].hasWriter)
        add(users[buffer].writer);
      users[buffer].readers.push_back({index, stream});
    }
    for (uint64_t buffer : writes) {
      for (auto reader : users[buffer].readers)
        add(reader);
      if (users[buffer].hasWriter)
        add(users[buffer].writer);
      users[buffer] = {true, {index, stream}, {}};
    }
    return {waits.begin(), waits.end()};
  }

private:
  struct Users {
    bool hasWriter = false;
    std::pair<uint32_t, uint16_t> writer;
    std::vector<std::pair<uint32_t, uint16_t>> readers;
  };
  std::map<uint64_t, Users> users; // by address; those on the host are odd
};

uint64_t key(plan::Location location) {
  return location.offset() / 2 * 2 + location.tier();
}

class Generator {
public:
  Generator(int layers, int slices)
      : layers(layers), slices(slices), b(0, 0), bytes(sliceBytes * slices) {}

  PlanBuilder build() {
    makeProgram();
    // The first pass finds out who uses what last; the second waits for them.
    makeBody();
    b.plan.body.clear();
    makeBody();
    for (int tier = 0; tier < 2; ++tier)
      b.plan.tiers[tier]->arena_bytes = b.plan.tiers[tier]->capacity_bytes =
          used[tier];
    return std::move(b);
  }

private:
  void makeProgram() {
    x = b.tensor("x", plan::Role::INPUT, plan::DType::F32, sizes());
    uint32_t previous = b.valueOf(x);
    for (int i = 0; i < layers; ++i) {
      std::string n = std::to_string(i);
      w.push_back(
          b.tensor("w" + n, plan::Role::PARAM, plan::DType::F32, sizes()));
      m.push_back(
          b.tensor("m" + n, plan::Role::STATE, plan::DType::F32, sizes()));
      a.push_back(b.value(bytes, "a" + n));
      b.op("matmul", {all(previous), all(b.valueOf(w[i]))}, {all(a[i])});
      previous = a[i];
    }
    loss = b.value(4, "loss");
    b.op("reduce", {all(previous)}, {b.view(loss, {})});
    b.output("loss", loss);
    uint32_t gradient = b.value(bytes, "g");
    b.op("unary", {all(previous)}, {all(gradient)});
    b.opAt(layers + 1).in_place.emplace_back(0, 0);
    for (int i = layers - 1; i >= 0; --i) {
      std::string n = std::to_string(i);
      uint32_t dw = b.value(bytes, "dw" + n), g = b.value(bytes, "g" + n);
      uint32_t w1 = b.value(bytes, "w1_" + n), m1 = b.value(bytes, "m1_" + n);
      uint32_t before = i == 0 ? b.valueOf(x) : a[i - 1];
      backward[i] = b.op("matmul_grad",
                         {all(gradient), all(before), all(b.valueOf(w[i]))},
                         {all(g), all(dw)}, 256);
      b.opAt(backward[i]).in_place.emplace_back(0, 0);
      for (int k = 0; k < slices; ++k) {
        uint32_t op = b.op("adamw",
                           {slice(dw, k), slice(b.valueOf(w[i]), k),
                            slice(b.valueOf(m[i]), k)},
                           {slice(w1, k), slice(m1, k)});
        b.opAt(op).recomputable = false;
        b.opAt(op).in_place = {{1, 0}, {2, 1}};
        update[{i, k}] = op;
      }
      b.tensorAt(w[i]).value_out = w1;
      b.tensorAt(m[i]).value_out = m1;
      gradient = g;
    }
    for (int i = 0; i < layers; ++i) {
      b.bind(w[i], weight(i));
      b.bind(m[i], state(i));
    }
  }

  // Buffers: on the device x, the loss, the gradient, dw, workspace, four for
  // activations, one a weight, two for slices of state; on the host one an
  // activation and one a layer's state.
  plan::Location dev(uint64_t i) { return b.at(0, i * slot); }
  plan::Location activation(int i) { return dev(5 + i % 4); }
  plan::Location stateSlice(int k) { return dev(9 + k % 2); }
  plan::Location weight(int i) { return dev(11 + i); }
  plan::Location stored(int i) { return b.at(1, 2 * i * slot); }
  plan::Location state(int i) { return b.at(1, (2 * i + 1) * slot); }
  static plan::Location shifted(plan::Location l, uint64_t by) {
    return plan::Location(l.tier(), l.offset() + by);
  }

  uint32_t next() { return uint32_t(b.plan.body.size()); }
  void note(plan::Location location, uint64_t size) {
    used[location.tier()] =
        std::max(used[location.tier()], location.offset() + size);
  }
  void copy(plan::Location from, plan::Location to, uint64_t size) {
    uint16_t stream = from.tier() == 0 ? b.d2h : b.h2d;
    b.copy(from, to, size, waits.use(next(), stream, {key(from)}, {key(to)}));
    note(from, size);
    note(to, size);
  }
  void launch(uint32_t op, const std::vector<plan::Location> &in,
              const std::vector<plan::Location> &out, bool recompute = false) {
    std::vector<uint64_t> reads, writes{key(dev(4))};
    std::vector<plan::Location> operands = in;
    for (plan::Location location : in)
      reads.push_back(key(location));
    for (plan::Location location : out) {
      writes.push_back(key(location));
      operands.push_back(location);
    }
    for (plan::Location location : operands)
      note(location, bytes);
    b.launch(op, operands, waits.use(next(), b.compute, reads, writes),
             b.compute, dev(4), recompute);
  }

  void makeBody() {
    used = {0, 0};
    b.feed(0, dev(0), waits.use(next(), b.host, {}, {key(dev(0))}));
    auto forward = [&](int i, bool recompute) {
      launch(i, {i == 0 ? dev(0) : activation(i - 1), weight(i)},
             {activation(i)}, recompute);
    };
    for (int i = 0; i < layers; ++i) {
      forward(i, false);
      if (i % 2 == 0)
        copy(activation(i), stored(i), bytes);
    }
    launch(layers, {activation(layers - 1)}, {dev(1)});
    b.fetch(0, dev(1), waits.use(next(), b.host, {key(dev(1))}, {}));
    launch(layers + 1, {activation(layers - 1)}, {dev(2)});
    for (int i = layers - 1; i >= 0; --i) {
      // What the layer reads, a[i - 1]: loaded, or computed from a[i - 2].
      if (i > 0 && (i - 1) % 2 == 0) {
        copy(stored(i - 1), activation(i - 1), bytes);
      } else if (i > 1) {
        copy(stored(i - 2), activation(i - 2), bytes);
        forward(i - 1, true);
      }
      launch(backward[i],
             {dev(2), i == 0 ? dev(0) : activation(i - 1), weight(i)},
             {dev(2), dev(3)});
      for (int k = 0; k < slices; ++k) {
        uint64_t by = k * sliceBytes;
        copy(shifted(state(i), by), stateSlice(k), sliceBytes);
        plan::Location p = shifted(weight(i), by);
        launch(update[{i, k}], {shifted(dev(3), by), p, stateSlice(k)},
               {p, stateSlice(k)});
        copy(stateSlice(k), shifted(state(i), by), sliceBytes);
      }
    }
  }

  PlanBuilder::Sizes sizes() const { return {int64_t(bytes / 4)}; }
  plan::ViewT all(uint32_t value) { return b.view(value, sizes()); }
  plan::ViewT slice(uint32_t value, int k) {
    return b.view(value, {sliceBytes / 4}, plan::DType::F32, k * sliceBytes);
  }

  int layers, slices;
  PlanBuilder b;
  uint64_t bytes;
  uint32_t x = 0, loss = 0;
  std::vector<uint32_t> w, m, a;
  std::map<int, uint32_t> backward;
  std::map<std::pair<int, int>, uint32_t> update;
  Waits waits;
  std::array<uint64_t, 2> used = {};
};

} // namespace

PlanBuilder largeStep(int layers, int slices) {
  return Generator(layers, slices).build();
}

} // namespace spillway::test
