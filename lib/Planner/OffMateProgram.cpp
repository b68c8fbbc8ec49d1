//===- OffMateProgram.cpp - What moves when, as a program -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OffMate.h"

#include <algorithm>

using namespace spillway::planner;
using namespace spillway::planner::offmate;

/// Of moving a byte, in its time: less movement wins where time is equal.
static constexpr double movement = 0.01;

/// What is away between steps `from` and `to`: its share, and how much of it
/// comes back in each step between.
void OffMate::addGap(uint32_t g, uint32_t from, uint32_t to, uint32_t home) {
  const Group &group = groups[g];
  if (to <= from + 1)
    return;
  // Of the share, what the host updates: state of that never comes, parameters
  // need not leave.
  bool dirty = group.persistent ? to >= steps : true;
  uint32_t host = dirty && group.persistent ? hostShare[g] : none;
  Away away;
  away.group = g;
  away.from = from;
  away.to = to;
  away.share = lp.addColumn(0, 1, 0);
  lp.addRow(-unbounded, 0, {{away.share, 1}, {home, -1}});
  uint32_t still = none;
  if (host != none) {
    still = lp.addColumn(0, 1, 0);
    lp.addRow(-unbounded, 0, {{still, 1}, {away.share, -1}});
    if (group.isState) {
      lp.addRow(0, 0, {{still, 1}, {host, -1}});
      memory[from % steps].push_back({still, -group.bytes});
    } else {
      lp.addRow(-unbounded, 0, {{still, 1}, {host, -1}});
      inTime[from].push_back({still, -group.bytes / inRate});
    }
  }
  // Changed content leaves in the steps after it, and is away from the next
  // step on; else it is just let go. What comes in a step is there during it.
  // `gone`: the share that is away, which starts with what need not leave and
  // ends with nothing.
  double loadNs = group.bytes / inRate, storeNs = group.bytes / outRate;
  uint32_t gone = dirty ? (group.isState ? none : still) : away.share;
  uint32_t left = none;
  std::vector<Term> total;
  for (uint32_t j = from + 1; j < to; ++j) {
    uint32_t step = j % steps;
    uint32_t next = lp.addColumn(0, 1, 0);
    uint32_t in = lp.addColumn(0, 1, movement * loadNs);
    std::vector<Term> balance{{next, 1}, {in, 1}};
    for (uint32_t before : {gone, left})
      if (before != none)
        balance.push_back({before, -1});
    lp.addRow(0, 0, balance);
    gone = next;
    memory[step].push_back({gone, -group.bytes});
    if (still != none && group.isState)
      memory[step].push_back({still, -group.bytes});
    inTime[step].push_back({in, loadNs});
    away.in.push_back({j, in});
    if (dirty) {
      left = lp.addColumn(0, j + 1 == to ? 0 : 1, movement * storeNs);
      outTime[step].push_back({left, storeNs});
      total.push_back({left, 1});
    }
  }
  lp.columnUpper[gone] = 0;
  if (dirty) {
    total.push_back({away.share, -1});
    if (still != none)
      total.push_back({still, 1});
    lp.addRow(0, 0, total);
  }
  aways.push_back(std::move(away));
}

void OffMate::addGroup(uint32_t g) {
  const Group &group = groups[g];
  uint32_t home = lp.addColumn(0, 1, 0);
  // Everything is there at every step but for what the gaps take away.
  uint32_t first = group.steps.front(), last = group.steps.back();
  for (uint32_t j = 0; j < steps; ++j)
    if (group.persistent || (j >= first && j <= last))
      others[j] += group.bytes;
  for (size_t i = 0; i + 1 < group.steps.size(); ++i)
    addGap(g, group.steps[i], group.steps[i + 1], home);
  if (group.persistent)
    addGap(g, group.steps.back(), group.steps.front() + steps, home);
  if (group.block != none) {
    // Made again: not there in between, no transfer.
    uint32_t b = group.block;
    lp.addRow(-unbounded, 1, {{home, 1}, {again[b], 1}});
    for (uint32_t j = b + 1; j < backStep(b); ++j)
      memory[j].push_back({again[b], -group.bytes});
  }
}

void OffMate::build(double room) {
  lp = LinearProgram();
  aways.clear();
  std::vector<double> base = others;
  memory.assign(steps, {});
  inTime = outTime = hostTime = memory;
  again.assign(blocks, none);
  hostShare.assign(groups.size(), none);
  for (uint32_t b = 0; b < blocks; ++b)
    again[b] = lp.addColumn(0, remake[b] > 0 ? 1 : 0, 0, true);
  // Updates on the host: gradients leave in the last step, parameters come back
  // in it or in the gap that follows.
  for (uint32_t g = 0; g < groups.size(); ++g) {
    const Group &group = groups[g];
    if (group.hostNs <= 0 || group.isState || group.steps.size() < 2)
      continue;
    uint32_t share = hostShare[g] = lp.addColumn(0, 1, 0);
    if (group.state != none && groups[group.state].steps.size() == 1)
      hostShare[group.state] = share;
    else if (group.state != none)
      lp.columnUpper[share] = 0;
    uint32_t at = group.steps.back();
    outTime[at].push_back({share, group.gradient / outRate});
    inTime[at].push_back({share, group.bytes / inRate});
    hostTime[at].push_back({share, group.hostTime});
  }
  for (uint32_t g = 0; g < groups.size(); ++g)
    addGroup(g);
  for (uint32_t j = 0; j < steps; ++j) {
    uint32_t time = lp.addColumn(0, unbounded, 1);
    std::vector<Term> work{{time, 1}};
    for (uint32_t b = 0; b < blocks; ++b)
      if (backStep(b) == j && remake[b] > 0)
        work.push_back({again[b], -remake[b]});
    lp.addRow(compute[j], unbounded, work);
    for (auto *side : {&inTime[j], &outTime[j], &hostTime[j]}) {
      std::vector<Term> row{{time, 1}};
      for (Term t : *side)
        row.push_back({t.first, -t.second});
      if (row.size() > 1)
        lp.addRow(0, unbounded, row);
    }
    if (request.budgets[0] == unlimited)
      continue;
    // In units of the room.
    std::vector<Term> row;
    for (Term t : memory[j])
      row.push_back({t.first, t.second / room});
    lp.addRow(-unbounded, 1 - others[j] / room, row);
  }
  others = base;
}

/// Relax and fix: the option nearest to a whole one is fixed, and the program
/// solved again, until all are whole.
std::vector<double> OffMate::solve() {
  for (uint32_t round = 0; round <= blocks; ++round) {
    LpSolution relaxed = solveLp(lp);
    if (relaxed.status != SolveStatus::Optimal)
      return {};
    uint32_t nearest = none;
    double best = 1;
    for (uint32_t b = 0; b < blocks; ++b) {
      double option = relaxed.columns[again[b]];
      double off = std::min(option, 1 - option);
      if (off > 1e-6 && off < best)
        best = off, nearest = b;
    }
    if (nearest == none)
      return relaxed.columns;
    // Up where there is doubt: that needs less memory.
    bool up = relaxed.columns[again[nearest]] > 0.4;
    lp.columnLower[again[nearest]] = lp.columnUpper[again[nearest]] = up;
  }
  return {};
}
