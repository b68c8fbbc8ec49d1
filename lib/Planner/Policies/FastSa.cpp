//===- FastSa.cpp - Annealing over sequences with nops ----------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Imanishi, Xu et al., "A fast heuristic to optimize time-space tradeoff for
// large models", NeurIPS 2023. The state is a sequence of operators and nops in
// which an operator may stand more than once. Moves: put an operator where a
// nop is, make one a nop, rotate one to another place. The energy is
//     f = max(budget, peak) * cost,
// the peak being that of an add-max segment tree whose maximum is a LogAddExp,
// so that lower peaks count a little too. Operators whose results are no
// smaller than their operands are first fused into their only reader, and the
// groups are annealed ten times as long as the operators after them. Moves are
// drawn uniformly. The paper's 20 and 2 million iterations take seconds on its
// graphs; here they grow with the iterations asked for and the operators.
//
//===----------------------------------------------------------------------===//

#include "../LoadTree.h"
#include "../Random.h"
#include "../RunPlan.h"
#include "spillway/Planner/Verify.h"

#include <algorithm>
#include <cmath>

using namespace spillway::planner;

namespace {

/// One operator, or some that run one after the other.
struct Node {
  Runs ops;
  double cost = 0;
  std::vector<uint32_t> reads, makes; ///< storages
  double extra = 0;                   ///< bytes beside them while it runs
  bool once = false;
  uint32_t before = none; ///< must run before this node does for the first time
};

class Annealing {
public:
  Annealing(const PolicyRequest &request, const std::vector<Node> &nodes,
            bool fixedOrder, uint64_t budget, double resident)
      : request(request), a(request.analysis), nodes(nodes),
        fixedOrder(fixedOrder), limit(double(budget)), resident(resident),
        numSlots(uint32_t(nodes.size()) * spread + 1) {
    tree.reset(std::vector<double>(numSlots + 1),
               std::max(1.0, double(budget) * 0.01));
  }

  /// Begins with a sequence of nodes; ends with the best within the budget, or
  /// with the last one if there was none.
  Runs run(const Runs &start, uint64_t moves);
  bool within() const { return bestCost < 1e300; }

private:
  struct Event {
    uint32_t slot;
    bool makes;
  };
  static bool earlier(const Event &e, uint32_t slot) { return e.slot < slot; }
  void shiftLife(uint32_t s, size_t maker, double sign);
  void change(uint32_t s, uint32_t slot, bool makes, bool add);
  void place(uint32_t node, uint32_t slot);
  void clear(uint32_t slot);
  bool mayStand(uint32_t node, uint32_t slot, bool first) const;
  bool mayGo(uint32_t slot) const;
  bool accept(double temperature);
  double energy() const {
    double peak = tree.maximum();
    if (peak > limit)
      peak = std::max(peak, tree.softMaximum());
    return std::max(peak, limit) / limit * cost / base;
  }
  void keep();

  static constexpr uint32_t spread = 4; ///< slots for each node
  const PolicyRequest &request;
  const Analysis &a;
  const std::vector<Node> &nodes;
  bool fixedOrder;
  double limit, resident;
  uint32_t numSlots;
  LoadTree tree;
  Xorshift random{0x2545f4914f6cdd1du};
  double cost = 0, base = 1, now = 0, bestCost = 1e300;
  std::vector<uint32_t> at;                ///< by slot: node, none for a nop
  std::vector<std::vector<Event>> events;  ///< by storage
  std::vector<std::vector<uint32_t>> spot; ///< by node: slots, ascending
  std::vector<uint32_t> filled, index; ///< slots in use; by slot, into `filled`
  Runs best;
};

void Annealing::shiftLife(uint32_t s, size_t maker, double sign) {
  const auto &list = events[s];
  uint32_t end = list[maker].slot;
  size_t i = maker + 1;
  for (; i < list.size() && !list[i].makes; ++i)
    end = list[i].slot;
  if (i == list.size() && a.problem.storages[s].output)
    end = numSlots;
  tree.add(list[maker].slot, end, sign * double(a.slotBytes[a.slot(s, -1)]));
}

/// Adds an event to a storage's life or takes it out; only the life that it
/// falls into, and its own, change.
void Annealing::change(uint32_t s, uint32_t slot, bool makes, bool add) {
  auto &list = events[s];
  size_t i = size_t(std::lower_bound(list.begin(), list.end(), slot, earlier) -
                    list.begin());
  size_t before = i;
  while (before > 0 && !list[before - 1].makes)
    --before;
  if (!add && makes)
    shiftLife(s, i, -1);
  if (before > 0)
    shiftLife(s, before - 1, -1);
  if (add)
    list.insert(list.begin() + i, {slot, makes});
  else
    list.erase(list.begin() + i);
  if (before > 0)
    shiftLife(s, before - 1, 1);
  if (add && makes)
    shiftLife(s, i, 1);
}

void Annealing::place(uint32_t node, uint32_t slot) {
  const Node &n = nodes[node];
  at[slot] = node;
  for (uint32_t s : n.makes)
    change(s, slot, true, true);
  for (uint32_t s : n.reads)
    change(s, slot, false, true);
  if (n.extra > 0)
    tree.add(slot, slot, n.extra);
  auto &list = spot[node];
  list.insert(std::lower_bound(list.begin(), list.end(), slot), slot);
  index[slot] = uint32_t(filled.size());
  filled.push_back(slot);
  cost += n.cost;
}

void Annealing::clear(uint32_t slot) {
  uint32_t node = at[slot];
  const Node &n = nodes[node];
  at[slot] = none;
  for (uint32_t s : n.reads)
    change(s, slot, false, false);
  for (uint32_t s : n.makes)
    change(s, slot, true, false);
  if (n.extra > 0)
    tree.add(slot, slot, -n.extra);
  auto &list = spot[node];
  list.erase(std::lower_bound(list.begin(), list.end(), slot));
  filled[index[slot]] = filled.back();
  index[filled.back()] = index[slot];
  filled.pop_back();
  cost -= n.cost;
}

/// Whether all that a node reads is made before a slot, and what must come
/// after it does.
bool Annealing::mayStand(uint32_t node, uint32_t slot, bool first) const {
  const Node &n = nodes[node];
  for (uint32_t s : n.reads)
    if (events[s].empty() || events[s].front().slot >= slot)
      return false;
  if (n.before != none && spot[n.before].front() < slot)
    return false;
  if (!fixedOrder)
    return true;
  if (!first)
    return spot[node].front() < slot;
  return (node == 0 || spot[node - 1].front() < slot) &&
         (node + 1 == nodes.size() || spot[node + 1].front() > slot);
}

/// Whether everything that the node at a slot makes is made before it is read
/// without it.
bool Annealing::mayGo(uint32_t slot) const {
  for (uint32_t s : nodes[at[slot]].makes) {
    const auto &list = events[s];
    if (list.front().slot == slot && (list.size() == 1 || !list[1].makes))
      return false;
  }
  return true;
}

bool Annealing::accept(double temperature) {
  double e = energy();
  if (e > now && random.unit() >= std::exp((now - e) / temperature))
    return false;
  now = e;
  return true;
}

void Annealing::keep() {
  bool fits = tree.maximum() <= limit;
  if (fits ? cost >= bestCost : within())
    return;
  if (fits)
    bestCost = cost;
  best.clear();
  for (uint32_t node : at)
    if (node != none)
      best.push_back(node);
}

Runs Annealing::run(const Runs &start, uint64_t moves) {
  at.assign(numSlots, none);
  index.assign(numSlots, none);
  events.assign(a.problem.storages.size(), {});
  spot.assign(nodes.size(), {});
  for (const Node &n : nodes)
    base += n.cost;
  tree.add(0, numSlots, resident);
  if (start.size() >= numSlots)
    return start;
  for (size_t i = 0; i < start.size(); ++i)
    place(start[i], uint32_t(i * uint64_t(numSlots - 1) / start.size()));
  now = energy();
  keep();
  const double hot = 2e-2, cold = 1e-5;
  double temperature = hot;
  bool changed = false;
  for (uint64_t k = 0; k < moves; ++k) {
    if (k % 256 == 0) {
      temperature = hot * std::pow(cold / hot, double(k) / double(moves));
      if (changed)
        keep();
      changed = false;
      if (request.late())
        break;
    }
    uint32_t slot = random.below(numSlots);
    uint32_t kind = random.below(3);
    if (kind == 0) { // add
      uint32_t node = random.below(uint32_t(nodes.size()));
      if (at[slot] != none || nodes[node].once || !mayStand(node, slot, false))
        continue;
      place(node, slot);
      if (accept(temperature))
        changed = true;
      else
        clear(slot);
      continue;
    }
    uint32_t from = filled[random.below(uint32_t(filled.size()))];
    uint32_t node = at[from];
    bool first = spot[node].front() == from;
    if (kind == 1) { // remove
      if (spot[node].size() < 2 || !mayGo(from) || (first && fixedOrder))
        continue;
      clear(from);
      if (accept(temperature))
        changed = true;
      else
        place(node, from);
      continue;
    }
    // Rotate: near or far, with equal chances for each order of distance.
    uint32_t far = random.below(1u << random.below(16)) + 1;
    uint32_t to = random.below(2) ? from + far : from - std::min(from, far);
    if (to >= numSlots || at[to] != none)
      continue;
    // It must stand well where it goes, and leave nobody without an operand.
    bool well = mayStand(node, to, first && fixedOrder);
    if (well && first && fixedOrder && spot[node].size() > 1)
      well = to < spot[node][1];
    for (uint32_t s : nodes[node].makes) {
      const auto &list = events[s];
      if (list.front().slot == from && list.size() > 1)
        well = well && to < list[1].slot;
    }
    if (!well)
      continue;
    clear(from);
    place(node, to);
    if (accept(temperature)) {
      changed = true;
    } else {
      clear(to);
      place(node, from);
    }
  }
  keep();
  return best;
}

/// Nodes of single operators.
std::vector<Node> nodesOf(const Analysis &a, bool &updates) {
  std::vector<Node> nodes(a.numOps);
  std::vector<bool> born(a.problem.storages.size());
  for (uint32_t at = 0; at < a.numOps; ++at) {
    Node &n = nodes[at];
    n.ops = {at};
    n.cost = double(a.problem.operators[at].costNs[0]);
    n.extra = double(a.problem.aligned(a.problem.operators[at].workspace));
    n.once = a.rerunUntil[at] < 0;
    for (const Operand &o : a.operands[at]) {
      updates |= o.updated;
      if (a.problem.storages[o.storage].kind != StorageKind::Temporary)
        continue;
      // What several operators make lives from the first on.
      auto &list = o.written && !born[o.storage] ? n.makes : n.reads;
      if (std::find(list.begin(), list.end(), o.storage) == list.end())
        list.push_back(o.storage);
      born[o.storage] = true;
    }
    n.once |= n.makes.empty();
    if (!n.once && a.rerunUntil[at] < int64_t(a.numOps))
      n.before = uint32_t(a.rerunUntil[at]);
  }
  return nodes;
}

/// Fuses an operator into its only reader where that keeps less: its operands
/// are no larger than its results.
std::vector<Node> group(const Analysis &a, const std::vector<Node> &single,
                        bool fixedOrder) {
  std::vector<uint32_t> into(single.size());
  auto bytes = [&](uint32_t s) { return a.slotBytes[a.slot(s, -1)]; };
  for (uint32_t i = uint32_t(single.size()); i-- > 0;) {
    into[i] = i;
    const Node &n = single[i];
    uint64_t in = 0, out = 0;
    uint32_t reader = none;
    bool one = !n.once && n.before == none && !n.makes.empty();
    for (uint32_t s : n.reads)
      in += bytes(s);
    for (uint32_t s : n.makes) {
      out += bytes(s);
      const auto &uses = a.uses[a.slot(s, -1)];
      one = one && uses.size() == 2 && !a.problem.storages[s].output &&
            (reader == none || reader == uses[1]);
      if (one)
        reader = uses[1];
    }
    if (one && in <= out && !single[reader].once &&
        single[reader].before == none && (!fixedOrder || reader == i + 1))
      into[i] = into[reader];
  }
  std::vector<Node> groups;
  std::vector<uint32_t> number(single.size(), none);
  // A group stands where its last operator did.
  std::vector<std::vector<uint32_t>> members(single.size());
  for (uint32_t i = 0; i < single.size(); ++i)
    members[into[i]].push_back(i);
  for (uint32_t last = 0; last < single.size(); ++last) {
    if (members[last].empty())
      continue;
    number[last] = uint32_t(groups.size());
    Node g;
    g.once = single[last].once;
    g.before = single[last].before; // of an operator: renumbered below
    g.makes = single[last].makes;
    double most = 0, inside = 0;
    for (uint32_t i : members[last]) {
      g.ops.push_back(i);
      g.cost += single[i].cost;
      double result = 0;
      for (uint32_t s : single[i].reads) {
        bool made = false;
        for (uint32_t j : members[last])
          made |= j != i && std::count(single[j].makes.begin(),
                                       single[j].makes.end(), s) != 0;
        if (!made &&
            std::find(g.reads.begin(), g.reads.end(), s) == g.reads.end())
          g.reads.push_back(s);
      }
      for (uint32_t s : single[i].makes)
        result += i == last ? 0 : double(bytes(s));
      inside += result;
      most = std::max(most, inside + single[i].extra);
    }
    g.extra = most;
    groups.push_back(std::move(g));
  }
  for (Node &g : groups)
    if (g.before != none)
      g.before = number[into[g.before]];
  return groups;
}

Runs opsOf(const std::vector<Node> &nodes, const Runs &sequence) {
  Runs runs;
  for (uint32_t node : sequence)
    runs.insert(runs.end(), nodes[node].ops.begin(), nodes[node].ops.end());
  return runs;
}

} // namespace

PolicyAnswer spillway::planner::planFastSa(const PolicyRequest &request) {
  const Analysis &a = request.analysis;
  bool updates = false;
  std::vector<Node> single = nodesOf(a, updates);
  // Updates in place order the operators around them.
  bool fixedOrder = request.fixedOrder || updates;
  std::vector<Node> groups = group(a, single, fixedOrder);
  double resident = double(residentBytes(a));
  std::vector<Runs> found;
  Runs order;
  for (uint32_t op = 0; op < a.numOps; ++op)
    order.push_back(op);
  found.push_back(order);
  auto search = [&](const PolicyRequest &request, uint64_t moves) {
    uint64_t budget = std::max<uint64_t>(1, request.budgets[0]);
    Runs start;
    for (uint32_t g = 0; g < groups.size(); ++g)
      start.push_back(g);
    Annealing coarse(request, groups, fixedOrder, budget, resident);
    Runs runs = opsOf(groups, coarse.run(start, moves));
    found.push_back(runs);
    Annealing fine(request, single, fixedOrder, budget, resident);
    found.push_back(fine.run(runs, moves / 10));
  };
  Verdict keepAll = verifyPlan(a.problem, planOfRuns(a, order));
  if (a.numOps && keepAll.peakBytes[0] > request.budgets[0]) {
    // What is feasible must not depend on the number of iterations, nor on the
    // clock.
    PolicyRequest patient = request;
    patient.deadline.reset();
    search(patient,
           std::min<uint64_t>(300000, 20000 + 600 * uint64_t(a.numOps)));
    if (request.iterations)
      search(request,
             request.iterations *
                 std::min<uint64_t>(20000, 400 + 100 * uint64_t(a.numOps)));
  }
  PolicyAnswer answer =
      answerOfRuns(request, found, "annealing found no sequence that fits");
  answer.searches = found.size() > 1;
  return answer;
}
