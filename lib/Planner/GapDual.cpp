//===- GapDual.cpp - A bound, and prices, from the gap program --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapDual.h"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace spillway::planner;

namespace {

/// The cheapest window, and what it costs there.
struct Pick {
  double cost = 0;
  int32_t window = 0;
};

class Dual {
public:
  Dual(const GapProgram &p, double room)
      : program(&p), room(room), k(int32_t(p.numWindows())),
        numRows(uint32_t(p.need.size())) {}

  double climb(double scale, uint32_t iterations, bool oneShare);
  /// The same prices in another unit of time.
  void rescale(double by) {
    for (double &x : price)
      x *= by;
  }
  std::vector<uint32_t> swaps, remakes; ///< by item: iterations
  uint32_t counted = 0;

private:
  enum Kind : uint8_t { Compute, In, Out };
  double evaluate(double scale, bool count);
  double group(const GapItems &g, double scale, bool count);
  double stay(const GapItem &item, double scale, Pick &remake) const;
  Pick leave(const GapItem &item, double store, double scale) const;
  Pick comeBack(const GapItem &item, double ns, Kind kind, double scale) const;
  Pick cheapest(Kind kind, int32_t from, int32_t to) const {
    if (to < from)
      return {1e300, from};
    // The first of the least of two ranges of 2^level windows that cover all.
    uint32_t begin = program->wrap(from);
    uint32_t length = uint32_t(std::min(to - from + 1, k));
    uint32_t level = uint32_t(std::bit_width(length)) - 1;
    const uint8_t *least = leastOf[kind].data() + size_t(level) * 2 * size_t(k);
    uint32_t x = least[begin], y = least[begin + length - (1u << level)];
    if (shareAt(kind, y) < shareAt(kind, x))
      x = y;
    return {shareAt(kind, x), from + int32_t(x - begin)};
  }
  /// What other repetitions pay for as much.
  double again(const GapItems &g, Kind kind, double ns, double scale) const {
    return g.others > 0 ? g.others * elsewhere[kind][g.range].cost * ns / scale
                        : 0;
  }
  void charge(const GapItems &g, Kind kind, int32_t window, double ns) {
    use[kind][program->wrap(window)] += ns;
    if (g.others > 0)
      use[kind][program->wrap(elsewhere[kind][g.range].window)] +=
          g.others * ns;
  }
  double shareAt(Kind kind, uint32_t window) const {
    return share[kind][window < uint32_t(k) ? window : window - uint32_t(k)];
  }
  void findLeast();
  /// Price of a byte at pivots [first, last].
  double between(int32_t first, int32_t last) const {
    return first > last ? 0 : sums[last + 1] - sums[first];
  }
  /// At the pivots of a gap that are in [first, last].
  void occupy(const GapItem &item, int32_t first, int32_t last) {
    double bytes = item.bytes;
    first = std::max(first, item.firstPivot);
    last = std::min(last, item.lastPivot);
    for (int32_t j = first; j <= last; ++j)
      slack[program->wrap(j)] += bytes / room;
  }
  void keep(const GapItem &item) {
    occupy(item, item.firstPivot, item.lastPivot);
    for (uint64_t rest = item.loose; rest; rest &= rest - 1)
      slack[std::countr_zero(rest)] += item.bytes / room;
    for (uint32_t rest = item.extras; rest; rest &= rest - 1)
      slack[program->pivots.size() + std::countr_zero(rest)] +=
          item.bytes / room;
  }

  bool free() const {
    return std::all_of(price.begin(), price.end(),
                       [](double x) { return x == 0; });
  }

  const GapProgram *program;
  double room;
  int32_t k;
  uint32_t numRows;
  std::vector<double> price, slack; ///< by memory row
  std::vector<double> share[3], use[3];
  std::vector<double> sums;       ///< of the pivots' prices over two steps
  std::vector<Pick> elsewhere[3]; ///< by kind: the cheapest of each range
  /// By kind: of 2^level windows from each of two steps on, the first with the
  /// least share.
  std::vector<uint8_t> leastOf[3];
};

void Dual::findLeast() {
  uint32_t n = 2 * uint32_t(k);
  for (Kind kind : {Compute, In, Out}) {
    std::vector<uint8_t> &least = leastOf[kind];
    least.resize(size_t(n) * uint32_t(std::bit_width(uint32_t(k))));
    for (uint32_t w = 0; w < n; ++w)
      least[w] = uint8_t(w);
    for (uint32_t half = 1, row = n; half * 2 <= uint32_t(k);
         half *= 2, row += n)
      for (uint32_t w = 0; w + half * 2 <= n; ++w) {
        uint8_t x = least[row - n + w], y = least[row - n + w + half];
        least[row + w] = shareAt(kind, y) < shareAt(kind, x) ? y : x;
      }
  }
}

/// Kept, or made again and then kept.
double Dual::stay(const GapItem &item, double scale, Pick &remake) const {
  double all = between(item.firstPivot, item.lastPivot);
  for (uint64_t rest = item.loose; rest; rest &= rest - 1)
    all += price[std::countr_zero(rest)];
  for (uint32_t rest = item.extras; rest; rest &= rest - 1)
    all += price[program->pivots.size() + std::countr_zero(rest)];
  all *= item.bytes / room;
  remake = {1e300, 0};
  if (item.remake >= 0 && all > 0)
    remake = comeBack(item, item.remake, Compute, scale);
  return all;
}

/// It is on the device from the window in which it comes back.
Pick Dual::comeBack(const GapItem &item, double ns, Kind kind,
                    double scale) const {
  bool none = item.firstPivot > item.lastPivot;
  Pick best =
      cheapest(kind, none ? item.fromWindow : item.lastPivot, item.toWindow);
  best.cost *= ns / scale;
  if (!none)
    for (int32_t w = item.lastPivot - 1; w >= item.firstPivot; --w) {
      double held = between(w + 1, item.lastPivot) * item.bytes / room;
      if (held >= best.cost)
        break;
      double cost = share[kind][program->wrap(w)] * ns / scale + held;
      if (cost < best.cost)
        best = {cost, w};
    }
  return best;
}

/// It is on the device until the window in which its store is done.
Pick Dual::leave(const GapItem &item, double store, double scale) const {
  bool none = item.firstPivot > item.lastPivot;
  Pick best =
      cheapest(Out, item.storeFrom, none ? item.toWindow : item.firstPivot - 1);
  best.cost *= store / scale;
  if (!none)
    for (int32_t w = item.firstPivot; w <= item.lastPivot; ++w) {
      double held = between(item.firstPivot, w) * item.bytes / room;
      if (held >= best.cost)
        break;
      double cost = share[Out][program->wrap(w)] * store / scale + held;
      if (cost < best.cost)
        best = {cost, w};
    }
  return best;
}

/// The cheapest way for all gaps of a part: without a store, or with one that
/// serves all.
double Dual::group(const GapItems &g, double scale, bool count) {
  struct Way {
    double stay = 0;
    Pick remake, load;
    bool swap = false;
  };
  thread_local std::vector<Way> ways;
  ways.assign(g.end - g.begin, {});
  double without = 0, with = 0;
  Pick out{0, 0}, anywhere{0, 0};
  if (g.store > 0) {
    anywhere = cheapest(Out, 0, k - 1);
    anywhere.cost *= g.store / scale;
    anywhere.cost += again(g, Out, g.store, scale);
  }
  bool leaves = false; // the store is the one before the dirty gap
  for (uint32_t i = g.begin; i < g.end; ++i) {
    const GapItem &item = program->items[i];
    Way &way = ways[i - g.begin];
    double keep = stay(item, scale, way.remake);
    way.remake.cost += again(g, Compute, item.remake, scale);
    way.stay = keep;
    double least = std::min(keep, way.remake.cost);
    without += least;
    if (item.load < 0 || keep <= 0) {
      with += least;
      continue;
    }
    way.load = comeBack(item, item.load, In, scale);
    way.load.cost += again(g, In, item.load, scale);
    if (i == g.dirty && g.store > 0) {
      out = leave(item, g.store, scale);
      out.cost += again(g, Out, g.store, scale);
      // What can be made again need not stay until it is stored.
      if (item.remake >= 0) {
        double remade = cheapest(Compute, item.fromWindow, item.toWindow).cost *
                            item.remake / scale +
                        again(g, Compute, item.remake, scale) + anywhere.cost;
        if (remade < out.cost)
          out = {remade, anywhere.window};
      }
      // Swapped here, with its store; or not, with a store wherever.
      if (out.cost + way.load.cost < least + anywhere.cost) {
        way.swap = leaves = true;
        with += out.cost + way.load.cost;
      } else {
        with += least + anywhere.cost;
      }
      continue;
    }
    way.swap = way.load.cost < least;
    with += way.swap ? way.load.cost : least;
  }
  if (g.dirty == none)
    with += anywhere.cost;
  bool stores = with < without;
  for (uint32_t i = g.begin; i < g.end; ++i) {
    const GapItem &item = program->items[i];
    const Way &way = ways[i - g.begin];
    if (stores && way.swap) {
      charge(g, In, way.load.window, item.load / scale);
      occupy(item, way.load.window + 1, item.lastPivot);
      if (i == g.dirty)
        occupy(item, item.firstPivot, out.window);
      if (count)
        ++swaps[i];
    } else if (way.remake.cost < way.stay) {
      charge(g, Compute, way.remake.window, item.remake / scale);
      occupy(item, way.remake.window + 1, item.lastPivot);
      if (count)
        ++remakes[i];
    } else {
      keep(item);
    }
  }
  if (stores && g.store > 0)
    charge(g, Out, leaves ? out.window : anywhere.window, g.store / scale);
  return std::min(with, without);
}

/// The bound at the present prices, over `scale`; what it uses goes to `use`
/// and `slack`.
double Dual::evaluate(double scale, bool count) {
  uint32_t pivots = uint32_t(program->pivots.size());
  sums.assign(2 * size_t(k) + 2, 0);
  for (uint32_t j = 0; j + 1 < sums.size() && pivots; ++j)
    sums[j + 1] = sums[j] + price[j % pivots];
  for (auto &u : use)
    u.assign(size_t(k), 0);
  findLeast();
  for (Kind kind : {Compute, In, Out}) {
    elsewhere[kind].clear();
    for (auto [first, last] : program->ranges)
      elsewhere[kind].push_back(cheapest(kind, first, last));
  }
  double value = 0;
  for (uint32_t j = 0; j < numRows; ++j) {
    slack[j] = program->need[j] / room - 1;
    value += price[j] * slack[j];
  }
  for (const WindowWork &w : program->work) {
    Pick best = cheapest(Compute, w.from, w.to);
    value += best.cost * w.ns / scale;
    use[Compute][program->wrap(best.window)] += w.ns / scale;
  }
  if (program->fed > 0) {
    Pick best = cheapest(In, 0, k - 1);
    value += best.cost * program->fed / scale;
    use[In][program->wrap(best.window)] += program->fed / scale;
  }
  for (const GapItems &g : program->groups)
    value += group(g, scale, count);
  return value;
}

/// Projected subgradient ascent; returns the best bound on its way.
/// `oneShare`: all windows split their time alike, a coarser program that finds
/// its prices sooner.
double Dual::climb(double scale, uint32_t iterations, bool oneShare) {
  // What takes turns has one price.
  uint32_t kinds = !program->links ? 1 : program->oneWire ? 2 : 3;
  if (price.empty()) {
    price.assign(numRows, 0);
    slack.assign(numRows, 0);
    for (uint32_t r = 0; r < 3; ++r)
      share[r].assign(size_t(k), kinds > 1 || r == 0 ? 1.0 / kinds : 0.0);
    swaps.assign(program->items.size(), 0);
    remakes.assign(program->items.size(), 0);
  }
  std::vector<double> squares(numRows, 0.0), moved(share[0].size(), 0.0);
  std::vector<double> bestPrice = price,
                      bestShare[3] = {share[0], share[1], share[2]};
  double best = 0, factor = 1; // of all steps
  uint32_t improved = 0, began = 0;
  // From here on steps are small, from the best point so far; where a while
  // finds nothing better, from there again, and smaller.
  const uint32_t refine = oneShare ? iterations : iterations / 3, patience = 40;
  for (uint32_t it = 0; it < iterations; ++it) {
    bool count = !oneShare && it >= iterations / 2;
    counted += count;
    double value = evaluate(scale, count);
    // At no price it costs nothing to keep everything.
    if (it == 0 && value >= 0 && free() &&
        *std::max_element(slack.begin(), slack.end()) <= 0)
      return value * scale;
    if (value > best * (1 + (it < refine ? 1e-5 : 1e-6)))
      improved = it;
    if (it < refine && it > improved + 600)
      break;
    if (value > best) {
      best = value;
      bestPrice = price;
      for (uint32_t r = 0; r < 3; ++r)
        bestShare[r] = share[r];
    }
    if (it == refine || (it > refine && it > improved + patience)) {
      if (it == refine) {
        squares.assign(numRows, 0);
        moved.assign(size_t(k), 0);
        began = it;
      }
      factor = it == refine ? 0.1 : 0.6 * factor;
      if (factor < 1e-4)
        break;
      improved = it;
      price = bestPrice;
      for (uint32_t r = 0; r < 3; ++r)
        share[r] = bestShare[r];
      continue;
    }
    double step = factor * 0.5 / (1 + double(it - began) / 40);
    for (uint32_t j = 0; j < numRows; ++j) {
      squares[j] += slack[j] * slack[j];
      if (squares[j] > 0)
        price[j] =
            std::max(0.0, price[j] + step * slack[j] / std::sqrt(squares[j]));
    }
    if (kinds == 1)
      continue;
    if (oneShare)
      for (auto &u : use) {
        double sum = 0;
        for (double x : u)
          sum += x;
        u.assign(size_t(k), sum);
      }
    for (int32_t w = 0; w < k; ++w) {
      if (program->oneWire)
        use[In][w] += use[Out][w];
      double mean = 0, sum = 0;
      for (uint32_t r = 0; r < kinds; ++r)
        mean += share[r][w] * use[r][w];
      for (uint32_t r = 0; r < kinds; ++r)
        moved[w] += (use[r][w] - mean) * (use[r][w] - mean);
      for (uint32_t r = 0; r < kinds; ++r) {
        double by =
            2 * factor * (use[r][w] - mean) / std::sqrt(moved[w] + 1e-12);
        share[r][w] *= std::exp(std::clamp(by, -2.0, 2.0));
        share[r][w] = std::max(share[r][w], 1e-9);
        sum += share[r][w];
      }
      for (uint32_t r = 0; r < kinds; ++r)
        share[r][w] /= sum;
      if (program->oneWire)
        share[Out][w] = share[In][w];
    }
  }
  price = bestPrice;
  for (uint32_t r = 0; r < 3; ++r)
    share[r] = bestShare[r];
  return best * scale;
}

} // namespace

GapPrices spillway::planner::priceGaps(const Analysis &a,
                                       const std::vector<uint64_t> &budgets,
                                       bool anyOrder, uint32_t iterations) {
  GapPrices out;
  out.swapped.assign(a.gaps.size(), 0);
  out.remade.assign(a.gaps.size(), 0);
  if (a.numOps == 0)
    return out;
  GapProgram program = buildGapProgram(a, anyOrder);
  // An iteration takes time in proportion to the items.
  iterations = std::min<uint32_t>(
      iterations, 100 + uint32_t(10'000'000 / (program.items.size() + 1)));
  double compute = 0, moves = 0;
  for (const WindowWork &w : program.work)
    compute += w.ns;
  for (const GapItems &g : program.groups)
    for (uint32_t i = g.begin; i < g.end; ++i)
      moves += std::max(program.items[i].load, 0.0) * (1 + g.others);
  out.boundNs = std::max(compute, program.fed);
  if (budgets[0] == unlimited)
    return out;
  // Steps of the ascent are in units of what the answer may be like: the
  // compute time, or the time to move everything that moves once.
  std::vector<double> scales{std::max(out.boundNs, 1.0)};
  if (moves > 2 * compute)
    scales.push_back(moves);
  Dual dual(program, double(budgets[0]));
  double scale = 1, coarse = -1;
  for (double s : scales) {
    Dual other(program, double(budgets[0]));
    double value = other.climb(s, iterations / 5, true);
    if (value > coarse * 1.2) { // steps in units of the first serve as a rule
      dual = std::move(other);
      coarse = value;
      scale = s;
    }
  }
  if (double finer = std::max(coarse, 1.0); finer > scale / 100) {
    dual.rescale(scale / finer);
    scale = finer;
  }
  double fine = dual.climb(scale, iterations - iterations / 5, false);
  out.boundNs = std::max({out.boundNs, coarse, fine});
  if (anyOrder || dual.counted == 0)
    return out;
  for (uint32_t i = 0; i < program.items.size(); ++i) {
    const GapItem &item = program.items[i];
    auto s = uint32_t(
        std::upper_bound(a.cellBegin.begin(), a.cellBegin.end(), item.cell) -
        a.cellBegin.begin() - 1);
    for (int32_t part : {-1, int32_t(item.cell - a.cellBegin[s])}) {
      if (part >= int32_t(a.slotBegin[s + 1] - a.slotBegin[s]) - 1)
        continue;
      uint32_t g = a.gapAt(a.slot(s, part), item.from);
      if (g == none)
        continue;
      out.swapped[g] = float(dual.swaps[i]) / float(dual.counted);
      out.remade[g] = float(dual.remakes[i]) / float(dual.counted);
    }
  }
  return out;
}
