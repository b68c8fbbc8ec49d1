//===- WindowModel.h - The integer program over windows ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Columns and rows of the program that WindowProgram.h describes. First what
// is asked of the problem (WindowModel.cpp), then the rows (WindowRows.cpp, and
// WindowFlight.cpp for what is on its way while a pivot runs).
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_WINDOWMODEL_H
#define SPILLWAY_LIB_PLANNER_WINDOWMODEL_H

#include "Analysis.h"
#include "Solver/Milp.h"

namespace spillway::planner {

/// Columns of one thing for windows or pivots [low, high].
struct WindowColumns {
  uint32_t first = none;
  int32_t low = 0, high = -1;
  bool has(int32_t w) const { return first != none && low <= w && w <= high; }
  uint32_t at(int32_t w) const { return first + uint32_t(w - low); }
};

struct WindowOp {
  std::vector<uint32_t> reads, makes, all; ///< cells
  double need = 0;                         ///< share of the budget
  double ns = 0;                           ///< in units of `scale`
  bool device = false;                     ///< it runs nowhere else
  int32_t pivot = -1;
  int32_t low = 0, high = 0; ///< windows in which it may run first
  int32_t until = 0;         ///< the last in which it may run usefully
  WindowColumns run;
  uint32_t elsewhere = none; ///< the column that says it runs elsewhere
};

struct WindowCell {
  double bytes = 0;                ///< share of the budget
  double load = -1, store = -1;    ///< in units of `scale`; -1: impossible
  uint32_t writer = none;          ///< of a temporary
  std::vector<uint32_t> updaters;  ///< ascending
  std::vector<uint32_t> readers;   ///< and updaters
  bool cyclic = false;             ///< it is there over the step's end
  bool fed = false, fixed = false; ///< fixed: always on the device
  bool output = false, mustStore = false;
  int32_t until = -1; ///< the last window in which it may be of use
  WindowColumns there, back, loading, storing, through;
};

class WindowModel {
public:
  using Terms = std::vector<LinearProgram::Term>;
  using Columns = WindowColumns;
  using Op = WindowOp;
  using Cell = WindowCell;

  WindowModel(const Analysis &a, const std::vector<uint64_t> &budgets,
              bool anyOrder)
      : a(a), problem(a.problem), anyOrder(anyOrder), room(double(budgets[0])) {
  }

  /// False where there is nothing to solve.
  bool look();
  /// False where the program would have too many columns.
  bool choosePivots(uint32_t maxColumns);
  void build();

  /// Of the runs that every plan has.
  double leastCost() const {
    double sum = 0;
    for (const Op &op : ops)
      sum += op.device ? op.ns : 0;
    return sum;
  }

  LinearProgram program;
  double scale = 1; ///< ns a unit of cost

private:
  void lookAtLinks();
  void lookAtCells();
  void findTotals();
  std::vector<bool> heaviestChain() const;
  void placeAll();
  uint64_t columns() const;
  void addColumns();
  void addPresence();
  void addRuns();
  void addMemory();
  void addLoads(Cell &c);
  void addStores(Cell &c);
  void addFlight(int32_t k);
  void addFlight(const Op &pivot, const Cell &c, int32_t w, double left,
                 Terms &average, Terms &end);
  uint32_t besideColumn(const Op &pivot, uint32_t transfer, int32_t w,
                        std::vector<Terms> &beside);
  void addTime();

  int32_t count() const { return int32_t(pivots.size()); }
  /// The interval of a window.
  uint32_t interval(int32_t w) const {
    return uint32_t(w >= count() ? w - count() : w);
  }
  int32_t wrap(const Cell &c, int32_t w) const {
    return c.cyclic ? int32_t(interval(w)) : w;
  }
  static void add(Terms &terms, const Columns &c, int32_t w, double by) {
    if (c.has(w))
      terms.push_back({c.at(w), by});
  }
  /// What brings a cell to the device in window w.
  void comes(Terms &terms, const Cell &c, int32_t w, double by) const {
    if (c.writer != none)
      add(terms, ops[c.writer].run, w, by);
    add(terms, c.back, wrap(c, w), by);
  }
  /// What says that it is there at pivot k; before the first, of a cyclic one,
  /// at the last.
  void isThere(Terms &terms, const Cell &c, int32_t k, double by) const {
    add(terms, c.there, c.cyclic && k < 0 ? count() - 1 : k, by);
  }
  int32_t deadline(const Cell &c, int32_t w) const;

  const Analysis &a;
  const Problem &problem;
  bool anyOrder;
  double room, inRate = 0, outRate = 0; ///< bytes a ns
  const Link *onlyIn = nullptr, *onlyOut = nullptr;
  bool oneWire = false, hostRow = false;
  double base = 0; ///< what is always there and nobody uses
  std::vector<std::vector<uint32_t>> from;
  std::vector<double> total; ///< by operator: live where all is kept
  std::vector<uint32_t> pivots;
  std::vector<Op> ops;
  std::vector<Cell> cells;
  std::vector<Terms> in, out; ///< by interval
  /// Of these, what runs beside the pivot with which the interval begins.
  std::vector<Terms> besideIn, besideOut;
  std::vector<bool> besides; ///< by interval: whether that is known
  Terms host;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_WINDOWMODEL_H
