//===- SuperNeurons.cpp - Tensor cache and cost-aware recompute -*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Wang, Ye, Zhao, Wu, Li, Song, Xu, Kraska, "SuperNeurons: Dynamic GPU memory
// management for training deep neural networks", PPoPP 2018. Its techniques in
// its order, each where the ones before are not enough:
//
// 1. Liveness: a tensor ends with its last use.
// 2. Unified tensor pool with a tensor cache: where memory is short, results of
//    CONV layers (checkpoints) go to the host, least recently used first; the
//    backward pass of a CONV layer fetches what the CONV layer before needs.
// 3. Cost-aware recompute: other results are dropped after the forward pass. A
//    segment between two checkpoints is made again once and kept (speed-
//    centric) if that takes no more than the most demanding layer does, l_peak;
//    else for each of its layers anew (memory-centric). So the peak is l_peak.
//
//===----------------------------------------------------------------------===//

#include "../LayerView.h"
#include "../PlanBuilder.h"

#include <algorithm>
#include <map>

using namespace spillway::planner;

namespace {

class SuperNeurons {
public:
  SuperNeurons(const PolicyRequest &request, const LayerView &layers,
               bool cache, bool recompute)
      : a(request.analysis), layers(layers), b(a, request.budgets),
        recompute(recompute), lastUsed(a.numSlots(), none) {
    findTensors();
    findSegments();
    b.mayRecompute = recompute;
    b.used = [this](uint32_t slot) { touch(slot); };
    if (cache)
      b.makeRoom = [this](uint64_t) { return evict(); };
  }

  PolicyAnswer run();

private:
  void findTensors();
  void findSegments();
  void touch(uint32_t slot);
  bool forgetAgain(bool speedCentric);
  bool evict();
  void prefetchBefore(uint32_t layer);
  /// The layers from one checkpoint up to the next. Speed-centric if what they
  /// make and the most demanding of them going backward are within l_peak.
  struct Segment {
    bool speedCentric = true;
  };

  const Analysis &a;
  const LayerView &layers;
  PlanBuilder b;
  bool recompute;
  std::vector<bool> checkpoint, cheap; ///< by slot: needed in the backward pass
  std::vector<uint32_t> segmentOf;     ///< by layer
  std::vector<Segment> segments;
  /// By layer: what its backward operators read of the forward pass.
  std::vector<std::vector<uint32_t>> needs;
  // The cache: checkpoints on the device by the time of their last use.
  std::map<uint32_t, uint32_t> byUse;
  std::vector<uint32_t> lastUsed;
  uint32_t clock = 0;
  std::vector<uint32_t> madeAgain;
};

void SuperNeurons::findTensors() {
  checkpoint.assign(a.numSlots(), false);
  cheap.assign(a.numSlots(), false);
  needs.resize(layers.turn + 1);
  for (uint32_t l = 0, at = 0; l <= layers.turn; ++l) {
    at += l > 0 && layers.heavy[l];
    segmentOf.push_back(at);
  }
  segments.resize(segmentOf.back() + 1);
  // A layer that joins in what is made again from another segment ends the
  // chain, else a residual network would be one segment.
  std::vector<bool> join(layers.turn + 1);
  for (uint32_t l = 0; l <= layers.turn; ++l)
    for (const Operand &o : a.operands[l])
      if (uint32_t p = a.producer[o.storage]; o.read && p != none &&
                                              !layers.heavy[p] && !join[p] &&
                                              segmentOf[p] != segmentOf[l])
        join[l] = true;
  for (const Gap &g : a.gaps) {
    uint32_t s = a.slotStorage[g.slot];
    StorageKind kind = a.problem.storages[s].kind;
    if (g.wraps || g.to >= a.numOps || kind == StorageKind::Persistent ||
        !layers.forward(g.from) || layers.forward(g.to) || g.from + 1 == g.to)
      continue;
    // What may not be made again is no worse than a checkpoint; so is what
    // comes from outside.
    uint32_t p = a.producer[s];
    bool remakeable = p != none && a.rerunUntil[p] >= int64_t(a.lastUse[s]) &&
                      !a.problem.operators[p].reads.empty();
    bool isCheap = remakeable && !layers.heavy[p] && !join[p];
    (isCheap ? cheap : checkpoint)[g.slot] = true;
    for (uint32_t use : a.uses[g.slot])
      if (!layers.forward(use))
        needs[layers.layer[use]].push_back(g.slot);
  }
}

void SuperNeurons::findSegments() {
  uint64_t layerPeak = 0;
  for (uint64_t bytes : a.workingSet)
    layerPeak = std::max(layerPeak, bytes);
  std::vector<uint64_t> forward(segments.size()), backward(segments.size());
  for (uint32_t op = 0; op < a.numOps; ++op) {
    uint32_t segment = segmentOf[layers.layer[op]];
    for (const Operand &o : a.operands[op])
      if (layers.forward(op) && o.written && cheap[a.slot(o.storage, -1)])
        forward[segment] += a.slotBytes[a.slot(o.storage, -1)];
    if (!layers.forward(op) && !layers.heavy[layers.layer[op]])
      backward[segment] = std::max(backward[segment], a.workingSet[op]);
  }
  for (uint32_t i = 0; i < segments.size(); ++i)
    segments[i].speedCentric = forward[i] + backward[i] <= layerPeak;
}

void SuperNeurons::touch(uint32_t slot) {
  if (recompute && cheap[slot] && !layers.forward(b.position()))
    madeAgain.push_back(slot);
  if (!checkpoint[slot])
    return;
  if (lastUsed[slot] != none)
    byUse.erase(lastUsed[slot]);
  lastUsed[slot] = clock++;
  byUse[lastUsed[slot]] = slot;
}

/// What was made again goes where it will be made again.
bool SuperNeurons::forgetAgain(bool speedCentric) {
  for (uint32_t slot : madeAgain)
    if (b.present(slot) &&
        segments[segmentOf[a.producer[a.slotStorage[slot]]]].speedCentric ==
            speedCentric &&
        b.forget(slot))
      return true;
  return false;
}

/// The least recently used checkpoint that no layer holds goes to the host. A
/// memory-centric segment has nothing but what its layer needs; one that was
/// thought to fit becomes memory-centric where it does not.
bool SuperNeurons::evict() {
  if (forgetAgain(false))
    return true;
  for (auto it = byUse.begin(); it != byUse.end();) {
    uint32_t slot = it->second;
    if (!b.present(slot) || b.leaving(slot)) {
      lastUsed[slot] = none;
      it = byUse.erase(it);
      continue;
    }
    if (b.movable(slot) && b.sendAway(slot, b.tierFor(slot))) {
      lastUsed[slot] = none;
      byUse.erase(it);
      return true;
    }
    ++it;
  }
  return forgetAgain(true);
}

void SuperNeurons::prefetchBefore(uint32_t layer) {
  for (uint32_t id = layer; id-- > 0;) {
    if (!layers.heavy[id])
      continue;
    for (uint32_t slot : needs[id])
      if (checkpoint[slot] && !b.present(slot) && b.copied(slot) &&
          b.room() >= a.slotBytes[slot] + b.newBytes(b.position()) &&
          b.prefetch(slot))
        touch(slot);
    return;
  }
}

PolicyAnswer SuperNeurons::run() {
  if (!b.placeAll())
    return b.fail();
  uint32_t current = none;
  while (b.position() < a.numOps) {
    uint32_t at = b.position();
    if (!layers.forward(at) && layers.layer[at] != current) {
      current = layers.layer[at];
      if (layers.heavy[current])
        prefetchBefore(current);
    }
    if (!b.perform(at))
      return b.fail();
    if (!recompute)
      continue;
    if (layers.forward(at)) {
      // Dropped by the last layer of the forward pass that uses it.
      for (const Operand &o : a.operands[at]) {
        uint32_t slot = b.slotOf(o), next = b.nextNeed(slot);
        if (cheap[slot] && next < a.numOps && !layers.forward(next))
          b.forget(slot);
      }
      continue;
    }
    // Memory-centric: nothing that was made again outlives its layer.
    while (forgetAgain(false))
      ;
    std::erase_if(madeAgain, [&](uint32_t slot) { return !b.present(slot); });
  }
  return b.answer();
}

} // namespace

PolicyAnswer spillway::planner::planSuperNeurons(const PolicyRequest &request) {
  if (request.analysis.numOps == 0)
    return PlanBuilder(request.analysis, request.budgets).answer();
  LayerView layers(request.analysis);
  bool host = request.budgets.size() > 1;
  PolicyAnswer out;
  for (int step = 0; step < 3; ++step) {
    PolicyAnswer one =
        SuperNeurons(request, layers, step > 0 && host, step > 1).run();
    if (one.ok) {
      out.ok = true;
      out.plans.push_back(std::move(one.plans[0]));
    } else {
      out.reason = one.reason;
      out.tier = one.tier;
    }
  }
  return out;
}
