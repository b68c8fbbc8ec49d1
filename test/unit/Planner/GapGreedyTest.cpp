//===- GapGreedyTest.cpp - Which gaps to bridge how -----------------------===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planner/GapGreedy.h"
#include "Planner/LinkWindows.h"
#include "SwapChain.h"

#include <gtest/gtest.h>

using namespace spillway::planner;
using namespace spillway::planner::testing;

namespace {

TEST(LinkWindows, WhatMovesNothingNeedsNoWindow) {
  LinkWindows links(emptySwapProblem(1000000000).machine, {100, 100, 100});
  links.takeLoad(1, 300, 0, 3);
  links.takeStore(1, 300, 0, 3);
  uint32_t first = 0, last = 3;
  EXPECT_EQ(links.store(1, 0, first, last), 0);
  EXPECT_EQ(links.load(1, 0, first, last), 0);
  EXPECT_EQ(first, 0u);
  EXPECT_EQ(last, 3u);
  EXPECT_EQ(links.load(1, 50, first, last), 50); // none is left
}

/// Operators one after the other; a byte takes a nanosecond.
struct Steps {
  Problem p = emptySwapProblem(1000000000);

  uint32_t storage(uint64_t bytes, StorageKind kind = StorageKind::Temporary) {
    Storage s;
    s.id = uint32_t(p.storages.size());
    s.bytes = bytes;
    s.kind = kind;
    p.storages.push_back(s);
    return s.id;
  }
  void run(int64_t ns, const std::vector<uint32_t> &reads,
           const std::vector<uint32_t> &writes) {
    Operator o;
    o.id = uint32_t(p.operators.size());
    o.costNs = {ns, -1};
    for (uint32_t s : reads)
      o.reads.push_back({s});
    for (uint32_t s : writes)
      o.writes.push_back({s});
    p.operators.push_back(o);
  }
};

/// A parameter w that the host updates at the end of the step, used right
/// before; x, made by the first operator and read by the second and by that,
/// with operators between that leave no room for x.
struct Returning : Steps {
  uint32_t w, x;
  std::vector<uint32_t> engine;

  explicit Returning(uint64_t bytes) {
    w = storage(bytes, StorageKind::Persistent);
    x = storage(100);
    uint32_t y = storage(10), before = storage(10), z = storage(2000);
    uint32_t v = storage(10), behind = storage(10), g = storage(1);
    run(50, {}, {x});
    run(150, {x}, {y});
    run(150, {y}, {before}); // x may go out meanwhile
    run(150, {before}, {z});
    run(150, {z}, {v});
    run(150, {v}, {behind}); // and come in
    run(150, {x, behind, w}, {g});
    run(0, {g}, {});
    p.operators.back().costNs = {-1, 10};
    p.operators.back().updates = {{w}};
    p.operators.back().recomputable = false;
    engine.assign(p.operators.size(), 0);
    engine.back() = 1;
  }
  /// What is done with x while there is no room for it.
  GapChoice ofX(double stretch) const {
    Analysis a(p);
    GreedyOptions options;
    options.engine = &engine;
    options.stretch = stretch;
    Decisions d = chooseGaps(a, options, {2050, unlimited});
    return d.gaps[a.gapAt(a.slot(x, -1), 1)];
  }
};

TEST(GapGreedy, WhatIsUpdatedElsewhereTakesTheLinkToComeBack) {
  EXPECT_EQ(Returning(20).ofX(1), GapChoice::Swap); // it hides
  // While x could come in, w has to: to make x again is faster.
  EXPECT_EQ(Returning(350).ofX(1), GapChoice::Drop);
}

TEST(GapGreedy, ALongerStepHasMoreTimeForItsLinks) {
  EXPECT_EQ(Returning(350).ofX(3), GapChoice::Swap);
}

/// Operators 4 to 6 have 100 bytes too few each. That w leaves is cheapest, for
/// it is only loaded, but it has to be back for operator 7. So x leaves for
/// operator 6, and then 4 and 5 have room for w.
TEST(GapGreedy, WhatNeedNotLeaveAfterAllStays) {
  Steps s;
  uint32_t w = s.storage(100, StorageKind::Persistent), x = s.storage(100);
  for (uint32_t k = 0; k < 9; ++k) {
    uint32_t made = k == 2 ? x : s.storage(k >= 4 && k <= 6 ? 150 : 1);
    std::vector<uint32_t> reads;
    if (k < 3 || k == 7)
      reads.push_back(w);
    if (k == 8)
      reads.push_back(x);
    s.run(100000, reads, {made});
  }
  Analysis a(s.p);
  for (bool prune : {false, true}) {
    GreedyOptions options;
    options.linkWeight = 1;
    options.prune = prune;
    Decisions d = chooseGaps(a, options, {250, unlimited});
    EXPECT_EQ(d.gaps[a.gapAt(a.slot(x, -1), 2)], GapChoice::Swap);
    EXPECT_EQ(d.gaps[a.gapAt(a.slot(w, -1), 2)],
              prune ? GapChoice::Keep : GapChoice::Swap);
  }
}

} // namespace
