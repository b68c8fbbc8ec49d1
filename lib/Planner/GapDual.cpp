//===- GapDual.cpp - A bound, and prices, from the gap program --*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GapDual.h"

#include "GapAscent.h"

#include <cmath>

using namespace spillway::planner;

/// At no price, all windows' time split alike.
void GapAscent::begin() {
  uint32_t kinds = numKinds();
  price.assign(numRows, 0);
  slack.assign(numRows, 0);
  for (uint32_t r = 0; r < 3; ++r)
    share[r].assign(size_t(k), kinds > 1 || r == 0 ? 1.0 / kinds : 0.0);
  swaps.assign(program->items.size(), 0);
  remakes.assign(program->items.size(), 0);
}

/// Prices that the ascent would be long in coming to, where what goes in and
/// out takes turns: in windows [j, i) engines work, in all others the links,
/// for what is behind them at pivot i has to come in after it, and what is
/// behind them at pivot j has gone out before. A share of the time in [j, i) is
/// the links' even so, for updates beside the first engine. Returns the bound.
double GapAscent::startFromCuts(double scale) {
  int32_t pivots = int32_t(program->pivots.size());
  if (!program->oneWire || pivots < 2)
    return 0;
  begin();
  relaxed = false;
  struct Cut {
    int32_t j = 0, i = 0;
    double beside = 0;
  } best;
  double bestValue = 0;
  auto set = [&](const Cut &c) {
    price.assign(numRows, 0);
    price[uint32_t(c.i)] += program->loadNs * room / scale;
    price[uint32_t(c.j)] += program->storeNs * room / scale;
    for (int32_t w = 0; w < k; ++w) {
      double links =
          std::clamp(w >= c.j && w < c.i ? c.beside : 1, 1e-9, 1 - 1e-9);
      share[Compute][uint32_t(w)] = 1 - links;
      share[In][uint32_t(w)] = share[Out][uint32_t(w)] = links;
    }
  };
  auto offer = [&](const Cut &c) {
    if (c.i < c.j || c.i >= pivots)
      return;
    set(c);
    if (double value = evaluate(scale, false); value > bestValue)
      best = c, bestValue = value;
  };
  for (double beside : {0.0, 0.25, 0.5, 0.75, 0.9})
    for (int32_t i = 0; i < pivots; i += 4)
      offer({0, i, beside});
  for (int32_t by : {-2, 2, -1, 1})
    offer({0, best.i + by, best.beside});
  for (int32_t j : {1, 2})
    offer({j, best.i, best.beside});
  set(best);
  return bestValue * scale;
}

/// Projected subgradient ascent; returns the best bound on its way.
/// `oneShare`: all windows split their time alike, a coarser program that finds
/// its prices sooner.
double GapAscent::climb(double scale, uint32_t iterations, bool oneShare) {
  uint32_t kinds = numKinds();
  if (price.empty())
    begin();
  std::vector<double> squares(numRows, 0.0), moved(share[0].size(), 0.0);
  std::vector<double> bestPrice = price,
                      bestShare[3] = {share[0], share[1], share[2]};
  double best = 0, factor = 1; // of all steps
  uint32_t improved = 0, began = 0;
  // From here on steps are small, from the best point so far; where a while
  // finds nothing better, from there again, and smaller.
  const uint32_t refine = oneShare ? iterations : iterations / 3, patience = 40;
  for (uint32_t it = 0; it < iterations; ++it) {
    relaxed &= it < refine;
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
  for (const GapUpdate &u : program.updates) {
    moves += u.bytes * program.loadNs;
    for (const GapItems &g : u.groups)
      for (uint32_t i = g.begin; i < g.end; ++i)
        moves += std::max(program.items[i].load, 0.0);
  }
  out.boundNs = std::max(compute, program.fed);
  if (budgets[0] == unlimited)
    return out;
  // Steps of the ascent are in units of what the answer may be like: the
  // compute time, or the time to move everything that moves once.
  std::vector<double> scales{std::max(out.boundNs, 1.0)};
  if (moves > 2 * compute)
    scales.push_back(moves);
  GapAscent dual(program, double(budgets[0]));
  double scale = 1, coarse = -1;
  for (double s : scales) {
    GapAscent other(program, double(budgets[0]));
    double value = other.climb(s, iterations / 5, true);
    if (value > coarse * 1.2) { // steps in units of the first serve as a rule
      dual = std::move(other);
      coarse = value;
      scale = s;
    }
  }
  GapAscent cuts(program, double(budgets[0]));
  if (double cut = cuts.startFromCuts(scale); cut > coarse) {
    dual = std::move(cuts);
    coarse = cut;
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
