//===- Assign.cpp - The portfolio, then the exact search --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BestFit.h"
#include "Ejection.h"
#include "ExactSearch.h"
#include "Skyline.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <tuple>

using namespace spillway::planner;
using namespace spillway::planner::offsets;

namespace {

using Order = std::vector<uint32_t>;

/// One attempt after the other, until one is low enough.
class Portfolio {
public:
  /// `rounds`: how often what ended too high is moved forward in an order.
  Portfolio(const Packing &packing, uint64_t target, uint64_t effort,
            uint32_t rounds, std::optional<double> tooFar)
      : bound(packing.maxLoad), packing(packing),
        target(std::max(target, packing.maxLoad)), effort(effort),
        mostRounds(rounds), tooFar(tooFar) {}

  void run() {
    if (construct())
      return;
    if (!packing.anyFixed && packing.size() <= mostExact)
      search();
  }

  Placement best;
  uint64_t bound; ///< nothing is lower

private:
  /// Above that many items a node of the exact search takes too long.
  static constexpr uint32_t mostExact = 5000;

  uint64_t left() const { return effort - std::min(effort, used); }

  bool take(Placement placement) {
    if (placement.height < best.height)
      best = std::move(placement);
    return best.height <= target;
  }

  /// Pairs of items that meet: what a pass of best fit costs.
  uint64_t numPairs() const {
    std::vector<int64_t> change(packing.numSections + 1);
    std::vector<uint32_t> begins(packing.numSections + 1);
    for (uint32_t i = 0; i < packing.size(); ++i)
      for (const Range &r : packing.ranges(i))
        ++change[r.begin], --change[r.end], ++begins[r.begin];
    uint64_t pairs = 0;
    int64_t live = 0;
    for (uint32_t s = 0; s < packing.numSections; ++s)
      pairs += uint64_t(live += change[s]) * begins[s];
    return pairs;
  }

  /// By item: the largest load of a section that it is in. From a table of the
  /// maxima of 2^k sections, for long lives are many.
  std::vector<uint64_t> mostLoads() const {
    std::vector<std::vector<uint64_t>> table = {packing.load};
    for (uint32_t half = 1; 2 * half <= packing.numSections; half *= 2) {
      const std::vector<uint64_t> &last = table.back();
      std::vector<uint64_t> next(last.size() - half);
      for (uint32_t s = 0; s < next.size(); ++s)
        next[s] = std::max(last[s], last[s + half]);
      table.push_back(std::move(next));
    }
    std::vector<uint64_t> most(packing.size());
    for (uint32_t i = 0; i < packing.size(); ++i)
      for (const Range &r : packing.ranges(i)) {
        uint32_t k = uint32_t(std::bit_width(r.end - r.begin)) - 1;
        most[i] = std::max(
            {most[i], table[k][r.begin], table[k][r.end - (uint32_t(1) << k)]});
      }
    return most;
  }

  template <typename Key> Order sortedBy(const Key &key) const {
    Order order(packing.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      auto ka = key(a), kb = key(b);
      return ka != kb ? ka > kb : a < b;
    });
    return order;
  }

  bool construct() {
    auto size = [&](uint32_t i) { return packing.bytes[i]; };
    auto length = [&](uint32_t i) { return packing.length[i]; };
    // Where most is live at once there is no slack: what is live there goes
    // first, and stacks without a gap.
    std::vector<uint64_t> contention = mostLoads();
    const Order orders[] = {
        sortedBy([&](uint32_t i) {
          return std::tuple(contention[i], length(i), size(i));
        }),
        sortedBy(
            [&](uint32_t i) { return double(size(i)) * double(length(i)); }),
        sortedBy([&](uint32_t i) { return std::pair(length(i), size(i)); }),
        sortedBy([&](uint32_t i) { return std::pair(size(i), length(i)); }),
        sortedBy([&](uint32_t i) {
          return std::pair(~packing.ranges(i)[0].begin, length(i));
        })};
    used += 400 * uint64_t(packing.size());
    if (!packing.anyFixed) {
      for (const Order &order : orders)
        if (take(placeOnSkyline(packing, order, used)))
          return true;
      if (tooFar && double(best.height) > *tooFar * double(target))
        return true;
      // Hopeless, or there is a height to reach. Where so many items meet that
      // the effort is for few of them, it leads nowhere.
      if (numPairs() <= left() &&
          take(ejectToFit(packing, best, target, left() / 2, used)))
        return true;
    }
    if (!packing.anyFixed)
      for (const Order &order : orders)
        if (climb(
                [&](const Order &o) {
                  return placeOnSkyline(packing, o, used);
                },
                order, mostRounds))
          return true;
    // Where very many items meet, holes take too long to find.
    if (!packing.anyFixed && 15 * numPairs() > std::max(left() / 4, least))
      return false;
    BestFit fit(packing);
    auto holes = [&](const Order &order) {
      uint64_t before = fit.used();
      Placement made = fit.place(order);
      used += fit.used() - before;
      return made;
    };
    uint64_t lowest = UINT64_MAX;
    const Order *start = nullptr;
    for (const Order &order : orders) {
      Placement made = holes(order);
      if (made.height < lowest) {
        lowest = made.height;
        start = &order;
      }
      if (take(std::move(made)))
        return true;
    }
    if (packing.anyFixed &&
        take(ejectToFit(packing, best, target, left() / 2, used)))
      return true;
    return climb(holes, *start, mostRounds);
  }

  /// What ended too high goes first in the next round, as in TVM's USMP.
  template <typename Method>
  bool climb(const Method &method, Order order, uint32_t rounds) {
    Order high, low;
    for (uint64_t stop = used + left() / 2;; --rounds) {
      Placement made = method(order);
      high.clear(), low.clear();
      for (uint32_t i : order)
        (made.offsets[i] + packing.bytes[i] > target ? high : low).push_back(i);
      if (take(std::move(made)))
        return true;
      if (!rounds || used >= stop)
        return false;
      order = high;
      order.insert(order.end(), low.begin(), low.end());
    }
  }

  void search() {
    // The lowest heights are sums of sizes.
    uint64_t grain = 0;
    for (uint64_t b : packing.bytes)
      grain = std::gcd(grain, b);
    auto attempt = [&](uint64_t capacity, uint64_t steps) {
      Placement found;
      used += steps;
      SearchOutcome outcome = searchExactly(packing, capacity, steps, found);
      used -= steps;
      if (outcome == SearchOutcome::Found)
        take(std::move(found));
      else if (outcome == SearchOutcome::Infeasible)
        bound = std::max(bound, capacity + grain);
      return outcome;
    };
    auto down = [&](uint64_t x) { return x / grain * grain; };
    if (attempt(down(target), left() / 2) == SearchOutcome::Found)
      return;
    // Between what was not found and what was.
    uint64_t low = down(target);
    while (best.height > low + std::max(grain, best.height / 10000) && left()) {
      uint64_t middle = down(low + (best.height - low) / 2);
      if (middle <= low)
        break;
      if (attempt(middle, std::max(left() / 4, least)) != SearchOutcome::Found)
        low = middle;
    }
  }

  static constexpr uint64_t least = 1000000;

  const Packing &packing;
  const uint64_t target, effort;
  const uint32_t mostRounds;
  const std::optional<double> tooFar;
  uint64_t used = 0;
};

} // namespace

OffsetResult
spillway::planner::assignOffsets(const std::vector<OffsetItem> &items,
                                 const OffsetOptions &options) {
  Packing packing(items, options.alignment);
  OffsetResult result;
  result.maxLoad = result.lowerBound = packing.maxLoad;
  result.offsets.resize(items.size());
  // What takes no room keeps an address that it was given.
  for (uint32_t i = 0; i < items.size(); ++i)
    result.offsets[i] = items[i].fixed.value_or(0);
  if (packing.size() == 0)
    return result;
  // Where not even the load fits, effort would be wasted.
  bool hopeless = options.target && packing.maxLoad > options.target;
  uint64_t effort = options.effort.value_or(
      std::min<uint64_t>(10000 * uint64_t(packing.size()), 50000000));
  // Where a planner asks, again and again, what ejection cannot place is seldom
  // placed by going through the orders once more.
  uint32_t rounds = options.target && effort < 100000000 ? 3 : 24;
  Portfolio portfolio(packing, options.target, hopeless ? 0 : effort, rounds,
                      options.tooFar);
  portfolio.run();
  result.height = portfolio.best.height;
  result.lowerBound = portfolio.bound;
  for (uint32_t i = 0; i < packing.size(); ++i)
    result.offsets[packing.original[i]] = portfolio.best.offsets[i];
  return result;
}
