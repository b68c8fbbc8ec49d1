//===- Chen.cpp - Sublinear memory by checkpoints ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chen et al., "Training deep nets with sublinear memory cost", 2016, and its
// generalisation to graphs in Checkmate (Jain et al., MLSys 2020, section 6.2).
// Checkpoints are kept from the forward to the backward pass; when the backward
// pass comes to a segment between two of them, the segment is run again.
//  * `chen-sqrt`: of the candidates C, every floor(sqrt |C|)-th.
//  * `chen-greedy`: walking forward, the bytes of results are added up; at a
//    candidate where they exceed b a segment ends. b is swept, the cheapest
//    schedule that fits is taken.
// Candidates are the articulation points of the forward graph ("AP"); where
// their schedules do not fit, or cost more, all forward operators
// ("linearized").
//
//===----------------------------------------------------------------------===//

#include "../ForwardPart.h"
#include "../Policy.h"
#include "../Prefetch.h"

#include <algorithm>
#include <cmath>
#include <tuple>

using namespace spillway::planner;

namespace {

class Chen {
public:
  explicit Chen(const PolicyRequest &request)
      : request(request), a(request.analysis), part(a) {
    for (uint32_t at = 0; at <= part.turn && at < a.numOps; ++at)
      all.push_back(at);
  }

  PolicyAnswer sqrtOfCandidates() {
    for (const std::vector<uint32_t> *candidates : {&part.cuts, &all}) {
      uint32_t k = uint32_t(std::sqrt(double(candidates->size())));
      if (k == 0)
        continue;
      std::vector<uint32_t> checkpoints;
      for (uint32_t i = k - 1; i < candidates->size(); i += k)
        checkpoints.push_back((*candidates)[i]);
      attempt(checkpoints);
    }
    return finish();
  }

  PolicyAnswer greedy() {
    uint64_t total = 0, largest = 1;
    for (uint32_t at : all) {
      total += made(at);
      largest = std::max(largest, made(at));
    }
    for (const std::vector<uint32_t> *candidates : {&part.cuts, &all}) {
      std::vector<uint32_t> before;
      for (double b = double(largest) / 2; b < double(total); b *= 1.15) {
        std::vector<uint32_t> checkpoints;
        double sum = 0;
        auto next = candidates->begin();
        for (uint32_t at : all) {
          sum += double(made(at));
          if (next == candidates->end() || *next != at)
            continue;
          ++next;
          if (sum > b) {
            checkpoints.push_back(at);
            sum = 0;
          }
        }
        if (checkpoints != before)
          attempt(checkpoints);
        before = checkpoints;
      }
    }
    return finish();
  }

private:
  /// Bytes of an operator's results.
  uint64_t made(uint32_t at) const {
    uint64_t bytes = 0;
    for (const Operand &o : a.operands[at])
      if (o.written)
        bytes += a.slotBytes[a.slot(o.storage, o.part)];
    return bytes;
  }

  void attempt(const std::vector<uint32_t> &checkpoints) {
    std::vector<bool> keep = part.table;
    for (uint32_t at : checkpoints)
      for (const Operand &o : a.operands[at])
        if (o.written)
          keep[o.storage] = true;
    Emission e = emitPlan(a, dropAcrossTurn(a, part, keep), request.budgets);
    if (!e.ok) {
      if (answer.reason.empty())
        answer.reason = e.reason;
      answer.tier = e.tier;
      return;
    }
    int64_t cost = 0;
    for (const Action &action : e.plan.actions)
      if (action.kind == ActionKind::Run)
        cost += a.problem.operators[action.op].costNs[action.engine];
    found.emplace_back(cost, std::move(e.plan));
  }

  PolicyAnswer finish() {
    // Of equal cost, the one that was found first.
    std::vector<uint32_t> order(found.size());
    for (uint32_t i = 0; i < order.size(); ++i)
      order[i] = i;
    std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) {
      return std::tie(found[x].first, x) < std::tie(found[y].first, y);
    });
    answer.ok = !found.empty();
    for (uint32_t i = 0; i < order.size() && i < 6; ++i) {
      answer.plans.push_back(std::move(found[order[i]].second));
      hoistLoads(a.problem, answer.plans.back(), request.budgets[0]);
    }
    if (!answer.ok && answer.reason.empty())
      answer.reason = "there is nothing to checkpoint";
    return std::move(answer);
  }

  const PolicyRequest &request;
  const Analysis &a;
  ForwardPart part;
  std::vector<uint32_t> all;
  std::vector<std::pair<int64_t, Plan>> found;
  PolicyAnswer answer;
};

} // namespace

PolicyAnswer spillway::planner::planChenSqrt(const PolicyRequest &request) {
  return Chen(request).sqrtOfCandidates();
}

PolicyAnswer spillway::planner::planChenGreedy(const PolicyRequest &request) {
  return Chen(request).greedy();
}
