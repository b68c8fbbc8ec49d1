//===- GapWays.cpp - The cheapest way for each gap --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapAscent.h"

#include <utility>

using namespace spillway::planner;
using Pick = GapAscent::Pick;

void GapAscent::findLeast() {
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
double GapAscent::stay(const GapItem &item, double scale, Pick &remake) const {
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
Pick GapAscent::comeBack(const GapItem &item, double ns, Kind kind,
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
Pick GapAscent::leave(const GapItem &item, int32_t heldFrom, double store,
                      double scale) const {
  bool none = item.firstPivot > item.lastPivot;
  Pick best =
      cheapest(Out, item.storeFrom, none ? item.toWindow : heldFrom - 1);
  best.cost *= store / scale;
  if (!none)
    for (int32_t w = heldFrom; w <= item.lastPivot; ++w) {
      double held = between(heldFrom, w) * item.bytes / room;
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
void GapAscent::choose(const GapItems &g, double scale, Ways &ways,
                       uint32_t comesBack) const {
  ways.gaps.assign(g.end - g.begin, {});
  double without = 0, with = 0;
  ways.out = ways.anywhere = {0, 0};
  if (g.store > 0) {
    ways.anywhere = cheapest(Out, 0, k - 1);
    ways.anywhere.cost *= g.store / scale;
    ways.anywhere.cost += again(g, Out, g.store, scale);
  }
  ways.leaves = false; // the store is the one before the dirty gap
  for (uint32_t i = g.begin; i < g.end; ++i) {
    const GapItem &item = program->items[i];
    Way &way = ways.gaps[i - g.begin];
    double keep = stay(item, scale, way.remake);
    way.remake.cost += again(g, Compute, item.remake, scale);
    way.stay = keep;
    double least = std::min(keep, way.remake.cost);
    if (i == comesBack) {
      way.load = comeBack(item, item.load, In, scale);
      way.swap = true;
      with += way.load.cost;
      without = 1e300;
      continue;
    }
    without += least;
    if (item.load < 0 || keep <= 0) {
      with += least;
      continue;
    }
    way.load = comeBack(item, item.load, In, scale);
    way.load.cost += again(g, In, item.load, scale);
    if (i == g.dirty && g.store > 0) {
      Pick &out = ways.out;
      out = leave(item, g.heldFrom, g.store, scale);
      out.cost += again(g, Out, g.store, scale);
      // What can be made again need not stay until it is stored.
      if (item.remake >= 0) {
        double remade = cheapest(Compute, item.fromWindow, item.toWindow).cost *
                            item.remake / scale +
                        again(g, Compute, item.remake, scale) +
                        ways.anywhere.cost;
        if (remade < out.cost)
          out = {remade, ways.anywhere.window};
      }
      // Swapped here, with its store; or not, with a store wherever.
      if (out.cost + way.load.cost < least + ways.anywhere.cost) {
        way.swap = ways.leaves = true;
        with += out.cost + way.load.cost;
      } else {
        with += least + ways.anywhere.cost;
      }
      continue;
    }
    way.swap = way.load.cost < least;
    with += way.swap ? way.load.cost : least;
  }
  if (g.dirty == none)
    with += ways.anywhere.cost;
  ways.stores = with < without;
  ways.cost = std::min(with, without);
}

void GapAscent::take(const GapItems &g, const Ways &ways, double scale,
                     bool count) {
  for (uint32_t i = g.begin; i < g.end; ++i) {
    const GapItem &item = program->items[i];
    const Way &way = ways.gaps[i - g.begin];
    if (ways.stores && way.swap) {
      charge(g, In, way.load.window, item.load / scale);
      occupy(item, way.load.window + 1, item.lastPivot);
      if (i == g.dirty)
        occupy(item, g.heldFrom, ways.out.window);
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
  if (ways.stores && g.store > 0)
    charge(g, Out, ways.leaves ? ways.out.window : ways.anywhere.window,
           g.store / scale);
}

/// For all windows in which an update may run; the best leaving window for each
/// window to come back in follows from the one before.
void GapAscent::findTrips(double scale) {
  trips.assign(size_t(k), {});
  waits.assign(size_t(k), {});
  auto move = [&](Kind kind, int32_t w) {
    return share[kind][program->wrap(w)] *
           (kind == In ? program->loadNs : program->storeNs) / scale;
  };
  auto held = [&](int32_t pivot) { return price[program->wrap(pivot)] / room; };
  always = between(0, k - 1) / room;
  for (int32_t x = 0; x < k; ++x) {
    double until = 0; // held since the update
    Trip best;
    double out = 1e300;
    int32_t at = x;
    for (int32_t w = x; w <= x + k; ++w) {
      if (w > x) {
        until += held(w);
        best.cost += held(w); // who has come back is there at this pivot
      }
      if (double cost = until + move(Out, w); cost < out)
        out = cost, at = w;
      if (double cost = out + move(In, w); cost < best.cost)
        best = {cost, at, w};
    }
    trips[uint32_t(x)] = best;
  }
  Pick before = cheapest(Out, 0, k - 1);
  double out = before.cost * program->storeNs / scale, until = 0;
  int32_t at = before.window - k;
  Trip best; // through the links
  for (int32_t x = 0; x < k; ++x) {
    until += held(x);
    best.cost += held(x);
    if (double cost = until + move(Out, x); cost < out)
      out = cost, at = x;
    if (double cost = out + move(In, x); cost < best.cost)
      best = {cost, at, x};
    waits[uint32_t(x)] = until <= best.cost ? Trip{until, 1, 0} : best;
  }
}

void GapAscent::stayThere(const GapUpdate &u) {
  occupy(u.bytes, 0, k - 1);
  for (uint32_t rest = u.extras; rest; rest &= rest - 1)
    slack[program->pivots.size() + std::countr_zero(rest)] += u.bytes / room;
}

/// Its state leaves and comes back in any windows.
double GapAscent::updateAtAnyTime(const GapUpdate &u, double stays,
                                  double scale, bool count) {
  Pick in = cheapest(In, 0, k - 1), away = cheapest(Out, 0, k - 1);
  double moved =
      (in.cost * program->loadNs + away.cost * program->storeNs) / scale;
  double best = std::min(stays, moved) * u.bytes;
  for (GapItems g : u.groups) {
    g.dirty = none;
    choose(g, scale, late);
    best += late.cost;
    take(g, late, scale, count);
  }
  if (moved < stays) {
    use[In][program->wrap(in.window)] += u.bytes * program->loadNs / scale;
    use[Out][program->wrap(away.window)] += u.bytes * program->storeNs / scale;
  } else {
    stayThere(u);
  }
  return best;
}

/// What it costs off the device; `take`: it is there.
double GapAscent::updateElsewhere(const GapUpdate &u, double scale, bool count,
                                  bool taken) {
  Pick out = cheapest(Out, u.sentFrom, u.late + k);
  double best = u.sent > 0 ? out.cost * u.sent * program->storeNs / scale : 0;
  for (GapItems g : u.groups) {
    uint32_t wraps = std::exchange(g.dirty, none);
    g.store = 0;
    choose(g, scale, late, wraps);
    best += late.cost;
    if (taken)
      take(g, late, scale, count);
  }
  if (taken && u.sent > 0)
    use[Out][program->wrap(out.window)] += u.sent * program->storeNs / scale;
  return best;
}

/// The cheapest time for an update, and what it means.
double GapAscent::update(const GapUpdate &u, double scale, bool count) {
  double stays = always;
  for (uint32_t rest = u.extras; rest; rest &= rest - 1)
    stays += price[program->pivots.size() + std::countr_zero(rest)] / room;
  if (relaxed && u.late >= 0 && !u.either)
    return updateAtAnyTime(u, stays, scale, count);
  int32_t when = u.from;
  double best = 1e300;
  for (int32_t x = u.from; x <= u.to; ++x)
    if (double cost =
            std::min(stays, trips[program->wrap(x)].cost) * u.bytes +
            (u.either ? share[Compute][program->wrap(x)] * u.ns / scale : 0);
        cost < best)
      best = cost, when = x;
  for (const GapItems &g : u.groups) {
    choose(g, scale, onTime);
    best += onTime.cost;
  }
  if (u.either)
    if (double cost = updateElsewhere(u, scale, count, false); cost < best)
      return updateElsewhere(u, scale, count, true);
  double others = 0;
  for (GapItems g : u.groups) {
    g.dirty = none;
    choose(g, scale, late);
    others += late.cost;
  }
  bool trails = false;
  for (int32_t x = 0; x <= u.late && !u.either; ++x)
    if (double cost = std::min(stays, trips[uint32_t(x)].cost) * u.bytes +
                      waits[uint32_t(x)].cost * u.gradient + others;
        cost < best)
      best = cost, when = x, trails = true;
  for (GapItems g : u.groups) {
    if (trails)
      g.dirty = none;
    choose(g, scale, onTime);
    take(g, onTime, scale, count);
  }
  when = int32_t(program->wrap(when));
  if (u.either)
    use[Compute][uint32_t(when)] += u.ns / scale;
  if (const Trip &t = trips[uint32_t(when)]; t.cost < stays) {
    use[In][program->wrap(t.in)] += u.bytes * program->loadNs / scale;
    use[Out][program->wrap(t.out)] += u.bytes * program->storeNs / scale;
    occupy(u.bytes, when + 1, t.out);
    occupy(u.bytes, t.in + 1, when + k);
    if (count)
      for (uint32_t i : u.items)
        ++swaps[i];
  } else {
    stayThere(u);
  }
  if (!trails)
    return best;
  if (const Trip &t = waits[uint32_t(when)]; t.out > t.in) {
    occupy(u.gradient, 0, when);
  } else {
    use[In][program->wrap(t.in)] += u.gradient * program->loadNs / scale;
    use[Out][program->wrap(t.out)] += u.gradient * program->storeNs / scale;
    occupy(u.gradient, 0, t.out);
    occupy(u.gradient, t.in + 1, when);
  }
  return best;
}

/// The bound at the present prices, over `scale`; what it uses goes to `use`
/// and `slack`.
double GapAscent::evaluate(double scale, bool count) {
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
  for (const GapItems &g : program->groups) {
    choose(g, scale, onTime);
    value += onTime.cost;
    take(g, onTime, scale, count);
  }
  if (!program->updates.empty())
    findTrips(scale);
  for (const GapUpdate &u : program->updates)
    value += update(u, scale, count);
  return value;
}
