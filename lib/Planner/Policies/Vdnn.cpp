//===- Vdnn.cpp - Virtualized deep neural networks --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rhu, Gimelshein, Clemons, Zulfiqar, Keckler, "vDNN: Virtualized deep neural
// networks for scalable, memory-efficient neural network design", MICRO 2016.
//
// Forward, the last layer that reads a feature map sends it to the host while
// it computes, and the map's bytes are free when the layer ends. Backward, each
// layer fetches, while it computes, the maps of the nearest layer before it
// that has sent some, but looks no further than the first CONV layer. `conv`
// sends the inputs of CONV layers only, `all` those of every layer. The dynamic
// policy: nothing if that fits, else `conv`, else `all`. Weights stay.
//
//===----------------------------------------------------------------------===//

#include "../LayerView.h"
#include "../PlanBuilder.h"

using namespace spillway::planner;

namespace {

enum class Offload { Nothing, Conv, All };

class Vdnn {
public:
  Vdnn(const PolicyRequest &request, const LayerView &layers, Offload mode)
      : a(request.analysis), layers(layers), b(a, request.budgets),
        maps(layers.turn + 1) {
    // By layer: the maps that it is the last to touch before the backward pass.
    for (const Gap &g : a.gaps)
      if (!g.wraps && g.to < a.numOps && g.from + 1 < g.to &&
          layers.forward(g.from) && !layers.forward(g.to) &&
          a.problem.storages[a.slotStorage[g.slot]].kind !=
              StorageKind::Persistent &&
          (mode == Offload::All ||
           (mode == Offload::Conv && layers.heavy[g.from])))
        maps[g.from].push_back(g.slot);
  }

  PolicyAnswer run() {
    if (!b.placeAll())
      return b.fail();
    uint32_t current = none;
    while (b.position() < a.numOps) {
      uint32_t at = b.position();
      bool forward = layers.forward(at);
      if (forward) {
        for (uint32_t slot : maps[at])
          b.copy(slot, b.tierFor(slot));
      } else if (layers.layer[at] != current) {
        current = layers.layer[at];
        prefetchBefore(current);
      }
      if (!b.perform(at))
        return b.fail();
      // The layer ends when its offloading does.
      for (uint32_t slot : forward ? maps[at] : std::vector<uint32_t>())
        if (b.sendAway(slot, b.tierFor(slot)))
          b.waitFor(slot);
    }
    return b.answer();
  }

private:
  void prefetchBefore(uint32_t layer) {
    for (uint32_t id = layer; id-- > 0;) {
      if (!maps[id].empty()) {
        // What finds no room beside the layer is fetched when it is needed.
        for (uint32_t slot : maps[id])
          if (b.nextNeed(slot) < a.numOps &&
              b.room() >= a.slotBytes[slot] + b.newBytes(b.position()))
            b.prefetch(slot);
        maps[id].clear();
        return;
      }
      if (layers.heavy[id])
        return;
    }
  }

  const Analysis &a;
  const LayerView &layers;
  PlanBuilder b;
  std::vector<std::vector<uint32_t>> maps;
};

} // namespace

PolicyAnswer spillway::planner::planVdnn(const PolicyRequest &request) {
  PolicyAnswer out;
  if (request.analysis.numOps == 0)
    return PlanBuilder(request.analysis, request.budgets).answer();
  LayerView layers(request.analysis);
  for (Offload mode : {Offload::Nothing, Offload::Conv, Offload::All}) {
    if (mode != Offload::Nothing && request.budgets.size() < 2)
      break;
    PolicyAnswer one = Vdnn(request, layers, mode).run();
    if (!one.ok) {
      out.reason = one.reason;
      out.tier = one.tier;
      continue;
    }
    out.ok = true;
    out.plans.push_back(std::move(one.plans[0]));
  }
  return out;
}
