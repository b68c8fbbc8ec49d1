//===- ExactSearch.cpp - Offsets below a capacity, or none ------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExactSearch.h"

#include "FailedStates.h"

#include <algorithm>
#include <numeric>

using namespace spillway::planner::offsets;

namespace {

/// What the static orders compare, largest first: W the time that an item is
/// live, A its area, T the largest sum of bytes of a section that it is in.
constexpr const char *orders[] = {"WAT", "TAW", "TWA"};

class Search {
public:
  Search(const Packing &packing, uint64_t capacity);

  /// One attempt with one static order, limited by `limit` steps.
  SearchOutcome attempt(const char *order, uint64_t limit);

  uint64_t used = 0; ///< steps, over all attempts
  std::vector<uint64_t> solution;

private:
  /// Items that are solved together, in static order, and their sections.
  struct Part {
    std::vector<uint32_t> items;
    Range sections;
  };
  struct Candidate {
    uint64_t offset;
    uint32_t rank;
    bool operator<(const Candidate &o) const {
      return offset != o.offset ? offset < o.offset : rank < o.rank;
    }
  };
  struct Change {
    uint32_t index;
    uint64_t value;
  };

  SearchOutcome solvePart(Part &part);
  SearchOutcome search(const Part &part, Candidate from);
  SearchOutcome descend(const Part &part, uint32_t item, Candidate at);
  bool place(const Part &part, uint32_t item, uint64_t offset);
  bool stackFits(uint32_t section, uint64_t from);
  void undo(uint32_t item, size_t offsetMark, size_t floorMark);

  Range hull(uint32_t item) const {
    auto r = in.ranges(item);
    return {r.front().begin, r.back().end};
  }

  const Packing &in;
  const uint64_t capacity;
  const char *order = nullptr;
  uint64_t stop = 0;

  std::vector<std::vector<uint32_t>> meets;   ///< by item
  std::vector<std::vector<uint32_t>> members; ///< by section
  /// The equal item that goes before this one, or itself.
  std::vector<uint32_t> twin;

  std::vector<bool> placed;
  std::vector<uint64_t> lowest; ///< by item: what stands below ends here
  std::vector<uint64_t> floor;  ///< by section: nothing more goes below
  std::vector<uint64_t> rest;   ///< by section: bytes not yet placed
  std::vector<uint32_t> cuts;   ///< by section: items over its end
  std::vector<Change> offsetTrail, floorTrail;
  std::vector<uint32_t> touched, stamp;
  uint32_t now = 0;
  std::vector<uint64_t> heads;
  std::vector<Candidate> candidates; ///< a stack of lists
  FailedStates failed;
};

Search::Search(const Packing &packing, uint64_t capacity)
    : in(packing), capacity(capacity) {
  uint32_t n = in.size();
  solution.resize(n);
  meets.resize(n);
  members.resize(in.numSections);
  twin.resize(n);
  std::iota(twin.begin(), twin.end(), 0);
  placed.assign(n, false);
  lowest.assign(n, 0);
  floor.assign(in.numSections, 0);
  rest = in.load;
  cuts.assign(in.numSections, 0);
  stamp.assign(in.numSections, 0);
  for (uint32_t i = 0; i < n; ++i) {
    for (const Range &r : in.ranges(i))
      for (uint32_t s = r.begin; s < r.end; ++s)
        members[s].push_back(i);
    Range h = hull(i);
    for (uint32_t s = h.begin; s + 1 < h.end; ++s)
      ++cuts[s];
    for (uint32_t j = 0; j < i; ++j) {
      if (!in.meet(i, j))
        continue;
      meets[i].push_back(j);
      meets[j].push_back(i);
      auto a = in.ranges(i), b = in.ranges(j);
      if (in.bytes[i] == in.bytes[j] &&
          std::equal(a.begin(), a.end(), b.begin(), b.end()))
        twin[i] = j;
    }
  }
  used += uint64_t(n) * n;
}

SearchOutcome Search::attempt(const char *which, uint64_t limit) {
  order = which;
  stop = used + limit;
  failed.clear();
  Part all;
  all.items.resize(in.size());
  std::iota(all.items.begin(), all.items.end(), 0);
  all.sections = {0, in.numSections};
  for (uint32_t s = 0; s < in.numSections; ++s)
    if (rest[s] > capacity)
      return SearchOutcome::Infeasible;
  // Parts that no item joins are solved one after the other.
  uint32_t begin = 0;
  for (uint32_t s = 0; s < in.numSections; ++s) {
    if (s + 1 < in.numSections && cuts[s])
      continue;
    Part part;
    part.sections = {begin, s + 1};
    begin = s + 1;
    for (uint32_t i : all.items)
      if (hull(i).begin >= part.sections.begin &&
          hull(i).end <= part.sections.end)
        part.items.push_back(i);
    SearchOutcome o = solvePart(part);
    if (o != SearchOutcome::Found)
      return o;
  }
  return SearchOutcome::Found;
}

SearchOutcome Search::solvePart(Part &part) {
  struct Key {
    double values[3];
    uint32_t item;
  };
  std::vector<Key> keys;
  for (uint32_t i : part.items) {
    uint64_t most = 0;
    for (const Range &r : in.ranges(i))
      for (uint32_t s = r.begin; s < r.end; ++s)
        most = std::max(most, rest[s]);
    Key key;
    key.item = i;
    for (int k = 0; k < 3; ++k)
      key.values[k] = order[k] == 'W' ? double(in.length[i])
                      : order[k] == 'T'
                          ? double(most)
                          : double(in.bytes[i]) * double(in.length[i]);
    keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end(), [](const Key &a, const Key &b) {
    for (int k = 0; k < 3; ++k)
      if (a.values[k] != b.values[k])
        return a.values[k] > b.values[k];
    return a.item < b.item;
  });
  for (size_t k = 0; k < keys.size(); ++k)
    part.items[k] = keys[k].item;
  used += 20 * keys.size();
  return search(part, {0, 0});
}

SearchOutcome Search::search(const Part &part, Candidate from) {
  uint32_t n = uint32_t(part.items.size());
  used += 30 + n;
  if (used >= stop)
    return SearchOutcome::GaveUp;
  uint64_t top = UINT64_MAX;
  bool any = false;
  FailedStates::Key key;
  size_t mark = candidates.size();
  for (uint32_t k = 0; k < n; ++k) {
    uint32_t i = part.items[k];
    if (placed[i])
      continue;
    any = true;
    key.add(i, lowest[i]);
    top = std::min(top, lowest[i] + in.bytes[i]);
    if (lowest[i] < from.offset || (lowest[i] == from.offset && k < from.rank))
      continue;
    if (twin[i] == i || placed[twin[i]])
      candidates.push_back({lowest[i], k});
  }
  if (!any)
    return SearchOutcome::Found;
  if (failed.contains(key, from.offset, from.rank)) {
    candidates.resize(mark);
    return SearchOutcome::Infeasible;
  }
  std::sort(candidates.begin() + mark, candidates.end());
  SearchOutcome result = SearchOutcome::Infeasible;
  for (size_t c = mark; c < candidates.size(); ++c) {
    Candidate at = candidates[c];
    if (at.offset >= top)
      break;
    result = descend(part, part.items[at.rank], at);
    if (result != SearchOutcome::Infeasible)
      break;
  }
  candidates.resize(mark);
  if (result == SearchOutcome::Infeasible)
    failed.insert(key, from.offset, from.rank);
  return result;
}

SearchOutcome Search::descend(const Part &part, uint32_t item, Candidate at) {
  size_t offsetMark = offsetTrail.size(), floorMark = floorTrail.size();
  SearchOutcome result = SearchOutcome::Infeasible;
  if (place(part, item, at.offset)) {
    solution[item] = at.offset;
    // Where this was the last item over a cut, the sides are on their own.
    Range h = hull(item);
    std::vector<uint32_t> borders;
    for (uint32_t s = h.begin; s + 1 < h.end; ++s)
      if (--cuts[s] == 0)
        borders.push_back(s + 1);
    if (borders.empty()) {
      result = search(part, at);
    } else {
      borders.push_back(part.sections.end);
      uint32_t begin = part.sections.begin;
      for (uint32_t end : borders) {
        Part side;
        side.sections = {begin, end};
        begin = end;
        for (uint32_t i : part.items)
          if (!placed[i] && hull(i).begin < end &&
              side.sections.begin < hull(i).end)
            side.items.push_back(i);
        result = side.items.empty() ? SearchOutcome::Found : solvePart(side);
        if (result != SearchOutcome::Found)
          break;
      }
    }
    for (uint32_t s = h.begin; s + 1 < h.end; ++s)
      ++cuts[s];
  }
  undo(item, offsetMark, floorMark);
  return result;
}

bool Search::place(const Part &part, uint32_t item, uint64_t offset) {
  uint64_t top = offset + in.bytes[item];
  placed[item] = true;
  ++now;
  touched.clear();
  auto touch = [&](uint32_t i) {
    for (const Range &r : in.ranges(i))
      for (uint32_t s = r.begin; s < r.end; ++s)
        if (stamp[s] != now) {
          stamp[s] = now;
          touched.push_back(s);
        }
  };
  for (const Range &r : in.ranges(item))
    for (uint32_t s = r.begin; s < r.end; ++s) {
      floorTrail.push_back({s, floor[s]});
      floor[s] = top;
      rest[s] -= in.bytes[item];
    }
  touch(item);
  bool fits = true;
  for (uint32_t i : meets[item]) {
    if (placed[i] || lowest[i] >= top)
      continue;
    offsetTrail.push_back({i, lowest[i]});
    lowest[i] = top;
    fits &= top + in.bytes[i] <= capacity;
    touch(i);
  }
  used += meets[item].size() + 2 * touched.size();
  if (!fits)
    return false;
  // What is still to come goes no lower than this item.
  for (uint32_t s = part.sections.begin; s < part.sections.end; ++s)
    if (rest[s] && std::max(floor[s], offset) + rest[s] > capacity)
      return false;
  for (uint32_t s : touched)
    if (rest[s] && !stackFits(s, offset))
      return false;
  return true;
}

/// Stacks what is still to come in a section, lowest first.
bool Search::stackFits(uint32_t section, uint64_t from) {
  uint64_t low = UINT64_MAX;
  heads.clear();
  for (uint32_t i : members[section])
    if (!placed[i]) {
      heads.push_back(i);
      low = std::min(low, lowest[i]);
    }
  used += 4 * members[section].size();
  if (low > floor[section]) {
    floorTrail.push_back({section, floor[section]});
    floor[section] = low;
  }
  std::sort(heads.begin(), heads.end(),
            [&](uint64_t a, uint64_t b) { return lowest[a] < lowest[b]; });
  uint64_t top = std::max(from, floor[section]);
  for (uint64_t i : heads)
    top = std::max(top, lowest[i]) + in.bytes[i];
  return top <= capacity;
}

void Search::undo(uint32_t item, size_t offsetMark, size_t floorMark) {
  while (offsetTrail.size() > offsetMark) {
    lowest[offsetTrail.back().index] = offsetTrail.back().value;
    offsetTrail.pop_back();
  }
  while (floorTrail.size() > floorMark) {
    floor[floorTrail.back().index] = floorTrail.back().value;
    floorTrail.pop_back();
  }
  for (const Range &r : in.ranges(item))
    for (uint32_t s = r.begin; s < r.end; ++s)
      rest[s] += in.bytes[item];
  placed[item] = false;
}

} // namespace

SearchOutcome spillway::planner::offsets::searchExactly(const Packing &packing,
                                                        uint64_t capacity,
                                                        uint64_t &steps,
                                                        Placement &out) {
  if (packing.maxLoad > capacity)
    return SearchOutcome::Infeasible;
  uint64_t n = packing.size();
  if (packing.anyFixed || n * n > steps / 4)
    return SearchOutcome::GaveUp;
  Search search(packing, capacity);
  SearchOutcome result = SearchOutcome::GaveUp;
  // Short attempts first: a lucky order ends quickly.
  for (uint64_t limit = 1000 * (n + 1);
       result == SearchOutcome::GaveUp && search.used < steps; limit *= 2)
    for (const char *order : orders) {
      if (search.used >= steps)
        break;
      result = search.attempt(order, std::min(limit, steps - search.used));
      if (result != SearchOutcome::GaveUp)
        break;
    }
  steps -= std::min(steps, search.used);
  if (result != SearchOutcome::Found)
    return result;
  out.offsets = search.solution;
  out.height = 0;
  for (uint32_t i = 0; i < n; ++i)
    out.height = std::max(out.height, out.offsets[i] + packing.bytes[i]);
  return result;
}
