//===- Xla.cpp - Rematerialization as XLA does it ---------------*- C++ -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// XLA's HloRematerialization, its recompute strategy. The schedule is walked
// once with the bytes of live buffers counted. While they exceed the limit at
// an instruction, the block of consecutive placed instructions is made again
// whose
//     cost = limit / (live bytes of its results - dead bytes of its operands)
// is least; 0 if no user of its results has run, for then it is only moved.
// What it costs to compute does not count: "running out of memory is more
// harmful". Blocks of one instruction are looked at first; where none helps, of
// 2, then of 3 to 4, of 5 to 8 and so on, as long as that takes not much more
// effort than single instructions did. Every use to come is given the clone,
// which is placed before the first of them and before the last uses of its own
// operands. XLA's compression and its host offload are not used. A clone that
// brings a dead operand back lengthens that one's life backwards too, where the
// walk has passed: as in XLA, a limit may be missed so, and then there is no
// plan.
//
//===----------------------------------------------------------------------===//

#include "../RunPlan.h"

#include <algorithm>

using namespace spillway::planner;

namespace {

class Xla {
public:
  explicit Xla(const PolicyRequest &request)
      : request(request), a(request.analysis), problem(a.problem),
        limit(int64_t(std::min<uint64_t>(request.budgets[0], INT64_MAX))) {}

  PolicyAnswer run();

private:
  struct Item {
    uint32_t op = 0;
    std::vector<uint32_t> uses, makes; ///< buffers
    bool placed = false, denied = false, moved = false;
    uint32_t previous = none, next = none;
    uint64_t key = 0; ///< ascending along the list
  };
  struct Buffer {
    uint32_t storage = 0;
    uint32_t maker = none;
    std::vector<uint32_t> users; ///< items
    uint32_t unfinished = 0;
    bool liveOut = false;
  };
  int64_t bytesOf(uint32_t buffer) const {
    return int64_t(a.slotBytes[a.slot(buffers[buffer].storage, -1)]);
  }
  bool live(uint32_t b) const {
    const Buffer &buffer = buffers[b];
    return items[buffer.maker].placed && (buffer.unfinished || buffer.liveOut);
  }
  bool inUse(uint32_t b) const {
    const auto &mine = items[current];
    return std::count(mine.uses.begin(), mine.uses.end(), b) ||
           std::count(mine.makes.begin(), mine.makes.end(), b);
  }
  void build();
  void begin(uint32_t item);
  void end(uint32_t item);
  bool usable(uint32_t item) const;
  int64_t reduced(const std::vector<uint32_t> &block) const;
  int64_t costOf(const std::vector<uint32_t> &block, int64_t saved) const;
  bool pick(uint32_t least, uint32_t most, std::vector<uint32_t> &best);
  bool remake(const std::vector<uint32_t> &block);
  void insertBefore(uint32_t item, uint32_t where);

  const PolicyRequest &request;
  const Analysis &a;
  const Problem &problem;
  int64_t limit, memory = 0;
  std::vector<Item> items;
  std::vector<Buffer> buffers;
  std::vector<bool> remakeable; ///< by operator
  uint32_t first = none, current = none;
  uint64_t effort = 0;
  /// Instructions looked at. XLA limits the size of blocks instead.
  uint64_t work = 0;
  static constexpr uint64_t mostWork = 100'000'000;
};

void Xla::build() {
  std::vector<uint32_t> bufferOf(problem.storages.size(), none);
  remakeable.assign(a.numOps, false);
  items.resize(a.numOps);
  for (uint32_t at = 0; at < a.numOps; ++at) {
    Item &item = items[at];
    item.op = at;
    item.key = uint64_t(at + 1) << 32;
    item.previous = at ? at - 1 : none;
    item.next = at + 1 < a.numOps ? at + 1 : none;
    bool again = problem.operators[at].recomputable;
    for (const Operand &o : a.operands[at]) {
      uint32_t s = o.storage;
      if (problem.storages[s].kind != StorageKind::Temporary)
        continue;
      if (bufferOf[s] == none) {
        bufferOf[s] = uint32_t(buffers.size());
        buffers.push_back({s, at, {}, 0, problem.storages[s].output});
        item.makes.push_back(bufferOf[s]);
        again = again && canRemake(a, s) && !problem.storages[s].output;
      } else if (items[buffers[bufferOf[s]].maker].op != at) {
        item.uses.push_back(bufferOf[s]);
        auto &users = buffers[bufferOf[s]].users;
        if (users.empty() || users.back() != at)
          users.push_back(at);
      }
    }
    remakeable[at] = again && !item.makes.empty();
  }
  for (Buffer &b : buffers)
    b.unfinished = uint32_t(b.users.size());
  first = a.numOps ? 0 : none;
}

void Xla::begin(uint32_t i) {
  current = i;
  items[i].placed = true;
  for (uint32_t b : items[i].makes)
    memory += bytesOf(b);
  memory += int64_t(problem.aligned(problem.operators[items[i].op].workspace));
}

void Xla::end(uint32_t i) {
  memory -= int64_t(problem.aligned(problem.operators[items[i].op].workspace));
  for (uint32_t b : items[i].uses)
    if (--buffers[b].unfinished == 0 && !buffers[b].liveOut)
      memory -= bytesOf(b);
  for (uint32_t b : items[i].makes)
    if (buffers[b].unfinished == 0 && !buffers[b].liveOut)
      memory -= bytesOf(b);
}

bool Xla::usable(uint32_t i) const {
  return items[i].placed && i != current && !items[i].denied &&
         remakeable[items[i].op];
}

/// Bytes that are freed here if a block is made again later.
int64_t Xla::reduced(const std::vector<uint32_t> &block) const {
  int64_t sum = 0;
  for (uint32_t i : block) {
    for (uint32_t b : items[i].makes) {
      if (buffers[b].liveOut || inUse(b))
        return 0;
      if (live(b))
        sum += bytesOf(b);
    }
    for (uint32_t b : items[i].uses)
      if (!live(b) && std::find(block.begin(), block.end(), buffers[b].maker) ==
                          block.end())
        sum -= bytesOf(b);
  }
  return sum;
}

int64_t Xla::costOf(const std::vector<uint32_t> &block, int64_t saved) const {
  for (uint32_t i : block)
    for (uint32_t b : items[i].makes)
      for (uint32_t user : buffers[b].users)
        if (items[user].placed)
          return limit / saved;
  // No user has run: a move. It changes the order of first runs.
  return request.fixedOrder ? -1 : 0;
}

bool Xla::pick(uint32_t least, uint32_t most, std::vector<uint32_t> &best) {
  best.clear();
  int64_t bestCost = 0;
  std::vector<uint32_t> block;
  for (uint32_t start = first; start != none && items[start].placed;
       start = items[start].next) {
    if (++work > mostWork)
      return false;
    block.clear();
    uint32_t i = start;
    while (i != none && usable(i) && block.size() < least) {
      block.push_back(i);
      i = items[i].next;
    }
    if (block.size() < least)
      continue;
    while (true) {
      ++effort;
      work += block.size();
      int64_t saved = reduced(block);
      int64_t cost = saved > 0 ? costOf(block, saved) : -1;
      if (cost >= 0 && (best.empty() || cost < bestCost)) {
        best = block;
        bestCost = cost;
      }
      if (block.size() >= most || i == none || !usable(i))
        break;
      block.push_back(i);
      i = items[i].next;
    }
  }
  return !best.empty();
}

void Xla::insertBefore(uint32_t item, uint32_t where) {
  uint32_t previous = items[where].previous;
  items[item].previous = previous;
  items[item].next = where;
  items[where].previous = item;
  if (previous == none)
    first = item;
  else
    items[previous].next = item;
  uint64_t low = previous == none ? 0 : items[previous].key;
  if (items[where].key - low < 2) {
    uint64_t key = 0;
    for (uint32_t i = first; i != none; i = items[i].next)
      items[i].key = (key += uint64_t(1) << 32);
    return;
  }
  items[item].key = low + (items[where].key - low) / 2;
}

/// Last of the block first, so that clones are users of clones.
bool Xla::remake(const std::vector<uint32_t> &block) {
  bool any = false;
  for (size_t k = block.size(); k-- > 0;) {
    uint32_t original = block[k];
    bool needed = false;
    for (uint32_t b : items[original].makes)
      for (uint32_t user : buffers[b].users)
        needed |= !items[user].placed;
    if (!needed)
      continue;
    any = true;
    uint32_t clone = uint32_t(items.size());
    items.emplace_back();
    items[clone].op = items[original].op;
    items[clone].uses = items[original].uses;
    uint32_t before = none;
    auto notAfter = [&](uint32_t user) {
      if (!items[user].placed &&
          (before == none || items[user].key < items[before].key))
        before = user;
    };
    for (uint32_t b : items[clone].uses) {
      if (!live(b))
        memory += bytesOf(b);
      for (uint32_t user : buffers[b].users)
        notAfter(user);
      ++buffers[b].unfinished;
      buffers[b].users.push_back(clone);
    }
    bool empty = true;
    for (uint32_t b : std::vector<uint32_t>(items[original].makes)) {
      if (live(b))
        memory -= bytesOf(b);
      uint32_t fresh = uint32_t(buffers.size());
      buffers.push_back({buffers[b].storage, clone, {}, 0, false});
      std::vector<uint32_t> placed;
      for (uint32_t user : buffers[b].users) {
        if (items[user].placed) {
          placed.push_back(user);
          continue;
        }
        notAfter(user);
        buffers[fresh].users.push_back(user);
        std::replace(items[user].uses.begin(), items[user].uses.end(), b,
                     fresh);
      }
      empty &= placed.empty();
      buffers[b].users = placed;
      buffers[b].unfinished = 0;
      buffers[fresh].unfinished = uint32_t(buffers[fresh].users.size());
      items[clone].makes.push_back(fresh);
    }
    insertBefore(clone, before);
    if (empty) {
      // The original is dead: it was moved. Twice is once too often.
      items[clone].denied = items[original].moved;
      items[clone].moved = true;
    }
  }
  return any;
}

PolicyAnswer Xla::run() {
  build();
  memory = int64_t(residentBytes(a));
  std::vector<uint32_t> block;
  const uint64_t factor = 10;
  for (uint32_t i = first; i != none; i = items[i].next) {
    begin(i);
    uint64_t single = 0, blocks = 0;
    uint32_t least = 1, most = 1;
    bool singles = true;
    while (memory > limit) {
      uint64_t before = effort;
      bool found = pick(least, most, block);
      (singles ? single : blocks) += effort - before;
      if (work > mostWork) {
        PolicyAnswer answer;
        answer.reason = "xla gave up after looking at " +
                        std::to_string(mostWork) +
                        " instructions for blocks to make again, at operator " +
                        std::to_string(problem.operators[items[i].op].id);
        return answer;
      }
      if (found && remake(block)) {
        least = most = 1;
      } else {
        least = most + 1;
        most *= 2;
        singles = false;
      }
      if (least > a.numOps || blocks > factor * single ||
          items.size() > 40 * size_t(a.numOps) + 1000)
        break;
    }
    end(i);
  }
  Runs runs;
  for (uint32_t i = first; i != none; i = items[i].next) {
    // What was moved away is not run where it was.
    bool dead = !items[i].makes.empty() && remakeable[items[i].op];
    for (uint32_t b : items[i].makes)
      dead &= buffers[b].users.empty() && items.size() > a.numOps;
    bool hasUses = false;
    for (const Operand &o : a.operands[items[i].op])
      hasUses |= o.written && a.lastUse[o.storage] != items[i].op;
    if (dead && hasUses)
      continue;
    runs.push_back(items[i].op);
  }
  return answerOfRuns(request, {runs}, "");
}

} // namespace

PolicyAnswer spillway::planner::planXla(const PolicyRequest &request) {
  return Xla(request).run();
}
