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

#include <algorithm>
#include <cmath>

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
    found.push_back(runsKeeping(a, part, keep));
  }

  PolicyAnswer finish() {
    return answerOfRuns(request, found,
                        found.empty() ? "there is nothing to checkpoint" : "");
  }

  const PolicyRequest &request;
  const Analysis &a;
  ForwardPart part;
  std::vector<uint32_t> all;
  std::vector<Runs> found;
};

} // namespace

PolicyAnswer spillway::planner::planChenSqrt(const PolicyRequest &request) {
  return Chen(request).sqrtOfCandidates();
}

PolicyAnswer spillway::planner::planChenGreedy(const PolicyRequest &request) {
  return Chen(request).greedy();
}
