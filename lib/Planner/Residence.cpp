//===- Residence.cpp - What stays on the device ----------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Residence.h"

#include <algorithm>

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

std::vector<Residence> spillway::planner::chooseResidence(const Analysis &a,
                                                          uint64_t bytes) {
  const Problem &problem = a.problem;
  std::vector<Residence> out(problem.storages.size(), Residence::Open);
  // By the position of the last use, which is the update.
  std::vector<uint32_t> classes[2];
  uint64_t total[2] = {};
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    if (!isOpen(problem.storages[s]))
      continue;
    out[s] = Residence::Leaves;
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
