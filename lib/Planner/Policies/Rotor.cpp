//===- Rotor.cpp - Optimal checkpointing of chains --------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Beaumont, Eyraud-Dubois, Herrmann, Joly and Shilova, "Optimal checkpointing
// for heterogeneous chains: how to train deep neural networks with limited
// memory", 2019 (rotor). A stage can be run forward keeping nothing but its
// result, keeping its input as well, or keeping all that its backward pass
// needs. C(s,t,m), the least time to have stages s to t done forward and
// backward with m bytes and the input of s in memory, is the least of
//     F_s + .. + F_k-1 + C(k,t,m - a_k) + C(s,k-1,m)   for k in (s, t],
//     F_s + C(s+1,t,m - abar_s) + B_s,
// where all that the runs hold at once fits into m; memory is counted in 400
// units, rounded up.
// Stages are the operators between two articulation points of the forward
// graph, each with those backward operators that read from it. Two differences
// to the paper: gradients are counted as the given order has them live (the
// backward operators run once, in that order), which includes those of
// parameters that wait for an optimizer; and a forward run is left out where
// nobody reads what it makes.
//
//===----------------------------------------------------------------------===//

#include "../ForwardPart.h"
#include "../RunPlan.h"

#include <algorithm>
#include <string>

using namespace spillway::planner;

namespace {

class Rotor {
public:
  explicit Rotor(const PolicyRequest &request)
      : request(request), a(request.analysis), problem(a.problem), part(a) {}

  PolicyAnswer run();

private:
  static constexpr uint32_t units = 400, maxStages = 120;
  static constexpr int64_t never = INT64_MAX / 4;

  struct Stage {
    Runs forward, backward;
    int64_t cost = 0;
    uint64_t result = 0;    ///< bytes that the next stage reads
    uint64_t all = 0;       ///< bytes that backward passes need, and the result
    uint64_t running = 0;   ///< at most, while only the result is kept
    uint64_t keeping = 0;   ///< at most, while all is kept
    uint64_t gradients = 0; ///< when its backward pass begins
    uint64_t turning = 0;   ///< gradients at most, during its backward pass
  };
  struct Choice {
    int64_t cost = never;
    uint32_t next = none; ///< k, or s for keeping all
  };

  bool findStages();
  bool formStages(const std::vector<uint32_t> &cuts,
                  std::vector<uint32_t> &stageOf);
  bool assignBackward(const std::vector<uint32_t> &stageOf, uint32_t &low,
                      uint32_t &high);
  void measure(const std::vector<uint32_t> &stageOf);
  Choice &at(uint32_t s, uint32_t t, uint32_t m) {
    return table[(size_t(s) * stages.size() + t) * (units + 1) + m];
  }
  uint32_t unitsOf(uint64_t bytes) const {
    return uint32_t(std::min<uint64_t>((bytes + unit - 1) / unit, units + 1));
  }
  void solve();
  void emit(uint32_t s, uint32_t t, uint32_t m);

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  ForwardPart part;
  std::vector<Stage> stages;
  std::vector<Choice> table;
  uint64_t unit = 1, constant = 0;
  std::string fault;
  Runs runs;
};

bool Rotor::findStages() {
  std::vector<uint32_t> cuts = part.cuts;
  while (cuts.size() >= maxStages) {
    std::vector<uint32_t> fewer;
    for (size_t i = 0; i < cuts.size(); i += 2)
      fewer.push_back(cuts[i]);
    cuts = fewer;
  }
  if (cuts.size() < 2) {
    fault = "the forward part is no chain: " + std::to_string(cuts.size()) +
            " articulation points, expected at least 2";
    return false;
  }
  // Where the backward pass goes back and forth between stages, they are one.
  std::vector<uint32_t> stageOf;
  while (true) {
    if (!formStages(cuts, stageOf))
      return false;
    uint32_t low = 0, high = 0;
    if (assignBackward(stageOf, low, high))
      break;
    cuts.erase(cuts.begin() + low, cuts.begin() + high);
    if (cuts.size() < 2)
      return false;
  }
  measure(stageOf);
  return true;
}

bool Rotor::formStages(const std::vector<uint32_t> &cuts,
                       std::vector<uint32_t> &stageOf) {
  stages.clear();
  stageOf.assign(a.numOps, none);
  for (uint32_t op = 0; op <= part.turn; ++op) {
    uint32_t l =
        uint32_t(std::lower_bound(cuts.begin(), cuts.end(), op) - cuts.begin());
    stageOf[op] = l;
    stages.resize(l + 1);
    stages[l].forward.push_back(op);
    stages[l].cost += problem.operators[op].costNs[0];
    for (const Operand &o : a.operands[op])
      if (o.written && l < cuts.size() && !part.table[o.storage] &&
          !canRemake(a, o.storage)) {
        fault = "operator " + std::to_string(problem.operators[op].id) +
                " of the forward part must not be run again";
        return false;
      }
  }
  return true;
}

/// Backward operators run through the stages from the last to the first; each
/// reads what one stage made, or what that one was given.
/// If one comes back to a later stage: the stages that it goes back over.
bool Rotor::assignBackward(const std::vector<uint32_t> &stageOf, uint32_t &low,
                           uint32_t &high) {
  uint32_t current = uint32_t(stages.size()) - 1;
  for (uint32_t op = part.turn + 1; op < a.numOps; ++op) {
    for (const Operand &o : a.operands[op]) {
      const auto &uses = a.uses[a.slot(o.storage, -1)];
      if (problem.storages[o.storage].kind != StorageKind::Temporary ||
          uses.front() > part.turn || part.table[o.storage])
        continue;
      uint32_t made = stageOf[uses.front()];
      uint32_t read = stageOf[part.lastForwardUse[o.storage]];
      current = std::min(current, read);
      if (current >= made)
        continue;
      low = current, high = made;
      fault = "the backward part is no chain: operator " +
              std::to_string(problem.operators[op].id) + " reads from stage " +
              std::to_string(made) + " after stage " + std::to_string(current) +
              " was reached";
      return false;
    }
    stages[current].backward.push_back(op);
  }
  return true;
}

void Rotor::measure(const std::vector<uint32_t> &stageOf) {
  auto bytes = [&](uint32_t s) { return a.slotBytes[a.slot(s, -1)]; };
  std::vector<uint64_t> gradients(a.numOps + 1), across(a.numOps + 1);
  constant = residentBytes(a);
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    const auto &uses = a.uses[a.slot(s, -1)];
    if (problem.storages[s].kind != StorageKind::Temporary || uses.empty())
      continue;
    uint32_t born = uses.front(), last = std::min(a.lastUse[s], a.numOps - 1);
    if (born > part.turn) {
      for (uint32_t at = born; at <= last; ++at)
        gradients[at] += bytes(s);
      for (uint32_t at = born + 1; at <= last; ++at)
        across[at] += bytes(s);
      continue;
    }
    if (part.table[s] || problem.storages[s].output) {
      constant += bytes(s);
      continue;
    }
    Stage &stage = stages[stageOf[born]];
    bool result = stageOf[part.lastForwardUse[s]] > stageOf[born];
    bool saved = a.lastUse[s] > part.turn;
    if (result)
      stage.result += bytes(s);
    if (result || saved)
      stage.all += bytes(s);
  }
  for (Stage &stage : stages) {
    for (bool keep : {false, true}) {
      uint64_t most = 0;
      for (uint32_t op : stage.forward) {
        uint64_t held = problem.aligned(problem.operators[op].workspace);
        for (uint32_t other : stage.forward) {
          if (other > op)
            break;
          for (const Operand &o : a.operands[other]) {
            uint32_t s = o.storage;
            if (!o.written || part.table[s] || problem.storages[s].output)
              continue;
            bool result = part.lastForwardUse[s] > stage.forward.back();
            bool saved = keep && a.lastUse[s] > part.turn;
            if (result || saved || part.lastForwardUse[s] >= op)
              held += bytes(s);
          }
        }
        most = std::max(most, held);
      }
      (keep ? stage.keeping : stage.running) = most;
    }
    for (uint32_t op : stage.backward)
      stage.turning = std::max(
          stage.turning,
          gradients[op] + problem.aligned(problem.operators[op].workspace));
    stage.gradients = stage.backward.empty() ? 0 : across[stage.backward[0]];
  }
}

void Rotor::solve() {
  uint32_t n = uint32_t(stages.size());
  table.assign(size_t(n) * n * (units + 1), {});
  for (uint32_t length = 0; length < n; ++length)
    for (uint32_t s = 0; s + length < n; ++s) {
      uint32_t t = s + length;
      uint64_t gradients = stages[t].gradients;
      // From here on all can be kept.
      uint32_t keeping = std::max(unitsOf(stages[s].keeping + gradients),
                                  unitsOf(stages[s].all + stages[s].turning));
      uint32_t all = unitsOf(stages[s].all);
      for (uint32_t m = 0; m <= units; ++m) {
        Choice &best = at(s, t, m);
        if (m >= keeping && s == t) {
          best = {stages[s].cost, s};
        } else if (m >= keeping && m >= all) {
          int64_t rest = at(s + 1, t, m - all).cost;
          if (rest < never)
            best = {stages[s].cost + rest, s};
        }
        int64_t forward = 0;
        uint64_t most = 0;
        for (uint32_t k = s + 1; k <= t; ++k) {
          forward += stages[k - 1].cost;
          most = std::max(most, stages[k - 1].running + gradients +
                                    (k - 1 > s ? stages[k - 2].result : 0));
          uint32_t kept = unitsOf(stages[k - 1].result);
          if (m < unitsOf(most) || m < kept)
            break;
          int64_t right = at(k, t, m - kept).cost;
          int64_t left = at(s, k - 1, m).cost;
          if (right < never && left < never &&
              forward + right + left < best.cost)
            best = {forward + right + left, k};
        }
      }
    }
}

void Rotor::emit(uint32_t s, uint32_t t, uint32_t m) {
  auto add = [&](const Runs &list) {
    runs.insert(runs.end(), list.begin(), list.end());
  };
  uint32_t k = at(s, t, m).next;
  if (k == s) {
    add(stages[s].forward);
    if (s < t)
      emit(s + 1, t, m - unitsOf(stages[s].all));
    add(stages[s].backward);
    return;
  }
  for (uint32_t l = s; l < k; ++l)
    add(stages[l].forward);
  emit(k, t, m - unitsOf(stages[k - 1].result));
  emit(s, k - 1, m);
}

PolicyAnswer Rotor::run() {
  PolicyAnswer answer;
  if (!findStages()) {
    answer.applies = false;
    answer.reason = "rotor: " + fault;
    return answer;
  }
  uint64_t most = constant;
  for (const Stage &stage : stages)
    most += stage.all + stage.keeping + stage.turning + stage.gradients;
  uint64_t limit = std::min(request.budgets[0], most);
  if (limit <= constant) {
    answer.reason =
        "what is always resident needs " + std::to_string(constant) + " bytes";
    return answer;
  }
  unit = std::max<uint64_t>(1, (limit - constant) / units);
  uint32_t m = uint32_t(std::min<uint64_t>(units, (limit - constant) / unit));
  solve();
  uint32_t last = uint32_t(stages.size()) - 1;
  if (at(0, last, m).cost >= never) {
    answer.reason = "no schedule of the chain fits, of " +
                    std::to_string(stages.size()) + " stages";
    return answer;
  }
  emit(0, last, m);
  return answerOfRuns(request, {withoutUnread(a, runs)}, "");
}

} // namespace

PolicyAnswer spillway::planner::planRotor(const PolicyRequest &request) {
  return Rotor(request).run();
}
