//===- RematSearch.cpp - Annealing over recompute and order -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RematSearch.h"

#include "PortableMath.h"
#include "RematMoves.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

namespace {

class Search {
public:
  Search(const RematGraph &graph, const RematOptions &options)
      : options(options), random(options.seed), state(graph),
        moves(graph, state, random, options.fixedOrder),
        limit(double(options.budget)), least(graph.onceCost) {
    uint32_t costly = 0;
    for (const RematOp &op : graph.ops) {
      least += op.cost;
      base += double(op.cost);
      costly += op.cost > 0;
    }
    base = std::max(base, 1.0);
    unit = base / std::max(costly, 1u);
  }

  RematFound run(std::vector<uint32_t> sequence) {
    // The slots are laid out anew in each phase, which takes as long as a few
    // moves for each operator.
    const uint32_t phases = uint32_t(
        std::clamp<uint64_t>(options.moves / (2 * sequence.size()), 8, 128));
    uint64_t done = 0;
    for (uint32_t p = 0; p < phases && !enough(); ++p) {
      double part = double(p) / phases;
      temperature =
          unit * options.hot * portablePower(options.cold / options.hot, part);
      softness = p + phases / 4 >= phases
                     ? 0
                     : limit * 0.01 * portablePower(0.05, part / 0.75);
      state.reset(sequence, uint32_t(3 * sequence.size() + 8), softness);
      keep();
      uint64_t end = options.moves * (p + 1) / phases;
      phase(end - done);
      done = end;
      sequence = state.sequence();
    }
    found.last = std::move(sequence);
    return std::move(found);
  }

private:
  bool enough() const {
    if (found.cost <= least || (options.first && found.cost != INT64_MAX))
      return true;
    return options.deadline &&
           std::chrono::steady_clock::now() >= *options.deadline;
  }
  double energy() const {
    double peak = state.memory().softMaximum();
    return double(state.cost()) +
           weight * base * std::max(0.0, peak - limit) / limit;
  }
  void phase(uint64_t count);
  bool propose();
  bool exchange();
  void keep() {
    if (state.memory().maximum() > limit || state.cost() >= found.cost)
      return;
    found.cost = state.cost();
    found.sequence = state.sequence();
  }

  const RematOptions &options;
  RematRandom random;
  RematState state;
  RematMoves moves;
  RematFound found;
  double limit;
  int64_t least; ///< cost of running each operator once
  double base = 0, unit = 1;
  double temperature = 0, softness = 0, now = 0, bound = 0;
  double weight = 2; ///< of bytes above the budget
};

/// Drops one recomputation, and in its stead makes others, where memory is then
/// short: each of the two by itself would have to pass what is hard to pass.
bool Search::exchange() {
  if (!moves.remove())
    return false;
  for (int k = 0; k < 3; ++k) {
    state.settle(HUGE_VAL);
    if (state.memory().maximum() <= limit)
      break;
    if (!moves.insert(state.memory().peakSlot()))
      return false;
  }
  return true;
}

bool Search::propose() {
  uint32_t kind = random.below(16);
  bool over = state.memory().softMaximum() > limit;
  uint32_t near = over && random.below(2) ? state.memory().peakSlot() : none;
  if (kind < 4)
    return moves.insert(near);
  if (kind < 7)
    return moves.remove();
  if (kind < 9)
    return exchange();
  if (kind < 14 || options.fixedOrder)
    return moves.move(near);
  return moves.shift(near);
}

void Search::phase(uint64_t count) {
  now = energy();
  uint64_t within = 0;
  bool dirty = false;
  for (uint64_t k = 0; k < count; ++k) {
    // What a move may cost is drawn first, so that most are told hopeless
    // before memory is counted.
    bound = now - temperature * portableLog(1 - random.unit());
    moves.costBound = int64_t(std::min(bound, 0x1p62));
    bool kept = false;
    if (propose() && double(state.cost()) <= bound) {
      double room = (bound - double(state.cost())) / (weight * base) * limit;
      if (state.settle(limit + room)) {
        double e = energy();
        if (e <= bound) {
          now = e;
          state.commit();
          kept = dirty = true;
        }
      }
    }
    if (!kept)
      state.revert();
    within += state.memory().softMaximum() <= limit;
    // Copying a sequence costs more than a move: not after every one.
    if (dirty && k % 64 == 0) {
      keep();
      dirty = false;
    }
    if (k % 1024 == 0 && enough())
      return;
  }
  keep();
  // Bytes above the budget weigh as much as it takes to be within it about
  // half the time.
  if (within * 2 > count)
    weight = std::max(weight / 1.1, 0.5);
  else
    weight = std::min(weight * 1.2, 1000.0);
}

} // namespace

RematFound spillway::planner::searchRemat(const RematGraph &graph,
                                          const RematOptions &options,
                                          const std::vector<uint32_t> &start) {
  if (start.empty())
    return {};
  return Search(graph, options).run(start);
}
