//===- Execution.h - Actions of a plan, carried out in time -----*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the simulator and to what orders loads by it. `Program` has the
// instances of a plan numbered and looked up once. `Execution` carries its
// actions out one by one, in any sequence in which they mean the same, and says
// when each one starts and ends.
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_LIB_PLANNER_EXECUTION_H
#define SPILLWAY_LIB_PLANNER_EXECUTION_H

#include "spillway/Planner/Simulator.h"

#include <algorithm>
#include <map>

namespace spillway::planner {

/// One action, with everything looked up.
struct Step {
  uint32_t stream =
      UINT32_MAX; ///< engine, or link behind engines; none: a free
  int64_t duration = 0;
  /// A transfer over two links takes the faster one for its bytes' time there;
  /// chunk by chunk, so that others go between.
  uint32_t shared = UINT32_MAX;
  int64_t sharedNs = 0;
  // Ranges into Program's arrays.
  uint32_t reads, writes, begins, ends, stop;
  uint64_t workspace = 0;
  uint32_t tier = 0;
};

struct Program {
  const Problem &problem;
  std::vector<Lifetime> lives;
  std::vector<uint32_t> cellBegin; ///< by life; one more at the end
  std::vector<Step> steps;
  std::vector<uint32_t> items; ///< cells read; cells written; lives

  Program(const Problem &problem, const Plan &plan);
  uint32_t numCells() const { return cellBegin.back(); }
  uint64_t bytes(uint32_t life) const {
    const Instance &i = lives[life].instance;
    return problem.aligned(problem.storages[i.storage].partBytes(i.part));
  }
};

/// Bytes of a tier that are free, and since when; the longest free go first.
class Pool {
public:
  void add(uint64_t bytes, int64_t since) {
    if (bytes)
      free[since] += bytes;
  }
  /// When the last of so many bytes was let go.
  int64_t peek(uint64_t bytes) const {
    int64_t since = 0;
    for (auto it = free.begin(); bytes && it != free.end(); ++it) {
      since = std::max(since, it->first);
      bytes -= std::min(bytes, it->second);
    }
    return since;
  }
  /// Takes them.
  int64_t take(uint64_t bytes) {
    int64_t since = 0;
    while (bytes && !free.empty()) {
      auto it = free.begin();
      since = std::max(since, it->first);
      if (it->second > bytes) {
        it->second -= bytes;
        return since;
      }
      bytes -= it->second;
      free.erase(it);
    }
    return since;
  }

private:
  std::map<int64_t, uint64_t> free; ///< bytes by time
};

/// By address, when the last user of each byte was done.
class AddressMap {
public:
  AddressMap() { begins[0] = 0; }
  int64_t lastUse(uint64_t begin, uint64_t end) const {
    int64_t since = 0;
    for (auto it = std::prev(begins.upper_bound(begin));
         it != begins.end() && it->first < end; ++it)
      since = std::max(since, it->second);
    return since;
  }
  void set(uint64_t begin, uint64_t end, int64_t since) {
    if (begin >= end)
      return;
    split(begin);
    split(end);
    auto first = begins.find(begin);
    begins.erase(std::next(first), begins.find(end));
    first->second = since;
  }

private:
  void split(uint64_t at) {
    auto it = std::prev(begins.upper_bound(at));
    if (it->first != at)
      begins.emplace_hint(std::next(it), at, it->second);
  }
  std::map<uint64_t, int64_t> begins;
};

class Execution {
public:
  /// With bytes on no tier but what wraps around the step's end.
  Execution(const Program &program, const SimulationOptions &options);

  /// When the action would start, everything before it done.
  int64_t earliest(uint32_t at) const;
  /// When the streams that it takes are free.
  int64_t streamsFree(uint32_t at) const;
  /// When what it reads is there.
  int64_t readsReady(uint32_t at) const;
  /// When as many bytes are free as begin with it.
  int64_t bytesFree(uint32_t at) const;
  /// Carries it out and returns when it starts; 0 for a free.
  int64_t run(uint32_t at);

private:
  /// Part of an instance whose readers and writers wait for one another.
  struct Cell {
    int64_t ready = 0; ///< the content is there
    int64_t idle = 0;  ///< nobody reads or writes it any more
  };
  uint64_t limit(uint32_t tier) const {
    return tier < options.budgets.size()
               ? options.budgets[tier]
               : program.problem.machine.tiers[tier].capacity;
  }
  /// The wire of a stream that is a link of a group, or 0.
  uint32_t groupOf(uint32_t stream) const {
    const Machine &machine = program.problem.machine;
    size_t engines = machine.engines.size();
    return stream < engines ? 0 : machine.links[stream - engines].group;
  }
  int64_t idleSince(uint32_t life) const {
    int64_t idle = 0;
    for (uint32_t c = program.cellBegin[life]; c < program.cellBegin[life + 1];
         ++c)
      idle = std::max(idle, cells[c].idle);
    return idle;
  }
  void free(const Step &s);

  const Program &program;
  const SimulationOptions &options;
  std::vector<Cell> cells;
  std::vector<int64_t> streamFree;
  /// By stream: transfers of others that take it for some time from a moment on
  /// that its own have not come to yet.
  std::vector<std::multimap<int64_t, int64_t>> passing;
  std::map<uint32_t, int64_t> groupFree;
  std::vector<Pool> pools;
  std::vector<AddressMap> addresses;
};

} // namespace spillway::planner

#endif // SPILLWAY_LIB_PLANNER_EXECUTION_H
