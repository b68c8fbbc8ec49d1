//===- G10.cpp - Tensor migrations planned ahead over three tiers -*- C++
//-*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Zhang, Zhou, Huang, Xia, Zhou, Zeng, Jiang, Huang, "G10: Enabling an
// efficient unified GPU memory and storage architecture with smart tensor
// migrations", MICRO 2023, after the authors' artifact (platformxlab/G10,
// analysis.cc).
//
// An inactive period of a tensor is worth bytes times the time in it at which
// the planned memory is above the line, less half of its eviction and half of
// its prefetch. The most valuable one is taken, again and again, if it is
// longer than both transfers with a margin. It goes to the SSD if the buckets
// of bandwidth that its eviction needs (one an operator) are not full, else to
// the host while that has room. In the end prefetches are brought forward as
// far as the planned memory allows. What is over all the same when the step
// runs is evicted by the longest time to its next use. Weights migrate too.
// Nothing is made again.
//
//===----------------------------------------------------------------------===//

#include "../LayerView.h"
#include "../PlanBuilder.h"

#include <algorithm>
#include <queue>

using namespace spillway::planner;

namespace {

/// Bytes that a link can carry while each operator runs, less what is planned.
class Buckets {
public:
  Buckets(const std::vector<int64_t> &startNs, double bytesPerNs) {
    for (size_t i = 0; i + 1 < startNs.size(); ++i)
      left.push_back(double(startNs[i + 1] - startNs[i]) * bytesPerNs);
  }
  uint32_t size() const { return uint32_t(left.size()); }
  double spare(uint32_t at) const { return left[at]; }
  /// The operator while which a transfer ends that starts with `from`.
  uint32_t endOf(double bytes, uint32_t from) const {
    while (from + 1 < size() && (bytes -= left[from]) > 0)
      ++from;
    return std::min(from, size() - 1);
  }
  /// The operator with which a transfer starts that is done before `by`.
  uint32_t startOf(double bytes, uint32_t by) const {
    uint32_t at = std::min(by, size()) - 1;
    while (at > 0 && (bytes -= left[at]) > 0)
      --at;
    return at;
  }
  /// What is taken from each operator, from `from` on.
  template <typename Also>
  void reserve(double bytes, uint32_t from, Also &&also) {
    for (; bytes > 0 && from < size(); ++from) {
      double part = std::min(bytes, left[from]);
      left[from] -= part;
      bytes -= part;
      also(from, part);
    }
  }
  void take(uint32_t at, double bytes) {
    left[at] = std::max(0.0, left[at] - bytes);
  }
  void limitTo(uint32_t at, double bytes) {
    left[at] = std::min(left[at], bytes);
  }

private:
  std::vector<double> left;
};

struct Period {
  uint32_t slot = 0, from = 0, to = 0; ///< its uses before and after
  bool wraps = false;
  double value = 0;
  // What was decided: the tier (0: it stays), the operators while which the
  // eviction ends and with which the prefetch starts.
  uint32_t tier = 0, gone = 0, back = 0;
};

class G10 {
public:
  explicit G10(const PolicyRequest &request)
      : a(request.analysis), limit(request.budgets), layers(a),
        b(a, request.budgets) {}
  PolicyAnswer run();

private:
  static constexpr double margin = 0.5; ///< delta of the paper
  void open();
  void plan();
  void advance();
  bool decide(Period &p);
  double value(const Period &p) const;
  bool over(const Period &p) const;
  bool placeWeights();
  bool evict();
  uint32_t end(const Period &p) const { return p.wraps ? n : p.to; }

  const Analysis &a;
  const std::vector<uint64_t> limit;
  LayerView layers;
  PlanBuilder b;
  uint32_t n = 0, host = 0, ssd = 0;
  std::vector<double> memory;     ///< planned, by operator
  std::vector<double> hostMemory; ///< by operator
  std::vector<Period> periods;
  // Ways out and in: the wire to the host, which both use, and the SSD's.
  std::vector<Buckets> out, in, ssdOut, ssdIn;
};

double perNs(const Machine &m, uint32_t from, uint32_t to) {
  double least = 0;
  for (uint32_t l : m.route(from, to)) {
    double rate = double(m.links[l].bytesPerSecond) / 1e9;
    least = least == 0 ? rate : std::min(least, rate);
  }
  return least;
}

void G10::open() {
  const Machine &m = a.problem.machine;
  n = a.numOps;
  for (uint32_t t = 1; t < limit.size(); ++t)
    if (!m.route(0, t).empty() && !m.route(t, 0).empty())
      (host == 0 ? host : ssd) = t;
  for (uint64_t bytes : layers.keepAllBytes)
    memory.push_back(double(bytes));
  hostMemory.assign(n, 0);
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s)
    if (a.problem.storages[s].kind == StorageKind::Fed)
      for (double &bytes : hostMemory)
        bytes += double(a.slotBytes[a.slot(s, -1)]);
  // With one tier below, it is the host's part alone.
  if (host) {
    out.emplace_back(layers.startNs, perNs(m, 0, host));
    in.emplace_back(layers.startNs, perNs(m, host, 0));
  }
  if (ssd) {
    ssdOut.emplace_back(layers.startNs, perNs(m, 0, ssd));
    ssdIn.emplace_back(layers.startNs, perNs(m, ssd, 0));
  }
  for (const Gap &g : a.gaps) {
    const Storage &s = a.problem.storages[a.slotStorage[g.slot]];
    uint32_t to = g.wraps ? g.to - n : g.to;
    if (s.kind == StorageKind::Fed || (!g.wraps && g.to >= n) ||
        g.from + 1 >= g.to)
      continue;
    periods.push_back({g.slot, g.from, to, g.wraps, 0, 0, 0, 0});
  }
}

double G10::value(const Period &p) const {
  double bytes = double(a.slotBytes[p.slot]), time = 0;
  auto add = [&](uint32_t begin, uint32_t end) {
    for (uint32_t at = begin; at < end; ++at)
      if (memory[at] > double(limit[0]))
        time += double(layers.startNs[at + 1] - layers.startNs[at]);
  };
  if (p.wraps) {
    add(p.from + 1, n);
    add(0, p.to);
  } else {
    const Buckets &o = ssd ? ssdOut[0] : out[0], &i = ssd ? ssdIn[0] : in[0];
    add(o.endOf(bytes / 2, p.from + 1), i.startOf(bytes / 2, p.to));
  }
  return bytes * time;
}

/// Whether any of the period is above the line.
bool G10::over(const Period &p) const {
  for (uint32_t at = p.from + 1; at < end(p); ++at)
    if (memory[at] > double(limit[0]))
      return true;
  for (uint32_t at = 0; p.wraps && at < p.to; ++at)
    if (memory[at] > double(limit[0]))
      return true;
  return false;
}

/// Where the period's tensor goes; false: it stays after all.
bool G10::decide(Period &p) {
  const Machine &m = a.problem.machine;
  double bytes = double(a.slotBytes[p.slot]);
  uint64_t raw =
      a.problem.storages[a.slotStorage[p.slot]].partBytes(a.slotPart[p.slot]);
  int64_t idle = layers.startNs[end(p)] - layers.startNs[p.from + 1] +
                 (p.wraps ? layers.startNs[p.to] : 0);
  auto safe = [&](uint32_t tier) {
    return tier && double(idle) > 2 * double(m.transferNs(0, tier, raw)) *
                                      (1 + margin / 2);
  };
  // The host holds it from its eviction until it is back.
  auto hostHas = [&] {
    if (!host || limit[host] == unlimited)
      return host != 0;
    for (uint32_t at = p.from; at < end(p); ++at)
      if (hostMemory[at] + bytes > double(limit[host]))
        return false;
    for (uint32_t at = 0; p.wraps && at < p.to; ++at)
      if (hostMemory[at] + bytes > double(limit[host]))
        return false;
    return true;
  };
  uint32_t tier = 0;
  if (safe(ssd)) {
    // Full: the eviction would end later than with the SSD to itself.
    int64_t ideal = layers.startNs[p.from + 1] + m.transferNs(0, ssd, raw);
    uint32_t ends = ssdOut[0].endOf(bytes, std::min(p.from + 1, n - 1));
    bool full = layers.startNs[ends] > ideal;
    tier = full && hostHas() ? host : ssd;
  } else if (safe(host) && hostHas()) {
    tier = host;
  }
  if (tier == 0)
    return false;
  Buckets &o = tier == ssd ? ssdOut[0] : out[0];
  Buckets &i = tier == ssd ? ssdIn[0] : in[0];
  if (p.wraps) {
    // Across the step's end the artifact looks at time alone.
    p.gone = p.from;
    p.back = p.to;
  } else {
    p.gone = o.endOf(bytes, p.from + 1);
    p.back = i.startOf(bytes, p.to);
    if (p.back <= p.gone)
      return false;
  }
  p.tier = tier;
  // The SSD is behind the wire to the host.
  auto book = [&](Buckets &mine, Buckets &wire, std::vector<Buckets> &behind,
                  uint32_t from) {
    mine.reserve(bytes, from, [&](uint32_t at, double part) {
      if (&mine != &wire)
        wire.take(at, part);
      else if (!behind.empty())
        behind[0].limitTo(at, wire.spare(at));
    });
  };
  if (!p.wraps) {
    book(o, out[0], ssdOut, p.from + 1);
    book(i, in[0], ssdIn, p.back);
  }
  auto leave = [&](uint32_t begin, uint32_t stop) {
    for (uint32_t at = begin; at < stop; ++at)
      memory[at] -= bytes;
  };
  auto visit = [&](uint32_t begin, uint32_t stop) {
    for (uint32_t at = begin; tier == host && at < stop; ++at)
      hostMemory[at] += bytes;
  };
  leave(p.gone + 1, p.wraps ? n : p.back);
  visit(p.from, end(p));
  if (p.wraps) {
    leave(0, p.back);
    visit(0, p.to);
  }
  return true;
}

void G10::plan() {
  // The artifact sorts all periods anew each time. A value only ever falls, so
  // a heap whose top is valued anew finds the same one.
  auto less = [&](uint32_t x, uint32_t y) {
    const Period &p = periods[x], &q = periods[y];
    return p.value != q.value ? p.value < q.value : x > y;
  };
  std::priority_queue<uint32_t, std::vector<uint32_t>, decltype(less)> heap(
      less);
  for (uint32_t k = 0; k < periods.size(); ++k)
    if ((periods[k].value = value(periods[k])) > 0)
      heap.push(k);
  double most = *std::max_element(memory.begin(), memory.end());
  while (!heap.empty() && most > double(limit[0])) {
    uint32_t k = heap.top();
    heap.pop();
    double now = value(periods[k]);
    if (now < periods[k].value) {
      periods[k].value = now;
      if (now > 0)
        heap.push(k);
      continue;
    }
    if (over(periods[k]) && decide(periods[k]))
      most = *std::max_element(memory.begin(), memory.end());
  }
}

/// Prefetches are brought forward while the planned memory is below the line.
void G10::advance() {
  std::vector<std::pair<uint32_t, uint32_t>> order;
  for (uint32_t k = 0; k < periods.size(); ++k)
    if (periods[k].tier && !periods[k].wraps)
      order.push_back({periods[k].back, k});
  std::sort(order.begin(), order.end());
  for (auto [back, k] : order) {
    Period &p = periods[k];
    double bytes = double(a.slotBytes[p.slot]);
    while (p.back > p.gone + 1 &&
           memory[p.back - 1] + bytes <= double(limit[0]))
      memory[--p.back] += bytes;
  }
}

/// What is away over the step's end starts there.
bool G10::placeWeights() {
  std::vector<uint32_t> home(a.problem.storages.size());
  for (const Period &p : periods)
    if (p.wraps && p.tier && a.slotPart[p.slot] < 0)
      home[a.slotStorage[p.slot]] = p.tier;
  for (uint32_t s = 0; s < home.size(); ++s)
    if (home[s] && !a.problem.storages[s].home && !b.place(s, home[s]))
      return false;
  return b.placeAll();
}

/// The coldest tensor: the one with the longest time to its next use.
bool G10::evict() {
  uint32_t coldest = none, latest = 0;
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot)
    if (b.movable(slot) && a.slotBytes[slot] &&
        (coldest == none || b.nextNeed(slot) > latest) &&
        (b.copied(slot) || b.tierFor(slot)))
      coldest = slot, latest = b.nextNeed(slot);
  return coldest != none && b.sendAway(coldest, b.tierFor(coldest));
}

PolicyAnswer G10::run() {
  open();
  if (host) {
    plan();
    advance();
    b.makeRoom = [this](uint64_t) { return evict(); };
  }
  std::vector<std::vector<const Period *>> out(n), back(n);
  for (const Period &p : periods)
    if (p.tier) {
      out[p.from].push_back(&p);
      if (!p.wraps)
        back[p.back].push_back(&p);
    }
  if (!placeWeights())
    return b.fail();
  std::vector<const Period *> waiting;
  for (uint32_t at = 0; at < n; ++at) {
    // A prefetch that finds no room yet is tried again before each operator.
    waiting.insert(waiting.end(), back[at].begin(), back[at].end());
    std::erase_if(waiting, [&](const Period *p) {
      return p->to < at || b.present(p->slot) ||
             (b.room() >= a.slotBytes[p->slot] + b.newBytes(at) &&
              b.prefetch(p->slot));
    });
    if (!b.perform(at))
      return b.fail();
    for (const Period *p : out[at])
      if (!b.sendAway(p->slot, p->tier))
        b.sendAway(p->slot, b.tierFor(p->slot));
  }
  return b.answer();
}

} // namespace

PolicyAnswer spillway::planner::planG10(const PolicyRequest &request) {
  if (request.analysis.numOps == 0)
    return PlanBuilder(request.analysis, request.budgets).answer();
  return G10(request).run();
}
