//===- Residence.cpp - What stays on the device ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Residence.h"

#include "GapGreedy.h"
#include "HomeTiers.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

static bool isOpen(const Storage &s) {
  return s.kind == StorageKind::Persistent && !s.home;
}

bool spillway::planner::hostIsShort(const Analysis &a,
                                    const std::vector<uint64_t> &budgets) {
  if (budgets.size() < 3)
    return false;
  uint64_t all = 0, room = 0;
  std::vector<int64_t> change(a.numOps + 1);
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s) {
    const Storage &storage = a.problem.storages[s];
    const auto &uses = a.uses[a.slot(s, -1)];
    uint64_t bytes = a.slotBytes[a.slot(s, -1)];
    if (isOpen(storage))
      all += bytes;
    else if (storage.kind == StorageKind::Temporary && !uses.empty()) {
      change[uses.front()] += int64_t(bytes);
      change[uses.back()] -= int64_t(bytes);
    }
  }
  int64_t live = 0, most = 0;
  for (int64_t c : change)
    most = std::max(most, live += c);
  all += uint64_t(most);
  for (uint32_t t = 1; t + 1 < budgets.size(); ++t) {
    if (budgets[t] >= all - std::min(all, room))
      return false;
    room += budgets[t];
  }
  return true;
}

std::vector<Residence> spillway::planner::chooseResidence(
    const Analysis &a, uint64_t bytes,
    const std::vector<TrailingUpdate> &trailing) {
  const Problem &problem = a.problem;
  std::vector<Residence> out(problem.storages.size(), Residence::Open);
  // By the position of the last use, which is the update.
  std::vector<uint32_t> classes[2];
  uint64_t total[2] = {};
  std::vector<bool> trails(problem.storages.size());
  for (const TrailingUpdate &u : trailing) {
    trails[u.parameter] = true;
    for (uint32_t s : u.state)
      trails[s] = true;
  }
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    if (!isOpen(problem.storages[s]))
      continue;
    out[s] = Residence::Leaves;
    if (trails[s])
      continue;
    bool parameter = false;
    for (uint32_t slot = a.slotBegin[s]; slot < a.slotBegin[s + 1]; ++slot)
      parameter |= a.firstGap[slot] != none && a.uses[slot].size() > 1;
    uint32_t which = parameter ? 0 : 1;
    classes[which].push_back(s);
    total[which] += a.slotBytes[a.slot(s, -1)];
  }
  uint64_t left = bytes;
  for (uint32_t which : {0u, 1u}) {
    auto &list = classes[which];
    std::sort(list.begin(), list.end(), [&](uint32_t x, uint32_t y) {
      return std::pair(a.lastUse[x], x) < std::pair(a.lastUse[y], y);
    });
    // As many bytes of each stretch as of all.
    double share =
        total[which] ? std::min(1.0, double(left) / double(total[which])) : 0;
    double owed = 0;
    for (uint32_t s : list) {
      uint64_t size = a.slotBytes[a.slot(s, -1)];
      owed += share * double(size);
      if (size > left || owed < double(size) / 2)
        continue;
      owed -= double(size);
      left -= size;
      out[s] = Residence::Stays;
    }
  }
  return out;
}

uint64_t spillway::planner::mostUsed(const Analysis &a) {
  return *std::max_element(a.workingSet.begin(), a.workingSet.end());
}

Decisions spillway::planner::stayLess(const Analysis &a, Decisions d,
                                      uint64_t bytes,
                                      const std::vector<uint64_t> &budgets) {
  std::vector<Residence> residence = chooseResidence(a, d.stays, d.trailing);
  std::vector<uint32_t> stays;
  double all = 0, owed = 0;
  for (uint32_t s = 0; s < residence.size(); ++s)
    if (residence[s] == Residence::Stays) {
      stays.push_back(s);
      all += double(a.slotBytes[a.slot(s, -1)]);
    }
  std::sort(stays.begin(), stays.end(), [&](uint32_t x, uint32_t y) {
    return std::pair(a.lastUse[x], x) < std::pair(a.lastUse[y], y);
  });
  for (uint32_t s : stays) {
    auto size = double(a.slotBytes[a.slot(s, -1)]);
    owed += double(bytes) / all * size;
    if (owed < size / 2)
      continue;
    owed -= size;
    for (uint32_t slot = a.slotBegin[s]; slot < a.slotBegin[s + 1]; ++slot)
      for (uint32_t g = a.firstGap[slot];
           g < a.gaps.size() && a.gaps[g].slot == slot; ++g)
        d.gaps[g] = GapChoice::Swap;
  }
  assignHomes(a, d, budgets);
  return d;
}

namespace {

class ResidenceSearch {
public:
  ResidenceSearch(const Analysis &a, const std::vector<uint64_t> &budgets,
                  const std::function<ResidenceTrial(Decisions)> &attempt)
      : a(a), budgets(budgets), attempt(attempt), all(findTrailing(a)) {}
  int64_t run();

private:
  struct Choice {
    uint32_t level = 4; ///< the reserve is 1.25 to this power
    bool swapActivations = false;
    double trailing = 0; ///< of the time before the first update
  };
  bool better(const Choice &c);
  bool climb(int by);
  std::vector<TrailingUpdate> some(double share) const;

  static constexpr uint32_t lowest = 1, highest = 12;
  const Analysis &a;
  const std::vector<uint64_t> &budgets;
  const std::function<ResidenceTrial(Decisions)> &attempt;
  std::vector<TrailingUpdate> all;
  Choice chosen;
  ResidenceTrial least;
};

/// As many of those that may trail as keep their link busy for a share of the
/// time before the first update.
std::vector<TrailingUpdate> ResidenceSearch::some(double share) const {
  std::vector<TrailingUpdate> out;
  double ns = 0;
  for (const TrailingUpdate &u : all) {
    if (ns >= share * double(least.firstUpdateNs))
      break;
    out.push_back(u);
    ns += double(u.linkNs);
  }
  return out;
}

bool ResidenceSearch::better(const Choice &c) {
  double reserve = double(mostUsed(a)) * std::pow(1.25, c.level);
  auto stays = uint64_t(std::max(double(budgets[0]) - reserve, 0.0));
  std::vector<TrailingUpdate> trailing = some(c.trailing);
  std::vector<Residence> residence = chooseResidence(a, stays, trailing);
  GreedyOptions options;
  options.residence = &residence;
  options.trailing = &trailing;
  options.swapActivations = c.swapActivations;
  Decisions d = chooseGaps(a, options, budgets);
  d.stays = stays;
  ResidenceTrial trial = attempt(std::move(d));
  if (trial.stepNs >= least.stepNs)
    return false;
  least = trial;
  chosen = c;
  return true;
}

bool ResidenceSearch::climb(int by) {
  bool any = false;
  for (Choice c = chosen; c.level != (by < 0 ? lowest : highest); any = true) {
    c.level += uint32_t(by);
    if (!better(c))
      break;
  }
  return any;
}

int64_t ResidenceSearch::run() {
  // As a rule what is made in the step had better be made again.
  better(chosen);
  if (!climb(-1))
    climb(1);
  Choice c = chosen;
  c.swapActivations = true;
  while (c.level++ < highest && better(c))
    ;
  if (all.empty() || least.stepNs == INT64_MAX)
    return least.stepNs;
  for (double share : {0.5, 1.0}) {
    c = chosen;
    c.trailing = share;
    better(c);
  }
  double middle = chosen.trailing;
  for (double by : {-0.25, 0.25})
    if (c = chosen; middle > 0) {
      c.trailing = middle + by;
      better(c);
    }
  if (chosen.trailing > 0 && !climb(-1))
    climb(1);
  return least.stepNs;
}

} // namespace

int64_t spillway::planner::searchResidence(
    const Analysis &a, const std::vector<uint64_t> &budgets,
    const std::function<ResidenceTrial(Decisions)> &attempt) {
  return ResidenceSearch(a, budgets, attempt).run();
}
