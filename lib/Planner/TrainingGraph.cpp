//===- TrainingGraph.cpp - Roles in a training step -------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainingGraph.h"

#include "ForwardPart.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

TrainingGraph::TrainingGraph(const Analysis &analysis) : a(analysis) {
  findRoles();
  turn = a.numOps ? ForwardPart(a).turn + 1 : 0;
  findBlocks();
  findInner();
}

void TrainingGraph::findRoles() {
  const Problem &p = a.problem;
  isUpdate.assign(a.numOps, false);
  std::vector<bool> updated(p.storages.size()), others(p.storages.size());
  std::vector<bool> readByUpdate(p.storages.size());
  for (uint32_t at = 0; at < a.numOps; ++at) {
    const Operator &op = p.operators[at];
    bool update = !op.updates.empty() && op.writes.empty();
    for (const Access &u : op.updates)
      update &= p.storages[u.storage].kind == StorageKind::Persistent;
    isUpdate[at] = update;
    for (const Operand &o : a.operands[at]) {
      updated[o.storage] = updated[o.storage] || o.updated;
      (update ? readByUpdate : others)[o.storage] = true;
    }
  }
  for (uint32_t s = 0; s < p.storages.size(); ++s)
    switch (p.storages[s].kind) {
    case StorageKind::Temporary:
      role.push_back(readByUpdate[s] ? Role::Gradient : Role::Activation);
      break;
    case StorageKind::Persistent:
      role.push_back(!updated[s] ? Role::Constant
                     : others[s] ? Role::Parameter
                                 : Role::State);
      break;
    case StorageKind::Fed:
      role.push_back(Role::Fed);
    }
}

/// A number that is the same for operators that look alike.
static uint64_t signature(const Problem &p, uint32_t at) {
  const Operator &op = p.operators[at];
  uint64_t h = 0xcbf29ce484222325u;
  auto mix = [&](uint64_t x) { h = (h ^ x) * 0x100000001b3u + (h >> 29); };
  mix(uint64_t(op.costNs[0]));
  mix(op.flops);
  mix(op.workspace);
  for (auto *list : {&op.reads, &op.writes})
    for (const Access &x : *list)
      mix(p.storages[x.storage].bytes);
  return h;
}

void TrainingGraph::findBlocks() {
  const Problem &p = a.problem;
  // At each position, how many temporaries go on. One that many operators read
  // (a mask, a table of angles) belongs to no layer and does not count.
  std::vector<int32_t> change(turn + 1);
  std::vector<int64_t> changeBytes(turn + 1);
  for (uint32_t s = 0; s < p.storages.size(); ++s) {
    const auto &uses = a.uses[a.slot(s, -1)];
    if (p.storages[s].kind != StorageKind::Temporary || uses.empty())
      continue;
    uint32_t end = uint32_t(std::lower_bound(uses.begin(), uses.end(), turn) -
                            uses.begin());
    if (end < 2 || end > 4)
      continue;
    ++change[uses[0] + 1];
    --change[uses[end - 1] + 1];
    changeBytes[uses[0] + 1] += int64_t(p.storages[s].bytes);
    changeBytes[uses[end - 1] + 1] -= int64_t(p.storages[s].bytes);
  }
  std::vector<uint32_t> cuts{0};
  std::vector<int64_t> bytes{0}; // that go on, by cut
  int32_t open = 0;
  int64_t openBytes = 0;
  for (uint32_t at = 0; at < turn; ++at) {
    open += change[at];
    openBytes += changeBytes[at];
    if (at && open <= 1) {
      cuts.push_back(at);
      bytes.push_back(openBytes);
    }
  }
  cuts.push_back(turn);
  uint32_t n = uint32_t(cuts.size()) - 1;
  std::vector<uint64_t> look(n);
  for (uint32_t i = 0; i < n; ++i)
    for (uint32_t at = cuts[i]; at < cuts[i + 1]; ++at)
      look[i] = look[i] * 0x9e3779b97f4a7c15u + signature(p, at);
  // The shortest period that most of the segments follow.
  uint32_t period = 0, from = 0, count = 0;
  for (uint32_t q = 1; q <= std::min(n / 2, 256u) && !period; ++q) {
    uint32_t run = 0;
    for (uint32_t i = 0; i + q < n; ++i) {
      run = look[i] == look[i + q] ? run + 1 : 0;
      if (run >= q && run + q > count && 2 * (run + q) >= n) {
        period = q;
        from = i + 1 - run;
        count = run + q;
      }
    }
    // One operator is no layer.
    if (period && cuts[from + period] - cuts[from] < 2)
      period = count = 0;
  }
  blockBegin.push_back(0);
  auto cut = [&](uint32_t at) {
    if (at > blockBegin.back())
      blockBegin.push_back(at);
  };
  if (period) {
    // A layer begins where least goes on.
    uint32_t begin = from;
    for (uint32_t i = from; i < from + period; ++i)
      if (bytes[i] < bytes[begin] && i > 0)
        begin = i;
    for (uint32_t i = begin; i <= from + count; i += period)
      cut(cuts[i]);
  } else {
    // Too few cuts (skips over everything): cut evenly all the same.
    if (n < 4) {
      cuts.clear();
      for (uint32_t at = 0; at <= turn; ++at)
        cuts.push_back(at);
      n = turn;
    }
    uint32_t blocks = uint32_t(std::ceil(std::sqrt(double(n))));
    for (uint32_t b = 1; b < blocks; ++b)
      cut(cuts[uint64_t(b) * n / blocks]);
  }
  cut(turn);
  blockOf.assign(a.numOps, none);
  for (uint32_t b = 0; b < numBlocks(); ++b)
    for (uint32_t at = blockBegin[b]; at < blockBegin[b + 1]; ++at)
      blockOf[at] = b;
}

void TrainingGraph::findInner() {
  const Problem &p = a.problem;
  inner.assign(p.storages.size(), false);
  for (uint32_t s = 0; s < p.storages.size(); ++s) {
    const auto &uses = a.uses[a.slot(s, -1)];
    uint32_t producer = a.producer[s];
    if (p.storages[s].kind != StorageKind::Temporary || producer == none ||
        producer >= turn || blockOf[producer] + 1 == numBlocks())
      continue;
    bool inside = !p.storages[s].output && uses.back() >= turn;
    uint32_t firstBack = none;
    for (uint32_t u : uses)
      if (u < turn)
        inside &= blockOf[u] == blockOf[producer];
      else
        firstBack = std::min(firstBack, u);
    inner[s] = inside && a.rerunUntil[producer] >= int64_t(firstBack);
  }
}

std::vector<uint32_t>
TrainingGraph::trace(const std::vector<bool> &wanted) const {
  const Problem &p = a.problem;
  std::vector<bool> drop(p.storages.size());
  std::vector<uint32_t> trigger(numBlocks(), none);
  for (uint32_t s = 0; s < p.storages.size(); ++s) {
    drop[s] = wanted[s] && inner[s];
    if (!drop[s])
      continue;
    const auto &uses = a.uses[a.slot(s, -1)];
    uint32_t &t = trigger[blockOf[a.producer[s]]];
    t = std::min(t, *std::lower_bound(uses.begin(), uses.end(), turn));
  }
  std::vector<std::vector<uint32_t>> again(a.numOps);
  std::vector<bool> need(p.storages.size());
  for (uint32_t b = 0; b < numBlocks(); ++b) {
    if (trigger[b] == none)
      continue;
    for (uint32_t at = blockBegin[b + 1]; at-- > blockBegin[b];) {
      bool wantedHere = false;
      for (const Operand &o : a.operands[at])
        wantedHere |= o.written && (drop[o.storage] || need[o.storage]);
      // What cannot be made again then stays from the first time.
      if (!wantedHere || a.rerunUntil[at] < int64_t(trigger[b]))
        continue;
      again[trigger[b]].push_back(at);
      for (const Operand &o : a.operands[at]) {
        uint32_t q = o.read ? a.producer[o.storage] : none;
        if (q == none || q >= turn || blockOf[q] != b)
          continue;
        // Alive then for another reason: it need not be made.
        bool kept = !drop[o.storage] && a.lastUse[o.storage] >= trigger[b];
        need[o.storage] = need[o.storage] || !kept;
      }
    }
  }
  std::vector<uint32_t> out;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    out.insert(out.end(), again[at].rbegin(), again[at].rend());
    out.push_back(at);
  }
  return out;
}
