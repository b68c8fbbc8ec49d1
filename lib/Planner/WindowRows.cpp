//===- WindowRows.cpp - Columns and rows of the window program --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WindowModel.h"

#include <algorithm>

using namespace spillway::planner;

void WindowModel::addColumns() {
  auto range = [&](int32_t low, int32_t high, double upper, bool integer,
                   double cost = 0) {
    Columns c{none, low, high};
    for (int32_t w = low; w <= high; ++w) {
      uint32_t column = program.addColumn(0, upper, cost, integer);
      c.first = w == low ? column : c.first;
    }
    return c;
  };
  int32_t k = count();
  for (uint32_t at = 0; at < a.numOps; ++at) {
    Op &op = ops[at];
    op.run = range(op.low, op.until, 1, true, inRate > 0 ? 0 : op.ns);
    if (op.pivot >= 0)
      program.columnLower[op.run.at(op.pivot)] = 1;
    if (!op.device)
      op.elsewhere = program.addBinary(0);
  }
  for (Cell &c : cells) {
    if (c.readers.empty() && c.writer == none)
      continue;
    int32_t low = c.cyclic ? 0 : ops[c.writer].low;
    int32_t high = c.cyclic ? k - 1 : c.until;
    c.there = range(low, std::min(std::max(high, low), k - 1), 1, true);
    for (int32_t w = low; c.fixed && w < k; ++w)
      program.columnLower[c.there.at(w)] = 1;
    bool fromHost = c.writer != none && !ops[c.writer].device;
    if (c.load >= 0 && (c.cyclic || c.store >= 0 || fromHost)) {
      c.back = range(low, high, 1, false);
      c.loading = range(low, high, unbounded, false);
    }
    if (c.store >= 0)
      c.storing = range(low, high, unbounded, false);
  }
  for (uint32_t p : pivots)
    for (uint32_t c : ops[p].all)
      if (cells[c].there.has(ops[p].pivot))
        program.columnLower[cells[c].there.at(ops[p].pivot)] = 1;
}

/// What is there at a pivot was there at the one before, or has come since.
void WindowModel::addPresence() {
  for (const Cell &c : cells)
    for (int32_t k = c.there.low; k <= c.there.high && !c.fixed; ++k) {
      Terms row{{c.there.at(k), 1}};
      isThere(row, c, k - 1, -1);
      comes(row, c, k, -1);
      // Of a cyclic cell the last window of the step before is this one too.
      program.addRow(-unbounded, 0, row);
    }
}

void WindowModel::addRuns() {
  for (const Op &op : ops) {
    Terms once;
    for (int32_t w = op.low; w <= op.high; ++w)
      once.push_back({op.run.at(w), 1});
    if (op.elsewhere != none)
      once.push_back({op.elsewhere, 1});
    if (op.pivot < 0)
      program.addRow(1, unbounded, once);
    for (int32_t w = op.low; w <= op.until; ++w)
      for (uint32_t r : op.reads) {
        if (cells[r].fixed || w == op.pivot)
          continue;
        Terms row{{op.run.at(w), 1}};
        isThere(row, cells[r], w - 1, -1);
        comes(row, cells[r], w, -1);
        program.addRow(-unbounded, 0, row);
      }
  }
  // An output is there when the step ends, or has been stored.
  for (const Cell &c : cells)
    if (c.output) {
      Terms row;
      isThere(row, c, count() - 1, 1);
      comes(row, c, count(), 1);
      if (ops[c.writer].elsewhere != none)
        row.push_back({ops[c.writer].elsewhere, 1});
      for (int32_t w = c.storing.low; w <= c.storing.high && c.store > 0; ++w)
        add(row, c.storing, w, 1 / c.store);
      if (c.store != 0)
        program.addRow(1, unbounded, row);
    }
}

void WindowModel::addMemory() {
  constexpr double slack = 1e-9; // of coefficients that are rounded
  for (int32_t k = 0; k < count(); ++k) {
    const Op &op = ops[pivots[size_t(k)]];
    Terms row;
    for (uint32_t i = 0; i < cells.size(); ++i)
      if (!std::binary_search(op.all.begin(), op.all.end(), i))
        add(row, cells[i].there, k, cells[i].bytes);
    program.addRow(-unbounded, 1 + slack - base - op.need, row);
  }
  for (int32_t w = 0; w <= count(); ++w) {
    std::vector<const Op *> runs;
    for (const Op &op : ops)
      if (op.run.has(w) && op.pivot != w)
        runs.push_back(&op);
    if (runs.empty())
      continue;
    // Their sum is a column of its own: the rows are then short.
    uint32_t sum = program.addColumn(0, unbounded, 0);
    Terms all{{sum, -1}};
    for (Cell &c : cells) {
      int32_t at = wrap(c, w), previous = at - 1;
      if (c.cyclic && previous < 0)
        previous = count() - 1;
      c.through = {};
      if (!c.there.has(at) || !c.there.has(previous))
        continue;
      c.through = {program.addColumn(0, 1, 0), w, w};
      Terms row{{c.through.first, 1}, {c.there.at(at), -1}};
      comes(row, c, w, 1);
      program.addRow(0, unbounded, row);
      all.push_back({c.through.first, c.bytes});
    }
    program.addRow(0, 0, all);
    for (const Op *op : runs) {
      Terms row{{sum, 1}, {op->run.at(w), op->need}};
      for (uint32_t c : op->all)
        add(row, cells[c].through, w, -cells[c].bytes);
      program.addRow(-unbounded, 1 + slack - base, row);
    }
  }
}

/// The last window in which a load that starts in window w is surely done: the
/// next certain use's.
int32_t WindowModel::deadline(const Cell &c, int32_t w) const {
  int32_t k = count(), best = c.cyclic ? w + k - 1 : c.until;
  for (uint32_t r : c.readers) {
    const Op &op = ops[r];
    if (!op.device)
      continue;
    for (int32_t step : {0, k}) {
      if (step && !c.cyclic)
        continue;
      if (op.low + step > w || (op.pivot >= 0 && op.pivot + step == w))
        best = std::min(best, op.high + step);
    }
  }
  return best;
}

void WindowModel::addLoads(Cell &c) {
  if (c.back.first == none)
    return;
  for (int32_t w = c.back.low; w <= c.back.high; ++w) {
    Terms row{{c.back.at(w), -c.load}};
    for (int32_t d = deadline(c, w), x = w; x <= d; ++x)
      add(row, c.loading, wrap(c, x), 1);
    program.addRow(0, unbounded, row);
  }
  Terms all;
  double least = c.fed ? c.load : 0;
  for (int32_t w = c.loading.low; w <= c.loading.high; ++w) {
    all.push_back({c.loading.at(w), 1});
    in[interval(w)].push_back({c.loading.at(w), 1});
  }
  // What changed off the device is loaded where the device reads it.
  bool read = false;
  for (uint32_t r : c.readers)
    read |= ops[r].device;
  if (!read)
    return;
  if (least > 0)
    program.addRow(least, unbounded, all);
  for (uint32_t u : c.updaters)
    if (c.cyclic && ops[u].elsewhere != none) {
      Terms row = all;
      row.push_back({ops[u].elsewhere, -c.load});
      program.addRow(0, unbounded, row);
    }
}

void WindowModel::addStores(Cell &c) {
  if (c.storing.first == none)
    return;
  int32_t k = count();
  Terms all;
  for (int32_t w = c.storing.low; w <= c.storing.high; ++w) {
    all.push_back({c.storing.at(w), 1});
    out[interval(w)].push_back({c.storing.at(w), 1});
    // The first store of a content is of the instance in which it was made:
    // what is loaded in this window must be changed in it to be stored in it.
    Terms row{{c.storing.at(w), 1}};
    isThere(row, c, w - 1, -c.store);
    if (c.writer != none)
      add(row, ops[c.writer].run, w, -c.store);
    bool changed = false;
    for (uint32_t u : c.updaters)
      changed |=
          ops[u].pivot < 0 &&
          (ops[u].run.has(w) || (c.cyclic && w == 0 && ops[u].run.has(k)));
    if (changed)
      add(row, c.back, w, -c.store);
    program.addRow(-unbounded, 0, row);
  }
  if (c.mustStore)
    program.addRow(c.store, unbounded, all);
  // Changed by one operator, and surely on the device: stored after that.
  const Op *last = c.updaters.size() == 1            ? &ops[c.updaters[0]]
                   : c.updaters.empty() && !c.cyclic ? &ops[c.writer]
                                                     : nullptr;
  bool elsewhere = c.writer != none && !ops[c.writer].device;
  for (uint32_t u : c.updaters)
    elsewhere |= !ops[u].device;
  for (int32_t w = c.back.low; w <= c.back.high && !elsewhere; ++w) {
    Terms row = all;
    if (last) {
      // From the interval in which the content may have been there first.
      int32_t begin = last->low + (last->pivot >= 0), end = w;
      if (c.cyclic && w <= last->high)
        end = w < last->low ? w + k : begin + k - 1;
      if (!c.cyclic && c.updaters.size() == 1 && w <= last->high)
        begin = c.storing.low;
      row.clear();
      for (int32_t x = begin;
           x <= std::min(end, begin + k - 1) || (!c.cyclic && x <= end); ++x)
        add(row, c.storing, wrap(c, x), 1);
    }
    row.push_back({c.back.at(w), -c.store});
    program.addRow(0, unbounded, row);
  }
}

void WindowModel::addTime() {
  int32_t k = count();
  if (inRate == 0)
    return;
  std::vector<Terms> compute{size_t(k)};
  for (const Op &op : ops) {
    for (int32_t w = op.low; w <= op.until; ++w)
      compute[interval(w == op.pivot ? w + 1 : w)].push_back(
          {op.run.at(w), -op.ns});
    if (op.elsewhere == none || !hostRow)
      continue;
    host.push_back(
        {op.elsewhere,
         -double(problem.operators[&op - ops.data()].costNs[1]) / scale});
  }
  Terms step;
  for (int32_t w = 0; w < k; ++w) {
    uint32_t t = program.addColumn(0, unbounded, 1);
    step.push_back({t, 1});
    auto atLeast = [&](Terms work, double sign) {
      for (auto &term : work)
        term.second *= sign;
      if (work.empty())
        return;
      work.push_back({t, 1});
      program.addRow(0, unbounded, work);
    };
    atLeast(compute[size_t(w)], 1);
    if (oneWire)
      in[size_t(w)].insert(in[size_t(w)].end(), out[size_t(w)].begin(),
                           out[size_t(w)].end());
    atLeast(in[size_t(w)], -1);
    if (!oneWire)
      atLeast(out[size_t(w)], -1);
    if (!besides[size_t(w)])
      continue;
    // The rest does not run beside the pivot.
    double ns = ops[pivots[size_t(w ? w - 1 : k - 1)]].ns;
    auto rest = [&](const Terms &moves, const Terms &beside) {
      Terms row{{t, 1}};
      for (auto [column, by] : moves)
        row.push_back({column, -by});
      row.insert(row.end(), beside.begin(), beside.end());
      program.addRow(ns, unbounded, row);
      program.addRow(-unbounded, ns, beside);
    };
    if (oneWire)
      besideIn[size_t(w)].insert(besideIn[size_t(w)].end(),
                                 besideOut[size_t(w)].begin(),
                                 besideOut[size_t(w)].end());
    rest(in[size_t(w)], besideIn[size_t(w)]);
    if (!oneWire)
      rest(out[size_t(w)], besideOut[size_t(w)]);
  }
  if (!host.empty()) {
    step.insert(step.end(), host.begin(), host.end());
    program.addRow(0, unbounded, step);
  }
}

void WindowModel::build() {
  for (auto *list : {&in, &out, &besideIn, &besideOut})
    list->resize(pivots.size());
  besides.resize(pivots.size());
  addColumns();
  addPresence();
  addRuns();
  addMemory();
  for (Cell &c : cells) {
    addLoads(c);
    addStores(c);
  }
  for (int32_t k = 0; k < count(); ++k)
    addFlight(k);
  addTime();
}
