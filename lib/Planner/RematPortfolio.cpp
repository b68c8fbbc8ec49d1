//===- RematPortfolio.cpp - Several searches on one tier --------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RematPortfolio.h"

#include "RematSearch.h"

#include <algorithm>
#include <system_error>
#include <thread>

using namespace spillway::planner;

namespace {

using Sequence = std::vector<uint32_t>;

/// How the moves of a chain are spent: first on groups, then on operators.
/// Hotter than one mean cost of an operator forgets where it comes from.
struct Recipe {
  double groups;    ///< share of the moves
  double groupsHot; ///< see RematOptions
  double operatorsHot;
};

class Portfolio {
public:
  Portfolio(const Analysis &a, const RematRequest &request)
      : request(request), numOps(a.numOps), whole(makeRematGraph(a)),
        // Both reductions change the order of first runs.
        fine(request.fixedOrder ? whole : reduce(whole, false)),
        coarse(request.fixedOrder ? whole : reduce(whole, true)) {
    for (uint32_t op = 0; op < numOps; ++op)
      given.push_back(op);
  }

  std::vector<Sequence> run() {
    std::vector<Sequence> out;
    // What is feasible must not depend on the number of iterations.
    RematOptions first;
    first.moves = std::min<uint64_t>(1500000, 20000 + 2000ull * numOps);
    first.first = true;
    Found start = search(fine, first, given);
    if (start.sequence.empty())
      return out;
    out.push_back(start.sequence);
    // In an iteration, as many moves as there are pairs of an operator and a
    // place, a few times over, but no more than take some 30 ms.
    uint64_t moves =
        request.iterations * std::min<uint64_t>(30000, 8ull * numOps * numOps);
    if (moves == 0)
      return out;
    uint64_t wide = moves / 4 * 3;
    auto [a, b] = both([&] { return chain({0.6, 3, 1}, wide, 2, given); },
                       [&] { return chain({0, 0, 3}, wide, 3, given); });
    const Found &best = b.cost < a.cost ? b : a;
    if (best.cost < start.cost)
      start = best;
    auto [c, d] = both(
        [&] { return chain({0, 0, 0.3}, moves - wide, 4, start.sequence); },
        [&] { return chain({0, 0, 0.1}, moves - wide, 5, start.sequence); });
    for (const Found *f : {&a, &b, &c, &d})
      if (!f->sequence.empty())
        out.push_back(f->sequence);
    return out;
  }

private:
  /// In the problem's operators.
  struct Found {
    Sequence sequence, last;
    int64_t cost = INT64_MAX;
  };

  Found search(const RematGraph &graph, RematOptions options,
               const Sequence &from) const {
    options.budget = request.budget;
    options.fixedOrder = request.fixedOrder;
    RematFound f = searchRemat(graph, options, contract(graph, numOps, from));
    return {expand(graph, f.sequence), expand(graph, f.last), f.cost};
  }

  Found chain(const Recipe &recipe, uint64_t moves, uint64_t seed,
              const Sequence &from) const {
    RematOptions options;
    options.seed = seed;
    options.deadline = request.deadline;
    Found out;
    out.last = from;
    uint64_t groups = uint64_t(double(moves) * recipe.groups);
    if (groups) {
      options.moves = groups;
      options.hot = recipe.groupsHot;
      out = search(coarse, options, from);
    }
    options.moves = moves - groups;
    options.hot = recipe.operatorsHot;
    Found then =
        search(fine, options, out.sequence.empty() ? out.last : out.sequence);
    return then.cost < out.cost ? then : out;
  }

  /// Two chains at once; what comes out does not depend on which is first.
  template <typename F, typename G>
  std::pair<Found, Found> both(F f, G g) const {
    std::pair<Found, Found> out;
    std::thread other;
    try {
      other = std::thread([&] { out.second = g(); });
    } catch (const std::system_error &) {
      out.second = g(); // no more threads to be had
    }
    out.first = f();
    if (other.joinable())
      other.join();
    return out;
  }

  const RematRequest &request;
  uint32_t numOps;
  RematGraph whole, fine, coarse;
  Sequence given;
};

} // namespace

std::vector<std::vector<uint32_t>>
spillway::planner::findRematPlans(const Analysis &analysis,
                                  const RematRequest &request) {
  return Portfolio(analysis, request).run();
}

bool spillway::planner::canSearchRemat(const Problem &problem) {
  if (problem.machine.tiers.size() != 1)
    return false;
  for (const Storage &s : problem.storages)
    if (!s.parts.empty() || s.kind == StorageKind::Fed)
      return false;
  std::vector<uint32_t> makers(problem.storages.size());
  for (const Operator &op : problem.operators) {
    if (!op.updates.empty())
      return false;
    for (const Access &w : op.writes)
      ++makers[w.storage];
  }
  return std::all_of(makers.begin(), makers.end(),
                     [](uint32_t n) { return n < 2; });
}

Plan spillway::planner::planOfSequence(const Analysis &a,
                                       const std::vector<uint32_t> &sequence) {
  Plan plan;
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s)
    if (a.problem.storages[s].kind == StorageKind::Persistent)
      plan.initial.push_back({s, -1, 0});
  // Backwards: a storage dies with the last read before it is made again.
  std::vector<bool> wanted(a.problem.storages.size());
  for (uint32_t s = 0; s < a.problem.storages.size(); ++s)
    wanted[s] = a.problem.storages[s].output;
  std::vector<std::vector<uint32_t>> dies(sequence.size());
  for (size_t i = sequence.size(); i-- > 0;) {
    const auto &operands = a.operands[sequence[i]];
    for (const Operand &o : operands) {
      if (a.problem.storages[o.storage].kind != StorageKind::Temporary)
        continue;
      if (!wanted[o.storage])
        dies[i].push_back(o.storage);
      wanted[o.storage] = !o.written;
    }
  }
  for (size_t i = 0; i < sequence.size(); ++i) {
    plan.actions.push_back(Action::run(sequence[i]));
    for (uint32_t s : dies[i])
      plan.actions.push_back(Action::free(s, -1, 0));
  }
  return plan;
}
