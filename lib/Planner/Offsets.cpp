//===- Offsets.cpp - Addresses in an arena ----------------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "spillway/Planner/Offsets.h"

#include <algorithm>
#include <functional>
#include <numeric>

using namespace spillway::planner;

namespace {

/// Places items one after the other, each in the tightest hole that its
/// neighbours in time leave below the height reached so far. What is placed is
/// kept in order of address, so that the holes come out of one pass over it.
class Placer {
public:
  Placer(const std::vector<OffsetItem> &items, const OffsetOptions &options)
      : items(items), align(std::max<uint64_t>(options.alignment, 1)) {
    for (const OffsetItem &item : items)
      size.push_back((item.bytes + align - 1) / align * align);
  }

  /// Returns the height; fills `offsets`.
  uint64_t place(const std::vector<uint32_t> &order,
                 std::vector<uint64_t> &offsets) {
    offsets.assign(items.size(), 0);
    placed.clear();
    uint64_t height = 0;
    for (uint32_t i : order)
      if (items[i].fixed)
        height = std::max(height, put(i, *items[i].fixed, offsets));
    for (uint32_t i : order)
      if (!items[i].fixed)
        height = std::max(height, put(i, hole(i), offsets));
    return height;
  }

  uint64_t bytes(uint32_t i) const { return size[i]; }

private:
  /// One interval of a placed item, and the addresses that it takes.
  struct Piece {
    uint64_t low, high;
    uint32_t begin, end;
  };

  uint64_t put(uint32_t i, uint64_t offset, std::vector<uint64_t> &offsets) {
    offsets[i] = offset;
    auto at = std::upper_bound(
        placed.begin(), placed.end(), offset,
        [](uint64_t low, const Piece &piece) { return low < piece.low; });
    for (const Interval &v : items[i].live)
      if (v.begin < v.end)
        at = placed.insert(at, {offset, offset + size[i], v.begin, v.end});
    return offset + size[i];
  }

  uint64_t hole(uint32_t i) const {
    uint64_t best = UINT64_MAX, slack = UINT64_MAX, end = 0;
    for (const Piece &piece : placed) {
      bool meets = false;
      for (const Interval &v : items[i].live)
        meets |= v.begin < piece.end && piece.begin < v.end;
      if (!meets)
        continue;
      if (piece.low >= end + size[i] && piece.low - end - size[i] < slack) {
        slack = piece.low - end - size[i];
        best = end;
      }
      end = (std::max(end, piece.high) + align - 1) / align * align;
    }
    return best != UINT64_MAX ? best : end;
  }

  const std::vector<OffsetItem> &items;
  uint64_t align;
  std::vector<uint64_t> size;
  std::vector<Piece> placed;
};

uint64_t loadOf(const std::vector<OffsetItem> &items, const Placer &placer) {
  std::vector<std::pair<uint32_t, int64_t>> events;
  for (uint32_t i = 0; i < items.size(); ++i)
    for (const Interval &v : items[i].live)
      if (v.begin < v.end) {
        events.push_back({v.begin, int64_t(placer.bytes(i))});
        events.push_back({v.end, -int64_t(placer.bytes(i))});
      }
  // Ends sort before begins at the same time, for they are negative.
  std::sort(events.begin(), events.end());
  int64_t live = 0, most = 0;
  for (auto &[time, change] : events)
    most = std::max(most, live += change);
  return uint64_t(most);
}

} // namespace

OffsetResult
spillway::planner::assignOffsets(const std::vector<OffsetItem> &items,
                                 const OffsetOptions &options) {
  Placer placer(items, options);
  OffsetResult result;
  result.maxLoad = loadOf(items, placer);
  uint64_t target = std::max(options.target, result.maxLoad);
  uint32_t n = uint32_t(items.size());
  if (n == 0)
    return result;

  std::vector<uint64_t> length(n);
  std::vector<uint32_t> first(n);
  for (uint32_t i = 0; i < n; ++i) {
    first[i] = UINT32_MAX;
    for (const Interval &v : items[i].live) {
      length[i] += v.end - v.begin;
      first[i] = std::min(first[i], v.begin);
    }
  }
  auto size = [&](uint32_t i) { return placer.bytes(i); };
  auto area = [&](uint32_t i) { return double(size(i)) * double(length[i]); };
  using Less = std::function<bool(uint32_t, uint32_t)>;
  const Less orders[] = {
      [&](uint32_t a, uint32_t b) {
        return std::pair(size(a), length[a]) > std::pair(size(b), length[b]);
      },
      [&](uint32_t a, uint32_t b) {
        return std::pair(length[a], size(a)) > std::pair(length[b], size(b));
      },
      [&](uint32_t a, uint32_t b) { return area(a) > area(b); },
      [&](uint32_t a, uint32_t b) {
        return std::pair(first[a], ~length[a]) <
               std::pair(first[b], ~length[b]);
      },
  };
  std::vector<uint32_t> order(n), best;
  std::vector<uint64_t> offsets;
  auto attempt = [&]() {
    uint64_t height = placer.place(order, offsets);
    if (result.offsets.empty() || height < result.height) {
      result.offsets = offsets;
      result.height = height;
      best = order;
    }
    return result.height <= target;
  };
  for (const Less &less : orders) {
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) {
      return less(x, y) || (!less(y, x) && x < y);
    });
    if (attempt())
      return result;
  }
  // What ended up too high goes first in the next attempt. Work is bounded by
  // items, not by time, so that the answer is the same everywhere.
  uint32_t rounds = std::min<uint32_t>(64, 200000 / n);
  order = best;
  offsets = result.offsets;
  for (uint32_t k = 0; k < rounds; ++k) {
    std::vector<uint32_t> high, low;
    for (uint32_t i : order)
      (offsets[i] + size(i) > target ? high : low).push_back(i);
    if (high.empty())
      break;
    order = high;
    order.insert(order.end(), low.begin(), low.end());
    if (attempt())
      return result;
  }
  return result;
}

std::string
spillway::planner::checkOffsets(const std::vector<OffsetItem> &items,
                                const std::vector<uint64_t> &offsets) {
  if (offsets.size() != items.size())
    return "expected " + std::to_string(items.size()) + " offsets, found " +
           std::to_string(offsets.size());
  struct Piece {
    uint32_t begin, end, item;
  };
  std::vector<Piece> pieces;
  for (uint32_t i = 0; i < items.size(); ++i)
    for (const Interval &v : items[i].live)
      if (v.begin < v.end && items[i].bytes)
        pieces.push_back({v.begin, v.end, i});
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece &a, const Piece &b) { return a.begin < b.begin; });
  std::vector<Piece> open;
  for (const Piece &p : pieces) {
    std::erase_if(open, [&](const Piece &o) { return o.end <= p.begin; });
    for (const Piece &o : open)
      if (o.item != p.item &&
          offsets[o.item] < offsets[p.item] + items[p.item].bytes &&
          offsets[p.item] < offsets[o.item] + items[o.item].bytes)
        return "items " + std::to_string(std::min(o.item, p.item)) + " and " +
               std::to_string(std::max(o.item, p.item)) +
               " overlap in time and place";
    open.push_back(p);
  }
  return "";
}
