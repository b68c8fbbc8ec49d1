//===- LinkWindows.h - Time that links have left, by window -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The step is cut into windows of operators. Each link can transfer for as long
// as the compute stream takes in a window; links of one group share that. A way
// through a tier between (NVMe over the host) takes its time out of the slower
// link and as much as its bytes take there out of the faster one.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_LINKWINDOWS_H
#define SPILLWAY_LIB_PLANNER_LINKWINDOWS_H

#include "spillway/Planner/Machine.h"

#include <algorithm>
#include <vector>

namespace spillway::planner {

/// Windows of this step and the next count on: `w` and `w + n` are one.
class LinkWindows {
public:
  LinkWindows() = default;
  /// `time`: by window, nanoseconds.
  LinkWindows(const Machine &machine, const std::vector<int64_t> &time)
      : n(uint32_t(time.size())) {
    std::vector<uint32_t> resource; // by link
    for (uint32_t l = 0; l < machine.links.size(); ++l) {
      resource.push_back(uint32_t(left.size()));
      for (uint32_t o = 0; o < l && machine.links[l].group; ++o)
        if (machine.links[o].group == machine.links[l].group)
          resource.back() = resource[o];
      if (resource.back() == left.size())
        left.push_back(time);
    }
    up.assign(left.size(), std::vector<uint32_t>(n, 1));
    down = up;
    for (uint32_t t = 0; t < machine.tiers.size(); ++t)
      for (bool out : {false, true}) {
        Way way;
        way.bytesPerSecond = UINT64_MAX;
        for (uint32_t l : out ? machine.route(0, t) : machine.route(t, 0)) {
          const Link &link = machine.links[l];
          way.latencyNs += link.latencyNs;
          way.bytesPerSecond = std::min(
              way.bytesPerSecond, std::max<uint64_t>(link.bytesPerSecond, 1));
        }
        Machine::Way links = out ? machine.way(0, t) : machine.way(t, 0);
        if (links.link != Machine::Way::none)
          way.wire = resource[links.link];
        if (links.shared != Machine::Way::none) {
          way.shared = resource[links.shared];
          way.share = double(way.bytesPerSecond) /
                      double(machine.links[links.shared].bytesPerSecond);
          way.share = std::min(way.share, 1.0);
        }
        (out ? ways[1] : ways[0]).push_back(std::move(way));
      }
  }

  bool reaches(uint32_t tier) const {
    return ways[0][tier].wire != none && ways[1][tier].wire != none;
  }
  int64_t loadNs(uint32_t tier, uint64_t bytes) const {
    return ways[0][tier].ns(bytes);
  }
  int64_t storeNs(uint32_t tier, uint64_t bytes) const {
    return ways[1][tier].ns(bytes);
  }
  /// Of a store that may begin with window `first` and be done before `last`,
  /// the time that does not fit. `first` moves behind the window where it ends.
  int64_t store(uint32_t tier, int64_t ns, uint32_t &first,
                uint32_t last) const {
    if (ns <= 0)
      return 0; // full windows are none of its business
    for (skipUp(tier, first, last); ns > 0 && first < last;
         skipUp(tier, first, last))
      ns -= std::min(ns, room(ways[1][tier], first++));
    return ns;
  }
  /// The same for a load that is to be done when window `last` begins.
  int64_t load(uint32_t tier, int64_t ns, uint32_t first,
               uint32_t &last) const {
    if (ns <= 0)
      return 0;
    for (skipDown(tier, first, last); ns > 0 && last > first;
         skipDown(tier, first, last))
      ns -= std::min(ns, room(ways[0][tier], --last));
    return ns;
  }
  void takeStore(uint32_t tier, int64_t ns, uint32_t first, uint32_t last) {
    for (; ns > 0 && first < last; ++first)
      ns -= take(ways[1][tier], first, ns);
  }
  void takeLoad(uint32_t tier, int64_t ns, uint32_t first, uint32_t last) {
    for (; ns > 0 && last > first; --last)
      ns -= take(ways[0][tier], last - 1, ns);
  }

private:
  static constexpr uint32_t none = UINT32_MAX;
  struct Way {
    uint32_t wire = none, shared = none;
    double share = 0; ///< of a nanosecond, on the shared wire
    uint64_t bytesPerSecond = 1;
    int64_t latencyNs = 0;
    int64_t ns(uint64_t bytes) const {
      return latencyNs + int64_t(double(bytes) * 1e9 / double(bytesPerSecond));
    }
  };
  /// A window of this step or the next as an index. Divisions would take most
  /// of the time that the greedy takes.
  uint32_t at(uint32_t window) const {
    return window < n ? window : window - n;
  }
  int64_t room(const Way &way, uint32_t window) const {
    if (way.wire == none)
      return INT64_MAX;
    int64_t ns = left[way.wire][at(window)];
    if (way.shared != none)
      if (int64_t other = left[way.shared][at(window)];
          double(other) < double(ns) * way.share)
        ns = int64_t(double(other) / way.share);
    return ns;
  }
  /// Windows with nothing left stay so: how many there are at least in a row is
  /// kept where they begin.
  void skipUp(uint32_t tier, uint32_t &first, uint32_t last) const {
    uint32_t r = ways[1][tier].wire, begin = first;
    if (r == none)
      return;
    while (first < last && left[r][at(first)] == 0)
      first += up[r][at(first)];
    if (first > begin)
      up[r][at(begin)] = std::min(first - begin, n);
    first = std::min(first, last);
  }
  void skipDown(uint32_t tier, uint32_t first, uint32_t &last) const {
    uint32_t r = ways[0][tier].wire, end = last;
    if (r == none)
      return;
    while (last > first && left[r][at(last - 1)] == 0)
      last -= std::min(last - first, down[r][at(last - 1)]);
    if (last < end)
      down[r][at(end - 1)] =
          std::max(down[r][at(end - 1)], std::min(end - last, n));
  }
  int64_t take(const Way &way, uint32_t window, int64_t ns) {
    ns = std::min(ns, room(way, window));
    if (way.wire != none)
      left[way.wire][at(window)] -= ns;
    if (way.shared != none) {
      int64_t &other = left[way.shared][at(window)];
      other -= std::min(other, int64_t(double(ns) * way.share));
    }
    return ns;
  }

  uint32_t n = 0;
  std::vector<std::vector<int64_t>> left;              ///< by wire, then window
  mutable std::vector<std::vector<uint32_t>> up, down; ///< the same: to skip
  std::vector<Way> ways[2];                            ///< in and out, by tier
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_LINKWINDOWS_H
