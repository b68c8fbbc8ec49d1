//===- MincutKnapsack.cpp - PyTorch's partitioner ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PyTorch's min-cut rematerialization partitioner with an activation memory
// budget (torch/_functorch/partitioners.py; Horace He and Shangdi Yu,
// "Transformers made simple: min-cut rematerialization", 2022). What to save
// for the backward pass is a minimum cut of the forward graph with node weights
//     bytes * 1.1^min(distance to the backward pass, 100),
// twice that for what would not be materialized anyway, and with operators
// banned from recomputation: random and compute-intensive ones, reductions,
// what a backward operator needs materialized, what is used far apart, and
// long fusible chains. A budget b below 1 first lifts the last three bans, then
// chooses by a 0/1 knapsack over time which of the banned tensors to save in b
// of their bytes, and cuts again. b is swept in twentieths; the cheapest plan
// that fits is taken.
// A problem does not say which operators fuse: compute-intensive is what has 16
// flops or more for each 4 bytes that it touches, or, where no flops are known,
// more than the median time for each byte; all else fuses.
//
//===----------------------------------------------------------------------===//

#include "../ForwardPart.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

namespace {

/// Dinic's algorithm.
class MinCut {
public:
  static constexpr int64_t infinite = INT64_MAX / 4;
  explicit MinCut(uint32_t nodes) : out(nodes) {}
  void edge(uint32_t from, uint32_t to, int64_t capacity) {
    out[from].push_back(uint32_t(edges.size()));
    edges.push_back({to, capacity});
    out[to].push_back(uint32_t(edges.size()));
    edges.push_back({from, 0});
  }
  /// Nodes on the source's side of a minimum cut nearest to the source.
  std::vector<bool> solve(uint32_t source, uint32_t sink) {
    while (layer(source, sink)) {
      next.assign(out.size(), 0);
      while (push(source, sink))
        ;
    }
    std::vector<bool> side(out.size());
    for (uint32_t v = 0; v < out.size(); ++v)
      side[v] = level[v] != none;
    return side;
  }

private:
  struct Edge {
    uint32_t to;
    int64_t left;
  };
  bool layer(uint32_t source, uint32_t sink) {
    level.assign(out.size(), none);
    std::vector<uint32_t> queue{source};
    level[source] = 0;
    for (size_t i = 0; i < queue.size(); ++i)
      for (uint32_t e : out[queue[i]])
        if (edges[e].left > 0 && level[edges[e].to] == none) {
          level[edges[e].to] = level[queue[i]] + 1;
          queue.push_back(edges[e].to);
        }
    return level[sink] != none;
  }
  /// One augmenting path, without recursion.
  bool push(uint32_t source, uint32_t sink) {
    std::vector<uint32_t> path;
    uint32_t v = source;
    while (v != sink) {
      bool found = false;
      for (uint32_t &i = next[v]; i < out[v].size(); ++i) {
        const Edge &e = edges[out[v][i]];
        if (e.left > 0 && level[e.to] == level[v] + 1) {
          path.push_back(out[v][i]);
          v = e.to;
          found = true;
          break;
        }
      }
      if (found)
        continue;
      if (path.empty())
        return false;
      v = edges[path.back() ^ 1].to;
      ++next[v];
      path.pop_back();
    }
    int64_t least = infinite;
    for (uint32_t e : path)
      least = std::min(least, edges[e].left);
    for (uint32_t e : path) {
      edges[e].left -= least;
      edges[e ^ 1].left += least;
    }
    return true;
  }
  std::vector<std::vector<uint32_t>> out;
  std::vector<Edge> edges;
  std::vector<uint32_t> level, next;
};

class Partitioner {
public:
  explicit Partitioner(const PolicyRequest &request)
      : request(request), a(request.analysis), problem(a.problem), part(a) {}

  PolicyAnswer run();

private:
  void look();
  void findBans();
  std::vector<bool> cut(bool aggressive, const std::vector<bool> &lifted);
  void knapsack(const std::vector<bool> &saved);
  void attempt(const std::vector<bool> &saved) {
    found.push_back(runsKeeping(a, part, saved));
  }
  uint64_t bytes(uint32_t s) const { return a.slotBytes[a.slot(s, -1)]; }

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  ForwardPart part;
  std::vector<bool> intensive;                     ///< by operator
  std::vector<std::vector<uint32_t>> reads, makes; ///< by operator: storages
  std::vector<std::vector<uint32_t>> readers;      ///< by storage
  std::vector<uint32_t> distance;                  ///< by operator
  std::vector<bool> must, hard, soft; ///< by operator: never, banned, maybe
  std::vector<Runs> found;
};

void Partitioner::look() {
  reads.resize(a.numOps);
  makes.resize(a.numOps);
  readers.resize(problem.storages.size());
  std::vector<uint64_t> touched(a.numOps);
  std::vector<double> rates;
  bool flops = false;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    for (const Operand &o : a.operands[at]) {
      touched[at] += a.slotBytes[a.slot(o.storage, o.part)];
      if (problem.storages[o.storage].kind != StorageKind::Temporary)
        continue;
      if (o.written) {
        makes[at].push_back(o.storage);
      } else {
        reads[at].push_back(o.storage);
        readers[o.storage].push_back(at);
      }
    }
    flops |= problem.operators[at].flops != 0;
    if (touched[at])
      rates.push_back(double(problem.operators[at].costNs[0]) /
                      double(touched[at]));
  }
  std::sort(rates.begin(), rates.end());
  double median = rates.empty() ? 0 : rates[rates.size() / 2];
  for (uint32_t at = 0; at < a.numOps; ++at) {
    const Operator &op = problem.operators[at];
    intensive.push_back(flops ? op.flops >= 4 * touched[at] && op.flops
                              : double(op.costNs[0]) >
                                    median * double(touched[at]));
  }
  distance.assign(a.numOps, 0);
  for (uint32_t at = part.turn + 1; at-- > 0;) {
    distance[at] = 1000;
    for (uint32_t s : makes[at])
      for (uint32_t r : readers[s])
        distance[at] = std::min(distance[at], distance[r] + 1);
  }
}

void Partitioner::findBans() {
  must.assign(a.numOps, false);
  hard = soft = must;
  std::vector<uint32_t> chain(a.numOps);
  for (uint32_t at = 0; at <= part.turn; ++at) {
    must[at] = !problem.operators[at].recomputable;
    uint64_t in = 0, out = 0;
    uint32_t before = 0;
    for (uint32_t s : reads[at]) {
      in += bytes(s);
      uint32_t p = a.uses[a.slot(s, -1)].front();
      if (!intensive[at] && !intensive[p])
        before = std::max(before, chain[p]);
    }
    chain[at] = before + 1;
    if (chain[at] > 100) {
      soft[at] = true;
      chain[at] = 0;
    }
    for (uint32_t s : makes[at]) {
      out += bytes(s);
      must[at] =
          must[at] || a.producer[s] == none || a.rerunUntil[a.producer[s]] < 0;
      // After an operator that does not fuse, a forward reader finds it
      // materialized; a backward one that does not fuse needs it so.
      uint32_t unfused = none;
      for (uint32_t r : readers[s]) {
        if (r > part.turn)
          soft[at] = soft[at] || intensive[r];
        else if (unfused == none && (intensive[r] || intensive[at]))
          unfused = r;
        else if (unfused != none && r > unfused && !intensive[r])
          soft[at] = true;
      }
    }
    hard[at] = intensive[at] || (in && out * 4 < in);
  }
}

/// The storages that are saved.
std::vector<bool> Partitioner::cut(bool aggressive,
                                   const std::vector<bool> &lifted) {
  uint32_t n = part.turn + 1, source = 2 * n, sink = 2 * n + 1;
  MinCut graph(2 * n + 2);
  for (uint32_t at = 0; at < n; ++at) {
    bool banned = must[at] || (hard[at] && !lifted[at]) ||
                  (soft[at] && !aggressive && !lifted[at]);
    // What nothing goes into could be made from nothing.
    if (banned)
      graph.edge(source, 2 * at, MinCut::infinite);
    double weight = 0;
    bool fuses = !intensive[at];
    for (uint32_t s : makes[at]) {
      weight += double(bytes(s));
      for (uint32_t r : readers[s]) {
        fuses = fuses && !intensive[r];
        graph.edge(2 * at + 1, r < n ? 2 * r : sink, MinCut::infinite);
      }
    }
    weight *=
        std::pow(1.1, double(std::clamp<uint32_t>(distance[at], 1u, 100u)));
    graph.edge(2 * at, 2 * at + 1,
               int64_t(std::min(weight * (fuses ? 2 : 1) + 1, 1e17)));
  }
  std::vector<bool> side = graph.solve(source, sink);
  std::vector<bool> saved = part.table;
  for (uint32_t at = 0; at < n; ++at)
    if (side[2 * at] && !side[2 * at + 1])
      for (uint32_t s : makes[at])
        saved[s] = true;
  return saved;
}

/// For each budget b: the banned operators among the saved ones that are worth
/// most time in b of all their bytes stay saved; the bans of the others are
/// lifted.
void Partitioner::knapsack(const std::vector<bool> &saved) {
  const uint32_t units = 2000;
  std::vector<uint32_t> items;
  uint64_t total = 0;
  auto size = [&](uint32_t at) {
    uint64_t sum = 0;
    for (uint32_t s : makes[at])
      sum += saved[s] && !part.table[s] ? bytes(s) : 0;
    return sum;
  };
  for (uint32_t at = 0; at <= part.turn; ++at)
    if (hard[at] && !must[at] && size(at)) {
      items.push_back(at);
      total += size(at);
    }
  if (items.empty() || items.size() > 20000)
    return;
  std::vector<int64_t> value(units + 1);
  std::vector<std::vector<bool>> taken(items.size());
  std::vector<uint32_t> weight(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    weight[i] = uint32_t(
        std::ceil(double(size(items[i])) / double(total) * units - 1e-9));
    taken[i].assign(units + 1, false);
    for (uint32_t m = units + 1; m-- > weight[i];) {
      int64_t with =
          value[m - weight[i]] + problem.operators[items[i]].costNs[0];
      if (with > value[m]) {
        value[m] = with;
        taken[i][m] = true;
      }
    }
  }
  for (int twentieth = 19; twentieth >= 0; --twentieth) {
    std::vector<bool> lifted(a.numOps);
    uint32_t m = units * uint32_t(twentieth) / 20;
    for (size_t i = items.size(); i-- > 0;) {
      if (taken[i][m])
        m -= weight[i];
      else
        lifted[items[i]] = true;
    }
    attempt(cut(true, lifted));
  }
}

PolicyAnswer Partitioner::run() {
  if (a.numOps == 0 || part.turn + 1 >= a.numOps) {
    PolicyAnswer answer;
    answer.applies = false;
    answer.reason = "mincut-knapsack: there is no backward part";
    return answer;
  }
  look();
  findBans();
  std::vector<bool> nothing(a.numOps);
  attempt(cut(false, nothing));
  std::vector<bool> saved = cut(true, nothing);
  attempt(saved);
  knapsack(saved);
  // b = 0: nothing but the inputs is saved.
  attempt(part.table);
  return answerOfRuns(request, found, "");
}

} // namespace

PolicyAnswer
spillway::planner::planMincutKnapsack(const PolicyRequest &request) {
  return Partitioner(request).run();
}
