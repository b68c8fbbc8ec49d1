//===- FusedBlocks.cpp - Blocks of repetitions as operators -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusedBlocks.h"
#include "RepeatOrder.h"
#include "spillway/Planner/Offsets.h"

#include <algorithm>
#include <set>

using namespace spillway::planner;

namespace {

class Fuser {
public:
  Fuser(const Problem &problem, uint32_t repeat, const Checkpoints &points)
      : problem(problem), range(problem.repeats[repeat]), points(points) {}
  FusedBlocks run();

private:
  bool passes(uint32_t s) const { return points.passes(s); }
  BlockSteps steps(uint32_t block) const;
  Operator operatorOf(const BlockSteps &b, uint32_t block) const;

  const Problem &problem;
  const Repeat range;
  const Checkpoints &points;
};

/// With addresses within the block's workspace.
BlockSteps Fuser::steps(uint32_t block) const {
  BlockSteps b;
  static_cast<Checkpoints::Runs &>(b) = points.runsOf(block);
  uint32_t n = uint32_t(b.operators.size());
  b.ends.resize(n);
  b.workspaces.resize(n);
  std::map<uint32_t, Interval> lives;
  for (uint32_t j = 0; j < n; ++j)
    eachAccess(problem.operators[b.operators[j]], [&](const Access &a) {
      if (passes(a.storage))
        lives.try_emplace(a.storage, Interval{j, j}).first->second.end = j + 1;
    });
  std::vector<OffsetItem> items;
  for (auto &[s, life] : lives) {
    items.push_back({problem.storages[s].bytes, {life}, {}});
    b.ends[life.end - 1].push_back(s);
  }
  for (uint32_t j = 0; j < n; ++j)
    items.push_back(
        {problem.operators[b.operators[j]].workspace, {{j, j + 1}}, {}});
  OffsetOptions options;
  options.alignment = problem.alignment;
  OffsetResult placed = assignOffsets(items, options);
  uint32_t i = 0;
  for (auto &[s, life] : lives)
    b.offsets[s] = placed.offsets[i++];
  for (uint32_t j = 0; j < n; ++j)
    b.workspaces[j] = placed.offsets[i++];
  return b;
}

/// The block as one operator, in terms of the repetition.
Operator Fuser::operatorOf(const BlockSteps &b, uint32_t block) const {
  Operator out;
  out.id = problem.operators[b.operators.back()].id;
  out.name = "block " + std::to_string(block);
  out.costNs.assign(problem.machine.engines.size(), -1);
  out.costNs[0] = 0;
  std::set<std::pair<uint32_t, int32_t>> reads, writes, updates;
  for (uint32_t j = 0; j < b.operators.size(); ++j) {
    const Operator &op = problem.operators[b.operators[j]];
    bool again = j < b.madeAgain;
    out.costNs[0] += op.costNs[0];
    out.flops += op.flops;
    out.recomputable &= op.recomputable && op.updates.empty();
    for (const Access &a : op.reads)
      if (!passes(a.storage))
        reads.emplace(a.storage, a.part);
    // What waits is there: it is written once more, with the same.
    for (const Access &a : op.writes)
      if (!passes(a.storage))
        (again ? reads : writes).emplace(a.storage, a.part);
    for (const Access &a : op.updates)
      if (!passes(a.storage))
        updates.emplace(a.storage, a.part);
  }
  auto has = [](const auto &set, uint32_t s, int32_t part) {
    return set.count({s, part}) || set.count({s, -1});
  };
  for (auto &[s, part] : writes)
    if (part < 0 || !has(writes, s, -1))
      out.writes.push_back({s, part});
  for (auto &[s, part] : updates)
    if (!has(writes, s, part) && (part < 0 || !has(updates, s, -1)))
      out.updates.push_back({s, part});
  for (auto &[s, part] : reads)
    if (!has(writes, s, part) && !has(updates, s, part) &&
        (part < 0 || !has(reads, s, -1)))
      out.reads.push_back({s, part});
  uint64_t height = 0;
  for (auto &[s, offset] : b.offsets)
    height =
        std::max(height, offset + problem.aligned(problem.storages[s].bytes));
  for (uint32_t j = 0; j < b.operators.size(); ++j)
    height = std::max(
        height,
        b.workspaces[j] +
            problem.aligned(problem.operators[b.operators[j]].workspace));
  out.workspace = height;
  return out;
}

FusedBlocks Fuser::run() {
  FusedBlocks out;
  for (uint32_t block = 0; block < points.numBlocks(); ++block)
    out.blocks.push_back(steps(block));
  Unrolled u = unroll(problem);
  Problem &p = out.problem;
  p = u.problem;
  p.operators.clear();
  std::vector<bool> inRange;
  auto add = [&](Operator op, FusedBlocks::Origin origin) {
    p.operators.push_back(std::move(op));
    out.operators.push_back(origin);
    inRange.push_back(origin.block >= 0);
  };
  auto around = [&](uint32_t first, uint32_t end) {
    for (uint32_t at = first; at < end; ++at)
      add(u.problem.operators[u.op(at, 0)], {-1, 0, u.op(at, 0)});
  };
  around(0, range.first);
  for (uint32_t block = 0; block < points.numBlocks(); ++block) {
    Operator one = operatorOf(out.blocks[block], block);
    for (uint32_t k = 0; k < range.count; ++k) {
      Operator op = one;
      op.id = u.problem.operators[u.op(points.lastOf(block), k)].id;
      for (auto *list : {&op.reads, &op.writes, &op.updates})
        for (Access &a : *list)
          a.storage = u.storage(a.storage, k);
      add(std::move(op), {int32_t(block), k, 0});
    }
  }
  around(range.last + 1, uint32_t(problem.operators.size()));
  // What is gone within a block is no storage.
  std::vector<uint32_t> index(p.storages.size(), UINT32_MAX);
  std::vector<Storage> kept;
  for (uint32_t s = 0; s < p.storages.size(); ++s)
    if (!passes(u.storages[s].index)) {
      index[s] = uint32_t(kept.size());
      kept.push_back(p.storages[s]);
      out.storages.push_back(s);
    }
  p.storages = std::move(kept);
  for (Operator &op : p.operators) {
    for (auto *list : {&op.reads, &op.writes, &op.updates})
      for (Access &a : *list)
        a.storage = index[a.storage];
    for (InPlacePair &pair : op.inPlace)
      pair = {index[pair.written], index[pair.read]};
  }
  std::vector<uint32_t> order = orderAround(p, inRange);
  p = inOrder(p, order);
  std::vector<FusedBlocks::Origin> origins;
  for (uint32_t at : order)
    origins.push_back(out.operators[at]);
  out.operators = std::move(origins);
  return out;
}

/// Says of each action of a plan what it does in the problem written out.
class FusedSplitter {
public:
  FusedSplitter(const Problem &problem, const FusedBlocks &fused)
      : fused(fused), to(unroll(problem)) {}
  Plan run(const Plan &plan);
  void place(Layout &layout, const Plan &split) const;

private:
  /// An action of a block.
  struct Step {
    uint32_t action = 0; ///< of the plan that is split
    int32_t block = -1;
    uint32_t step = 0;
  };
  const FusedBlocks &fused;
  Unrolled to;
  std::vector<Step> origin; ///< by action
};

Plan FusedSplitter::run(const Plan &plan) {
  Plan out;
  out.policy = plan.policy;
  out.initial = plan.initial;
  for (Instance &i : out.initial)
    i.storage = fused.storages[i.storage];
  std::sort(out.initial.begin(), out.initial.end());
  for (uint32_t at = 0; at < plan.actions.size(); ++at) {
    Action a = plan.actions[at];
    auto add = [&](Action one, Step step) {
      out.actions.push_back(std::move(one));
      origin.push_back(step);
    };
    if (a.kind != ActionKind::Run) {
      a.storage = fused.storages[a.storage];
      add(std::move(a), {at, -1, 0});
      continue;
    }
    const FusedBlocks::Origin &o = fused.operators[a.op];
    if (o.block < 0) {
      a.op = o.op;
      for (InPlacePair &pair : a.inPlace)
        pair = {fused.storages[pair.written], fused.storages[pair.read]};
      add(std::move(a), {at, -1, 0});
      continue;
    }
    const BlockSteps &b = fused.blocks[uint32_t(o.block)];
    for (uint32_t j = 0; j < b.operators.size(); ++j) {
      add(Action::run(to.op(b.operators[j], o.repetition), a.engine),
          {at, o.block, j});
      for (uint32_t s : b.ends[j])
        add(Action::free(to.storage(s, o.repetition), -1, 0), {at, o.block, j});
    }
  }
  return out;
}

void FusedSplitter::place(Layout &layout, const Plan &split) const {
  using Key = std::pair<uint32_t, Instance>;
  std::map<Key, uint64_t> begins;
  std::map<Instance, uint64_t> always;
  for (uint32_t i = 0; i < layout.lives.size(); ++i) {
    const Lifetime &l = layout.lives[i];
    Instance instance = l.instance;
    instance.storage = fused.storages[instance.storage];
    if (l.wraps && l.first == l.end)
      always.emplace(instance, layout.offsets[i]);
    else
      begins.emplace(Key{l.first, instance}, layout.offsets[i]);
  }
  Layout placed;
  placed.heights = layout.heights;
  placed.loads = layout.loads;
  placed.lives = lifetimes(to.problem, split);
  for (const Lifetime &l : placed.lives) {
    if (l.wraps && l.first == l.end) {
      placed.offsets.push_back(always.at(l.instance));
      continue;
    }
    const Step &o = origin[l.first];
    auto within = begins.find({o.action, l.instance});
    if (within != begins.end()) {
      placed.offsets.push_back(within->second);
      continue;
    }
    const BlockSteps &b = fused.blocks[uint32_t(o.block)];
    placed.offsets.push_back(
        layout.workspaces[o.action] +
        b.offsets.at(to.storages[l.instance.storage].index));
  }
  for (uint32_t i = 0; i < split.actions.size(); ++i) {
    const Step &o = origin[i];
    bool runs = split.actions[i].kind == ActionKind::Run;
    placed.workspaces.push_back(
        layout.workspaces[o.action] +
        (runs && o.block >= 0
             ? fused.blocks[uint32_t(o.block)].workspaces[o.step]
             : 0));
  }
  layout = std::move(placed);
}

} // namespace

std::optional<FusedBlocks>
spillway::planner::fuseBlocks(const Problem &problem, uint32_t repeat,
                              std::vector<uint32_t> ends, double share) {
  Checkpoints points(problem, repeat);
  if (!points.possible())
    return std::nullopt;
  points.cut(std::move(ends), share);
  return Fuser(problem, repeat, points).run();
}

Plan spillway::planner::splitFused(const Problem &problem,
                                   const FusedBlocks &fused, const Plan &plan,
                                   Layout &layout) {
  FusedSplitter splitter(problem, fused);
  Plan split = splitter.run(plan);
  if (!layout.offsets.empty())
    splitter.place(layout, split);
  else
    layout.lives = lifetimes(unroll(problem).problem, split);
  return split;
}
