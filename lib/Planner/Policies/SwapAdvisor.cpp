//===- SwapAdvisor.cpp - Genetic search over order and pools ----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Huang, Jin, Li, "SwapAdvisor: Pushing deep learning beyond the GPU memory
// limit via smart swapping", ASPLOS 2020.
//
// A chromosome is a schedule (an order of the operators) and a memory
// allocation (size classes of tensors, and how many blocks each class's pool
// has). From both a swap plan follows: where a pool is full the tensor in it
// that is used furthest in the future goes (Belady), and what is away comes
// back in order of use as early as its pool has a block. The simulator is the
// fitness. Crossover of schedules keeps a prefix of one parent and takes the
// rest in the order of the other. Weights are swapped like all else.
//
//===----------------------------------------------------------------------===//

#include "../SwapAdvisor.h"
#include "../Policy.h"
#include "spillway/Planner/Simulator.h"

#include <algorithm>
#include <memory>

using namespace spillway::planner;
using namespace spillway::planner::swapadvisor;

namespace {

class SwapAdvisor {
public:
  explicit SwapAdvisor(const PolicyRequest &request)
      : request(request), a(request.analysis) {
    for (uint64_t bytes : a.slotBytes)
      sizes.push_back(bytes);
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    if (!request.fixedOrder)
      findEdges();
  }
  PolicyAnswer run();

private:
  void findEdges();
  void evaluate(Chromosome &c);
  Chromosome seed(double ratio);
  void fit(Chromosome &c);
  void mutate(Chromosome &c);
  Chromosome cross(const Chromosome &x, const Chromosome &y);
  uint32_t below(uint32_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return n ? uint32_t((state >> 11) % n) : 0;
  }

  const PolicyRequest &request;
  const Analysis &a;
  std::vector<uint64_t> sizes;
  std::vector<std::vector<uint32_t>> before, after; ///< by operator
  uint64_t state = 0x9e3779b97f4a7c15u;
  PolicyAnswer refusal;
};

/// Who must come before whom: readers after what made or changed what they
/// read, changes after the readers of what was there.
void SwapAdvisor::findEdges() {
  before.resize(a.numOps);
  after.resize(a.numOps);
  std::vector<uint32_t> writer(a.cellBegin.back(), none);
  std::vector<std::vector<uint32_t>> readers(a.cellBegin.back());
  for (uint32_t at = 0; at < a.numOps; ++at) {
    auto edge = [&](uint32_t from) {
      if (from != none && from != at) {
        before[at].push_back(from);
        after[from].push_back(at);
      }
    };
    for (const Operand &o : a.operands[at]) {
      uint32_t c = a.cellBegin[o.storage], end = a.cellBegin[o.storage + 1];
      if (o.part >= 0)
        c += uint32_t(o.part), end = c + 1;
      for (; c < end; ++c) {
        edge(writer[c]);
        if (o.updated || o.written) {
          for (uint32_t r : readers[c])
            edge(r);
          readers[c].clear();
          writer[c] = at;
        } else {
          readers[c].push_back(at);
        }
      }
    }
  }
}

void SwapAdvisor::evaluate(Chromosome &c) {
  // A schedule is the problem with its operators in another order.
  Problem ordered;
  std::unique_ptr<Analysis> own;
  const Analysis *mine = &a;
  if (!c.order.empty()) {
    ordered = a.problem;
    for (uint32_t i = 0; i < a.numOps; ++i)
      ordered.operators[i] = a.problem.operators[c.order[i]];
    own = std::make_unique<Analysis>(ordered);
    mine = own.get();
  }
  c.stepNs = INT64_MAX;
  // First all weights start on the host; those that came once and never went
  // are then left where they are.
  std::vector<bool> none(a.problem.storages.size());
  SwapPlanner first(*mine, request.budgets, sizes, c);
  PolicyAnswer answer = first.run(none);
  if (answer.ok) {
    SwapPlanner second(*mine, request.budgets, sizes, c);
    if (PolicyAnswer again = second.run(first.stayed()); again.ok)
      answer = std::move(again);
  } else if (refusal.reason.empty()) {
    refusal = answer;
  }
  if (!answer.ok)
    return;
  c.plan = std::move(answer.plans[0]);
  SimulationOptions o;
  o.budgets = request.budgets;
  o.maxRounds = 4;
  c.stepNs = simulate(mine->problem, c.plan, o).stepNs;
  for (Action &x : c.plan.actions)
    if (x.kind == ActionKind::Run && !c.order.empty())
      x.op = c.order[x.op];
}

/// Classes whose sizes are within a ratio; blocks by how many slots there are.
Chromosome SwapAdvisor::seed(double ratio) {
  Chromosome c;
  c.pooled = true;
  c.top.assign(sizes.size(), false);
  uint64_t largest = 0;
  for (uint32_t k = uint32_t(sizes.size()); k-- > 0;)
    if (k + 1 == sizes.size() || double(sizes[k]) * ratio < double(largest)) {
      c.top[k] = true;
      largest = sizes[k];
    }
  c.blocks.assign(sizes.size(), 0);
  for (uint64_t bytes : a.slotBytes) {
    uint32_t k = uint32_t(std::lower_bound(sizes.begin(), sizes.end(), bytes) -
                          sizes.begin());
    ++c.blocks[k];
  }
  fit(c);
  return c;
}

/// Blocks belong to tops; no fewer than one operator needs, and as many in
/// proportion as the budget holds.
void SwapAdvisor::fit(Chromosome &c) {
  if (!c.pooled)
    return;
  std::vector<uint32_t> topOf(sizes.size());
  for (uint32_t k = uint32_t(sizes.size()), top = 0; k-- > 0;)
    topOf[k] = top = c.top[k] ? k : top;
  std::vector<double> share(sizes.size());
  for (uint32_t k = 0; k < sizes.size(); ++k)
    share[topOf[k]] += c.blocks[k];
  std::vector<uint32_t> least(sizes.size());
  uint64_t workspace = 0;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    std::vector<uint32_t> mine;
    for (const Operand &o : a.operands[at])
      mine.push_back(
          topOf[std::lower_bound(sizes.begin(), sizes.end(),
                                 a.slotBytes[a.slot(o.storage, o.part)]) -
                sizes.begin()]);
    for (uint32_t k : mine)
      least[k] =
          std::max(least[k], uint32_t(std::count(mine.begin(), mine.end(), k)));
    workspace = std::max(workspace,
                         a.problem.aligned(a.problem.operators[at].workspace));
  }
  double room = double(request.budgets[0]) - double(workspace), want = 0;
  for (uint32_t k = 0; k < sizes.size(); ++k) {
    c.blocks[k] = c.top[k] ? least[k] : 0;
    room -= double(c.blocks[k]) * double(sizes[k]);
    want += share[k] * double(sizes[k]);
  }
  for (uint32_t k = 0; k < sizes.size(); ++k)
    if (c.top[k] && room > 0 && want > 0)
      c.blocks[k] += uint32_t(share[k] * std::min(1.0, room / want));
}

void SwapAdvisor::mutate(Chromosome &c) {
  if (c.pooled) {
    uint32_t k = below(uint32_t(sizes.size()));
    if (below(2) && k + 1 < sizes.size())
      c.top[k] = !c.top[k];
    c.blocks[k] = c.blocks[k] * (50 + below(150)) / 100 + below(3);
    fit(c);
  }
  if (request.fixedOrder || a.numOps < 2)
    return;
  if (c.order.empty())
    for (uint32_t i = 0; i < a.numOps; ++i)
      c.order.push_back(i);
  std::vector<uint32_t> at(a.numOps);
  for (uint32_t i = 0; i < a.numOps; ++i)
    at[c.order[i]] = i;
  for (uint32_t moves = 1 + a.numOps / 64; moves-- > 0;) {
    uint32_t op = below(a.numOps), low = 0, high = a.numOps - 1;
    for (uint32_t p : before[op])
      low = std::max(low, at[p] + 1);
    for (uint32_t s : after[op])
      high = std::min(high, at[s] - 1);
    uint32_t to = low + below(high - low + 1), from = at[op];
    auto begin = c.order.begin();
    if (to < from)
      std::rotate(begin + to, begin + from, begin + from + 1);
    else
      std::rotate(begin + from, begin + from + 1, begin + to + 1);
    for (uint32_t i = std::min(to, from); i <= std::max(to, from); ++i)
      at[c.order[i]] = i;
  }
}

Chromosome SwapAdvisor::cross(const Chromosome &x, const Chromosome &y) {
  Chromosome c = x;
  c.plan = {};
  if (x.pooled && y.pooled) {
    for (uint32_t k = below(uint32_t(sizes.size())); k < sizes.size(); ++k) {
      c.top[k] = y.top[k];
      c.blocks[k] = y.blocks[k];
    }
    fit(c);
  }
  if (!x.order.empty() && !y.order.empty()) {
    uint32_t split = below(a.numOps);
    std::vector<bool> taken(a.numOps);
    c.order.resize(split);
    for (uint32_t op : c.order)
      taken[op] = true;
    for (uint32_t op : y.order)
      if (!taken[op])
        c.order.push_back(op);
  }
  return c;
}

PolicyAnswer SwapAdvisor::run() {
  std::vector<Chromosome> all(1);
  for (double ratio : {1.0, 1.25, 2.0, 8.0})
    all.push_back(seed(ratio));
  for (uint32_t i = 0; i < 5 && !request.fixedOrder; ++i) {
    all.push_back(all[i]);
    mutate(all.back());
  }
  for (Chromosome &c : all)
    evaluate(c);
  auto better = [](const Chromosome &x, const Chromosome &y) {
    return x.stepNs < y.stepNs;
  };
  uint32_t rounds =
      std::min<uint32_t>(request.iterations, 8 + 60000 / (a.numOps + 1));
  for (uint32_t round = 0; round < rounds && !request.late(); ++round) {
    auto parent = [&]() -> const Chromosome & {
      uint32_t i = below(uint32_t(all.size())), j = below(uint32_t(all.size()));
      return better(all[j], all[i]) ? all[j] : all[i];
    };
    const Chromosome &x = parent(), &y = parent();
    Chromosome child = cross(x, y);
    mutate(child);
    evaluate(child);
    auto worst = std::max_element(all.begin(), all.end(), better);
    if (better(child, *worst))
      *worst = std::move(child);
  }
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < all.size(); ++i)
    if (all[i].stepNs != INT64_MAX)
      order.push_back(i);
  std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) {
    return std::pair(all[x].stepNs, x) < std::pair(all[y].stepNs, y);
  });
  if (order.empty())
    return refusal;
  PolicyAnswer out;
  out.ok = out.searches = true;
  for (uint32_t i : order)
    if (out.plans.size() < 6)
      out.plans.push_back(std::move(all[i].plan));
  return out;
}

} // namespace

PolicyAnswer spillway::planner::planSwapAdvisor(const PolicyRequest &request) {
  if (request.analysis.numOps == 0)
    return PlanBuilder(request.analysis, request.budgets).answer();
  return SwapAdvisor(request).run();
}
