//===- Ejection.cpp - Make room by throwing out -----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ejection.h"

#include "../Random.h"
#include "BestFit.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;
using namespace spillway::planner::offsets;

namespace {

class Ejection {
public:
  Ejection(const Packing &packing, uint64_t capacity)
      : packing(packing),
        capacity(capacity / packing.alignment * packing.alignment),
        placed(packing), trouble(packing.size(), 1), difficulty(packing.size()),
        stamp(packing.size()) {
    for (uint32_t i = 0; i < packing.size(); ++i)
      difficulty[i] = float(packing.bytes[i]) * float(packing.length[i]);
  }

  Placement run(const Placement &start, uint64_t steps);
  uint64_t used() const { return placed.used + other; }

private:
  /// Steps without anything better, beyond as many as were used to get there.
  static constexpr uint64_t patience = 10000000;

  void eject(uint32_t item, uint64_t at);
  std::optional<uint64_t> windowFor(uint32_t item);
  void snapshot();
  Placement finish();

  const Packing &packing;
  const uint64_t capacity;
  Placed placed;
  std::vector<float> trouble;    ///< how often an item found no place
  std::vector<float> difficulty; ///< of placing an item by its shape
  std::vector<uint32_t> out;     ///< what has no place, next last
  uint64_t outBytes = 0;
  std::vector<uint64_t> best; ///< by item; UINT64_MAX without a place
  uint64_t bestBytes = UINT64_MAX;
  uint64_t improved = 0; ///< when the best was found
  Xorshift random;
  std::vector<uint32_t> stamp;
  uint32_t now = 0;
  uint64_t other = 0;
  // windowFor's: sums of dearness over spans by their lows and by their highs.
  std::vector<std::pair<uint64_t, float>> highs;
  std::vector<float> lowSums, highSums;
  std::vector<Placed::Span> spans;
  std::vector<std::pair<uint64_t, uint64_t>> stuck;
};

/// Where to put an item that fits nowhere: where what is displaced is least
/// dear. None if given addresses leave no room.
std::optional<uint64_t> Ejection::windowFor(uint32_t item) {
  spans.clear();
  ++now;
  for (const Placed::Span &s : placed.meeting(item))
    if (stamp[s.item] != now) {
      stamp[s.item] = now;
      spans.push_back(s);
    }
  size_t n = spans.size();
  other += 30 * n;
  uint64_t size = packing.bytes[item];
  highs.clear();
  stuck.clear(); // what may not move, by ascending addresses
  for (const Placed::Span &s : spans) {
    highs.push_back({s.high, trouble[s.item] * difficulty[s.item]});
    if (!packing.fixed[s.item])
      continue;
    if (!stuck.empty() && s.low <= stuck.back().second)
      stuck.back().second = std::max(stuck.back().second, s.high);
    else
      stuck.push_back({s.low, s.high});
  }
  lowSums.assign(n + 1, 0);
  for (size_t i = 0; i < n; ++i)
    lowSums[i + 1] = lowSums[i] + highs[i].second;
  std::sort(highs.begin(), highs.end());
  highSums.assign(n + 1, 0);
  for (size_t i = 0; i < n; ++i)
    highSums[i + 1] = highSums[i] + highs[i].second;
  // Windows that begin where something ends, or end where something begins.
  std::optional<uint64_t> bestAt;
  float least = HUGE_VALF;
  auto consider = [&](uint64_t at, size_t lows, size_t ends) {
    if (at > capacity || size > capacity - at)
      return;
    if (packing.anyFixed && at % packing.alignment)
      return;
    auto it =
        std::partition_point(stuck.begin(), stuck.end(),
                             [&](const auto &s) { return s.second <= at; });
    if (it != stuck.end() && it->first < at + size)
      return;
    // Begun below the window's end, but for what has ended by its beginning.
    float dear = lowSums[lows] - highSums[ends];
    // Ties and near ties at random, or the search would go in circles.
    dear *= 1 + 0.1f * float(random.unit());
    if (dear < least) {
      least = dear;
      bestAt = at;
    }
  };
  auto lowsBelow = [&](uint64_t x) {
    return size_t(
        std::partition_point(spans.begin(), spans.end(),
                             [&](const Placed::Span &s) { return s.low < x; }) -
        spans.begin());
  };
  auto endsUpTo = [&](uint64_t x) {
    return size_t(
        std::partition_point(highs.begin(), highs.end(),
                             [&](const auto &h) { return h.first <= x; }) -
        highs.begin());
  };
  consider(0, lowsBelow(size), 0);
  consider(capacity - size, n, endsUpTo(capacity - size));
  for (size_t i = 0; i < n; ++i) {
    consider(highs[i].first, lowsBelow(highs[i].first + size),
             endsUpTo(highs[i].first));
    if (spans[i].low >= size)
      consider(spans[i].low - size, i, endsUpTo(spans[i].low - size));
  }
  return bestAt;
}

void Ejection::eject(uint32_t item, uint64_t at) {
  uint64_t end = at + packing.bytes[item];
  size_t before = out.size();
  for (const Placed::Span &s : spans)
    if (s.low < end && at < s.high) {
      placed.remove(s.item);
      out.push_back(s.item);
      outBytes += packing.bytes[s.item];
    }
  std::sort(out.begin() + before, out.end(), [&](uint32_t a, uint32_t b) {
    return difficulty[a] != difficulty[b] ? difficulty[a] < difficulty[b]
                                          : a < b;
  });
}

void Ejection::snapshot() {
  if (outBytes >= bestBytes)
    return;
  bestBytes = outBytes;
  improved = used();
  best.resize(packing.size());
  for (uint32_t i = 0; i < packing.size(); ++i)
    best[i] = placed.contains(i) ? placed.offset(i) : UINT64_MAX;
  other += packing.size();
}

/// The best found; what has no place goes above.
Placement Ejection::finish() {
  placed.clear();
  std::vector<uint32_t> rest;
  for (uint32_t i = 0; i < packing.size(); ++i)
    if (best[i] == UINT64_MAX)
      rest.push_back(i);
    else
      placed.put(i, best[i]);
  std::sort(rest.begin(), rest.end(), [&](uint32_t a, uint32_t b) {
    return difficulty[a] != difficulty[b] ? difficulty[a] > difficulty[b]
                                          : a < b;
  });
  for (uint32_t i : rest)
    placed.put(i, *findHole(placed, packing, i, UINT64_MAX));
  Placement made;
  made.height = 0;
  for (uint32_t i = 0; i < packing.size(); ++i) {
    made.offsets.push_back(placed.offset(i));
    made.height = std::max(made.height, placed.end(i));
  }
  return made;
}

Placement Ejection::run(const Placement &start, uint64_t steps) {
  for (uint32_t i = 0; i < packing.size(); ++i)
    if (start.offsets[i] + packing.bytes[i] <= capacity) {
      placed.put(i, start.offsets[i]);
    } else {
      out.push_back(i);
      outBytes += packing.bytes[i];
    }
  snapshot();
  while (!out.empty() && used() < std::min(steps, 2 * improved + patience)) {
    uint32_t item = out.back();
    out.pop_back();
    outBytes -= packing.bytes[item];
    auto at = findHole(placed, packing, item, capacity);
    if (!at) {
      trouble[item] += 1;
      at = windowFor(item);
      if (!at)
        break;
      eject(item, *at);
    }
    placed.put(item, *at);
    snapshot();
  }
  return finish();
}

} // namespace

Placement spillway::planner::offsets::ejectToFit(const Packing &packing,
                                                 const Placement &start,
                                                 uint64_t capacity,
                                                 uint64_t steps,
                                                 uint64_t &used) {
  for (uint32_t i = 0; i < packing.size(); ++i)
    if (packing.fixed[i].value_or(0) > capacity ||
        packing.bytes[i] > capacity - packing.fixed[i].value_or(0))
      return start;
  Ejection search(packing, capacity);
  Placement made = search.run(start, steps);
  used += search.used();
  return made.height < start.height ? made : start;
}
