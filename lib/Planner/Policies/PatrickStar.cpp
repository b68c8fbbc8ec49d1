//===- PatrickStar.cpp - Parameters and state in chunks ---------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fang et al., "Parallel Training of Pre-Trained Models via Chunk-Based Dynamic
// Memory Management", IEEE TPDS 2023 (PatrickStar), and its code. Parameters,
// in the order in which they are used first, fill chunks of one size; state
// fills chunks of its own, one list for each kind, in the same order. Chunks
// move as a whole. A warm-up iteration tells how many bytes of the device
// everything else takes at each moment; the rest holds chunks. A chunk comes
// when an operator needs it; what goes for it is the chunk that is needed last
// (Belady's rule, from the moments of the warm-up). What the device has left
// beside the peak of everything else and the parameters holds state, updated
// there; other state is on the host and updated there, if an engine can.
// Activations are checkpointed by layers.
//
//===----------------------------------------------------------------------===//

#include "../Placement.h"
#include "../TrainingGraph.h"

#include <algorithm>
#include <map>

using namespace spillway::planner;

namespace {

struct Chunk {
  std::vector<uint32_t> slots;
  uint64_t bytes = 0;
  std::vector<uint32_t> moments; ///< runs on the device that use it
  bool resident = false;
};

class PatrickStar {
public:
  explicit PatrickStar(const PolicyRequest &r)
      : request(r), a(r.analysis), problem(a.problem), graph(a) {}

  PolicyAnswer run();

private:
  void listSlots();
  uint64_t chunkSize() const;
  void fillChunks(uint64_t size);
  void warmUp();
  void placeUpdates();
  void findMoments();
  void keepResident();
  void simulate();
  uint64_t available(uint32_t at) const {
    uint64_t other = std::max(others[at], others[at + 1]);
    return request.budgets[0] - std::min(request.budgets[0], other);
  }
  uint32_t nextMoment(const Chunk &c, uint32_t from) const {
    auto it = std::lower_bound(c.moments.begin(), c.moments.end(), from);
    return it == c.moments.end() ? none : *it;
  }

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  TrainingGraph graph;
  Placement place;
  /// List 0: parameters; list k: the k-th kind of state.
  std::vector<std::vector<uint32_t>> lists;
  std::vector<Chunk> chunks;
  std::vector<uint32_t> chunkOf; ///< by slot
  std::vector<uint64_t> others;  ///< by run: bytes that are no chunks
  uint64_t fixed = 0;            ///< bytes of resident chunks
};

/// Slots of parameters by first use, and of state by the parameter that the
/// same update changes.
void PatrickStar::listSlots() {
  std::vector<std::pair<uint32_t, uint32_t>> parameters; // first use, storage
  std::map<uint32_t, std::vector<uint32_t>> stateOf;     // by parameter
  for (uint32_t s = 0; s < problem.storages.size(); ++s)
    if (graph.role[s] == Role::Parameter)
      parameters.push_back({a.uses[a.slot(s, -1)].front(), s});
  std::sort(parameters.begin(), parameters.end());
  std::vector<bool> listed(problem.storages.size());
  std::vector<uint32_t> loose;
  for (uint32_t at = 0; at < a.numOps; ++at) {
    uint32_t owner = none;
    for (const Access &u : problem.operators[at].updates)
      if (graph.role[u.storage] == Role::Parameter && owner == none)
        owner = u.storage;
    for (const Access &u : problem.operators[at].updates)
      if (graph.role[u.storage] == Role::State && !listed[u.storage]) {
        listed[u.storage] = true;
        if (owner == none)
          loose.push_back(u.storage);
        else
          stateOf[owner].push_back(u.storage);
      }
  }
  auto add = [&](uint32_t list, uint32_t s) {
    if (lists.size() <= list)
      lists.resize(list + 1);
    if (a.wholeAccess[s] || problem.storages[s].parts.empty())
      return lists[list].push_back(a.slot(s, -1));
    for (uint32_t k = 0; k < problem.storages[s].numParts(); ++k)
      lists[list].push_back(a.slot(s, int32_t(k)));
  };
  for (auto [first, s] : parameters) {
    add(0, s);
    for (uint32_t k = 0; k < stateOf[s].size(); ++k)
      add(k + 1, stateOf[s][k]);
  }
  for (uint32_t s : loose)
    add(1, s);
}

/// Of 32 sizes from that of the largest tensor to four times that, the one that
/// wastes least, counting every chunk as full.
uint64_t PatrickStar::chunkSize() const {
  uint64_t largest = 1;
  for (const auto &list : lists)
    for (uint32_t slot : list)
      largest = std::max(largest, a.slotBytes[slot]);
  uint64_t best = 0, least = UINT64_MAX;
  for (uint64_t k = 0; k < 32; ++k) {
    uint64_t size = largest + largest * 3 * k / 32, total = 0;
    for (const auto &list : lists) {
      uint64_t left = 0;
      for (uint32_t slot : list) {
        if (left < a.slotBytes[slot])
          total += size, left = size;
        left -= a.slotBytes[slot];
      }
    }
    if (total < least)
      least = total, best = size;
  }
  return best;
}

void PatrickStar::fillChunks(uint64_t size) {
  chunks.clear();
  chunkOf.assign(a.numSlots(), none);
  for (const auto &list : lists) {
    uint64_t left = 0;
    for (uint32_t slot : list) {
      if (left < a.slotBytes[slot]) {
        chunks.emplace_back();
        left = size;
      }
      left -= a.slotBytes[slot];
      chunks.back().slots.push_back(slot);
      chunks.back().bytes += a.slotBytes[slot];
      chunkOf[slot] = uint32_t(chunks.size() - 1);
    }
  }
}

/// Bytes of everything else, at each run: temporaries from where they are made
/// to where they are read last, inputs, workspace.
void PatrickStar::warmUp() {
  uint32_t n = uint32_t(place.runs.size());
  std::vector<int64_t> change(n + 2);
  auto uses = placedUses(a, place.runs);
  int64_t always = 0;
  for (uint32_t slot = 0; slot < a.numSlots(); ++slot) {
    if (chunkOf[slot] != none || uses[slot].empty())
      continue;
    int64_t bytes = int64_t(a.slotBytes[slot]);
    if (problem.storages[a.slotStorage[slot]].kind == StorageKind::Persistent) {
      always += bytes;
      continue;
    }
    uint32_t s = a.slotStorage[slot];
    // From being made (again) to the last read before it is made again.
    const auto &list = uses[slot];
    for (size_t i = 0; i < list.size();) {
      size_t j = i + 1;
      while (j < list.size() &&
             (a.producer[s] == none || place.runs[list[j]].op != a.producer[s]))
        ++j;
      bool toEnd = problem.storages[s].output && j == list.size();
      change[list[i]] += bytes;
      change[toEnd ? n : list[j - 1] + 1] -= bytes;
      i = j;
    }
  }
  others.assign(n + 1, uint64_t(always));
  int64_t live = always;
  for (uint32_t at = 0; at < n; ++at) {
    live += change[at];
    others[at] =
        uint64_t(live) +
        problem.aligned(problem.operators[place.runs[at].op].workspace);
  }
}

/// What is left beside the peak of everything else and all parameters holds
/// state, four fifths of it; its update stays on the device.
void PatrickStar::placeUpdates() {
  uint64_t most = *std::max_element(others.begin(), others.end());
  for (const Chunk &c : chunks)
    if (graph.role[a.slotStorage[c.slots[0]]] == Role::Parameter)
      most += c.bytes;
  uint64_t margin =
      request.budgets[0] == unlimited
          ? unlimited
          : (request.budgets[0] - std::min(request.budgets[0], most)) / 5 * 4;
  std::vector<uint32_t> runOf(a.numOps);
  for (uint32_t at = 0; at < place.runs.size(); ++at)
    runOf[place.runs[at].op] = at;
  // All updates of one parameter go the same way.
  std::map<uint32_t, std::vector<uint32_t>> updatesOf;
  for (uint32_t at = 0; at < a.numOps; ++at)
    if (graph.isUpdate[at])
      updatesOf[problem.operators[at].updates[0].storage].push_back(at);
  for (auto &[first, list] : updatesOf) {
    uint64_t bytes = 0;
    bool canLeave = true;
    for (uint32_t at : list) {
      canLeave &= hostEngine(problem, at) != 0;
      for (const Access &u : problem.operators[at].updates)
        if (graph.role[u.storage] == Role::State)
          bytes += a.slotBytes[placedSlot(a, u.storage, u.part)];
    }
    bool fits = bytes <= margin;
    if (fits && margin != unlimited)
      margin -= bytes;
    for (uint32_t at : list)
      place.runs[runOf[at]].engine =
          fits || !canLeave ? 0 : hostEngine(problem, at);
  }
}

void PatrickStar::findMoments() {
  auto uses = placedUses(a, place.runs);
  for (Chunk &c : chunks) {
    c.moments.clear();
    for (uint32_t slot : c.slots)
      c.moments.insert(c.moments.end(), uses[slot].begin(), uses[slot].end());
    std::sort(c.moments.begin(), c.moments.end());
    c.moments.erase(std::unique(c.moments.begin(), c.moments.end()),
                    c.moments.end());
  }
}

/// Chunks for which there is room at every moment, beside all that an operator
/// may need, never move.
void PatrickStar::keepResident() {
  uint32_t n = uint32_t(place.runs.size());
  // What moving chunks need at once.
  std::vector<uint64_t> needed(n + 1);
  for (const Chunk &c : chunks)
    for (uint32_t m : c.moments)
      needed[m] += c.bytes;
  fixed = 0;
  std::vector<uint32_t> order;
  for (uint32_t c = 0; c < chunks.size(); ++c)
    if (!chunks[c].moments.empty())
      order.push_back(c);
  // Most often used first.
  std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) {
    size_t mx = chunks[x].moments.size(), my = chunks[y].moments.size();
    return mx != my ? mx > my : x < y;
  });
  for (uint32_t i : order) {
    Chunk &c = chunks[i];
    for (uint32_t m : c.moments)
      needed[m] -= c.bytes;
    bool fits = true;
    for (uint32_t at = 0; at < n && fits; ++at)
      fits = fixed + c.bytes + needed[at] <= available(at);
    c.resident = fits;
    if (fits)
      fixed += c.bytes;
    else
      for (uint32_t m : c.moments)
        needed[m] += c.bytes;
  }
}

/// Moves chunks from moment to moment.
void PatrickStar::simulate() {
  uint32_t n = uint32_t(place.runs.size());
  std::vector<std::vector<uint32_t>> wanted(n);
  for (uint32_t c = 0; c < chunks.size(); ++c)
    if (!chunks[c].resident)
      for (uint32_t m : chunks[c].moments)
        wanted[m].push_back(c);
  std::vector<uint32_t> here;                       // chunks
  std::vector<uint32_t> since(chunks.size(), none); // first run of the stay
  uint64_t used = 0;
  // What an update off the device changes is no use there any more.
  std::vector<uint32_t> changed(problem.storages.size(), none);
  for (uint32_t at = n; at-- > 0;)
    if (problem.machine.engines[place.runs[at].engine].tier)
      for (const Access &u : problem.operators[place.runs[at].op].updates)
        changed[u.storage] = at;
  auto end = [&](uint32_t c, uint32_t last) {
    for (uint32_t slot : chunks[c].slots) {
      uint32_t until = changed[a.slotStorage[slot]];
      if (until == none || until <= since[c])
        until = n;
      place.stays.push_back(
          {slot, since[c], since[c], std::min(last, until - 1)});
    }
    used -= chunks[c].bytes;
    since[c] = none;
    here.erase(std::find(here.begin(), here.end(), c));
  };
  for (uint32_t at = 0; at < n; ++at) {
    uint64_t incoming = 0;
    for (uint32_t c : wanted[at])
      incoming += since[c] == none ? chunks[c].bytes : 0;
    uint64_t room = available(at) - std::min(available(at), fixed);
    // Everything else may have grown, too.
    while (used + incoming > room && !here.empty()) {
      uint32_t victim = none, furthest = 0;
      for (uint32_t c : here) {
        uint32_t next = nextMoment(chunks[c], at);
        if (next != at && (victim == none || next > furthest ||
                           (next == furthest && c < victim)))
          victim = c, furthest = next;
      }
      if (victim == none)
        break;
      end(victim, at - 1);
    }
    for (uint32_t c : wanted[at])
      if (since[c] == none) {
        since[c] = at;
        used += chunks[c].bytes;
        here.push_back(c);
      }
  }
  while (!here.empty())
    end(here.front(), n - 1);
}

PolicyAnswer PatrickStar::run() {
  PolicyAnswer answer;
  listSlots();
  if (problem.machine.tiers.size() < 2 || lists.empty()) {
    answer.applies = false;
    answer.reason = problem.machine.tiers.size() < 2
                        ? "patrickstar needs a tier besides the device"
                        : "patrickstar moves parameters and state, and this "
                          "problem updates none";
    return answer;
  }
  fillChunks(chunkSize());
  for (uint32_t op :
       graph.trace(std::vector<bool>(problem.storages.size(), true)))
    place.runs.push_back({op, 0});
  place.home.assign(problem.storages.size(), 0);
  place.resident.assign(problem.storages.size(), false);
  warmUp();
  placeUpdates();
  findMoments();
  keepResident();
  // A storage is all along on the device if all its chunks are and no update
  // off the device changes it; then it has no home.
  std::vector<bool> moves(problem.storages.size());
  for (const PlacedRun &r : place.runs)
    if (problem.machine.engines[r.engine].tier)
      for (const Access &u : problem.operators[r.op].updates)
        moves[u.storage] = true;
  for (const Chunk &c : chunks)
    for (uint32_t slot : c.slots)
      if (!c.resident)
        moves[a.slotStorage[slot]] = true;
  for (uint32_t s = 0; s < moves.size(); ++s)
    place.home[s] = moves[s] ? 1 : 0;
  simulate();
  // Slots of resident chunks whose storage has a home.
  for (const Chunk &c : chunks)
    if (c.resident)
      for (uint32_t slot : c.slots)
        if (uint32_t s = a.slotStorage[slot]; moves[s]) {
          if (a.slotPart[slot] < 0)
            place.resident[s] = true;
          else
            place.stays.push_back(
                {slot, c.moments.front(), c.moments.front(), c.moments.back()});
        }
  addPlan(a, place, request.budgets, answer);
  return answer;
}

} // namespace

PolicyAnswer spillway::planner::planPatrickStar(const PolicyRequest &request) {
  return PatrickStar(request).run();
}
