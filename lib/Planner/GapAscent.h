//===- GapAscent.h - The dual of the gap program ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to GapWays.cpp, which finds the cheapest way for all gaps at given
// prices, and to GapDual.cpp, which looks for prices.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_GAPASCENT_H
#define SPILLWAY_LIB_PLANNER_GAPASCENT_H

#include "GapProgram.h"

#include <algorithm>
#include <bit>

namespace spillway::planner {

class GapAscent {
public:
  /// The cheapest window, and what it costs there.
  struct Pick {
    double cost = 0;
    int32_t window = 0;
  };

  GapAscent(const GapProgram &p, double room)
      : program(&p), room(room), k(int32_t(p.numWindows())),
        numRows(uint32_t(p.need.size())) {}

  double climb(double scale, uint32_t iterations, bool oneShare);
  double startFromCuts(double scale);
  void begin();
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
  /// What is done with one gap.
  struct Way {
    double stay = 0;
    Pick remake, load;
    bool swap = false;
  };
  /// What is done with all gaps of a part.
  struct Ways {
    std::vector<Way> gaps;
    double cost = 0;
    Pick out, anywhere; ///< where it is stored
    bool stores = false, leaves = false;
  };
  /// `comesBack`: the gap is swapped, without a store.
  void choose(const GapItems &g, double scale, Ways &ways,
              uint32_t comesBack = UINT32_MAX) const;
  void take(const GapItems &g, const Ways &ways, double scale, bool count);
  double update(const GapUpdate &u, double scale, bool count);
  double updateAtAnyTime(const GapUpdate &u, double stays, double scale,
                         bool count);
  double updateElsewhere(const GapUpdate &u, double scale, bool count,
                         bool take);
  void stayThere(const GapUpdate &u);
  void findTrips(double scale);
  double stay(const GapItem &item, double scale, Pick &remake) const;
  Pick leave(const GapItem &item, int32_t heldFrom, double store,
             double scale) const;
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
  void occupy(double bytes, int32_t first, int32_t last) {
    for (int32_t j = first; j <= last; ++j)
      slack[program->wrap(j)] += bytes / room;
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

  /// What takes turns has one price.
  uint32_t numKinds() const {
    return !program->links ? 1 : program->oneWire ? 2 : 3;
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
  /// Of a byte of state whose update runs in a window of the first step, by
  /// that: leaving in a window and coming back in another before the next one.
  struct Trip {
    double cost = 1e300;
    int32_t out = 0, in = 0;
  };
  std::vector<Trip> trips;
  double always = 0; ///< the price of a byte that stays
  /// Of a byte that waits until a window of the next step, by that: what it
  /// costs; and the way through the links, or `out` > `in`: none.
  std::vector<Trip> waits;
  /// Of updates that may be late it does not count what waits with them. It is
  /// less, and the ascent comes further with it before it counts.
  bool relaxed = true;
  Ways onTime, late; ///< scratch
  /// By kind: of 2^level windows from each of two steps on, the first with the
  /// least share.
  std::vector<uint8_t> leastOf[3];
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_GAPASCENT_H
