//===- OffMate.cpp - Recompute and offload in one program -------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Zhao, Hellard, Eyraud-Dubois et al., "OffMate: full fine-tuning of LLMs on a
// single GPU by re-materialization and offloading", 2024 (hal-04660745), and
// its formulation in the code of rockmate. The step is a sequence of blocks'
// forward and backward passes; a block's backward pass has options (here: with
// all that its forward pass left, or after making it again), which are the
// integers. All else is continuous: the share of each block's parameters, state
// and activations that is away while it is not used, the share of it that moves
// during each step, the share of its updates that runs on the host. With
// time(j) of step j at least its compute, its bytes in over their rate, its
// bytes out over theirs, and the host's updates, the program minimises the sum
// of time(j).
//
// The integers are found by relaxing and fixing one after the other, so that a
// plan takes seconds; the paper's solver looks for the optimum for minutes.
// Shares become slots: of a block's slots the first ones, rounded up, are away,
// and a slot's load is issued in the step in which the program moves it.
//
//===----------------------------------------------------------------------===//

#include "../Placement.h"
#include "../Solver/Milp.h"
#include "../TrainingGraph.h"

#include <algorithm>
#include <map>

using namespace spillway::planner;

namespace {

/// Blocks of the program; longer models have several layers a block.
constexpr uint32_t maxBlocks = 20;
/// Of moving a byte, in its time: less movement wins where time is equal.
constexpr double movement = 0.01;

/// What moves together: slots of one kind and block.
struct Group {
  std::vector<uint32_t> slots;
  double bytes = 0;
  std::vector<uint32_t> steps; ///< that use it on the device, ascending
  bool persistent = false;
  uint32_t block = none; ///< of activations that may be made again
  bool isState = false;
  uint32_t state = none; ///< of parameters: the group of their state
  double gradient = 0;   ///< of parameters: bytes that the host's update needs
  double hostTime = 0;   ///< the same in the program's unit
  double hostNs = 0;     ///< of parameters: all updates on the host; 0: cannot
};

/// Between two uses of a group: columns.
struct Away {
  uint32_t group = 0, from = 0, to = 0; ///< steps; `to` may be in the next one
  uint32_t share = none;
  std::vector<std::pair<uint32_t, uint32_t>> in; ///< step, column
};

class OffMate {
public:
  explicit OffMate(const PolicyRequest &r)
      : request(r), a(r.analysis), problem(a.problem), graph(a) {}

  PolicyAnswer run();

private:
  void findSteps();
  void findGroups();
  void findLoads();
  void build(double room);
  void addGroup(uint32_t g);
  void addGap(uint32_t g, uint32_t from, uint32_t to, uint32_t home);
  std::vector<double> solve();
  Placement place(const std::vector<double> &x) const;
  void placeGroup(uint32_t g, const std::vector<double> &x,
                  const std::vector<std::vector<uint32_t>> &uses,
                  const std::vector<uint32_t> &stepOf,
                  const std::vector<uint32_t> &firstRun, Placement &p) const;
  uint32_t backStep(uint32_t block) const { return steps - 1 - block; }

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  TrainingGraph graph;
  uint32_t blocks = 0, steps = 0;
  std::vector<uint32_t> blockOf; ///< of the program, by block of the graph
  std::vector<uint32_t> stepOf;  ///< by operator
  std::vector<double> compute, others, remake; ///< by step, by step, by block
  std::vector<Group> groups;
  std::vector<uint32_t> groupOf; ///< by slot, none: always on the device
  double inRate = 0, outRate = 0;

  LinearProgram lp;
  using Term = LinearProgram::Term;
  std::vector<uint32_t> again;     ///< by block: the option's column
  std::vector<uint32_t> hostShare; ///< by group: a column or none
  std::vector<Away> aways;
  std::vector<std::vector<Term>> memory, inTime, outTime, hostTime; ///< by step
};

/// Forward of each block, then backward from the last to the first.
void OffMate::findSteps() {
  blocks = std::min(graph.numBlocks(), maxBlocks);
  steps = 2 * blocks;
  for (uint32_t b = 0; b < graph.numBlocks(); ++b)
    blockOf.push_back(uint64_t(b) * blocks / graph.numBlocks());
  stepOf.assign(a.numOps, none);
  // A backward operator belongs to the first block that one up to it shows by
  // the activations or parameters that it reads.
  uint32_t back = steps - blocks;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    if (at < graph.turn) {
      stepOf[at] = blockOf[graph.blockOf[at]];
      continue;
    }
    // Of all that it reads, what the forward pass used last counts.
    uint32_t earliest = none;
    for (const Operand &o : a.operands[at]) {
      const auto &uses = a.uses[a.slot(o.storage, -1)];
      auto back = std::lower_bound(uses.begin(), uses.end(), graph.turn);
      bool tells = graph.role[o.storage] == Role::Parameter
                       ? !graph.isUpdate[at]
                       : bool(graph.inner[o.storage]);
      if (tells && back != uses.begin())
        earliest = std::min(earliest,
                            backStep(blockOf[graph.blockOf[*std::prev(back)]]));
    }
    if (earliest != none)
      back = std::max(back, earliest);
    stepOf[at] = std::min(back, steps - 1);
  }
}

void OffMate::findGroups() {
  groupOf.assign(a.numSlots(), none);
  // By kind and block; made where the first slot comes.
  std::vector<std::vector<uint32_t>> index(4,
                                           std::vector<uint32_t>(blocks, none));
  auto group = [&](uint32_t kind, uint32_t block) -> Group & {
    uint32_t &g = index[kind][block];
    if (g == none) {
      g = uint32_t(groups.size());
      groups.emplace_back();
    }
    return groups[g];
  };
  // State goes with the parameter that is updated along with it.
  std::vector<uint32_t> blockOfState(problem.storages.size(), none);
  auto parameterBlock = [&](uint32_t s) {
    uint32_t first = a.uses[a.slot(s, -1)].front();
    return first < graph.turn ? stepOf[first] : steps - 1 - stepOf[first];
  };
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Access &u : problem.operators[at].updates)
      if (graph.role[u.storage] == Role::Parameter)
        for (const Access &m : problem.operators[at].updates)
          blockOfState[m.storage] = parameterBlock(u.storage);
  for (uint32_t s = 0; s < problem.storages.size(); ++s) {
    uint32_t kind = none, block = none;
    uint32_t p = a.producer[s];
    if (a.uses[a.slot(s, -1)].empty())
      continue;
    if (graph.role[s] == Role::Parameter || graph.role[s] == Role::State) {
      kind = graph.role[s] == Role::State;
      block = kind ? blockOfState[s] : parameterBlock(s);
    } else if (graph.role[s] == Role::Activation && p != none &&
               p < graph.turn && a.lastUse[s] >= graph.turn &&
               !problem.storages[s].output) {
      block = stepOf[p];
      kind = graph.inner[s] && block + 1 < blocks ? 2 : 3;
    }
    if (block == none || block >= blocks)
      continue;
    Group &g = group(kind, block);
    g.persistent = kind < 2;
    g.isState = kind == 1;
    g.block = kind == 2 ? block : none;
    bool parts = !a.wholeAccess[s] && !problem.storages[s].parts.empty();
    for (uint32_t slot = a.slotBegin[s] + (parts ? 1 : 0);
         slot < (parts ? a.slotBegin[s + 1] : a.slotBegin[s] + 1); ++slot) {
      g.slots.push_back(slot);
      g.bytes += double(a.slotBytes[slot]);
      groupOf[slot] = index[kind][block];
      for (uint32_t u : a.uses[slot])
        g.steps.push_back(stepOf[u]);
    }
  }
  for (uint32_t at = 0; at < a.numOps; ++at) {
    if (!graph.isUpdate[at])
      continue;
    for (const Operand &o : a.operands[at])
      if (graph.role[o.storage] == Role::Parameter && o.updated) {
        uint32_t g = groupOf[placedSlot(a, o.storage, o.part)];
        if (g == none)
          continue;
        uint32_t e = hostEngine(problem, at);
        for (const Operand &r : a.operands[at])
          if (graph.role[r.storage] == Role::Gradient)
            groups[g].gradient +=
                double(problem.storages[r.storage].partBytes(r.part));
        if (e)
          groups[g].hostNs += double(problem.operators[at].cost(e));
        break;
      }
  }
  for (uint32_t b = 0; b < blocks; ++b)
    if (index[0][b] != none)
      groups[index[0][b]].state = index[1][b];
  for (Group &g : groups) {
    std::sort(g.steps.begin(), g.steps.end());
    g.steps.erase(std::unique(g.steps.begin(), g.steps.end()), g.steps.end());
    // By first use, so that what is fetched first is used first.
    std::sort(g.slots.begin(), g.slots.end(), [&](uint32_t x, uint32_t y) {
      return std::pair(a.uses[x].front(), x) < std::pair(a.uses[y].front(), y);
    });
  }
}

/// By step: compute, and the most bytes that are in no group. By block: the
/// time to make its activations again.
void OffMate::findLoads() {
  compute.assign(steps, 0);
  others.assign(steps, 0);
  remake.assign(blocks, 0);
  std::vector<int64_t> change(a.numOps + 1);
  int64_t always = 0;
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    uint32_t s = a.slotStorage[slot];
    // What is accessed by parts is there by parts, never as a whole besides.
    bool whole = a.wholeAccess[s] || problem.storages[s].parts.empty();
    if (groupOf[slot] != none || a.uses[slot].empty() ||
        (a.slotPart[slot] < 0) != whole)
      continue;
    int64_t bytes = int64_t(a.slotBytes[slot]);
    if (problem.storages[s].kind == StorageKind::Persistent) {
      always += bytes;
      continue;
    }
    change[a.uses[slot].front()] += bytes;
    change[std::min(a.uses[slot].back() + 1, a.numOps)] -=
        problem.storages[s].output ? 0 : bytes;
  }
  int64_t live = always;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    live += change[at];
    const Operator &op = problem.operators[at];
    double now = double(live) + double(problem.aligned(op.workspace));
    others[stepOf[at]] = std::max(others[stepOf[at]], now);
    compute[stepOf[at]] += double(op.costNs[0]);
  }
  std::vector<bool> all(problem.storages.size(), true);
  std::vector<bool> ran(a.numOps);
  for (uint32_t op : graph.trace(all)) {
    if (ran[op])
      remake[stepOf[op]] += double(problem.operators[op].costNs[0]);
    ran[op] = true;
  }
}

/// What is away between steps `from` and `to`: its share, and how much of it
/// comes back in each step between.
void OffMate::addGap(uint32_t g, uint32_t from, uint32_t to, uint32_t home) {
  const Group &group = groups[g];
  if (to <= from + 1)
    return;
  // Of the share, what the host updates: state of that never comes, parameters
  // need not leave.
  bool dirty = group.persistent ? to >= steps : true;
  uint32_t host = dirty && group.persistent ? hostShare[g] : none;
  Away away;
  away.group = g;
  away.from = from;
  away.to = to;
  away.share = lp.addColumn(0, 1, 0);
  lp.addRow(-unbounded, 0, {{away.share, 1}, {home, -1}});
  uint32_t still = none;
  if (host != none) {
    still = lp.addColumn(0, 1, 0);
    lp.addRow(-unbounded, 0, {{still, 1}, {away.share, -1}});
    if (group.isState) {
      lp.addRow(0, 0, {{still, 1}, {host, -1}});
      memory[from % steps].push_back({still, -group.bytes});
    } else {
      lp.addRow(-unbounded, 0, {{still, 1}, {host, -1}});
      inTime[from].push_back({still, -group.bytes / inRate});
    }
  }
  // Changed content leaves in the steps after it, and is away from the next
  // step on; else it is just let go. What comes in a step is there during it.
  // `gone`: the share that is away, which starts with what need not leave and
  // ends with nothing.
  double loadNs = group.bytes / inRate, storeNs = group.bytes / outRate;
  uint32_t gone = dirty ? (group.isState ? none : still) : away.share;
  uint32_t left = none;
  std::vector<Term> total;
  for (uint32_t j = from + 1; j < to; ++j) {
    uint32_t step = j % steps;
    uint32_t next = lp.addColumn(0, 1, 0);
    uint32_t in = lp.addColumn(0, 1, movement * loadNs);
    std::vector<Term> balance{{next, 1}, {in, 1}};
    for (uint32_t before : {gone, left})
      if (before != none)
        balance.push_back({before, -1});
    lp.addRow(0, 0, balance);
    gone = next;
    memory[step].push_back({gone, -group.bytes});
    if (still != none && group.isState)
      memory[step].push_back({still, -group.bytes});
    inTime[step].push_back({in, loadNs});
    away.in.push_back({j, in});
    if (dirty) {
      left = lp.addColumn(0, j + 1 == to ? 0 : 1, movement * storeNs);
      outTime[step].push_back({left, storeNs});
      total.push_back({left, 1});
    }
  }
  lp.columnUpper[gone] = 0;
  if (dirty) {
    total.push_back({away.share, -1});
    if (still != none)
      total.push_back({still, 1});
    lp.addRow(0, 0, total);
  }
  aways.push_back(std::move(away));
}

void OffMate::addGroup(uint32_t g) {
  const Group &group = groups[g];
  uint32_t home = lp.addColumn(0, 1, 0);
  // Everything is there at every step but for what the gaps take away.
  uint32_t first = group.steps.front(), last = group.steps.back();
  for (uint32_t j = 0; j < steps; ++j)
    if (group.persistent || (j >= first && j <= last))
      others[j] += group.bytes;
  for (size_t i = 0; i + 1 < group.steps.size(); ++i)
    addGap(g, group.steps[i], group.steps[i + 1], home);
  if (group.persistent)
    addGap(g, group.steps.back(), group.steps.front() + steps, home);
  if (group.block != none) {
    // Made again: not there in between, no transfer.
    uint32_t b = group.block;
    lp.addRow(-unbounded, 1, {{home, 1}, {again[b], 1}});
    for (uint32_t j = b + 1; j < backStep(b); ++j)
      memory[j].push_back({again[b], -group.bytes});
  }
}

void OffMate::build(double room) {
  lp = LinearProgram();
  aways.clear();
  std::vector<double> base = others;
  memory.assign(steps, {});
  inTime = outTime = hostTime = memory;
  again.assign(blocks, none);
  hostShare.assign(groups.size(), none);
  for (uint32_t b = 0; b < blocks; ++b)
    again[b] = lp.addColumn(0, remake[b] > 0 ? 1 : 0, 0, true);
  // Updates on the host: gradients leave in the last step, parameters come back
  // in it or in the gap that follows.
  for (uint32_t g = 0; g < groups.size(); ++g) {
    const Group &group = groups[g];
    if (group.hostNs <= 0 || group.isState || group.steps.size() < 2)
      continue;
    uint32_t share = hostShare[g] = lp.addColumn(0, 1, 0);
    if (group.state != none && groups[group.state].steps.size() == 1)
      hostShare[group.state] = share;
    else if (group.state != none)
      lp.columnUpper[share] = 0;
    uint32_t at = group.steps.back();
    outTime[at].push_back({share, group.gradient / outRate});
    inTime[at].push_back({share, group.bytes / inRate});
    hostTime[at].push_back({share, group.hostTime});
  }
  for (uint32_t g = 0; g < groups.size(); ++g)
    addGroup(g);
  for (uint32_t j = 0; j < steps; ++j) {
    uint32_t time = lp.addColumn(0, unbounded, 1);
    std::vector<Term> work{{time, 1}};
    for (uint32_t b = 0; b < blocks; ++b)
      if (backStep(b) == j && remake[b] > 0)
        work.push_back({again[b], -remake[b]});
    lp.addRow(compute[j], unbounded, work);
    for (auto *side : {&inTime[j], &outTime[j], &hostTime[j]}) {
      std::vector<Term> row{{time, 1}};
      for (Term t : *side)
        row.push_back({t.first, -t.second});
      if (row.size() > 1)
        lp.addRow(0, unbounded, row);
    }
    if (request.budgets[0] == unlimited)
      continue;
    // In units of the room.
    std::vector<Term> row;
    for (Term t : memory[j])
      row.push_back({t.first, t.second / room});
    lp.addRow(-unbounded, 1 - others[j] / room, row);
  }
  others = base;
}

/// The slots of a group by the shares of its gaps.
void OffMate::placeGroup(uint32_t g, const std::vector<double> &x,
                         const std::vector<std::vector<uint32_t>> &uses,
                         const std::vector<uint32_t> &runStep,
                         const std::vector<uint32_t> &firstRun,
                         Placement &p) const {
  const Group &group = groups[g];
  // By gap: which slots are away (the first ones), and when each comes.
  double before = 0;
  for (uint32_t slot : group.slots) {
    double begin = before / group.bytes;
    before += double(a.slotBytes[slot]);
    uint32_t s = a.slotStorage[slot];
    std::vector<const Away *> mine;
    for (const Away &w : aways)
      if (w.group == g && x[w.share] > begin + 1e-4)
        mine.push_back(&w);
    if (mine.empty() || uses[slot].empty())
      continue;
    bool remade = group.block != none && x[again[group.block]] > 0.5;
    if (remade)
      continue;
    p.home[s] = 1;
    auto gapAfter = [&](uint32_t step) -> const Away * {
      for (const Away *w : mine)
        if (w->from <= step && step < w->to)
          return w;
      return nullptr;
    };
    const auto &list = uses[slot];
    for (size_t i = 0; i < list.size(); ++i) {
      const Away *w =
          i ? gapAfter(runStep[list[i - 1]])
            : (group.persistent ? gapAfter(runStep[list.back()]) : nullptr);
      // Away from the run before to this one?
      bool away = w && (i == 0 || (runStep[list[i]] >= w->to &&
                                   runStep[list[i - 1]] <= w->from));
      if (i && !away) {
        p.stays.back().last = list[i];
        continue;
      }
      uint32_t issue = list[i];
      double come = 0;
      if (w)
        for (auto [j, column] : w->in) {
          come += x[column];
          if (come > begin + 1e-6) {
            // What comes before the step's end and is used after its begin.
            issue = j >= steps || !group.persistent || i
                        ? std::min(issue, firstRun[j % steps])
                        : 0;
            break;
          }
        }
      if (i)
        issue = std::max(issue, list[i - 1] + 1);
      p.stays.push_back({slot, std::min(issue, list[i]), list[i], list[i]});
    }
  }
}

Placement OffMate::place(const std::vector<double> &x) const {
  Placement p;
  std::vector<bool> drop(problem.storages.size());
  for (uint32_t s = 0; s < drop.size(); ++s) {
    uint32_t g = groupOf[a.slot(s, -1)];
    drop[s] =
        g != none && groups[g].block != none && x[again[groups[g].block]] > 0.5;
  }
  // Updates on the host: those of the block's first parameters, up to its
  // share; all of one parameter go the same way.
  std::vector<uint32_t> engine(a.numOps);
  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> updatesOf;
  for (uint32_t at = 0; at < a.numOps; ++at)
    for (const Access &u : problem.operators[at].updates) {
      uint32_t g = groupOf[placedSlot(a, u.storage, u.part)];
      if (!graph.isUpdate[at] || g == none || groups[g].isState ||
          hostShare[g] == none)
        continue;
      updatesOf[{g, u.storage}].push_back(at);
      break;
    }
  std::vector<double> done(groups.size());
  for (auto &[key, list] : updatesOf) {
    const Group &group = groups[key.first];
    double cost = 0;
    bool goes = true;
    for (uint32_t at : list)
      if (uint32_t e = hostEngine(problem, at))
        cost += double(problem.operators[at].cost(e));
      else
        goes = false;
    // To the nearest: a small share that hides is no reason to wait for a
    // whole.
    double share = x[hostShare[key.first]] * group.hostNs;
    goes &= share > done[key.first] + cost / 2;
    for (uint32_t at : list)
      engine[at] = goes ? hostEngine(problem, at) : 0;
    done[key.first] += goes ? cost : 0;
  }
  for (uint32_t op : graph.trace(drop))
    p.runs.push_back({op, engine[op]});
  p.home.assign(problem.storages.size(), 0);
  p.resident.assign(problem.storages.size(), false);
  std::vector<uint32_t> runStep, firstRun(steps, uint32_t(p.runs.size()));
  std::vector<bool> ran(a.numOps);
  for (const PlacedRun &r : p.runs) {
    // What is made again belongs to the block's backward pass.
    uint32_t step = stepOf[r.op];
    if (ran[r.op])
      step = backStep(step);
    ran[r.op] = true;
    firstRun[step] = std::min(firstRun[step], uint32_t(runStep.size()));
    runStep.push_back(step);
  }
  for (uint32_t j = steps - 1; j-- > 0;)
    firstRun[j] = std::min(firstRun[j], firstRun[j + 1]);
  auto uses = placedUses(a, p.runs);
  for (uint32_t g = 0; g < groups.size(); ++g)
    placeGroup(g, x, uses, runStep, firstRun, p);
  // Storages that an update on the host changes have a home; those of them, and
  // parts of those with one, that no gap takes away stay on the device, too.
  for (const PlacedRun &r : p.runs)
    if (problem.machine.engines[r.engine].tier)
      for (const Access &u : problem.operators[r.op].updates)
        p.home[u.storage] = problem.machine.engines[r.engine].tier;
  std::vector<bool> given(a.numSlots());
  for (const Stay &s : p.stays)
    given[s.slot] = true;
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    uint32_t s = a.slotStorage[slot];
    if (!p.home[s] || given[slot] || uses[slot].empty() ||
        placedSlot(a, s, a.slotPart[slot]) != slot ||
        problem.storages[s].kind != StorageKind::Persistent)
      continue;
    if (a.slotPart[slot] < 0)
      p.resident[s] = true;
    else
      p.stays.push_back(
          {slot, 0, uses[slot].front(), uint32_t(p.runs.size()) - 1});
  }
  return p;
}

/// Relax and fix: the option nearest to a whole one is fixed, and the program
/// solved again, until all are whole.
std::vector<double> OffMate::solve() {
  for (uint32_t round = 0; round <= blocks; ++round) {
    LpSolution relaxed = solveLp(lp);
    if (relaxed.status != SolveStatus::Optimal)
      return {};
    uint32_t nearest = none;
    double best = 1;
    for (uint32_t b = 0; b < blocks; ++b) {
      double option = relaxed.columns[again[b]];
      double off = std::min(option, 1 - option);
      if (off > 1e-6 && off < best)
        best = off, nearest = b;
    }
    if (nearest == none)
      return relaxed.columns;
    // Up where there is doubt: that needs less memory.
    bool up = relaxed.columns[again[nearest]] > 0.4;
    lp.columnLower[again[nearest]] = lp.columnUpper[again[nearest]] = up;
  }
  return {};
}

PolicyAnswer OffMate::run() {
  PolicyAnswer answer;
  const Machine &m = problem.machine;
  for (const Link &l : m.links) {
    inRate += l.from == 1 && l.to == 0 ? double(l.bytesPerSecond) / 1e9 : 0;
    outRate += l.from == 0 && l.to == 1 ? double(l.bytesPerSecond) / 1e9 : 0;
  }
  if (inRate <= 0 || outRate <= 0) {
    answer.applies = false;
    answer.reason = "offmate needs a tier with links to and from the device";
    return answer;
  }
  if (a.numOps == 0 || graph.turn == 0) {
    answer.applies = false;
    answer.reason = "offmate found no forward pass in this problem";
    return answer;
  }
  findSteps();
  findGroups();
  findLoads();
  // In units of the step's compute, for the solver's sake.
  double total = 0;
  for (double ns : compute)
    total += ns;
  total = std::max(total, 1.0);
  for (double &ns : compute)
    ns /= total;
  for (double &ns : remake)
    ns /= total;
  for (Group &g : groups)
    g.hostTime = g.hostNs / total;
  inRate *= total;
  outRate *= total;
  // A step's memory is an estimate from above, and shares are rounded: which
  // room gives the fastest plan that fits shows when the plans are there.
  for (double share : {1.5, 1.25, 1.1, 1.0, 0.9, 0.75}) {
    if (answer.ok && request.late())
      break;
    build(double(request.budgets[0]) * share);
    std::vector<double> columns = solve();
    if (columns.empty()) {
      if (answer.reason.empty())
        answer.reason = "offmate's program has no solution within " +
                        std::to_string(request.budgets[0]) + " bytes of " +
                        m.tiers[0].name;
      break;
    }
    addPlan(a, place(columns), request.budgets, answer);
  }
  return answer;
}

} // namespace

PolicyAnswer spillway::planner::planOffMate(const PolicyRequest &request) {
  return OffMate(request).run();
}
