//===- WindowFlight.cpp - What moves while a pivot runs ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is on its way to or from the device takes all of its bytes there for as
// long as it is on its way. While a pivot runs, what is there has to fit beside
// what the pivot needs: on the average, and when the run ends.
//
//   U[c], V[c]  of X and Y in the interval, the time beside the pivot's run
//   A[c]        the share of the run during which c is there
//   E[c]        c is there when the run ends                    0 or 1
// With Q = P[w,c] - R[w,writer of c] - L[w,c], 1 if c is there all through:
//   A >= U / ns,  A >= V / ns,  A >= Q
//   E >= U / min(load time, ns),  E >= Q    what began to come stays to be used
//   sum of bytes * A <= M - what the pivot needs,  and so with E
//   sum of U <= ns,  t >= ns + sum of X - sum of U      (V with Y likewise)
//
//===----------------------------------------------------------------------===//

#include "WindowModel.h"

#include <algorithm>

using namespace spillway::planner;

/// Of a cell that the pivot does not access, in a window of the interval that
/// begins with the pivot. `left`: bytes that the pivot leaves free.
void WindowModel::addFlight(const Op &pivot, const Cell &c, int32_t w,
                            double left, Terms &average, Terms &end) {
  int32_t at = wrap(c, w);
  Terms through;
  if (c.there.has(at) && (w > 0 || c.cyclic)) {
    through.push_back({c.there.at(at), 1});
    comes(through, c, w, -1);
  }
  bool loads = c.loading.has(at), stores = c.storing.has(at);
  if (c.bytes > left) { // not even for a moment
    if (!through.empty())
      program.addRow(-unbounded, 0, through);
    return;
  }
  if (through.empty() && !loads && !stores)
    return;
  auto presence = [&](Terms &sum, bool integer) {
    uint32_t column = program.addColumn(0, 1, 0, integer);
    sum.push_back({column, c.bytes});
    Terms row = through;
    row.push_back({column, -1});
    program.addRow(-unbounded, 0, row);
    return column;
  };
  uint32_t share = presence(average, false), last = presence(end, loads);
  if (loads) {
    uint32_t column = besideColumn(pivot, c.loading.at(at), w, besideIn);
    program.addRow(-unbounded, 0, {{column, 1}, {share, -pivot.ns}});
    program.addRow(-unbounded, 0,
                   {{column, 1}, {last, -std::min(c.load, pivot.ns)}});
  }
  if (stores) {
    uint32_t column = besideColumn(pivot, c.storing.at(at), w, besideOut);
    program.addRow(-unbounded, 0, {{column, 1}, {share, -pivot.ns}});
  }
}

/// The part of a transfer's time in window w that is beside the pivot's run.
uint32_t WindowModel::besideColumn(const Op &pivot, uint32_t transfer,
                                   int32_t w, std::vector<Terms> &beside) {
  uint32_t column = program.addColumn(0, pivot.ns, 0);
  program.addRow(-unbounded, 0, {{column, 1}, {transfer, -1}});
  beside[interval(w)].push_back({column, 1});
  return column;
}

void WindowModel::addFlight(int32_t k) {
  constexpr double slack = 1e-9; // of coefficients that are rounded
  uint32_t number = pivots[size_t(k)];
  const Op &pivot = ops[number];
  // Where all can be kept, all can move as well.
  if (total[number] <= 1 || pivot.ns <= 0)
    return;
  besides[interval(k + 1)] = true;
  auto uses = [&](uint32_t i) {
    return std::binary_search(pivot.all.begin(), pivot.all.end(), i);
  };
  double left = 1 + slack - base - pivot.need;
  for (uint32_t i = 0; i < cells.size(); ++i)
    left -= cells[i].fixed && !cells[i].readers.empty() && !uses(i)
                ? cells[i].bytes
                : 0;
  Terms average, end;
  for (uint32_t i = 0; i < cells.size(); ++i) {
    const Cell &c = cells[i];
    auto among = [](const std::vector<uint32_t> &list, uint32_t x) {
      return std::find(list.begin(), list.end(), x) != list.end();
    };
    bool changes = among(pivot.makes, i) || among(c.updaters, number);
    if (c.fixed)
      continue;
    for (int32_t w : {k + 1, 0}) {
      if (w == 0 && (k + 1 < count() || c.cyclic))
        continue;
      if (!uses(i))
        addFlight(pivot, c, w, left, average, end);
      else if (c.storing.has(wrap(c, w)) && !changes)
        besideColumn(pivot, c.storing.at(wrap(c, w)), w, besideOut);
    }
  }
  program.addRow(-unbounded, left, average);
  program.addRow(-unbounded, left, end);
}
